/* SPDX-License-Identifier: MPL-2.0 */
/* What a process may ask of another, or of pid 1, by number or through /proc: signals, ends, memory, kcmp, capabilities, timer slack, namespaces. */
#include "../show.h"
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#include <unistd.h>

static volatile int got;

static void handler(int signal)
{
	got = signal;
}

static long send(int fd, int signal)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, 0, 0);
}

static void through_proc(void)
{
	char path[64];
	int fd, status, pid;

	signal(SIGUSR1, handler);
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	VALUE(send(fd, SIGUSR1));
	VALUE(got == SIGUSR1);
	VALUE(send(fd, 0));
	VALUE(send(fd, 65));
	VALUE(send(fd, -1));
	VALUE(syscall(SYS_pidfd_send_signal, fd, 0, 0, 0x100));
	close(fd);
	fd = open("/proc/self", O_PATH);
	VALUE(send(fd, 0));
	close(fd);
	fd = open("/proc/thread-self", O_RDONLY);
	VALUE(send(fd, 0));
	close(fd);
	fd = open("/proc", O_RDONLY);
	VALUE(send(fd, 0));
	close(fd);
	VALUE(send(-1, 0));
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	sprintf(path, "/proc/%d", pid);
	fd = open(path, O_RDONLY);
	VALUE(send(fd, SIGKILL));
	waitpid(pid, &status, 0);
	VALUE(WTERMSIG(status));
	VALUE(send(fd, 0));
	close(fd);
}

static int compare(int kind, int flags)
{
	int parent = getpid();
	int status, pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(syscall(SYS_kcmp, parent, getpid(), kind, 0, 0) != 0);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void slack(void)
{
	int status;

	VALUE(prctl(PR_SET_TIMERSLACK, 70000));
	if (!fork()) {
		VALUE(prctl(PR_GET_TIMERSLACK));
		VALUE(prctl(PR_SET_TIMERSLACK, 3));
		VALUE(prctl(PR_SET_TIMERSLACK, 0));
		VALUE(prctl(PR_GET_TIMERSLACK));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	VALUE(prctl(PR_SET_TIMERSLACK, 0));
	VALUE(prctl(PR_GET_TIMERSLACK));
}

/* A child that took this many MiB, and what is told of it. */
static void memory_of_children(int mebibytes)
{
	struct rusage usage;
	int pid = fork();

	if (!pid) {
		memset(malloc((size_t)mebibytes << 20), 1, (size_t)mebibytes << 20);
		_exit(0);
	}
	getrusage(RUSAGE_CHILDREN, &usage);
	VALUE(usage.ru_maxrss >> 10 >= mebibytes);
	wait4(pid, 0, 0, &usage);
	VALUE(usage.ru_maxrss >> 10 >= mebibytes);
	getrusage(RUSAGE_CHILDREN, &usage);
	VALUE(usage.ru_maxrss >> 10 >= mebibytes);
	signal(SIGCHLD, SIG_IGN);
	if (!fork()) {
		memset(malloc((size_t)mebibytes << 21), 1, (size_t)mebibytes << 21);
		_exit(0);
	}
	VALUE(wait(0));
	signal(SIGCHLD, SIG_DFL);
	getrusage(RUSAGE_CHILDREN, &usage);
	VALUE(usage.ru_maxrss >> 10 >= 2 * mebibytes);
}

static void not_yet(void)
{
	siginfo_t info;
	int go[2], pid, fd;

	pipe(go);
	pid = fork();
	if (!pid) {
		close(go[1]);
		read(go[0], &fd, 1);
		_exit(7);
	}
	close(go[0]);
	fd = syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	VALUE(waitid(P_PIDFD, fd, &info, WEXITED));
	VALUE(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
	close(go[1]);
	fcntl(fd, F_SETFL, 0);
	VALUE(waitid(P_PIDFD, fd, &info, WEXITED));
	VALUE(info.si_status);
}

int main(void)
{
	struct { unsigned version; int pid; } header = {0x20080522, 1};
	unsigned data[6];
	int fd;

	setvbuf(stdout, 0, _IOLBF, 0);
	through_proc();
	VALUE(compare(KCMP_FS, CLONE_FS));
	VALUE(compare(KCMP_FS, 0));
	VALUE(compare(KCMP_IO, CLONE_IO));
	VALUE(compare(KCMP_SYSVSEM, CLONE_SYSVSEM));
	VALUE(compare(KCMP_TYPES, 0));
	slack();
	memory_of_children(40);
	not_yet();
	VALUE(syscall(SYS_capget, &header, data));
	header.pid = 4000000;
	VALUE(syscall(SYS_capget, &header, data));
	fd = open("/proc/self/ns/uts", O_RDONLY);
	VALUE(ioctl(fd, NS_GET_PARENT));
	return 0;
}
