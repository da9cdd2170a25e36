/* SPDX-License-Identifier: MPL-2.0 */
/* Sockets that are in flight only inside each other are collected: a pipe's write end beside them in the messages closes. */
#include "../show.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_files(int over, const int *fds, int count)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 }, byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	if (sendmsg(over, &message, 0) != 1)
		printf("sendmsg: %s\n", strerrorname_np(errno));
}

static void expect(int reader, const char *what, int is_gone)
{
	struct pollfd poller = { reader, POLLIN };

	poll(&poller, 1, is_gone ? 2000 : 20);
	printf("%s: %s\n", what, poller.revents & POLLHUP ? "gone" : "held");
}

int main(void)
{
	int pipes[2], a[2], b[2], kinds[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (int i = 0; i < 3; i++) {
		/* A socket inside itself. */
		pipe(pipes);
		socketpair(AF_UNIX, kinds[i], 0, a);
		send_files(a[0], (int[]){ a[1], pipes[1] }, 2);
		close(pipes[1]);
		expect(pipes[0], "itself, held", 0);
		close(a[1]);
		close(a[0]);
		expect(pipes[0], "itself", 1);
		close(pipes[0]);

		/* Two, each in the other's queue; one is still held through a third. */
		pipe(pipes);
		socketpair(AF_UNIX, kinds[i], 0, a);
		socketpair(AF_UNIX, kinds[i], 0, b);
		send_files(a[0], (int[]){ b[1], pipes[1] }, 2);
		send_files(b[0], (int[]){ a[1] }, 1);
		close(pipes[1]);
		close(a[1]);
		int kept = dup(b[1]);
		close(b[1]);
		expect(pipes[0], "two, held", 0);
		close(kept);
		close(a[0]);
		close(b[0]);
		expect(pipes[0], "two", 1);
		close(pipes[0]);
	}

	/* A listener in the queue of a connection that it has not accepted. */
	struct sockaddr_un name = { AF_UNIX };
	snprintf(name.sun_path + 1, 50, "in_flight%d", getpid());
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	VALUE(bind(listener, (struct sockaddr *)&name, sizeof name));
	VALUE(listen(listener, 1));
	VALUE(connect(client, (struct sockaddr *)&name, sizeof name));
	pipe(pipes);
	send_files(client, (int[]){ listener, pipes[1] }, 2);
	close(pipes[1]);
	close(listener);
	close(client);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	close(a[0]);
	close(a[1]);
	expect(pipes[0], "listener", 1);
	return 0;
}
