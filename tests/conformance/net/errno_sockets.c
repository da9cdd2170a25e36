/* SPDX-License-Identifier: MPL-2.0 */
/* Socket calls on TCP, UDP and AF_UNIX: what is refused by arguments, by the socket's state, by rights and limits. */
#include "../expect.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)

static void on_signal(int signo)
{
	(void)signo;
}

static struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never;
static struct sockaddr_in any, closed_port, listening, odd_family = { .sin_family = 99 };
static struct sockaddr_un path = { AF_UNIX, "sock" }, none = { AF_UNIX, "none" };
static char data[70000];

static int bound(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, type, 0);
	MUST(s >= 0 && bind(s, (void *)&at, sizeof at) == 0);
	return s;
}

static struct sockaddr_in name_of(int s)
{
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	MUST(getsockname(s, (void *)&at, &size) == 0);
	return at;
}

static void creation(void)
{
	int pair[2];
	EXPECT_ERRNO(socket, EAFNOSUPPORT, 99, SOCK_STREAM, 0);
	EXPECT_ERRNO(socket, EAFNOSUPPORT, -1, SOCK_STREAM, 0);
	EXPECT_ERRNO(socket, EINVAL, AF_INET, SOCK_STREAM | 0x100, 0);
	EXPECT_ERRNO(socket, EINVAL, AF_INET, 15, 0);
	EXPECT_ERRNO(socket, ESOCKTNOSUPPORT, AF_INET, SOCK_SEQPACKET, 0);
	EXPECT_ERRNO(socket, ESOCKTNOSUPPORT, AF_UNIX, SOCK_RDM, 0);
	EXPECT_ERRNO(socket, EPROTONOSUPPORT, AF_INET, SOCK_STREAM, IPPROTO_UDP);
	EXPECT_ERRNO(socket, EPROTONOSUPPORT, AF_UNIX, SOCK_STREAM, 9);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(socket, EPERM, AF_INET, SOCK_RAW, IPPROTO_ICMP);
		 EXPECT_ERRNO(socketpair, EPERM, AF_INET, SOCK_RAW, IPPROTO_ICMP, pair));
	EXPECT_ERRNO(socketpair, ESOCKTNOSUPPORT, AF_UNIX, SOCK_RDM, 0, pair);
	EXPECT_ERRNO(socketpair, EAFNOSUPPORT, 99, SOCK_STREAM, 0, pair);
	EXPECT_ERRNO(socketpair, EOPNOTSUPP, AF_INET, SOCK_STREAM, 0, pair);
	EXPECT_ERRNO(socketpair, EINVAL, AF_UNIX, SOCK_STREAM | 0x100, 0, pair);
	EXPECT_ERRNO(socketpair, EPROTONOSUPPORT, AF_UNIX, SOCK_STREAM, 9, pair);
	EXPECT_ERRNO(socketpair, EFAULT, AF_UNIX, SOCK_STREAM, 0, BAD);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(socket, EMFILE, AF_INET, SOCK_STREAM, 0);
		   EXPECT_ERRNO(socketpair, EMFILE, AF_UNIX, SOCK_STREAM, 0, pair));
}

static void names(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0), taken = bound(SOCK_STREAM);
	struct sockaddr_in at = name_of(taken), far = { .sin_family = AF_INET, .sin_addr = { htonl(0x01020304) } }, low = any, got;
	socklen_t size = sizeof got, negative = -1;
	low.sin_port = htons(80);
	EXPECT_ERRNO(bind, EBADF, 999, &any, sizeof any);
	EXPECT_ERRNO(bind, ENOTSOCK, 1, &any, sizeof any);
	EXPECT_ERRNO(bind, EINVAL, s, &any, -1);
	EXPECT_ERRNO(bind, EINVAL, s, &any, 1000);
	EXPECT_ERRNO(bind, EINVAL, s, &any, 8);
	EXPECT_ERRNO(bind, EFAULT, s, BAD, sizeof any);
	EXPECT_ERRNO(bind, EAFNOSUPPORT, s, &odd_family, sizeof odd_family);
	EXPECT_ERRNO(bind, EADDRNOTAVAIL, s, &far, sizeof far);
	EXPECT_ERRNO(bind, EADDRINUSE, s, &at, sizeof at);
	EXPECT_ERRNO(bind, EINVAL, taken, &any, sizeof any);
	EXPECT_OK(bind, u, &path, sizeof path);
	EXPECT_ERRNO(bind, EINVAL, u, &none, sizeof none);
	int v = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_ERRNO(bind, EADDRINUSE, v, &path, sizeof path);
	EXPECT_ERRNO(bind, EINVAL, v, &any, sizeof any);
	struct sockaddr_un file_below = { AF_UNIX, "f/x" }, nowhere = { AF_UNIX, "none/x" }, locked = { AF_UNIX, "closed/y" };
	EXPECT_ERRNO(bind, ENOTDIR, v, &file_below, sizeof file_below);
	EXPECT_ERRNO(bind, ENOENT, v, &nowhere, sizeof nowhere);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(bind, EACCES, v, &locked, sizeof locked); EXPECT_ERRNO(bind, EACCES, s, &low, sizeof low));
	EXPECT_ERRNO(getsockname, EBADF, 999, &got, &size);
	EXPECT_ERRNO(getsockname, ENOTSOCK, 1, &got, &size);
	EXPECT_ERRNO(getsockname, EINVAL, s, &got, &negative);
	EXPECT_ERRNO(getsockname, EFAULT, s, BAD, &size);
	EXPECT_ERRNO(getsockname, EFAULT, s, &got, BAD);
	EXPECT_ERRNO(getpeername, EBADF, 999, &got, &size);
	EXPECT_ERRNO(getpeername, ENOTSOCK, 1, &got, &size);
	EXPECT_ERRNO(getpeername, ENOTCONN, s, &got, &size);
	EXPECT_ERRNO(listen, EBADF, 999, 1);
	EXPECT_ERRNO(listen, ENOTSOCK, 1, 1);
	EXPECT_ERRNO(listen, EINVAL, v, 1);
	int datagram = bound(SOCK_DGRAM);
	EXPECT_ERRNO(listen, EOPNOTSUPP, datagram, 1);
	close(s), close(v), close(taken), close(datagram);
	EXPECT_OK(listen, u, 1);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_OK(connect, s, &path, sizeof path);
	size = sizeof got;
	negative = -1;
	EXPECT_ERRNO(getpeername, EFAULT, s, BAD, &size);
	EXPECT_ERRNO(getpeername, EINVAL, s, &got, &negative);
	close(s), close(u);
}

static void connections(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0), listener = bound(SOCK_STREAM);
	struct sockaddr_in got;
	socklen_t size = sizeof got, negative = -1;
	int temporary = bound(SOCK_STREAM);
	closed_port = name_of(temporary);
	close(temporary);
	EXPECT_ERRNO(accept, EINVAL, listener, NULL, NULL);
	EXPECT_ERRNO(accept4, EINVAL, listener, NULL, NULL, 0);
	EXPECT_ERRNO(accept4, EINVAL, listener, NULL, NULL, 1);
	MUST(listen(listener, 5) == 0);
	listening = name_of(listener);
	EXPECT_ERRNO(connect, EBADF, 999, &listening, sizeof listening);
	EXPECT_ERRNO(connect, ENOTSOCK, 1, &listening, sizeof listening);
	EXPECT_ERRNO(connect, EINVAL, s, &listening, -1);
	EXPECT_ERRNO(connect, EINVAL, s, &listening, 1);
	EXPECT_ERRNO(connect, EINVAL, s, &listening, 8);
	EXPECT_ERRNO(connect, EFAULT, s, BAD, sizeof listening);
	EXPECT_ERRNO(connect, EAFNOSUPPORT, s, &odd_family, sizeof odd_family);
	EXPECT_ERRNO(connect, ECONNREFUSED, s, &closed_port, sizeof closed_port);
	EXPECT_OK(connect, s, &listening, sizeof listening);
	EXPECT_ERRNO(connect, EISCONN, s, &listening, sizeof listening);
	EXPECT_ERRNO(listen, EINVAL, s, 1);
	EXPECT_ERRNO(connect, EISCONN, listener, &listening, sizeof listening);
	EXPECT_ERRNO(connect, ENOENT, u, &none, sizeof none);
	EXPECT_ERRNO(connect, ECONNREFUSED, u, &path, sizeof path);
	EXPECT_ERRNO(connect, EINVAL, u, &listening, sizeof listening);
	struct sockaddr_un regular = { AF_UNIX, "f" }, hidden = { AF_UNIX, "closed/x" };
	EXPECT_ERRNO(connect, ECONNREFUSED, u, &regular, sizeof regular);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(connect, EACCES, u, &hidden, sizeof hidden));
	struct sockaddr_un again = { AF_UNIX, "again" };
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(bind(other, (void *)&again, sizeof again) == 0 && listen(other, 0) == 0);
	EXPECT_ERRNO(connect, EPROTOTYPE, d, &again, sizeof again);
	EXPECT_OK(connect, u, &again, sizeof again);
	int more = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_ERRNO(connect, EAGAIN, more, &again, sizeof again);
	fcntl(more, F_SETFL, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(connect, EINTR, more, &again, sizeof again);
	setitimer(ITIMER_REAL, &never, NULL);

	EXPECT_ERRNO(accept4, EBADF, 999, NULL, NULL, 0);
	EXPECT_ERRNO(accept4, ENOTSOCK, 1, NULL, NULL, 0);
	EXPECT_ERRNO(accept, EBADF, 999, NULL, NULL);
	EXPECT_ERRNO(accept, ENOTSOCK, 1, NULL, NULL);
	EXPECT_ERRNO(accept4, EOPNOTSUPP, d, NULL, NULL, 0);
	EXPECT_ERRNO(accept, EOPNOTSUPP, d, NULL, NULL);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(accept4, EMFILE, listener, NULL, NULL, 0); EXPECT_ERRNO(accept, EMFILE, listener, NULL, NULL));
	EXPECT_ERRNO(accept4, EFAULT, listener, BAD, &size, 0);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	EXPECT_ERRNO(accept4, EAGAIN, listener, NULL, NULL, 0);
	EXPECT_ERRNO(accept, EAGAIN, listener, NULL, NULL);
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(s, (void *)&listening, sizeof listening) == 0);
	EXPECT_ERRNO(accept, EFAULT, listener, &got, BAD);
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(s, (void *)&listening, sizeof listening) == 0);
	EXPECT_ERRNO(accept4, EINVAL, listener, &got, &negative, 0);
	fcntl(listener, F_SETFL, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(accept4, EINTR, listener, NULL, NULL, 0);
	EXPECT_ERRNO(accept, EINTR, listener, NULL, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_ERRNO(shutdown, EBADF, 999, SHUT_RD);
	EXPECT_ERRNO(shutdown, ENOTSOCK, 1, SHUT_RD);
	EXPECT_ERRNO(shutdown, EINVAL, s, 3);
	int fresh = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_ERRNO(shutdown, ENOTCONN, fresh, SHUT_RDWR);
	close(s), close(u), close(d), close(listener), close(other), close(more), close(fresh);
}

static void messages(void)
{
	int pair[2], packets[2], fresh = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec vector = { data, 1 }, bad_vector = { BAD, 10 }, negative = { data, -1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 }, bad = message, faulting = message, crooked = message, many = message;
	struct mmsghdr several = { message, 0 };
	struct { struct cmsghdr header; int fd; } rights = { { CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS }, 999 };
	struct msghdr passing = message, short_control = message;
	struct timespec denormal = { 0, 1000000000 };
	bad.msg_namelen = -1, bad.msg_name = data;
	faulting.msg_iov = &bad_vector;
	crooked.msg_iov = &negative;
	many.msg_iovlen = 1025;
	passing.msg_control = &rights, passing.msg_controllen = sizeof rights;
	struct cmsghdr tiny = { 4, SOL_SOCKET, SCM_RIGHTS };
	short_control.msg_control = &tiny, short_control.msg_controllen = sizeof tiny;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets) == 0);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_ERRNO(sendto, EBADF, 999, data, 1, 0, NULL, 0);
	EXPECT_ERRNO(sendto, ENOTSOCK, 1, data, 1, 0, NULL, 0);
	EXPECT_ERRNO(sendto, EFAULT, pair[0], BAD, 10, 0, NULL, 0);
	EXPECT_ERRNO(sendto, EFAULT, udp, data, 1, 0, BAD, 16);
	EXPECT_ERRNO(sendto, EINVAL, udp, data, 1, 0, &closed_port, 1000);
	EXPECT_ERRNO(sendto, EINVAL, udp, data, 1, 0, &closed_port, 8);
	EXPECT_ERRNO(sendto, EAFNOSUPPORT, udp, data, 1, 0, &odd_family, sizeof odd_family);
	EXPECT_ERRNO(sendto, EDESTADDRREQ, udp, data, 1, 0, NULL, 0);
	EXPECT_ERRNO(sendto, EMSGSIZE, udp, data, 70000, 0, &closed_port, sizeof closed_port);
	EXPECT_ERRNO(sendto, EPIPE, fresh, data, 1, 0, NULL, 0);
	EXPECT_ERRNO(sendto, EISCONN, pair[0], data, 1, 0, &path, sizeof path);
	EXPECT_ERRNO(sendmsg, EBADF, 999, &message, 0);
	EXPECT_ERRNO(sendmsg, ENOTSOCK, 1, &message, 0);
	EXPECT_ERRNO(sendmsg, EFAULT, pair[0], BAD, 0);
	EXPECT_ERRNO(sendmsg, EFAULT, pair[0], &faulting, 0);
	EXPECT_ERRNO(sendmsg, EINVAL, pair[0], &bad, 0);
	EXPECT_ERRNO(sendmsg, EINVAL, pair[0], &crooked, 0);
	EXPECT_ERRNO(sendmsg, EMSGSIZE, pair[0], &many, 0);
	EXPECT_ERRNO(sendmsg, EBADF, pair[0], &passing, 0);
	EXPECT_ERRNO(sendmsg, EINVAL, pair[0], &short_control, 0);
	passing.msg_controllen = 1UL << 40;
	EXPECT_ERRNO(sendmsg, ENOBUFS, pair[0], &passing, 0);
	EXPECT_ERRNO(sendmmsg, EBADF, 999, &several, 1, 0);
	EXPECT_ERRNO(sendmmsg, ENOTSOCK, 1, &several, 1, 0);
	EXPECT_ERRNO(sendmmsg, EFAULT, pair[0], BAD, 1, 0);
	EXPECT_IS(0, sendmmsg, pair[0], &several, 0, 0);

	EXPECT_ERRNO(recvfrom, EBADF, 999, data, 1, 0, NULL, NULL);
	EXPECT_ERRNO(recvfrom, ENOTSOCK, 1, data, 1, 0, NULL, NULL);
	EXPECT_ERRNO(recvfrom, EAGAIN, pair[0], data, 1, MSG_DONTWAIT, NULL, NULL);
	EXPECT_ERRNO(recvfrom, ENOTCONN, fresh, data, 1, 0, NULL, NULL);
	EXPECT_ERRNO(recvmsg, EBADF, 999, &message, 0);
	EXPECT_ERRNO(recvmsg, ENOTSOCK, 1, &message, 0);
	EXPECT_ERRNO(recvmsg, EFAULT, pair[0], BAD, 0);
	EXPECT_ERRNO(recvmsg, EINVAL, pair[0], &bad, 0);
	EXPECT_ERRNO(recvmsg, EINVAL, pair[0], &crooked, 0);
	EXPECT_ERRNO(recvmsg, EMSGSIZE, pair[0], &many, 0);
	EXPECT_ERRNO(recvmsg, EAGAIN, pair[0], &message, MSG_DONTWAIT);
	EXPECT_ERRNO(recvmmsg, EBADF, 999, &several, 1, 0, NULL);
	EXPECT_ERRNO(recvmmsg, ENOTSOCK, 1, &several, 1, 0, NULL);
	EXPECT_ERRNO(recvmmsg, EFAULT, pair[0], BAD, 1, 0, NULL);
	EXPECT_ERRNO(recvmmsg, EFAULT, pair[0], &several, 1, 0, BAD);
	EXPECT_ERRNO(recvmmsg, EINVAL, pair[0], &several, 1, 0, &denormal);
	EXPECT_ERRNO(recvmmsg, EAGAIN, pair[0], &several, 1, MSG_DONTWAIT, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(recvfrom, EINTR, pair[0], data, 1, 0, NULL, NULL);
	EXPECT_ERRNO(recvmsg, EINTR, pair[0], &message, 0);
	EXPECT_ERRNO(recvmmsg, EINTR, pair[0], &several, 1, 0, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	MUST(write(pair[1], "abc", 3) == 3);
	EXPECT_ERRNO(recvfrom, EFAULT, pair[0], BAD, 10, 0, NULL, NULL);
	EXPECT_ERRNO(recvmsg, EFAULT, pair[0], &faulting, 0);

	while (send(pair[0], data, sizeof data, MSG_DONTWAIT) > 0)
		;
	EXPECT_ERRNO(sendto, EAGAIN, pair[0], data, 1000, MSG_DONTWAIT, NULL, 0);
	EXPECT_ERRNO(sendmmsg, EAGAIN, pair[0], &several, 1, MSG_DONTWAIT);
	EXPECT_ERRNO(sendmsg, EAGAIN, pair[0], &message, MSG_DONTWAIT);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(sendto, EINTR, pair[0], data, 1000, 0, NULL, 0);
	EXPECT_ERRNO(sendmsg, EINTR, pair[0], &message, 0);
	EXPECT_ERRNO(sendmmsg, EINTR, pair[0], &several, 1, 0);
	setitimer(ITIMER_REAL, &never, NULL);
	close(pair[1]);
	EXPECT_ERRNO(sendto, EPIPE, pair[0], data, 1, 0, NULL, 0);
	EXPECT_ERRNO(sendmsg, EPIPE, pair[0], &message, 0);
	EXPECT_ERRNO(sendmmsg, EPIPE, pair[0], &several, 1, 0);
	/* An answer that nobody listens comes with the next call. */
	MUST(connect(udp, (void *)&closed_port, sizeof closed_port) == 0 && send(udp, "x", 1, 0) == 1);
	usleep(20000);
	EXPECT_ERRNO(recvfrom, ECONNREFUSED, udp, data, 1, MSG_DONTWAIT, NULL, NULL);
	close(pair[0]), close(packets[0]), close(packets[1]), close(fresh), close(udp);
}

static void options(void)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), pair[2], one = 1, small = 2;
	socklen_t size = 4, negative = -1, short_size = 4;
	struct timeval too_many = { 0, 1000000 };
	unsigned groups[8];
	gid_t three[3] = { 5, 6, 7 };
	MUST(setgroups(3, three) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	EXPECT_ERRNO(setsockopt, EBADF, 999, SOL_SOCKET, SO_KEEPALIVE, &one, 4);
	EXPECT_ERRNO(setsockopt, ENOTSOCK, 1, SOL_SOCKET, SO_KEEPALIVE, &one, 4);
	EXPECT_ERRNO(setsockopt, EINVAL, tcp, SOL_SOCKET, SO_KEEPALIVE, &one, -1);
	EXPECT_ERRNO(setsockopt, EINVAL, tcp, SOL_SOCKET, SO_KEEPALIVE, &one, 3);
	EXPECT_ERRNO(setsockopt, EINVAL, tcp, SOL_SOCKET, SO_LINGER, &one, 4);
	EXPECT_ERRNO(setsockopt, EFAULT, tcp, SOL_SOCKET, SO_KEEPALIVE, BAD, 4);
	EXPECT_ERRNO(setsockopt, ENOPROTOOPT, tcp, SOL_SOCKET, 9999, &one, 4);
	EXPECT_ERRNO(setsockopt, ENOPROTOOPT, tcp, 9999, 1, &one, 4);
	EXPECT_ERRNO(setsockopt, ENOPROTOOPT, tcp, IPPROTO_TCP, 9999, &one, 4);
	EXPECT_ERRNO(setsockopt, EINVAL, tcp, IPPROTO_TCP, TCP_NODELAY, &one, 2);
	EXPECT_ERRNO(setsockopt, EFAULT, tcp, IPPROTO_TCP, TCP_NODELAY, BAD, 4);
	EXPECT_ERRNO(setsockopt, EDOM, tcp, SOL_SOCKET, SO_RCVTIMEO, &too_many, sizeof too_many);
	EXPECT_ERRNO(setsockopt, ENODEV, tcp, SOL_SOCKET, SO_BINDTODEVICE, "none", 5);
	EXPECT_ERRNO(getsockopt, EBADF, 999, SOL_SOCKET, SO_TYPE, &one, &size);
	EXPECT_ERRNO(getsockopt, ENOTSOCK, 1, SOL_SOCKET, SO_TYPE, &one, &size);
	EXPECT_ERRNO(getsockopt, EINVAL, tcp, SOL_SOCKET, SO_TYPE, &one, &negative);
	EXPECT_ERRNO(getsockopt, EFAULT, tcp, SOL_SOCKET, SO_TYPE, BAD, &size);
	EXPECT_ERRNO(getsockopt, EFAULT, tcp, SOL_SOCKET, SO_TYPE, &one, BAD);
	EXPECT_ERRNO(getsockopt, ENOPROTOOPT, tcp, SOL_SOCKET, 9999, &one, &size);
	EXPECT_ERRNO(getsockopt, EOPNOTSUPP, pair[0], 9999, 1, &one, &size);
	EXPECT_ERRNO(getsockopt, ENOPROTOOPT, tcp, IPPROTO_TCP, 9999, &one, &size);
	EXPECT_ERRNO(getsockopt, ENODATA, tcp, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
	EXPECT_ERRNO(getsockopt, ERANGE, pair[0], SOL_SOCKET, SO_PEERGROUPS, groups, &short_size);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(setsockopt, EPERM, tcp, SOL_SOCKET, SO_MARK, &one, 4);
		 EXPECT_ERRNO(setsockopt, EPERM, tcp, SOL_SOCKET, SO_SNDBUFFORCE, &one, 4);
		 int seven = 7; EXPECT_ERRNO(setsockopt, EPERM, tcp, SOL_SOCKET, SO_PRIORITY, &seven, 4);
		 EXPECT_ERRNO(setsockopt, EACCES, tcp, SOL_SOCKET, SO_DEBUG, &one, 4));
	close(tcp), close(pair[0]), close(pair[1]);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	any = (struct sockaddr_in){ .sin_family = AF_INET };
	prepare_paths();
	creation();
	names();
	connections();
	messages();
	options();
	return 0;
}
