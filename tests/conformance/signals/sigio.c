/* SPDX-License-Identifier: MPL-2.0 */
/* SIGIO: F_SETOWN and its kin, O_ASYNC on pipes and sockets, queued details with F_SETSIG, directory notification. */
#include "../show.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int expected_fd;
static volatile int seen;

static void handler(int signo, siginfo_t *info, void *unused)
{
	seen++;
	if (info->si_code == SI_KERNEL)
		printf("signal %s from the kernel\n", sigabbrev_np(signo));
	else
		printf("signal %s code %d band %lx fd as expected %d\n", sigabbrev_np(signo), info->si_code, info->si_band,
		       info->si_fd == expected_fd);
}

static void owners(int fd)
{
	struct f_owner_ex owner = { F_OWNER_TID, 0 };
	unsigned ids[2] = { 9, 9 };

	VALUE(fcntl(fd, F_GETOWN));
	VALUE(fcntl(fd, F_SETOWN, getpid()));
	VALUE(fcntl(fd, F_GETOWN) == getpid());
	VALUE(fcntl(fd, F_SETOWN, -getpgrp()));
	VALUE(syscall(SYS_fcntl, fd, F_GETOWN) == -getpgrp() || errno == getpgrp());
	VALUE(fcntl(fd, F_GETOWN_EX, &owner));
	VALUE(owner.type == F_OWNER_PGRP && owner.pid == getpgrp());
	owner = (struct f_owner_ex){ F_OWNER_TID, getpid() };
	VALUE(fcntl(fd, F_SETOWN_EX, &owner));
	VALUE(fcntl(fd, F_GETOWN_EX, &owner));
	VALUE(owner.type);
	owner.type = 9;
	VALUE(fcntl(fd, F_SETOWN_EX, &owner));
	owner = (struct f_owner_ex){ F_OWNER_PID, 999999 };
	VALUE(fcntl(fd, F_SETOWN_EX, &owner));
	VALUE(fcntl(fd, F_SETOWN, 999999));
	VALUE(fcntl(fd, 17 /* F_GETOWNER_UIDS */, ids));
	VALUE(ids[0] == getuid() && ids[1] == geteuid());
	VALUE(fcntl(fd, F_SETSIG, 65));
	VALUE(fcntl(fd, F_GETSIG));
	VALUE(fcntl(fd, F_SETOWN_EX, 8L));
}

static void on_file(int reader, int writer)
{
	int on = 1;

	expected_fd = reader;
	VALUE(fcntl(reader, F_SETOWN, getpid()));
	VALUE(fcntl(reader, F_SETFL, O_ASYNC));
	VALUE(fcntl(reader, F_GETFL) & O_ASYNC);
	write(writer, "a", 1);
	VALUE(seen);
	VALUE(fcntl(reader, F_SETSIG, SIGRTMIN + 2));
	write(writer, "b", 1);
	VALUE(seen);
	VALUE(fcntl(reader, F_SETFL, 0));
	write(writer, "c", 1);
	VALUE(seen);
	VALUE(ioctl(reader, FIOASYNC, &on));
	write(writer, "d", 1);
	VALUE(seen);
	on = 0;
	VALUE(ioctl(reader, FIOASYNC, &on));
	seen = 0;
}

static void on_directory(void)
{
	VALUE(mkdir("watched", 0700));
	int fd = expected_fd = open("watched", O_RDONLY);
	VALUE(fcntl(fd, F_SETSIG, SIGRTMIN + 2));
	VALUE(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	close(creat("watched/a", 0600));
	close(creat("watched/b", 0600));
	VALUE(seen);
	VALUE(fcntl(fd, F_NOTIFY, DN_RENAME | DN_MULTISHOT));
	rename("watched/a", "watched/c");
	VALUE(seen > 2);
	VALUE(fcntl(fd, F_NOTIFY, 0));
	seen = 0;
	unlink("watched/b");
	VALUE(seen);
	VALUE(fcntl(fd, F_NOTIFY, DN_DELETE));
	unlink("watched/c");
	VALUE(seen);
	close(creat("watched/d", 0600));
	unlink("watched/d");
	VALUE(seen);
	int file = creat("plain", 0600);
	VALUE(fcntl(file, F_NOTIFY, DN_CREATE));
	unlink("plain");
	rmdir("watched");
}

int main(void)
{
	int pipes[2], sockets[2];
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };

	setvbuf(stdout, 0, _IOLBF, 0);
	sigaction(SIGIO, &action, 0);
	sigaction(SIGRTMIN + 2, &action, 0);
	pipe(pipes);
	owners(pipes[0]);
	on_file(pipes[0], pipes[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
	on_file(sockets[0], sockets[1]);
	int event = eventfd(0, 0), on = 1;
	VALUE(fcntl(event, F_SETFL, O_ASYNC));
	VALUE(fcntl(event, F_GETFL) & O_ASYNC);
	VALUE(ioctl(event, FIOASYNC, &on));
	on_directory();
	return 0;
}
