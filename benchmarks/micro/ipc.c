/* SPDX-License-Identifier: MPL-2.0 */
/* What does it cost to send a byte to another process and get one back, and to move bytes through a pipe? */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int to_peer = -1, from_peer = -1;
static pid_t peer;

/* Forks the peer, which sends back each byte until end of file. The peer's ends are closed here, ours there. */
static int start_echo(int peer_in, int peer_out)
{
	char byte;

	peer = fork();
	if (peer < 0)
		return -1;
	if (peer == 0) {
		close(to_peer);
		if (from_peer != to_peer)
			close(from_peer);
		while (read(peer_in, &byte, 1) == 1 && write(peer_out, &byte, 1) == 1)
			;
		_exit(0);
	}
	close(peer_in);
	if (peer_out != peer_in)
		close(peer_out);
	return 0;
}

static void end_peer(void)
{
	if (peer > 0) {
		kill(peer, SIGKILL);
		wait_for(peer);
	}
}

static int make_pipes(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		return -1;
	to_peer = there[1];
	from_peer = back[0];
	return start_echo(there[0], back[1]);
}

static int make_unix_pair(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return -1;
	to_peer = from_peer = ends[0];
	return start_echo(ends[1], ends[1]);
}

/* A connection: the client's end, the server's. */
static int make_tcp_ends(int ends[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof addr;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server, one = 1;

	if (listener < 0 || client < 0 || bind(listener, (void *)&addr, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&addr, &length) < 0 || connect(client, (void *)&addr, length) < 0 ||
	    (server = accept(listener, NULL, NULL)) < 0)
		return -1;
	close(listener);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ends[0] = client;
	ends[1] = server;
	return 0;
}

static int make_tcp_pair(void)
{
	int ends[2];

	if (make_tcp_ends(ends) < 0)
		return -1;
	to_peer = from_peer = ends[0];
	return start_echo(ends[1], ends[1]);
}

static int round_trip_n(long n)
{
	for (long i = 0; i < n; i++)
		if (write(to_peer, chunk, 1) != 1 || read(from_peer, chunk, 1) != 1)
			return refuse(EPIPE);
	return 0;
}

/* Forks the peer, which writes into `out` until nobody reads. */
static int start_source(int in, int out)
{
	peer = fork();
	if (peer < 0)
		return -1;
	if (peer == 0) {
		close(in);
		while (write(out, chunk, CHUNK) > 0)
			;
		_exit(0);
	}
	close(out);
	from_peer = in;
	return 0;
}

static int start_pipe_source(void)
{
	int ends[2];

	return pipe(ends) < 0 ? -1 : start_source(ends[0], ends[1]);
}

static int start_unix_source(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ? -1 : start_source(ends[0], ends[1]);
}

static int start_tcp_source(void)
{
	int ends[2];

	return make_tcp_ends(ends) < 0 ? -1 : start_source(ends[0], ends[1]);
}

static int drain_n(long n)
{
	for (long left = n * CHUNK; left > 0;) {
		ssize_t got = read(from_peer, chunk, left < CHUNK ? left : CHUNK);

		if (got <= 0)
			return refuse(EPIPE);
		left -= got;
	}
	return 0;
}

const struct row ipc_rows[] = {
	{ "pipe_round_trip", make_pipes, round_trip_n, end_peer },
	{ "unix_round_trip", make_unix_pair, round_trip_n, end_peer },
	{ "tcp_round_trip", make_tcp_pair, round_trip_n, end_peer },
	{ "pipe_64k", start_pipe_source, drain_n, end_peer },
	{ "unix_64k", start_unix_source, drain_n, end_peer },
	{ "tcp_64k", start_tcp_source, drain_n, end_peer },
	{ 0 },
};
