/* SPDX-License-Identifier: MPL-2.0 */
/* Timers on CPU time: they fire while the process computes and not while it sleeps; what is left; RLIMIT_CPU; every errno. */
#include "../show.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int seen;

static void count(int signo)
{
	seen++;
}

static long cpu_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void compute(long ms)
{
	long end = cpu_ms(CLOCK_PROCESS_CPUTIME_ID) + ms;

	while (cpu_ms(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static void interval(int which)
{
	struct itimerval value = { { 0, 0 }, { 0, 40000 } }, left;

	seen = 0;
	VALUE(setitimer(which, &value, 0));
	getitimer(which, &left);
	VALUE(left.it_value.tv_usec > 20000 && left.it_value.tv_usec <= 50000);
	usleep(100000);
	VALUE(seen);
	compute(100);
	VALUE(seen);
	value.it_interval = value.it_value;
	VALUE(setitimer(which, &value, 0));
	compute(200);
	VALUE(seen >= 3 && seen <= 8);
	value = (struct itimerval){ 0 };
	VALUE(setitimer(which, &value, &left));
	VALUE(left.it_interval.tv_usec);
	seen = 0;
	compute(100);
	VALUE(seen);
}

static void posix(clockid_t clock)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec value = { { 0, 0 }, { 0, 40000000 } }, left;

	seen = 0;
	VALUE(timer_create(clock, &event, &timer));
	VALUE(timer_settime(timer, 0, &value, 0));
	VALUE(timer_gettime(timer, &left));
	VALUE(left.it_value.tv_nsec > 20000000 && left.it_value.tv_nsec <= 50000000);
	usleep(100000);
	VALUE(seen);
	compute(100);
	VALUE(seen);
	VALUE(timer_gettime(timer, &left));
	VALUE(left.it_value.tv_nsec);
	VALUE(timer_getoverrun(timer));
	VALUE(timer_delete(timer));
	VALUE(timer_delete(timer));
}

int main(void)
{
	struct timespec short_time = { 0, 30000000 };
	timer_t timer;
	clockid_t other;
	int status;

	setvbuf(stdout, 0, _IOLBF, 0);
	signal(SIGVTALRM, count);
	signal(SIGPROF, count);
	signal(SIGUSR1, count);
	interval(ITIMER_VIRTUAL);
	interval(ITIMER_PROF);
	posix(CLOCK_PROCESS_CPUTIME_ID);
	posix(CLOCK_THREAD_CPUTIME_ID);
	VALUE(timer_create(CLOCK_MONOTONIC_COARSE, 0, &timer));
	VALUE(timer_create(CLOCK_MONOTONIC_RAW, 0, &timer));
	VALUE(timer_create(77, 0, &timer));
	VALUE(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &short_time, 0));
	VALUE(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &short_time, 0));
	VALUE(clock_nanosleep(77, 0, &short_time, 0));
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			;
	VALUE(clock_getcpuclockid(pid, &other));
	VALUE(clock_nanosleep(other, 0, &short_time, 0));
	VALUE(cpu_ms(other) >= 25);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { 1, 5 };
		setrlimit(RLIMIT_CPU, &limit);
		for (;;)
			;
	}
	waitpid(pid, &status, 0);
	VALUE(WTERMSIG(status));
	return 0;
}
