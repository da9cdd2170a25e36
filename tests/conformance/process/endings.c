/* SPDX-License-Identifier: MPL-2.0 */
/* Ends with and without a core dump, waitid's corners, pidfds, clone3, execveat, robust lists. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void die(const char *what, int signo, long limit, int dumpable)
{
	struct rlimit core = { limit, limit };
	siginfo_t info;
	int status;
	unlink("core");
	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &core);
		prctl(PR_SET_DUMPABLE, dumpable);
		signal(signo, SIG_DFL);
		raise(signo);
		_exit(0);
	}
	memset(&info, 0, sizeof info);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	waitpid(pid, &status, 0);
	printf("%s: signal %d core %d, code %d status %d\n", what, WTERMSIG(status), !!WCOREDUMP(status), info.si_code, info.si_status);
}

static void cores(void)
{
	char head[4] = "";
	die("SEGV without", SIGSEGV, 0, 1);
	die("SEGV with", SIGSEGV, 1 << 26, 1);
	int fd = open("core", O_RDONLY);
	char pattern[8] = "";
	int p = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	read(p, pattern, 5);
	if (fd >= 0)
		read(fd, head, 4);
	printf("an ELF file: %d\n", strcmp(pattern, "core\n") != 0 || memcmp(head, "\177ELF", 4) == 0);
	die("ABRT with", SIGABRT, 1 << 26, 1);
	die("TERM with", SIGTERM, 1 << 26, 1);
	die("KILL with", SIGKILL, 1 << 26, 1);
	die("SYS with", SIGSYS, 1 << 26, 1);
	die("SEGV, not dumpable", SIGSEGV, 1 << 26, 0);
	unlink("core");
}

static void waits(void)
{
	siginfo_t info;
	struct rusage usage;
	pid_t pid = fork();
	if (pid == 0)
		_exit(5);
	SAY("no kinds", waitid(P_PID, pid, &info, 0));
	SAY("unknown options", waitid(P_PID, pid, &info, WEXITED | 0x100));
	SAY("pid 0", waitid(P_PID, 0, &info, WEXITED));
	SAY("negative group", waitid(P_PGID, -5, &info, WEXITED));
	SAY("unknown kind", waitid(77, pid, &info, WEXITED));
	SAY("not a child", waitid(P_PID, getpid(), &info, WEXITED));
	SAY("another group", waitid(P_PGID, 999999, &info, WEXITED));
	SAY("bad pidfd", waitid(P_PIDFD, 99, &info, WEXITED));
	SAY("no pidfd", waitid(P_PIDFD, 1, &info, WEXITED));
	SAY("negative pidfd", waitid(P_PIDFD, -1, &info, WEXITED));
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	memset(&info, 1, sizeof info);
	SAY("stops only, of a dead one", waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	SAY("look", waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	printf("code %d status %d\n", info.si_code, info.si_status);
	SAY("with usage", syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, &usage));
	printf("is it: %d\n", info.si_pid == pid);
	SAY("no more", waitid(P_ALL, 0, &info, WEXITED));
	SAY("wait4: unknown options", syscall(SYS_wait4, -1, NULL, 0x100, NULL));
	SAY("wait4: INT_MIN", syscall(SYS_wait4, INT32_MIN, NULL, 0, NULL));
	SAY("wait4: no child", syscall(SYS_wait4, -1, NULL, 0, NULL));
	pid = fork();
	if (pid == 0)
		_exit(6);
	SAY("status nowhere", syscall(SYS_wait4, pid, 8L, 0, NULL) == -1 ? errno : 0);
	SAY("it is gone", waitpid(pid, NULL, 0));
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(7);
	SAY("ignored children", waitpid(pid, NULL, 0));
	signal(SIGCHLD, SIG_DFL);
	/* A child with another exit signal is seen with __WALL or __WCLONE only. */
	pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		_exit(8);
	SAY("plain", waitpid(pid, NULL, 0));
	SAY("__WALL", waitpid(pid, NULL, __WALL) == pid);
}

static void stops_of_the_living(void)
{
	siginfo_t info;
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	memset(&info, 1, sizeof info);
	SAY("stops only, none", waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	printf("pid %d signo %d\n", info.si_pid, info.si_signo);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void pidfds(void)
{
	siginfo_t info;
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poller = { fd, POLLIN, 0 };
	SAY("unknown flags", syscall(SYS_pidfd_open, pid, 1));
	SAY("nobody", syscall(SYS_pidfd_open, 999999, 0));
	SAY("zero", syscall(SYS_pidfd_open, 0, 0));
	SAY("not yet", poll(&poller, 1, 0));
	SAY("close-on-exec", fcntl(fd, F_GETFD));
	SAY("wait without hanging", waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
	SAY("signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	SAY("bad signal", syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
	SAY("bad flags", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x100));
	SAY("not a pidfd", syscall(SYS_pidfd_send_signal, 1, 0, NULL, 0));
	int copy = syscall(SYS_pidfd_getfd, fd, 1, 0);
	printf("its output: %d\n", copy >= 0);
	SAY("its 99", syscall(SYS_pidfd_getfd, fd, 99, 0));
	SAY("flags", syscall(SYS_pidfd_getfd, fd, 1, 1));
	SAY("kill", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	SAY("ready", poll(&poller, 1, 5000));
	printf("events %#x\n", poller.revents);
	SAY("wait", waitid(P_PIDFD, fd, &info, WEXITED));
	printf("code %d status %d\n", info.si_code, info.si_status);
	SAY("signal the dead", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	SAY("file of the dead", syscall(SYS_pidfd_getfd, fd, 1, 0));
	SAY("wait again", waitid(P_PIDFD, fd, &info, WEXITED));
}

static int result;

static void new_clone(void)
{
	struct clone_args args;
	int pidfd = -1, tid = 0;
	memset(&args, 0, sizeof args);
	args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	args.pidfd = (uintptr_t)&pidfd;
	args.parent_tid = (uintptr_t)&tid;
	args.exit_signal = SIGCHLD;
	long pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		_exit(9);
	siginfo_t info;
	printf("told: %d, pidfd %d\n", tid == pid, pidfd >= 0);
	SAY("wait", waitid(P_PIDFD, pidfd, &info, WEXITED));
	printf("status %d\n", info.si_status);
	SAY("too small", syscall(SYS_clone3, &args, 8));
	SAY("huge", syscall(SYS_clone3, &args, 5000));
	SAY("nowhere", syscall(SYS_clone3, 8L, sizeof args));
	args.flags = 1ull << 60;
	SAY("unknown flags", syscall(SYS_clone3, &args, sizeof args));
	args.flags = CLONE_SIGHAND;
	SAY("sighand without vm", syscall(SYS_clone3, &args, sizeof args));
	args.flags = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
	SAY("thread with an exit signal", syscall(SYS_clone3, &args, sizeof args));
	args.flags = 0;
	args.exit_signal = 65;
	SAY("bad exit signal", syscall(SYS_clone3, &args, sizeof args));
	args.exit_signal = SIGCHLD;
	args.stack = 4096;
	SAY("stack without size", syscall(SYS_clone3, &args, sizeof args));
	args.stack = 0;
	args.set_tid_size = 1;
	SAY("set_tid without place", syscall(SYS_clone3, &args, sizeof args));
	char big[sizeof args + 8];
	memset(big, 0, sizeof big);
	((struct clone_args *)big)->exit_signal = SIGCHLD;
	pid = syscall(SYS_clone3, big, sizeof big);
	if (pid == 0)
		_exit(10);
	SAY("zeros behind", waitpid(pid, NULL, 0) == pid);
	big[sizeof args] = 1;
	SAY("something behind", syscall(SYS_clone3, big, sizeof big));
	struct sigaction action = { .sa_handler = SIG_DFL };
	signal(SIGUSR1, (void (*)(int))new_clone);
	memset(&args, 0, sizeof args);
	args.flags = CLONE_CLEAR_SIGHAND;
	args.exit_signal = SIGCHLD;
	pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &action);
		_exit(action.sa_handler == SIG_DFL ? 11 : 12);
	}
	waitpid(pid, &result, 0);
	printf("handlers cleared: %d\n", WEXITSTATUS(result));
	args.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	SAY("clear and share", syscall(SYS_clone3, &args, sizeof args));
}

static void execs(void)
{
	char *argv[] = { "sh", "-c", "exit 3", NULL }, *none[] = { NULL };
	int status, dir = open("/bin", O_RDONLY | O_DIRECTORY), fd = open("/bin/sh", O_PATH | O_CLOEXEC);
	pid_t pid = fork();
	if (pid == 0) {
		syscall(SYS_execveat, dir, "sh", argv, none, 0);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("at a directory: %d\n", WEXITSTATUS(status));
	pid = fork();
	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("a descriptor: %d\n", WEXITSTATUS(status));
	SAY("unknown flags", syscall(SYS_execveat, dir, "sh", argv, none, 0x1));
	SAY("empty without the flag", syscall(SYS_execveat, fd, "", argv, none, 0));
	SAY("not a directory", syscall(SYS_execveat, fd, "sh", argv, none, 0));
	SAY("bad descriptor", syscall(SYS_execveat, 99, "sh", argv, none, 0));
	SAY("a link", symlink("/bin/sh", "link"));
	SAY("not followed", syscall(SYS_execveat, AT_FDCWD, "link", argv, none, AT_SYMLINK_NOFOLLOW));
	SAY("nothing", syscall(SYS_execveat, dir, "nosuch", argv, none, 0));
	SAY("nowhere", syscall(SYS_execve, 8L, argv, none));
	SAY("a directory", syscall(SYS_execve, "/", argv, none));
	SAY("no program", syscall(SYS_execve, "/etc/passwd", argv, none));
	unlink("link");
}

static void robust(void)
{
	struct robust_list_head *head = NULL, mine;
	size_t size = 0;
	SAY("get", syscall(SYS_get_robust_list, 0, &head, &size));
	printf("size %zu\n", size);
	SAY("set a wrong size", syscall(SYS_set_robust_list, &mine, 3));
	SAY("get nobody's", syscall(SYS_get_robust_list, 999999, &head, &size));
	SAY("get to nowhere", syscall(SYS_get_robust_list, 0, 8L, &size));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	cores();
	waits();
	stops_of_the_living();
	pidfds();
	new_clone();
	execs();
	robust();
	return 0;
}
