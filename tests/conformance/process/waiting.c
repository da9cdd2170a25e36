/* SPDX-License-Identifier: MPL-2.0 */
/* Births, deaths and what parents see: wait statuses, siginfo of SIGCHLD, stops, groups, orphans. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int last_code, last_status, nr_children;

static void on_child(int signo, siginfo_t *info, void *uc)
{
	(void)signo;
	(void)uc;
	last_code = info->si_code;
	last_status = info->si_status;
	nr_children++;
}

static void child_of(const char *what, int how)
{
	int status;
	pid_t pid = fork(), got;

	if (pid == 0) {
		if (how < 0)
			kill(getpid(), -how);
		_exit(how);
	}
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	printf("%s: same pid %d status %#x, SIGCHLD code %d status %d\n", what, got == pid, status, last_code, last_status);
}

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };
	siginfo_t info;
	int status, fds[2];
	pid_t pid, grandchild;
	char c;

	sigaction(SIGCHLD, &action, NULL);
	child_of("exit 0", 0);
	child_of("exit 77", 77);
	child_of("exit 256", 256);
	child_of("SIGTERM", -SIGTERM);
	child_of("SIGKILL", -SIGKILL);
	SAY("no child", wait(NULL));
	SAY("bad options", waitpid(-1, NULL, 0x1000000));

	pipe(fds);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		read(fds[0], &c, 1);
		_exit(9);
	}
	printf("stopped: %d", waitpid(pid, &status, WUNTRACED) == pid);
	printf(" %d %d, code %d\n", WIFSTOPPED(status), WSTOPSIG(status), last_code);
	printf("nothing new: %d\n", waitpid(pid, &status, WNOHANG | WUNTRACED));
	kill(pid, SIGCONT);
	printf("continued: %d", waitpid(pid, &status, WCONTINUED) == pid);
	printf(" %d\n", WIFCONTINUED(status));
	write(fds[1], "x", 1);
	memset(&info, 0, sizeof info);
	printf("waitid: %d", waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	printf(" code %d status %d same pid %d\n", info.si_code, info.si_status, info.si_pid == pid);
	printf("and again: %d\n", waitpid(pid, &status, 0) == pid);
	memset(&info, 1, sizeof info);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	printf("waitid WNOHANG: %d", waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
	printf(" pid %d\n", info.si_pid);
	setpgid(pid, pid);
	printf("group: %d\n", getpgid(pid) == pid);
	SAY("wait for another group", waitpid(-999999, &status, 0));
	kill(-pid, SIGUSR2);
	printf("by group: %d", waitpid(-pid, &status, 0) == pid);
	printf(" signal %d\n", WTERMSIG(status));

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pipe(fds);
	pid = fork();
	if (pid == 0) {
		grandchild = fork();
		if (grandchild == 0) {
			read(fds[0], &c, 1);
			_exit(getppid() == 1 ? 1 : 42);
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	write(fds[1], "x", 1);
	pid = waitpid(-1, &status, 0);
	printf("adopted: %d exit %d\n", pid > 0, WEXITSTATUS(status));

	pid = vfork();
	if (pid == 0) {
		execl("/nonexistent", "x", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("exec failed in vfork: %s\n", strerrorname_np(WEXITSTATUS(status)));
	setpgid(0, 0);
	SAY("setsid of a leader", setsid());
	SAY("kill of nobody", kill(999999, 0));
	SAY("bad signal", kill(getpid(), 65));
	return 0;
}
