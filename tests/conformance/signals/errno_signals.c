/* SPDX-License-Identifier: MPL-2.0 */
/* Signal calls: arguments that are refused, who may signal whom, limits of the queue. */
#include "../expect.h"

#define NOBODYS_PID 4000000
#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)

struct kernel_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static unsigned long none, usr1 = 1UL << (SIGUSR1 - 1), old;

static void on_alarm(int signo)
{
	(void)signo;
}

static char stack_bytes[65536];
static stack_t stack = { stack_bytes, 0, sizeof stack_bytes }, small = { stack_bytes, 0, 100 }, odd = { stack_bytes, 8, sizeof stack_bytes };

static void on_stack(int signo)
{
	(void)signo;
	EXPECT_ERRNO(sigaltstack, EPERM, &stack, NULL);
}

static void actions(void)
{
	struct kernel_action action = { SIG_IGN };
	EXPECT_OK(rt_sigaction, SIGUSR2, NULL, &action, 8);
	EXPECT_ERRNO(rt_sigaction, EINVAL, SIGUSR2, &action, NULL, 4);
	EXPECT_ERRNO(rt_sigaction, EINVAL, 0, &action, NULL, 8);
	EXPECT_ERRNO(rt_sigaction, EINVAL, 65, &action, NULL, 8);
	EXPECT_ERRNO(rt_sigaction, EINVAL, SIGKILL, &action, NULL, 8);
	EXPECT_ERRNO(rt_sigaction, EINVAL, SIGSTOP, &action, NULL, 8);
	EXPECT_OK(rt_sigaction, SIGKILL, NULL, &action, 8);
	EXPECT_ERRNO(rt_sigaction, EFAULT, SIGUSR2, BAD, NULL, 8);
	EXPECT_ERRNO(rt_sigaction, EFAULT, SIGKILL, BAD, NULL, 8);
	EXPECT_ERRNO(rt_sigaction, EFAULT, SIGUSR2, NULL, BAD, 8);
	EXPECT_ERRNO(rt_sigprocmask, EINVAL, SIG_BLOCK, &none, NULL, 4);
	EXPECT_ERRNO(rt_sigprocmask, EINVAL, 3, &none, NULL, 8);
	EXPECT_OK(rt_sigprocmask, 3, NULL, &old, 8);
	EXPECT_ERRNO(rt_sigprocmask, EFAULT, SIG_BLOCK, BAD, NULL, 8);
	EXPECT_ERRNO(rt_sigprocmask, EFAULT, SIG_BLOCK, NULL, BAD, 8);
	EXPECT_ERRNO(rt_sigpending, EINVAL, &old, 9);
	EXPECT_ERRNO(rt_sigpending, EFAULT, BAD, 8);
	EXPECT_ERRNO(rt_sigsuspend, EINVAL, &none, 4);
	EXPECT_ERRNO(rt_sigsuspend, EFAULT, BAD, 8);
	EXPECT_ERRNO(sigaltstack, ENOMEM, &small, NULL);
	EXPECT_ERRNO(sigaltstack, EINVAL, &odd, NULL);
	EXPECT_ERRNO(sigaltstack, EFAULT, BAD, NULL);
	EXPECT_ERRNO(sigaltstack, EFAULT, NULL, BAD);
	EXPECT_OK(sigaltstack, &stack, NULL);
	struct sigaction alternate = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };
	sigaction(SIGUSR2, &alternate, NULL);
	raise(SIGUSR2);
}

static void waiting(void)
{
	siginfo_t info;
	struct timespec now = { 0, 0 }, soon = { 0, 1000000 }, denormal = { 0, 1000000000 }, negative = { -1, 0 };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	EXPECT_ERRNO(rt_sigtimedwait, EAGAIN, &usr1, &info, &now, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EAGAIN, &usr1, &info, &soon, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EINVAL, &usr1, &info, &soon, 4);
	EXPECT_ERRNO(rt_sigtimedwait, EINVAL, &usr1, &info, &denormal, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EINVAL, &usr1, &info, &negative, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EFAULT, BAD, &info, &soon, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EFAULT, &usr1, &info, BAD, 8);
	EXPECT_OK(rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8);
	raise(SIGUSR1);
	EXPECT_ERRNO(rt_sigtimedwait, EFAULT, &usr1, BAD, &soon, 8);
	EXPECT_ERRNO(rt_sigtimedwait, EAGAIN, &usr1, &info, &now, 8);
	struct sigaction action = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(rt_sigtimedwait, EINTR, &usr1, &info, NULL, 8);
	EXPECT_ERRNO(rt_sigsuspend, EINTR, &none, 8);
	EXPECT_ERRNO(pause, EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void sending(void)
{
	pid_t me = getpid();
	siginfo_t queued = { .si_code = SI_QUEUE }, kernels = { .si_code = SI_KERNEL }, tkill = { .si_code = SI_TKILL };
	EXPECT_ERRNO(kill, EINVAL, me, 65);
	EXPECT_ERRNO(kill, EINVAL, me, -1);
	EXPECT_ERRNO(kill, ESRCH, NOBODYS_PID, 0);
	EXPECT_ERRNO(kill, ESRCH, -NOBODYS_PID, 0);
	EXPECT_ERRNO(kill, ESRCH, -2147483647 - 1, 0);
	EXPECT_ERRNO(tkill, EINVAL, 0, 0);
	EXPECT_ERRNO(tkill, EINVAL, me, 65);
	EXPECT_ERRNO(tkill, ESRCH, NOBODYS_PID, 0);
	EXPECT_ERRNO(tgkill, EINVAL, 0, me, 0);
	EXPECT_ERRNO(tgkill, EINVAL, me, -1, 0);
	EXPECT_ERRNO(tgkill, EINVAL, me, me, 65);
	EXPECT_ERRNO(tgkill, ESRCH, me, NOBODYS_PID, 0);
	EXPECT_ERRNO(tgkill, ESRCH, me, getppid(), 0);
	EXPECT_ERRNO(rt_sigqueueinfo, EINVAL, me, 65, &queued);
	EXPECT_ERRNO(rt_sigqueueinfo, ESRCH, NOBODYS_PID, 0, &queued);
	EXPECT_ERRNO(rt_sigqueueinfo, EFAULT, me, SIGUSR1, BAD);
	EXPECT_ERRNO(rt_sigqueueinfo, EPERM, getppid(), 0, &kernels);
	EXPECT_ERRNO(rt_sigqueueinfo, EPERM, getppid(), 0, &tkill);
	EXPECT_ERRNO(rt_tgsigqueueinfo, EINVAL, 0, me, 0, &queued);
	EXPECT_ERRNO(rt_tgsigqueueinfo, EINVAL, me, 0, 0, &queued);
	EXPECT_ERRNO(rt_tgsigqueueinfo, EINVAL, me, me, 65, &queued);
	EXPECT_ERRNO(rt_tgsigqueueinfo, ESRCH, me, NOBODYS_PID, 0, &queued);
	EXPECT_ERRNO(rt_tgsigqueueinfo, EFAULT, me, me, 0, BAD);
	EXPECT_ERRNO(rt_tgsigqueueinfo, EPERM, getppid(), getppid(), 0, &kernels);
	unsigned long realtime = 1UL << (40 - 1);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(kill, EPERM, getppid(), 0); EXPECT_ERRNO(kill, EPERM, 1, SIGUSR1); EXPECT_ERRNO(tkill, EPERM, getppid(), 0);
		 EXPECT_ERRNO(tgkill, EPERM, getppid(), getppid(), 0);
		 EXPECT_ERRNO(rt_sigqueueinfo, EPERM, getppid(), 0, &queued);
		 EXPECT_ERRNO(rt_tgsigqueueinfo, EPERM, getppid(), getppid(), 0, &queued);
		 MUST(CALL(rt_sigprocmask, SIG_BLOCK, &realtime, NULL, 8) == 0);
		 pid_t self = getpid();
		 WITH_LIMIT(RLIMIT_SIGPENDING, 0, EXPECT_ERRNO(rt_sigqueueinfo, EAGAIN, self, 40, &queued);
			    EXPECT_ERRNO(rt_tgsigqueueinfo, EAGAIN, self, self, 40, &queued);
			    EXPECT_ERRNO(tgkill, EAGAIN, self, self, 40); EXPECT_ERRNO(tkill, EAGAIN, self, 40); EXPECT_OK(kill, self, 40)));
}

int main(void)
{
	actions();
	waiting();
	sending();
	return 0;
}
