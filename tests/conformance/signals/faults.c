/* SPDX-License-Identifier: MPL-2.0 */
/* What handlers of synchronous signals are told: si_code, trap number, error code, address. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf env;
static volatile int signo, code;
static char *volatile addr;
static volatile long err, trap;

static void handler(int s, siginfo_t *info, void *uc)
{
	ucontext_t *context = uc;

	signo = s;
	code = info->si_code;
	addr = info->si_addr;
	err = context->uc_mcontext.gregs[REG_ERR];
	trap = context->uc_mcontext.gregs[REG_TRAPNO];
	siglongjmp(env, 1);
}

#define TRY(name, base, action) \
	do { \
		if (!sigsetjmp(env, 1)) { \
			action; \
			printf("%s: nothing\n", name); \
		} else { \
			printf("%s: signal %d code %d trap %ld error %ld at %ld\n", name, signo, code, trap, err, (long)(addr - (base))); \
		} \
	} while (0)

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };
	int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP }, fd;
	volatile int zero = 0;
	char *p;

	sigaltstack(&stack, NULL);
	for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaction(signals[i], &action, NULL);
	TRY("read of NULL", (char *)0, *(volatile char *)0);
	TRY("call of NULL", (char *)0, ((void (*)(void))0)());
	p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY("write to read-only", p, p[1] = 1);
	TRY("jump to data", p, ((void (*)(void))p)());
	munmap(p + 4096, 4096);
	TRY("read of unmapped", p, ((volatile char *)p)[4097]);
	p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY("read of PROT_NONE", p, ((volatile char *)p)[3]);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ftruncate(fd, 100);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TRY("write in the last page", p, p[200] = 1);
	TRY("write beyond the file", p, p[4100] = 1);
	ftruncate(fd, 0);
	TRY("read after truncate", p, ((volatile char *)p)[0]);
	if (!sigsetjmp(env, 1))
		printf("%d\n", 1 / zero);
	else
		printf("division by zero: signal %d code %d trap %ld\n", signo, code, trap);
	TRY("int3", (char *)0, __asm__ volatile("int3"));
	TRY("hlt", (char *)0, __asm__ volatile("hlt"));
	TRY("non-canonical", (char *)0, *(volatile char *)0x8000000000000000UL);
	return 0;
}
