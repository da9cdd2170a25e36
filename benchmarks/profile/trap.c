/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What does a trap alone cost on this host? Prints the nanoseconds from a `syscall` instruction that Syscall User Dispatch turns into
 * SIGSYS, through a handler that does nothing but set the result, back behind the instruction; - if the host lacks it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/syscall.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define CALLS 100000
#define NO_SUCH_CALL 5000

static volatile char selector;	/* 0 allow, 1 dispatch */

static void on_trap(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	selector = 0;	/* rt_sigreturn lies in libc, outside of any allowed range */
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 1;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	struct timespec a, b;

	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector)) {
		puts("-");
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < CALLS; i++) {
		long result;

		selector = 1;
		__asm__ volatile("syscall" : "=a"(result) : "a"(NO_SUCH_CALL) : "rcx", "r11", "memory");
		if (result != 1)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.0f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / CALLS);
	return 0;
}
