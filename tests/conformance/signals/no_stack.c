/* SPDX-License-Identifier: MPL-2.0 */
/* A signal whose frame has no room kills by SIGSEGV, unless a SIGSEGV handler has an alternate stack. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int signo) { _exit(signo == SIGSEGV ? 33 : 44); }

static void try(int segv_flags)
{
	int status;

	if (fork() == 0) {
		struct sigaction action;
		stack_t stack;

		memset(&action, 0, sizeof action);
		memset(&stack, 0, sizeof stack);
		stack.ss_sp = malloc(65536);
		stack.ss_size = 65536;
		sigaltstack(&stack, NULL);
		action.sa_handler = handler;
		sigaction(SIGUSR1, &action, NULL);
		action.sa_flags = segv_flags;
		if (segv_flags >= 0)
			sigaction(SIGSEGV, &action, NULL);
		__asm__ volatile("mov %0, %%edi\n mov $10, %%esi\n mov $62, %%eax\n xor %%esp, %%esp\n syscall\n" : : "r"(getpid()) : "rax", "rdi", "rsi", "rcx", "r11", "memory");
	}
	wait(&status);
	printf("status %#x\n", status & ~0x80);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	try(-1);
	try(0);
	try(SA_ONSTACK);
	return 0;
}
