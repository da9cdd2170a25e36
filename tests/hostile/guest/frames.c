/* SPDX-License-Identifier: MPL-2.0 */
/* Forged signal frames: ours, which the kernel of the guest reads, and the host's, through rt_sigreturn in the stub's text. */
#define _GNU_SOURCE
#include "witness.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* ucontext as the kernel has it: 304 bytes. */
struct frame {
	uint64_t flags, link, stack_sp;
	int32_t stack_flags, pad;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8], mask;
};
_Static_assert(sizeof(struct frame) == 304, "as on x86-64");

static uint64_t stack[2][8192] __attribute__((aligned(4096)));
static uint8_t fpu[16384] __attribute__((aligned(64)));
static struct frame *frame;
static uint64_t gadget; /* a `syscall` in the stub's text */

static void find_gadget(void)
{
	const uint8_t *text = (const uint8_t *)STUB_TEXT;
	for (int i = 4096; i-- > 0 && !gadget;)
		if (is_mapped((uint64_t)text + i) && text[i] == 0x0f && text[i + 1] == 0x05)
			gadget = (uint64_t)text + i;
	must(gadget != 0, "no syscall instruction in the stub");
}

/* What code that got control does: everything that would be seen outside, were it executed. */
static void harm(void)
{
	static const char path[] = "/tmp/harm";
	static int times;
	must(raw(SYS_kill, (uint64_t)host_pid, SIGKILL, 0, 0, 0, 0) != 0, "a process of the host has been signalled");
	must(raw(SYS_open, (uint64_t)host_path, O_WRONLY, 0, 0, 0, 0) < 0, "a file of the host was opened");
	raw(SYS_open, (uint64_t)path, O_CREAT | O_WRONLY, 0600, 0, 0, 0);
	if (times++ > 3)
		raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static void landing(void)
{
	harm();
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/* 32-bit mode: kill(host_pid, SIGKILL) in three ways, then exit. */
extern void code_32_start(void);
__asm__(".code32\n"
	"code_32_start:\n\t"
	"mov $37, %eax\n\tmov host_pid, %ebx\n\tmov $9, %ecx\n\tint $0x80\n\t"
	"mov $20, %eax\n\tint $0x80\n\t"
	"mov $37, %eax\n\tmov %esp, %ebp\n\tsysenter\n\t"
	"mov $37, %eax\n\tsyscall\n\t"
	"mov $1, %eax\n\txor %ebx, %ebx\n\tint $0x80\n\tud2\n"
	".code64\n");

static uint64_t odd_address(void)
{
	static const uint64_t all[] = { 0, 1, 4096, STUB_TEXT, STUB_TEXT + 0x100, STUB_TEXT + 0x10000, VDSO, MACHINE_PAGE, ORDER_PAGE, SCRATCH_PAGE, STACKS,
		CONTEXTS, CONTEXTS + 1024, CONTEXTS + 0x7000, CONTEXTS + 0x10000, 0x7ffffffff000, 1ul << 47, 0xffff800000000000, 0xffffffffff600000, -1ul, -4096ul, 1ul << 63 };
	switch (below(4)) {
	case 0: return (uint64_t)&stack[1][below(8192)];
	case 1: return draw();
	default: return all[below(sizeof all / sizeof *all)];
	}
}

static void fill_fpu(void)
{
	memset(fpu, 0, sizeof fpu);
	uint32_t *words = (uint32_t *)fpu;
	words[0] = 0x37f;
	words[6] = 0x1f80;
	words[116] = 0x46505853; /* magic, extended size, features, size: bytes 464.. */
	words[117] = 2696;
	*(uint64_t *)&words[118] = 0xe7;
	words[120] = 2692;
	for (int i = 0; i < (int)below(6); i++)
		switch (below(7)) {
		case 0: words[6] = (uint32_t)draw(); break;                       /* MXCSR */
		case 1: words[117] = (uint32_t)(below(2) ? draw() : below(16384)); break;
		case 2: *(uint64_t *)&words[118] = draw(); break;
		case 3: words[120] = (uint32_t)(below(2) ? draw() : below(16384)); break;
		case 4: *(uint64_t *)(fpu + 512) = below(2) ? draw() : below(2048); break; /* XSTATE_BV */
		case 5: *(uint64_t *)(fpu + 520 + 8 * below(7)) = draw(); break;  /* XCOMP_BV, reserved */
		case 6: for (int k = 0; k < 200; k++) fpu[below(sizeof fpu)] = (uint8_t)draw(); break;
		}
}

/* A frame that is good but for some of its fields. */
static void forge(struct frame *f)
{
	memset(f, 0, sizeof *f);
	f->flags = 7;
	f->stack_flags = SS_DISABLE;
	f->rip = (uint64_t)landing;
	f->rsp = ((uint64_t)&stack[1][4096] & -16ul) - 8;
	f->eflags = 0x202;
	f->cs = 0x33;
	f->ss = 0x2b;
	f->fpstate = below(2) ? 0 : (uint64_t)fpu;
	fill_fpu();
	for (int i = 1 + (int)below(4); i > 0; i--)
		switch (below(12)) {
		case 0: f->cs = (uint16_t[]){ 0x23, 0x10, 0x08, 0, 0x1b, 0x3b, 0x7, 0xffff }[below(8)];
			if (f->cs == 0x23)
				f->rip = (uint64_t)code_32_start, f->rsp = (uint64_t)&stack[0][8000];
			break;
		case 1: f->ss = (uint16_t)(below(2) ? draw() : 0x23 + 8 * below(4)); break;
		case 2: f->eflags = draw(); break;
		case 3: f->eflags = 0x202 | (1ul << below(22)); break;
		case 4: f->rip = odd_address(); break;
		case 5: f->rsp = odd_address(); break;
		case 6: f->fpstate = odd_address(); break;
		case 7: f->stack_sp = odd_address(); f->stack_size = below(2) ? draw() : 65536; f->stack_flags = below(2) ? 0 : (int32_t)draw(); break;
		case 8: f->mask = below(2) ? -1ul : draw(); break;
		case 9: f->flags = draw(); break;
		case 10: f->fs = (uint16_t)draw(); f->gs = (uint16_t)draw(); break;
		case 11: ((uint64_t *)f)[below(38)] = draw(); break;
		}
}

static void return_to(struct frame *f, uint64_t site)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tjmp *%1" : : "r"(f), "c"(site) : "memory");
	__builtin_unreachable();
}

static void (*the_site)(void);
static void forge_and_return(void)
{
	if (below(4) == 0) { /* a stack for signals that lies in what the stub shares */
		stack_t alt = { .ss_sp = (void *)odd_address(), .ss_size = 65536 };
		sigaltstack(&alt, NULL);
	}
	frame = (struct frame *)&stack[0][4000];
	forge(frame);
	return_to(frame, (uint64_t)the_site);
}

static void repeat(int times)
{
	long nr_dead = 0, nr_lived = 0, nr_hung = 0;
	for (int i = 0; i < times * (is_long ? 100 : 1); i++) {
		draw();
		int how = in_child(forge_and_return, 150);
		must(how == -1 || !WIFEXITED(how) || WEXITSTATUS(how) != 99, "see above");
		nr_hung += how == -1;
		nr_dead += how != -1 && WIFSIGNALED(how);
		nr_lived += how != -1 && WIFEXITED(how);
	}
	printf("%ld ended, %ld went on, %ld had to be ended\n", nr_dead, nr_lived, nr_hung);
}

extern void own_syscall(void);
__asm__("own_syscall: syscall; ud2");
static void own_frames(void)
{
	the_site = own_syscall;
	repeat(300);
}

static void host_frames(void)
{
	find_gadget();
	the_site = (void (*)(void))gadget;
	repeat(300);
}

/* All signals blocked on the host, SIGSYS too: the next call is not executed, and the process ends. */
static void blocked_child(void)
{
	frame = (struct frame *)&stack[0][4000];
	memset(frame, 0, sizeof *frame);
	frame->stack_flags = SS_DISABLE;
	frame->rip = (uint64_t)landing, frame->rsp = ((uint64_t)&stack[1][4096] & -16ul) - 8;
	frame->eflags = 0x202, frame->cs = 0x33, frame->ss = 0x2b, frame->mask = -1ul;
	return_to(frame, gadget);
}
static void blocked_sigsys(void)
{
	find_gadget();
	for (int i = 0; i < 10; i++) {
		int how = in_child(blocked_child, 500);
		must(how != -1 && WIFSIGNALED(how), "a call with SIGSYS blocked");
	}
	must(access("/tmp/harm", F_OK) != 0, "a call with SIGSYS blocked was executed");
}

/* The processor is kept by code that no signal can stop. */
static void spin_child(void)
{
	frame = (struct frame *)&stack[0][4000];
	memset(frame, 0, sizeof *frame);
	frame->stack_flags = SS_DISABLE;
	static const uint8_t loop[] = { 0xeb, 0xfe };
	uint8_t *code = mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(code, loop, 2);
	frame->rip = (uint64_t)code, frame->rsp = (uint64_t)&stack[1][4096];
	frame->eflags = 0x202, frame->cs = 0x33, frame->ss = 0x2b, frame->mask = -1ul;
	return_to(frame, gadget);
}
static void spin_for_ever(void)
{
	find_gadget();
	int how = in_child(spin_child, 100);
	must(how == -1 || WIFSIGNALED(how), "it came back");
}

/* futex(2) of the stub's text, with every signal blocked: a processor that nobody uses and nobody gets. */
static void sleep_child(void)
{
	static uint32_t word;
	frame = (struct frame *)&stack[0][4000];
	memset(frame, 0, sizeof *frame);
	frame->stack_flags = SS_DISABLE;
	frame->rip = gadget, frame->rsp = (uint64_t)&stack[1][4096];
	frame->rax = SYS_futex, frame->rdi = (uint64_t)&word;
	frame->eflags = 0x202, frame->cs = 0x33, frame->ss = 0x2b, frame->mask = -1ul;
	return_to(frame, gadget);
}
static void sleep_for_ever(void)
{
	find_gadget();
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		if ((pids[i] = fork()) == 0)
			sleep_child();
	for (int i = 0; i < 4; i++) {
		int status;
		usleep(50000);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	must(to.tv_sec - from.tv_sec < 8, "processors were kept");
}

const struct attack attacks[] = {
	{ "own_frames", own_frames, 60 },
	{ "host_frames", host_frames, 90 },
	{ "blocked_sigsys", blocked_sigsys, 10 },
	{ "spin_for_ever", spin_for_ever, 20 },
	{ "sleep_for_ever", sleep_for_ever, 20 },
	{ 0 },
};
