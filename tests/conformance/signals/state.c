/* SPDX-License-Identifier: MPL-2.0 */
/* Vector registers, flags and the stack survive handlers, threads, fork and calls; restarts and masks are Linux's. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int count;
static volatile sig_atomic_t order[8];
static int nr_order;

static void clobber(int signo)
{
	double x = 1.5;

	for (int i = 0; i < 16; i++)
		__asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vpcmpeqd %%ymm7, %%ymm7, %%ymm7\n vpxor %%ymm15, %%ymm15, %%ymm15" : : : "xmm0", "xmm7", "xmm15");
	for (int i = 0; i < 100; i++)
		x = x * 1.01 + signo;
	count += x > 0;
}

static void note(int signo) { if (nr_order < 8) order[nr_order++] = signo; }

static void install(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signo, &action, NULL);
}

/* Loads a vector register, makes the call in the same instruction sequence, looks again. *result: the call's. */
__attribute__((noinline)) static int vector_survives(long nr, long a, long b, long *result)
{
	__attribute__((aligned(32))) unsigned char in[32], out[32];

	for (int i = 0; i < 32; i++)
		in[i] = i * 7 + nr;
	__asm__ volatile(
		"vmovdqa (%2), %%ymm7\n syscall\n vmovdqa %%ymm7, (%1)\n"
		: "=a"(*result) : "r"(out), "r"(in), "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "xmm7", "memory");
	return memcmp(in, out, 32) == 0;
}

static void *thread(void *arg)
{
	volatile double sum = 0;

	for (int i = 0; i < 300; i++) {
		sum += i * 0.5;
		sched_yield();
	}
	*(double *)arg = sum;
	return NULL;
}

static int timed_read(int flags)
{
	struct itimerval soon = { .it_value = { .tv_usec = 30000 } };
	int fds[2], n;
	char c;

	pipe(fds);
	install(SIGALRM, clobber, flags);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (flags & SA_RESTART && fork() == 0) {
		usleep(120000);
		write(fds[1], "x", 1);
		_exit(0);
	}
	n = read(fds[0], &c, 1);
	printf("read with flags %#x: %d %s\n", flags, n, n < 0 ? strerrorname_np(errno) : "ok");
	close(fds[0]);
	close(fds[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return n;
}

int main(void)
{
	struct timespec tick = { .tv_nsec = 50000000 }, left = { 0 };
	double sums[4];
	pthread_t threads[4];
	sigset_t set, old;
	int status;
	long result;

	install(SIGUSR1, clobber, 0);
	printf("over getpid: %d\n", vector_survives(SYS_getpid, 0, 0, &result));
	printf("over a handler: %d", vector_survives(SYS_kill, getpid(), SIGUSR1, &result));
	printf(" result %ld handled %d\n", result, count);
	status = vector_survives(SYS_fork, 0, 0, &result);
	if (result == 0)
		_exit(status ? 5 : 6);
	printf("over fork: %d", status);
	wait(&status);
	printf(" in the child %d\n", WEXITSTATUS(status));
	count = 0;
	for (int i = 0; i < 20; i++)
		raise(SIGUSR1);
	printf("20 handled: %d\n", count);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, thread, &sums[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		printf("thread %d: %.1f\n", i, sums[i]);
	}
	timed_read(0);
	timed_read(SA_RESTART);
	install(SIGALRM, clobber, SA_RESTART);
	ualarm(10000, 0);
	printf("nanosleep: %d", nanosleep(&tick, &left));
	printf(" %s left %d\n", strerrorname_np(errno), left.tv_nsec > 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	install(SIGUSR1, note, 0);
	install(SIGUSR2, note, 0);
	install(SIGRTMIN, note, 0);
	install(SIGRTMIN + 1, note, 0);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGRTMIN + 1);
	kill(getpid(), SIGRTMIN);
	kill(getpid(), SIGRTMIN);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	sigpending(&old);
	printf("pending USR1 %d RTMIN %d\n", sigismember(&old, SIGUSR1), sigismember(&old, SIGRTMIN));
	sigemptyset(&old);
	sigsuspend(&old);
	printf("delivered %d:", nr_order);
	for (int i = 0; i < nr_order; i++)
		printf(" %d", (int)order[i]);
	printf("\n");
	install(SIGCHLD, SIG_IGN, 0);
	if (fork() == 0)
		_exit(3);
	printf("wait with SIGCHLD ignored: %d", wait(NULL));
	printf(" %s\n", strerrorname_np(errno));
	return 0;
}
