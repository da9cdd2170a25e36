/* SPDX-License-Identifier: MPL-2.0 */
/* eventfd, timerfd, signalfd and pidfd in one epoll; how deep epolls nest. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENT, TIMER, SIGNAL, CHILD, NR };

static void read_signals(int fd)
{
	struct signalfd_siginfo info;
	struct pollfd ready = { fd, POLLIN, 0 };

	while (poll(&ready, 1, 0) == 1) {
		read(fd, &info, sizeof(info));
		if (info.ssi_signo != SIGCHLD)
			printf("signal %d code %d value %d, mine %d\n", info.ssi_signo, info.ssi_code, info.ssi_int,
			       info.ssi_pid == (unsigned)getpid());
	}
}

static void one_epoll(void)
{
	int epoll = epoll_create1(0), fd[NR], seen = 0;
	struct itimerspec period = { { 0, 10000000 }, { 0, 10000000 } };
	union sigval value = { .sival_int = 77 };
	struct epoll_event event;
	unsigned long one = 1;
	siginfo_t info;
	sigset_t set;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, 0);
	child = fork();
	if (child == 0) {
		usleep(20000);
		_exit(0);
	}
	fd[EVENT] = eventfd(0, 0);
	fd[TIMER] = timerfd_create(CLOCK_MONOTONIC, 0);
	fd[SIGNAL] = signalfd(-1, &set, 0);
	fd[CHILD] = syscall(SYS_pidfd_open, child, 0);
	for (int i = 0; i < NR; i++) {
		event.events = EPOLLIN;
		event.data.u32 = i;
		printf("add %d\n", epoll_ctl(epoll, EPOLL_CTL_ADD, fd[i], &event));
	}
	timerfd_settime(fd[TIMER], 0, &period, 0);
	write(fd[EVENT], &one, 8);
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, value);
	while (seen != (1 << NR) - 1 && epoll_wait(epoll, &event, 1, 1000) == 1) {
		int which = event.data.u32;

		seen |= 1 << which;
		if (which == EVENT || which == TIMER)
			read(fd[which], &one, 8);
		else if (which == SIGNAL)
			read_signals(fd[SIGNAL]);
		else
			epoll_ctl(epoll, EPOLL_CTL_DEL, fd[CHILD], 0);
	}
	printf("seen %#x\n", seen);
	printf("waitid %d", waitid(P_PIDFD, fd[CHILD], &info, WEXITED));
	printf(" code %d status %d\n", info.si_code, info.si_status);
	one = syscall(SYS_pidfd_send_signal, fd[CHILD], 0, 0, 0);
	printf("after it was reaped: %ld %s\n", (long)one, strerror(errno));
}

static void nested(void)
{
	struct epoll_event event = { EPOLLIN, { 0 } };
	int fd[7];

	for (int i = 0; i < 7; i++)
		fd[i] = epoll_create1(0);
	for (int i = 0; i < 6; i++) {
		int result = epoll_ctl(fd[i + 1], EPOLL_CTL_ADD, fd[i], &event);

		printf("level %d: %s\n", i, result ? strerror(errno) : "ok");
	}
	printf("loop: %d %s\n", epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[2], &event), strerror(errno));
	printf("itself: %d %s\n", epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[0], &event), strerror(errno));
}

int main(void)
{
	one_epoll();
	nested();
	return 0;
}
