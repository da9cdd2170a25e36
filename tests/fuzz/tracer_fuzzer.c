/* SPDX-License-Identifier: MPL-2.0 */
/* A tracer that gives random orders to children that do random things: nothing of it may hang or break the kernel. argv: seed, rounds. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
static long nr_orders, nr_good;

static unsigned any(unsigned below)
{
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return (unsigned)(state >> 20) % below;
}

static void handler(int signo) { (void)signo; }

static void *thread(void *argument)
{
	for (int i = 0; i < 50; i++)
		syscall(SYS_gettid), sched_yield();
	return argument;
}

static void child(unsigned seed, char *self)
{
	state = seed * 2654435761u + 12345;
	setpgid(0, 0);
	for (int i = 1; i < 30; i++)
		if (any(3) == 0)
			signal(i, any(2) ? handler : SIG_IGN);
	if (any(4) == 0)
		ptrace(PTRACE_TRACEME, 0, 0, 0);
	alarm(3);
	for (int i = 0; i < 60; i++) {
		pthread_t id;
		int pipes[2];
		char c;
		pid_t pid;
		switch (any(14)) {
		case 0: raise(1 + any(20)); break;
		case 1: if ((pid = fork()) == 0) _exit(any(3)); else if (any(2)) waitpid(pid, NULL, any(2) ? WNOHANG : 0); break;
		case 2: if ((pid = vfork()) == 0) _exit(1); break;
		case 3: pthread_create(&id, NULL, thread, NULL); if (any(2)) pthread_join(id, NULL); break;
		case 4: if (any(6) == 0) execl(self, self, "exec", NULL); break;
		case 5: __asm__ volatile("int3"); break;
		case 6: usleep(any(2000)); break;
		case 7: pipe(pipes); write(pipes[1], "x", 1); read(pipes[0], &c, 1); close(pipes[0]); close(pipes[1]); break;
		case 8: kill(getpid(), any(2) ? SIGSTOP : SIGCONT); break;
		case 9: for (volatile int n = 0; n < 20000; n++) ; break;
		case 10: kill(getppid(), SIGCHLD); break;
		default: syscall(any(2) ? SYS_getpid : SYS_getppid); break;
		}
	}
	_exit(0);
}

static long order(pid_t pid)
{
	static const int requests[] = { 1, 2, 3, 4, 6, 7, 7, 7, 9, 9, 12, 13, 14, 15, 17, 24, 24, 24, 31, 32, 0x4200, 0x4201, 0x4202, 0x4203, 0x4204,
		0x4205, 0x4207, 0x4208, 0x4209, 0x420a, 0x420b, 0x420e, 8, 16, 0x4206 };
	static char buffer[4096] __attribute__((aligned(64)));
	static struct iovec vector;
	struct user_regs_struct regs;
	int request = requests[any(sizeof requests / sizeof *requests)];
	void *addr = 0, *data = buffer;
	if (request == 8 && any(20))
		request = 7;
	if (request == 17 && any(6))
		request = 24;
	if (request == 7 || request == 9 || request == 24 || request == 31 || request == 32 || request == 17)
		data = (void *)(uintptr_t)(any(3) ? 0 : any(70));
	if (request == 0x4200 || request == 0x4206)
		data = (void *)(uintptr_t)(any(3) ? any(256) : any(1 << 22));
	if (request <= 6)
		addr = (void *)(uintptr_t)(any(2) ? any(1000) & ~7u : (unsigned)(uintptr_t)handler);
	if (request == 6)
		addr = (void *)(uintptr_t)(8 * any(30));
	if (request == 4 || request == 6)
		data = (void *)(uintptr_t)any(5);
	if (request == 13) {            /* set what was read, a little changed */
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
			return -1;
		if (any(3) == 0)
			((unsigned long long *)&regs)[any(27)] = any(2) ? any(400) : ~0ull - any(600);
		data = &regs;
	}
	if (request == 0x4204 || request == 0x4205) {
		static const int kinds[] = { 1, 2, 0x202, 0x200, 7 };
		addr = (void *)(uintptr_t)kinds[any(5)];
		vector.iov_base = buffer;
		vector.iov_len = any(sizeof buffer) & ~7u;
		data = &vector;
	}
	if (request == 0x420e)
		addr = (void *)(uintptr_t)any(100);
	if (request == 0x420a || request == 0x420b)
		addr = (void *)8;
	nr_orders++;
	return syscall(SYS_ptrace, request, pid, addr, data);
}

int main(int argc, char **argv)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return 0;
	unsigned seed = (unsigned)atoi(argv[1]), rounds = (unsigned)atoi(argv[2]);
	for (int i = 1; i < 30; i++)
		if (i != SIGALRM && i != SIGTERM && i != SIGINT)
			signal(i, handler);
	for (unsigned round = 0; round < rounds; round++) {
		pid_t pid = fork();
		setpgid(pid, pid);
		if (pid == 0)
			child(seed + round, argv[0]);
		state = (seed + round) * 0x9e3779b97f4a7c15ull + 1;
		if (any(3))
			ptrace(any(2) ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, (void *)(uintptr_t)(any(2) ? any(128) : 0));
		for (int i = 0; i < 400; i++) {
			int status;
			pid_t got = waitpid(-1, &status, __WALL | WNOHANG | (any(8) ? 0 : WUNTRACED));
			if (got < 0 && errno == ECHILD)
				break;
			if (got <= 0) {
				if (any(4) == 0)
					nr_good += order(pid) >= 0;
				usleep(200);
				continue;
			}
			for (int k = any(4); k >= 0 && WIFSTOPPED(status); k--)
				nr_good += order(got) >= 0;
			if (WIFSTOPPED(status) && any(3))
				ptrace(any(3) ? PTRACE_CONT : PTRACE_SYSCALL, got, 0, (void *)(uintptr_t)(any(2) ? 0 : WSTOPSIG(status) & 0x7f));
		}
		do {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		} while (waitpid(-1, NULL, __WALL) >= 0 || errno == EINTR);
	}
	printf("%ld orders, %ld obeyed\n", nr_orders, nr_good);
	return 0;
}
