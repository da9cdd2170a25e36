/* SPDX-License-Identifier: MPL-2.0 */
/* What fits into pipes and AF_UNIX sockets, and what poll says of them in every state. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[1000000];

static int bits(int fd)
{
	struct pollfd entry = { fd, 0x7fff, 0 };

	poll(&entry, 1, 0);
	return entry.revents & 0xffff;
}

static void show(const char *what, long result)
{
	if (result < 0)
		printf(" %s %s", what, strerror(errno));
	else
		printf(" %s %ld", what, result);
}

static void pipes(void)
{
	static const int sizes[] = { 100, 1000, 3000, 4095, 4096, 4097, 5000, 9000, 65535, 65537 };
	static const int takes[] = { 1, 4095, 1, 4096 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd[2], count, total = 0;

		pipe2(fd, O_NONBLOCK);
		while ((count = write(fd[1], buffer, sizes[i])) > 0)
			total += count;
		ioctl(fd[0], FIONREAD, &count);
		printf("pipe by %d: %d, %d readable, %#x", sizes[i], total, count, bits(fd[1]));
		for (int j = 0; j < 4; j++) {
			read(fd[0], buffer, takes[j]);
			printf(" %#x", bits(fd[1]));
		}
		close(fd[1]);
		printf(" closed %#x\n", bits(fd[0]));
		close(fd[0]);
	}
}

static void ends(int kind)
{
	int fd[2], error;
	socklen_t size = sizeof(error);

	printf("kind %d:", kind);
	fd[0] = socket(AF_UNIX, kind, 0);
	printf(" fresh %#x", bits(fd[0]));
	show("shutdown", shutdown(fd[0], SHUT_RDWR));
	printf(" %#x", bits(fd[0]));
	socketpair(AF_UNIX, kind, 0, fd);
	send(fd[0], "xy", 2, 0);
	shutdown(fd[0], SHUT_WR);
	printf("\n  write side shut %#x %#x", bits(fd[0]), bits(fd[1]));
	show("send", send(fd[0], "x", 1, MSG_NOSIGNAL));
	show("recv", recv(fd[1], buffer, 10, MSG_DONTWAIT));
	show("recv", recv(fd[1], buffer, 10, MSG_DONTWAIT));
	show("send", send(fd[1], "x", 1, MSG_NOSIGNAL));
	socketpair(AF_UNIX, kind, 0, fd);
	shutdown(fd[0], SHUT_RD);
	printf("\n  read side shut %#x %#x", bits(fd[0]), bits(fd[1]));
	show("send", send(fd[1], "x", 1, MSG_NOSIGNAL));
	show("recv", recv(fd[0], buffer, 10, MSG_DONTWAIT));
	for (int with_data = 0; with_data < 2; with_data++) {
		socketpair(AF_UNIX, kind, 0, fd);
		if (with_data)
			send(fd[1], "u", 1, 0);
		close(fd[0]);
		printf("\n  closed %#x", bits(fd[1]));
		getsockopt(fd[1], SOL_SOCKET, SO_ERROR, &error, &size);
		printf(" error %d %#x", error, bits(fd[1]));
		show("recv", recv(fd[1], buffer, 10, MSG_DONTWAIT));
		show("send", send(fd[1], "x", 1, MSG_NOSIGNAL));
		show("send", send(fd[1], "x", 1, MSG_NOSIGNAL));
	}
	puts("");
}

static void room(int kind)
{
	int fd[2], nr_sent = 0, nr_taken = 0, readable, unsent;

	socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, fd);
	while (send(fd[0], buffer, 1000, 0) == 1000)
		nr_sent++;
	while (!(bits(fd[0]) & POLLOUT)) {
		recv(fd[1], buffer, 1000, 0);
		nr_taken++;
	}
	ioctl(fd[1], FIONREAD, &readable);
	ioctl(fd[0], TIOCOUTQ, &unsent);
	printf("kind %d: %d sent, %d taken, %d readable, %d unsent\n", kind, nr_sent, nr_taken, readable, unsent);
	socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, fd);
	show("  at once", send(fd[0], buffer, sizeof(buffer), 0));
	puts("");
}

static void listeners(void)
{
	struct sockaddr_un name = { AF_UNIX, "cruck-conformance-listener" };
	socklen_t size = sizeof(name);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client[3];

	unlink(name.sun_path);
	printf("bind %d listen %d", bind(listener, (void *)&name, sizeof(name)), listen(listener, 0));
	printf(" %#x", bits(listener));
	for (int i = 0; i < 3; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		show("connect", connect(client[i], (void *)&name, sizeof(name)));
		printf(" %#x %#x", bits(listener), bits(client[i]));
	}
	show("again", bind(client[1], (void *)&name, sizeof(name)));
	show("name", getsockname(listener, (void *)&name, &size));
	printf(" %d %s", size, name.sun_path);
	close(listener);
	printf(" %#x", bits(client[0]));
	show("recv", recv(client[0], buffer, 1, 0));
	show("connect", connect(client[1], (void *)&name, sizeof(name)));
	unlink(name.sun_path);
	show("connect", connect(client[1], (void *)&name, sizeof(name)));
	puts("");
}

static void files(void)
{
	char control[CMSG_SPACE(2 * sizeof(int))];
	struct iovec part = { "x", 1 };
	struct msghdr message = { 0, 0, &part, 1, control, sizeof(control), 0 };
	struct cmsghdr *head = (void *)control;
	int fd[2], sent[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	pipe(sent);
	head->cmsg_len = CMSG_LEN(sizeof(sent));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(head), sent, sizeof(sent));
	show("sendmsg", sendmsg(fd[0], &message, 0));
	close(sent[1]);
	send(fd[0], "y", 1, 0);
	part.iov_base = buffer;
	part.iov_len = 10;
	message.msg_controllen = sizeof(control);
	show("recvmsg", recvmsg(fd[1], &message, MSG_CMSG_CLOEXEC));
	printf(" control %d flags %#x", (int)message.msg_controllen, message.msg_flags);
	memcpy(sent, CMSG_DATA(head), sizeof(sent));
	show("write", write(sent[1], "abc", 3));
	show("read", read(sent[0], buffer, 10));
	printf(" cloexec %d", fcntl(sent[0], F_GETFD));
	message.msg_controllen = sizeof(control);
	show("recvmsg", recvmsg(fd[1], &message, 0));
	printf(" control %d\n", (int)message.msg_controllen);
}

int main(void)
{
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	pipes();
	for (int i = 0; i < 3; i++) {
		ends(kinds[i]);
		room(kinds[i]);
	}
	listeners();
	files();
	return 0;
}
