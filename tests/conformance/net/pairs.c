/* SPDX-License-Identifier: MPL-2.0 */
/* socketpair of every family: what socket would refuse comes first. */
#include "../show.h"
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
	int pair[2], families[] = {0, AF_INET, AF_INET6, AF_UNIX, 99, -1}, kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, 75};
	int protocols[] = {0, IPPROTO_IGMP, IPPROTO_TCP, IPPROTO_UDP, 300, -1};
	unsigned family, kind, protocol;

	for (family = 0; family < 6; family++)
		for (kind = 0; kind < 4; kind++)
			for (protocol = 0; protocol < 6; protocol++) {
				printf("%d %d %d ", families[family], kinds[kind], protocols[protocol]);
				DONE(socketpair(families[family], kinds[kind], protocols[protocol], pair));
			}
	return 0;
}
