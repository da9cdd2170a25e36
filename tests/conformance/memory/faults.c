/* SPDX-License-Identifier: MPL-2.0 */
/* Signals of bad accesses, files under mappings, stacks, code made at run time, many areas over fork, execve in a thread. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int signo, code;
static void *volatile address;

static void handler(int s, siginfo_t *info, void *context)
{
	(void)context;
	signo = s;
	code = info->si_code;
	address = info->si_addr;
	siglongjmp(back, 1);
}

#define TRY(statement) (signo = code = 0, sigsetjmp(back, 1) ? (void)0 : (void)({ statement; 0; }))

static int recurse(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	return n ? recurse(n - 1) + frame[0] : 0;
}

static void *spin(void *unused)
{
	for (;;)
		__asm__ volatile("" : : "r"(unused) : "memory");
}

static void *execute(void *unused)
{
	char *argv[] = { "faults", "child", NULL };

	usleep(10000);
	execv("/proc/self/exe", argv);
	return unused;
}

static void accesses(void)
{
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char function[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *jit;

	TRY(page[0] = 1);
	printf("write to read-only: %d %d %d\n", signo, code, address == page);
	TRY(*(volatile char *)8 = 1);
	printf("null: %d %d %p\n", signo, code, address);
	TRY(recurse(1000000));
	printf("stack overflow: %d %d\n", signo, code);
	jit = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(jit, function, sizeof function);
	printf("made code: %d\n", ((int (*)(void))jit)());
	mprotect(jit, 4096, PROT_READ);
	TRY(((int (*)(void))jit)());
	printf("not executable: %d %d %d\n", signo, code, address == jit);
	mprotect(jit, 4096, PROT_NONE);
	TRY(*(volatile char *)jit);
	printf("none: %d %d\n", signo, code);
	mprotect(jit, 4096, PROT_READ | PROT_EXEC);
	printf("kept: %d\n", ((int (*)(void))jit)());
}

static void files(void)
{
	char text[8] = { 0 };
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *map, *copy;

	ftruncate(fd, 100);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	copy = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	strcpy(map, "shared");
	printf("private sees: %s\n", copy);
	strcpy(copy, "mine");
	TRY(map[4096] = 1);
	printf("beyond the end: %d %d %d\n", signo, code, address == map + 4096);
	pread(fd, text, 6, 0);
	printf("file has: %s\n", text);
	pwrite(fd, "SHARED", 6, 0);
	printf("map has: %s, copy has: %s\n", map, copy);
	ftruncate(fd, 0);
	TRY(printf("%c", map[0]));
	printf("truncated: %d %d\n", signo, code);
	TRY(printf("%c", copy[0]));
	printf("truncated copy: %d %d\n", signo, code);
	ftruncate(fd, 5000);
	printf("grown again: %d %d\n", map[0], copy[0]);
	close(fd);
}

static void areas(void)
{
	static char *map[3000];
	int status, bad = 0;

	for (int i = 0; i < 3000; i++) {
		map[i] = mmap(NULL, 8192, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (i & 1)
			map[i][0] = (char)i;
	}
	if (!fork()) {
		for (int i = 1; i < 3000; i += 2) {
			bad += map[i][0] != (char)i;
			map[i][0]++;
		}
		_exit(bad > 99 ? 99 : bad);
	}
	wait(&status);
	for (int i = 1; i < 3000; i += 2)
		bad += map[i][0] != (char)i;
	printf("areas over fork: %x %d\n", status, bad);
	for (int i = 0; i < 3000; i += 3)
		munmap(map[i], 8192);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	int status;

	(void)argv;
	if (argc > 1) {
		printf("executed by the leader: %d\n", getpid() == syscall(SYS_gettid));
		return 5;
	}
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	setvbuf(stdout, NULL, _IONBF, 0);
	accesses();
	files();
	areas();
	if (!fork()) {
		pthread_t thread;

		pthread_create(&thread, NULL, spin, NULL);
		pthread_create(&thread, NULL, execute, NULL);
		for (;;)
			pause();
	}
	wait(&status);
	printf("status of the child: %x\n", status);
	return 0;
}
