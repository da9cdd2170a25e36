/* SPDX-License-Identifier: MPL-2.0 */
/* Policies, priorities, affinity and nice values: what may be set, what is kept, what children get, who runs first. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

struct attr { unsigned size, policy; unsigned long long flags; int nice; unsigned priority; unsigned long long runtime, deadline, period; };

static void in_child(const char *what, void (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s: %#x\n", what, status);
}

static void policies(void)
{
	struct sched_param p = { 0 };
	SAY("policy", sched_getscheduler(0));
	SAY("batch", sched_setscheduler(0, SCHED_BATCH, &p));
	SAY("policy", sched_getscheduler(0));
	SAY("idle", sched_setscheduler(0, SCHED_IDLE, &p));
	SAY("policy", sched_getscheduler(0));
	SAY("other", sched_setscheduler(0, SCHED_OTHER, &p));
	SAY("fifo at 0", sched_setscheduler(0, SCHED_FIFO, &p));
	p.sched_priority = 100;
	SAY("fifo at 100", sched_setscheduler(0, SCHED_FIFO, &p));
	p.sched_priority = 5;
	SAY("other at 5", sched_setscheduler(0, SCHED_OTHER, &p));
	SAY("rr at 5", sched_setscheduler(0, SCHED_RR, &p));
	SAY("policy", sched_getscheduler(0));
	p.sched_priority = 7;
	SAY("param", sched_setparam(0, &p));
	p.sched_priority = 0;
	SAY("get", sched_getparam(0, &p));
	printf("%d\n", p.sched_priority);
	struct timespec t = { 1, 1 };
	SAY("interval", sched_rr_get_interval(0, &t));
	printf("a fraction of a second: %d\n", t.tv_sec == 0 && t.tv_nsec > 0);
	fflush(stdout);
	if (fork() == 0) {
		printf("child's policy %d\n", sched_getscheduler(0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	p.sched_priority = 5;
	SAY("reset on fork", sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p));
	printf("policy %#x\n", sched_getscheduler(0));
	if (fork() == 0) {
		printf("child's policy %#x\n", sched_getscheduler(0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SAY("unknown", sched_setscheduler(0, 99, &p));
	SAY("negative", sched_setscheduler(0, -1, &p));
	SAY("nobody", sched_setscheduler(999999, SCHED_FIFO, &p));
	SAY("negative pid", sched_setscheduler(-1, SCHED_FIFO, &p));
	SAY("from nowhere", sched_setscheduler(0, SCHED_FIFO, (void *)8));
	SAY("null", sched_setscheduler(0, SCHED_FIFO, NULL));
	SAY("get: nobody", sched_getscheduler(999999));
	SAY("get: negative", sched_getscheduler(-1));
	SAY("param: null", sched_getparam(0, NULL));
	SAY("max fifo", sched_get_priority_max(SCHED_FIFO));
	SAY("min rr", sched_get_priority_min(SCHED_RR));
	SAY("max other", sched_get_priority_max(SCHED_OTHER));
	SAY("max idle", sched_get_priority_max(SCHED_IDLE));
	SAY("max unknown", sched_get_priority_max(77));
}

static void attributes(void)
{
	struct attr a;
	memset(&a, 0, sizeof a);
	setpriority(PRIO_PROCESS, 0, 3);
	SAY("get", syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
	printf("size %u policy %u nice %d priority %u\n", a.size >= 48, a.policy, a.nice, a.priority);
	SAY("too small", syscall(SYS_sched_getattr, 0, &a, 8, 0));
	SAY("flags", syscall(SYS_sched_getattr, 0, &a, sizeof a, 1));
	SAY("null", syscall(SYS_sched_getattr, 0, NULL, sizeof a, 0));
	SAY("nobody", syscall(SYS_sched_getattr, 999999, &a, sizeof a, 0));
	a.size = sizeof a;
	a.policy = SCHED_BATCH;
	a.nice = 5;
	SAY("set", syscall(SYS_sched_setattr, 0, &a, 0));
	printf("policy %d nice %d\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
	a.policy = SCHED_FIFO;
	a.priority = 3;
	SAY("fifo", syscall(SYS_sched_setattr, 0, &a, 0));
	printf("policy %d\n", sched_getscheduler(0));
	a.priority = 0;
	SAY("fifo at 0", syscall(SYS_sched_setattr, 0, &a, 0));
	a.policy = SCHED_OTHER;
	a.nice = 33;
	SAY("nice 33", syscall(SYS_sched_setattr, 0, &a, 0));
	a.nice = 0;
	a.flags = 1ull << 40;
	SAY("unknown flags", syscall(SYS_sched_setattr, 0, &a, 0));
	a.flags = 1;
	SAY("reset on fork", syscall(SYS_sched_setattr, 0, &a, 0));
	memset(&a, 0, sizeof a);
	syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
	printf("flags %llx\n", a.flags);
	a.size = 3;
	SAY("size 3", syscall(SYS_sched_setattr, 0, &a, 0));
	SAY("null", syscall(SYS_sched_setattr, 0, NULL, 0));
}

static void affinity(void)
{
	cpu_set_t set;
	unsigned char bytes[1024];
	int nr = (int)sysconf(_SC_NPROCESSORS_ONLN);
	CPU_ZERO(&set);
	SAY("get", sched_getaffinity(0, sizeof set, &set));
	printf("all: %d\n", CPU_COUNT(&set) == nr);
	CPU_ZERO(&set);
	SAY("none", sched_setaffinity(0, sizeof set, &set));
	CPU_SET(1000, &set);
	SAY("absent", sched_setaffinity(0, sizeof set, &set));
	CPU_SET(0, &set);
	SAY("first", sched_setaffinity(0, sizeof set, &set));
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	printf("first only: %d, and it runs there: %d\n", CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set), sched_getcpu());
	fflush(stdout);
	if (fork() == 0) {
		sched_getaffinity(0, sizeof set, &set);
		printf("child's: %d\n", CPU_COUNT(&set));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SAY("raw, odd size", syscall(SYS_sched_getaffinity, 0, 7, bytes));
	SAY("raw, too small", syscall(SYS_sched_getaffinity, 0, 0, bytes));
	SAY("nobody", sched_getaffinity(999999, sizeof set, &set));
	SAY("to nowhere", syscall(SYS_sched_getaffinity, 0, 128, 8));
	SAY("from nowhere", syscall(SYS_sched_setaffinity, 0, 128, 8));
	SAY("negative", sched_getaffinity(-1, sizeof set, &set));
}

static void unprivileged(void)
{
	struct sched_param p = { 5 };
	setgid(1234);
	setuid(1234);
	SAY("fifo at 5", sched_setscheduler(0, SCHED_FIFO, &p));
	SAY("another's", sched_setscheduler(getppid(), SCHED_FIFO, &p));
	p.sched_priority = 0;
	SAY("another's to other", sched_setscheduler(getppid(), SCHED_OTHER, &p));
	SAY("back", sched_setscheduler(0, SCHED_OTHER, &p));
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	SAY("another's affinity", sched_setaffinity(getppid(), sizeof set, &set));
}

static volatile unsigned long *counters;

static pid_t burn(int slot, int nice_value, int policy)
{
	pid_t pid = fork();
	if (pid == 0) {
		cpu_set_t set;
		struct sched_param p = { 0 };
		CPU_ZERO(&set);
		CPU_SET(0, &set);
		sched_setaffinity(0, sizeof set, &set);
		setpriority(PRIO_PROCESS, 0, nice_value);
		if (policy)
			sched_setscheduler(0, policy, &p);
		while (!counters[9])
			usleep(100);
		for (;;)
			counters[slot]++;
	}
	return pid;
}

/* On one CPU: a nice task gets less, an idle one almost nothing, and nobody nothing at all. */
static void shares(void)
{
	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[3] = { burn(0, 0, 0), burn(1, 10, 0), burn(2, 0, SCHED_IDLE) };
	usleep(50000);
	counters[9] = 1;
	usleep(900000);
	for (int i = 0; i < 3; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("nice gets less: %d, idle gets least: %d\n", counters[1] * 3 < counters[0], counters[2] * 10 < counters[0]);
	printf("nobody starves: %d %d\n", counters[1] > 0, counters[2] > 0 || counters[0] > 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("policies", policies);
	in_child("attributes", attributes);
	in_child("affinity", affinity);
	in_child("unprivileged", unprivileged);
	in_child("shares", shares);
	return 0;
}
