/* SPDX-License-Identifier: MPL-2.0 */
/* Groups, sessions, waiting, clone3, kcmp, arch_prctl, prctl, pidfds: arguments that are refused, and who may do it to whom. */
#include "../expect.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#define NOBODYS_PID 4000000
#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)
#ifndef SYS_kcmp
#define SYS_kcmp 312
#endif

static int ready[2], quit[2];

/* A child that says it is there and lives until leave(). */
static pid_t child_that(void (*prepare)(void))
{
	char byte;
	MUST(pipe(ready) == 0 && pipe(quit) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(quit[1]);
		if (prepare)
			prepare();
		MUST(write(ready[1], "x", 1) == 1);
		_exit((int)read(quit[0], &byte, 1));
	}
	MUST(read(ready[0], &byte, 1) == 1);
	return pid;
}

static void leave(pid_t pid)
{
	close(quit[1]), close(quit[0]), close(ready[0]), close(ready[1]);
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void own_session(void)
{
	setsid();
}

static void run_program(void)
{
	char in[16], out[16];
	snprintf(in, sizeof in, "%d", quit[0]);
	snprintf(out, sizeof out, "%d", ready[1]);
	execl("/proc/self/exe", "program", in, out, NULL);
}

static void groups(void)
{
	pid_t child;
	EXPECT_ERRNO(setpgid, EINVAL, 0, -1);
	EXPECT_ERRNO(setpgid, ESRCH, NOBODYS_PID, 0);
	EXPECT_ERRNO(setpgid, ESRCH, getppid(), 0);
	EXPECT_ERRNO(getpgid, ESRCH, NOBODYS_PID);
	EXPECT_ERRNO(getsid, ESRCH, NOBODYS_PID);
	child = child_that(NULL);
	EXPECT_ERRNO(setpgid, EPERM, child, NOBODYS_PID);
	EXPECT_OK(setpgid, child, child);
	leave(child);
	child = child_that(own_session);
	EXPECT_ERRNO(setpgid, EPERM, child, 0);
	leave(child);
	child = child_that(run_program);
	EXPECT_ERRNO(setpgid, EACCES, child, 0);
	leave(child);
	IN_CHILD(EXPECT_OK(setpgid, 0, 0); EXPECT_ERRNO(setsid, EPERM));
	IN_CHILD(EXPECT(CALL(setsid) == getpid()); EXPECT_ERRNO(setpgid, EPERM, 0, 0); EXPECT_ERRNO(setsid, EPERM));
}

static void on_signal(int signo)
{
	(void)signo;
}

static void waits(void)
{
	int status;
	siginfo_t info;
	struct rusage usage;
	EXPECT_ERRNO(wait4, ECHILD, -1, &status, 0, NULL);
	EXPECT_ERRNO(wait4, ECHILD, getppid(), &status, 0, NULL);
	EXPECT_ERRNO(wait4, ESRCH, -2147483647 - 1, &status, 0, NULL);
	EXPECT_ERRNO(wait4, EINVAL, -1, &status, 0x100, NULL);
	EXPECT_ERRNO(wait4, EINVAL, -1, &status, WEXITED, NULL);
	EXPECT_ERRNO(waitid, ECHILD, P_ALL, 0, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_ALL, 0, &info, 0, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_ALL, 0, &info, WEXITED | 0x100, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_ALL, 0, &info, WNOHANG, NULL);
	EXPECT_ERRNO(waitid, EINVAL, 9, 0, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_PID, 0, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_PID, -1, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EINVAL, P_PGID, -1, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EINVAL, 3, -1, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EBADF, 3, 999, &info, WEXITED, NULL);
	EXPECT_ERRNO(waitid, EBADF, 3, 1, &info, WEXITED, NULL);
	if (fork() == 0)
		_exit(0);
	EXPECT_ERRNO(wait4, EFAULT, -1, BAD, 0, NULL);
	EXPECT_ERRNO(wait4, ECHILD, -1, &status, 0, NULL);
	if (fork() == 0)
		_exit(0);
	EXPECT_ERRNO(wait4, EFAULT, -1, &status, 0, BAD);
	if (fork() == 0)
		_exit(0);
	EXPECT_ERRNO(waitid, EFAULT, P_ALL, 0, BAD, WEXITED, &usage);
	if (fork() == 0)
		_exit(0);
	EXPECT_ERRNO(waitid, EFAULT, P_ALL, 0, &info, WEXITED, BAD);
	EXPECT_ERRNO(waitid, ECHILD, P_ALL, 0, &info, WEXITED, NULL);
	pid_t child = child_that(NULL);
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(wait4, EINTR, child, &status, 0, NULL);
	EXPECT_ERRNO(waitid, EINTR, P_PID, child, &info, WEXITED, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_IS(0, wait4, child, &status, WNOHANG, NULL);
	int pidfd = CALL(pidfd_open, child, O_NONBLOCK);
	EXPECT_ERRNO(waitid, EAGAIN, 3, pidfd, &info, WEXITED, NULL);
	close(pidfd);
	leave(child);
}

static void clones(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD }, bad;
	static struct { struct clone_args args; unsigned long long more; } future = { { .exit_signal = SIGCHLD }, 1 };
	EXPECT_ERRNO(clone3, EINVAL, &args, 63);
	EXPECT_ERRNO(clone3, E2BIG, &args, 4097);
	EXPECT_ERRNO(clone3, E2BIG, &future, sizeof future);
	EXPECT_ERRNO(clone3, EFAULT, BAD, sizeof args);
#define CLONE3_ERRNO(error, change) \
	do { \
		bad = args; \
		bad.change; \
		EXPECT_ERRNO(clone3, error, &bad, sizeof bad); \
	} while (0)
	CLONE3_ERRNO(EINVAL, exit_signal = 65);
	CLONE3_ERRNO(EINVAL, flags = 1);
	CLONE3_ERRNO(EINVAL, flags = 1ULL << 50);
	CLONE3_ERRNO(EINVAL, flags = CLONE_DETACHED);
	CLONE3_ERRNO(EINVAL, flags = CLONE_SIGHAND);
	CLONE3_ERRNO(EINVAL, flags = CLONE_THREAD);
	CLONE3_ERRNO(EINVAL, flags = CLONE_PARENT);
	CLONE3_ERRNO(EINVAL, flags = CLONE_NEWNS | CLONE_FS);
	CLONE3_ERRNO(EINVAL, flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND);
	CLONE3_ERRNO(EINVAL, stack = 0x10000);
	CLONE3_ERRNO(EINVAL, stack_size = 0x10000);
	CLONE3_ERRNO(EINVAL, set_tid_size = 1);
	CLONE3_ERRNO(EINVAL, set_tid = 8);
	EXPECT_ERRNO(clone, EINVAL, CLONE_THREAD, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_SIGHAND, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_NEWUSER | CLONE_FS, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_NEWIPC | CLONE_SYSVSEM, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EINVAL, CLONE_PIDFD | CLONE_PARENT_SETTID, 0, 0, 0, 0);
	EXPECT_ERRNO(clone, EFAULT, CLONE_PIDFD | SIGCHLD, 0, BAD, 0, 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(clone, EPERM, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
		 EXPECT_ERRNO(clone, EPERM, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
		 WITH_LIMIT(RLIMIT_NPROC, 0, EXPECT_ERRNO(clone, EAGAIN, SIGCHLD, 0, 0, 0, 0); EXPECT_ERRNO(fork, EAGAIN); EXPECT_ERRNO(vfork, EAGAIN);
			    EXPECT_ERRNO(clone3, EAGAIN, &args, sizeof args)));
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(clone, EMFILE, CLONE_PIDFD | SIGCHLD, 0, &bad, 0, 0));
}

static void comparisons(void)
{
	pid_t me = getpid();
	EXPECT_IS(0, kcmp, me, me, 0, 1, 1);
	EXPECT_IS(0, kcmp, me, me, 1, 0, 0);
	IN_CHILD(EXPECT(CALL(kcmp, getpid(), getppid(), 1, 0, 0) > 0); EXPECT_IS(0, kcmp, getpid(), getppid(), 0, 1, 1));
	EXPECT_ERRNO(kcmp, ESRCH, me, NOBODYS_PID, 1, 0, 0);
	EXPECT_ERRNO(kcmp, ESRCH, NOBODYS_PID, me, 1, 0, 0);
	EXPECT_ERRNO(kcmp, EINVAL, me, me, 99, 0, 0);
	EXPECT_ERRNO(kcmp, EBADF, me, me, 0, 1, 999);
	EXPECT_ERRNO(kcmp, EBADF, me, me, 0, 999, 1);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(kcmp, EPERM, getpid(), getppid(), 1, 0, 0));
}

static void registers(void)
{
	EXPECT_ERRNO(arch_prctl, EINVAL, 0x7777, 0);
	EXPECT_ERRNO(arch_prctl, EFAULT, 0x1003, BAD);
	EXPECT_ERRNO(arch_prctl, EFAULT, 0x1004, BAD);
	EXPECT_ERRNO(arch_prctl, EPERM, 0x1002, 1UL << 63);
	EXPECT_ERRNO(arch_prctl, EPERM, 0x1001, 1UL << 63);
	EXPECT_OK(arch_prctl, 0x1001, 0);
}

static void options(void)
{
	int value;
	struct __user_cap_header_struct v3 = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2];
	struct sock_filter instruction = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog allow = { 1, &instruction };
	memset(none, 0, sizeof none);
	EXPECT_ERRNO(prctl, EINVAL, 9999, 0, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_SET_NAME, BAD, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_GET_NAME, BAD, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_PDEATHSIG, 65, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_GET_PDEATHSIG, BAD, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_DUMPABLE, 2, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_GET_CHILD_SUBREAPER, BAD, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_CAPBSET_READ, 64, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_CAPBSET_DROP, 64, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_KEEPCAPS, 2, 0, 0, 0);
	EXPECT_ERRNO(prctl, EPERM, PR_SET_SECUREBITS, 1 << 20, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_CAP_AMBIENT, 99, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0);
	EXPECT_ERRNO(prctl, EPERM, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	EXPECT_IS(0, prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_SECCOMP, 9, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_SET_SECCOMP, 2, BAD, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_TIMING, 1, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_THP_DISABLE, 1, 1, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_GET_THP_DISABLE, 1, 0, 0, 0);
	EXPECT_ERRNO(prctl, EFAULT, PR_GET_TSC, BAD, 0, 0, 0);
	EXPECT_ERRNO(prctl, EINVAL, PR_SET_TSC, 9, 0, 0, 0);
	IN_CHILD(EXPECT_OK(prctl, PR_SET_SECUREBITS, 1 << 5, 0, 0, 0); EXPECT_ERRNO(prctl, EPERM, PR_SET_KEEPCAPS, 1, 0, 0, 0);
		 EXPECT_ERRNO(prctl, EPERM, PR_SET_SECUREBITS, 0, 0, 0, 0));
	IN_CHILD(MUST(CALL(capset, &v3, none) == 0); EXPECT_ERRNO(prctl, EPERM, PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0);
		 EXPECT_ERRNO(prctl, EPERM, PR_SET_SECUREBITS, 1, 0, 0, 0);
		 EXPECT_ERRNO(prctl, EACCES, PR_SET_SECCOMP, 2, &allow, 0, 0));
}

static void pidfds(void)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE }, kernels = { .si_signo = SIGUSR1, .si_code = SI_KERNEL };
	EXPECT_ERRNO(pidfd_open, EINVAL, getpid(), 1 << 20);
	EXPECT_ERRNO(pidfd_open, EINVAL, 0, 0);
	EXPECT_ERRNO(pidfd_open, EINVAL, -1, 0);
	EXPECT_ERRNO(pidfd_open, ESRCH, NOBODYS_PID, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(pidfd_open, EMFILE, getpid(), 0));
	pid_t child = child_that(NULL);
	int pidfd = EXPECT_OK(pidfd_open, child, 0), self = EXPECT_OK(pidfd_open, getpid(), 0);
	EXPECT_ERRNO(pidfd_send_signal, EINVAL, pidfd, 65, NULL, 0);
	EXPECT_ERRNO(pidfd_send_signal, EINVAL, pidfd, SIGUSR1, NULL, 1 << 20);
	EXPECT_ERRNO(pidfd_send_signal, EINVAL, pidfd, SIGUSR2, &info, 0);
	EXPECT_ERRNO(pidfd_send_signal, EBADF, 999, 0, NULL, 0);
	EXPECT_ERRNO(pidfd_send_signal, EBADF, 1, 0, NULL, 0);
	EXPECT_ERRNO(pidfd_send_signal, EFAULT, pidfd, SIGUSR1, BAD, 0);
	EXPECT_ERRNO(pidfd_send_signal, EPERM, pidfd, SIGUSR1, &kernels, 0);
	EXPECT_OK(pidfd_send_signal, pidfd, 0, NULL, 0);
	EXPECT_ERRNO(pidfd_getfd, EINVAL, self, 1, 1);
	EXPECT_ERRNO(pidfd_getfd, EBADF, 999, 1, 0);
	EXPECT_ERRNO(pidfd_getfd, EBADF, 1, 1, 0);
	EXPECT_ERRNO(pidfd_getfd, EBADF, self, 999, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(pidfd_getfd, EMFILE, self, 1, 0));
	EXPECT_OK(pidfd_getfd, pidfd, 1, 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(pidfd_getfd, EPERM, self, 1, 0); EXPECT_ERRNO(pidfd_send_signal, EPERM, self, 0, NULL, 0));
	leave(child);
	EXPECT_ERRNO(pidfd_send_signal, ESRCH, pidfd, 0, NULL, 0);
	EXPECT_ERRNO(pidfd_getfd, ESRCH, pidfd, 1, 0);
	EXPECT_ERRNO(pidfd_open, ESRCH, child, 0);
	close(pidfd), close(self);
}

int main(int argc, char **argv)
{
	char byte;
	if (argc == 3) {
		MUST(write(atoi(argv[2]), "x", 1) == 1);
		return (int)read(atoi(argv[1]), &byte, 1);
	}
	groups();
	waits();
	clones();
	comparisons();
	registers();
	options();
	pidfds();
	return 0;
}
