/* SPDX-License-Identifier: MPL-2.0 */
/* Too much of what is allowed: rings of the doorbell, signals, stops, forks and execs in the middle of each other. */
#define _GNU_SOURCE
#include "witness.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static int64_t end_ms;
static int is_over(void) { return now_ms() > end_ms; }
static void begin(int ms) { end_ms = now_ms() + ms * (is_long ? 30 : 1); }

/* ---- the doorbell: the stub's handler, called like a function, rings it if the kernel sleeps ---- */

static uint8_t fake[3 * 0x8000];
static volatile uint32_t *fake_area;

static void *let_go(void *unused)
{
	for (;;)
		*fake_area = 1; /* STATE_RUN: the handler returns */
	return unused;
}

static void doorbell_child(void)
{
	const char *text = getenv("STUB_HANDLER");
	must(text != NULL, "STUB_HANDLER is not set");
	uint64_t handler = strtoull(text, NULL, 16), base = ((uint64_t)fake + 0x7fff) & -0x8000ul;
	static uint64_t info[16];
	pthread_t id;
	fake_area = (volatile uint32_t *)base;
	*fake_area = 1;
	pthread_create(&id, NULL, let_go, NULL);
	begin(600);
	for (int i = 0; i < 100 || !is_over(); i++) {
		/* kernel_sleeping is the machine page's first word: ring when it counts */
		for (int k = 0; k < 1000 && *(volatile uint32_t *)MACHINE_PAGE == 0; k++)
			;
		__asm__ volatile("push %%rbp\n\tmov %%rsp, %%r15\n\tmov %0, %%rsp\n\tcall *%1\n\tmov %%r15, %%rsp\n\tpop %%rbp"
				 : : "r"(base + 0x7000), "a"(handler), "D"(31l), "S"(info), "d"(base + 0x7800)
				 : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rbx", "memory");
	}
}
static void doorbell_storm(void)
{
	for (int i = 0; i < 6; i++) /* an interrupt that meets it in the stub's text ends it */
		in_child(doorbell_child, 4000 * (is_long ? 30 : 1));
}

/* ---- signals ---- */

static volatile long handled;
static void on_signal(int signo) { handled++; if (signo == SIGUSR1) raw(SYS_getpid, 0, 0, 0, 0, 0, 0); }
static void on_info(int signo, siginfo_t *info, void *context) { (void)signo; (void)info; (void)context; handled++; }

static void *be_hit(void *unused)
{
	sigset_t set;
	for (;;) {
		uint64_t bits = draw();
		memcpy(&set, &bits, 8);
		sigdelset(&set, SIGALRM);
		pthread_sigmask(SIG_SETMASK, &set, NULL);
		struct timespec time = { 0, 1000 * below(500) };
		switch (below(5)) {
		case 0: nanosleep(&time, NULL); break;
		case 1: { siginfo_t info; sigtimedwait(&set, &info, &time); break; }
		case 2: { uint64_t none = 0; raw(SYS_rt_sigsuspend, (uint64_t)&none, 0, 0, 0, 0, 0); break; } /* bad size: EINVAL */
		case 3: sched_yield(); break;
		case 4: for (volatile int i = 0; i < 20000; i++) ; break;
		}
	}
	return unused;
}

static int any_signal(void)
{
	int signo = 1 + (int)below(64);
	return signo == SIGKILL || signo == SIGSTOP ? SIGUSR1 : signo;
}

static void signal_child(void)
{
	for (int signo = 1; signo <= 64; signo++) { /* 23 is the machine's own interrupt on the host, and nothing special here */
		struct sigaction action = { .sa_handler = on_signal, .sa_flags = below(2) ? SA_RESTART : SA_NODEFER };
		if (below(2)) {
			action.sa_sigaction = on_info;
			action.sa_flags |= SA_SIGINFO;
		}
		sigaction(signo, &action, NULL);
	}
	pthread_t id;
	for (int i = 0; i < 3; i++)
		pthread_create(&id, NULL, be_hit, NULL);
	begin(500);
	pid_t me = getpid();
	union sigval value = { 0 };
	while (!is_over())
		switch (below(6)) {
		case 0: kill(me, any_signal()); break;
		case 1: sigqueue(me, 34 + (int)below(30), value); break;
		case 2: raw(SYS_tgkill, (uint64_t)me, (uint64_t)me + below(4), (uint64_t)any_signal(), 0, 0, 0); break;
		case 3: kill(me, 23); break;
		case 4: { pid_t pid = fork(); if (pid == 0) { kill(me, SIGUSR1); _exit(0); } if (pid > 0) waitpid(pid, NULL, 0); break; }
		case 5: raise(any_signal()); break;
		}
}
static void signal_storm(void)
{
	for (int i = 0; i < 4; i++) {
		draw();
		in_child(signal_child, 3000 * (is_long ? 30 : 1));
	}
}

static void stop_child(void)
{
	pid_t pids[3];
	for (int i = 0; i < 3; i++)
		if ((pids[i] = fork()) == 0)
			for (;;)
				raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
	begin(600);
	for (long n = 0; !is_over(); n++) {
		pid_t pid = pids[below(3)];
		kill(pid, below(2) ? SIGSTOP : SIGCONT);
		if (below(4) == 0)
			waitpid(pid, NULL, WNOHANG | WUNTRACED | WCONTINUED);
	}
	for (int i = 0; i < 3; i++) {
		int status;
		kill(pids[i], SIGKILL);
		while (waitpid(pids[i], &status, 0) == pids[i] && !WIFSIGNALED(status))
			;
	}
}
static void stop_storm(void) { must(in_child(stop_child, 6000 * (is_long ? 30 : 1)) == 0, "stops"); }

/* ---- births in the middle of each other ---- */

static volatile int word;
static void *scribble_sibling(void *unused)
{
	volatile uint64_t *scratch = (volatile uint64_t *)SCRATCH_PAGE;
	for (unsigned i = 0;; i++) {
		scratch[0] = i % 3 ? draw() : 0; /* the number of the new task */
		for (unsigned n = 0; n < 8; n++)
			if (n < 3 || below(100) == 0)
				((volatile uint32_t *)(CONTEXTS + n * CONTEXT_BYTES))[512 + below(4000)] = (uint32_t)draw();
	}
	return unused;
}
static void *vfork_and_exec(void *unused)
{
	for (;;) {
		pid_t pid = vfork();
		if (pid == 0) {
			char *argv[] = { "true", "born", NULL };
			if (below(2))
				execv("/proc/self/exe", argv);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		word++;
	}
	return unused;
}
static void *fork_and_map(void *unused)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		if (p != MAP_FAILED)
			memset(p, 3, 1 << 16), munmap(p, 1 << 16);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return unused;
}
__attribute__((constructor)) static void born(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "born"))
		_exit(0);
}

static int with_scribbler;
static void birth_child(void)
{
	pthread_t id;
	pthread_create(&id, NULL, vfork_and_exec, NULL);
	pthread_create(&id, NULL, fork_and_map, NULL);
	if (with_scribbler)
		pthread_create(&id, NULL, scribble_sibling, NULL);
	usleep(100000 + 1000 * below(200));
	if (below(2)) {
		char *argv[] = { "true", "born", NULL };
		execv("/proc/self/exe", argv); /* with threads in vfork, fork and faults */
	}
}
static void births(void)
{
	for (int i = 0; i < (is_long ? 300 : 6); i++) {
		with_scribbler = i % 2;
		draw();
		in_child(birth_child, 2000);
	}
}

/* ---- end by the terminal of everything at once: orphans that hold each other ---- */

static void orphan_child(void)
{
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			if (below(2))
				setsid();
			if (fork() == 0)
				for (;;)
					raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
			_exit(0);
		}
	kill(-1, SIGCONT);
}
static void orphans(void)
{
	in_child(orphan_child, 2000);
	signal(SIGTERM, SIG_IGN);
	/* what is left is ended by the end of the run */
}

const struct attack attacks[] = {
	{ "doorbell_storm", doorbell_storm, 10 }, { "signal_storm", signal_storm, 20 }, { "stop_storm", stop_storm, 10 },
	{ "births", births, 30 }, { "orphans", orphans, 10 },
	{ 0 },
};
