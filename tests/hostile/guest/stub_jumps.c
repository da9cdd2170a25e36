/* SPDX-License-Identifier: MPL-2.0 */
/* Jumps at the system call instructions of the stub, of the vDSO and our own, and at every byte of the stub, with chosen registers. */
#define _GNU_SOURCE
#include "witness.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_WORDS 8192
static uint64_t stack[STACK_WORDS] __attribute__((aligned(4096)));
static uint64_t orders[512] __attribute__((aligned(4096)));
static uint64_t sites[512];
static int nr_sites;

static void find_sites(uint64_t start, uint64_t end)
{
	nr_sites = 0;
	for (uint64_t page = start; page < end && is_mapped(page); page += 4096)
		for (uint64_t at = page; at < page + 4096; at++) {
			if ((at & 4095) == 4095 && !is_mapped(page + 4096))
				break;
			const uint8_t *p = (const uint8_t *)at;
			if (nr_sites < 512 && ((p[0] == 0x0f && (p[1] == 0x05 || p[1] == 0x34)) || (p[0] == 0xcd && p[1] == 0x80)))
				sites[nr_sites++] = at;
		}
}

extern void landed(void);
/* Whatever the stub pops is the address of `landed`, and r12 points to orders as the pager would execute. */
__attribute__((noreturn)) static void jump(uint64_t site, uint64_t nr, const uint64_t a[6])
{
	for (int i = 0; i < STACK_WORDS; i++)
		stack[i] = (uint64_t)landed;
	uint64_t all[] = { site, nr, a[0], a[1], a[2], a[3], a[4], a[5], (uint64_t)(stack + STACK_WORDS / 2), (uint64_t)orders };
	__asm__ volatile(
		"mov %0, %%rbp\n\t"
		"mov 8(%%rbp), %%rax\n\tmov 16(%%rbp), %%rdi\n\tmov 24(%%rbp), %%rsi\n\tmov 32(%%rbp), %%rdx\n\t"
		"mov 40(%%rbp), %%r10\n\tmov 48(%%rbp), %%r8\n\tmov 56(%%rbp), %%r9\n\tmov 72(%%rbp), %%r12\n\t"
		"mov $1, %%r13d\n\txor %%r14d, %%r14d\n\txor %%r15d, %%r15d\n\txor %%ebx, %%ebx\n\t"
		"mov 64(%%rbp), %%rsp\n\tmov (%%rbp), %%rcx\n\tjmp *%%rcx\n\t"
		".globl landed\n"
		"landed:\n\tmov %%rax, %%rdi\n\tand $63, %%edi\n\tmov $231, %%eax\n\tsyscall\n\tud2"
		: : "r"(all) : "memory");
	__builtin_unreachable();
}

static uint64_t the_site, the_nr;
static uint64_t the_args[6];
static void make_jump(void) { jump(the_site, the_nr, the_args); }

static uint64_t words_of(const char *text) { return (uint64_t)text; }

/* Arguments with which a call that is executed does harm that somebody sees. */
static void choose_arguments(long nr, int variant)
{
	static char block[4096];
	static uint64_t vector[2], message[7];
	vector[0] = (uint64_t)block, vector[1] = 8;
	message[2] = (uint64_t)vector, message[3] = 1;
	memset(block, 0xee, sizeof block);
	uint64_t files[6] = { words_of(host_path), O_WRONLY | O_CREAT | O_TRUNC, 0666, 0, 0, 0 };
	uint64_t at_files[6] = { (uint64_t)AT_FDCWD, words_of(host_path), O_WRONLY | O_CREAT | O_TRUNC, 0666, 0, 0 };
	uint64_t kills[6] = { (uint64_t)host_pid, SIGKILL, SIGKILL, 0, 0, 0 };
	uint64_t descriptors[6] = { below(5), (uint64_t)block, 8, 0, 0, 0 };
	uint64_t vectors[6] = { below(5), (uint64_t)vector, 1, 0, 0, 0 };
	uint64_t messages[6] = { 0, (uint64_t)message, 0, 0, 0, 0 };
	uint64_t maps[6] = { 0x30000000, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1ul, 0 };
	uint64_t ram[6] = { 0x30000000, 1 << 20, 3, MAP_SHARED | MAP_FIXED, 1 + below(2), 4096ul * below(64) };
	uint64_t stub[6] = { STUB_TEXT + 4096ul * below(2), 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1ul, 0 };
	uint64_t random[6] = { draw(), draw(), draw(), draw(), draw(), draw() };
	uint64_t zero[6] = { 0 };
	const uint64_t *all[] = { files, at_files, kills, descriptors, vectors, messages, maps, ram, stub, random, zero };
	int choice = variant;
	if (variant < 0)
		choice = nr == SYS_mmap || nr == SYS_mremap || nr == SYS_munmap || nr == SYS_mprotect ? 6 + below(3)
			: nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_ptrace || nr == SYS_pidfd_open ? 2
			: nr == SYS_recvmsg || nr == SYS_sendmsg ? 5 : (int)below(11);
	memcpy(the_args, all[choice], sizeof the_args);
}

static long nr_dead, nr_returned, nr_hung;
static void attempt(uint64_t site, uint64_t nr, int variant)
{
	the_site = site, the_nr = nr;
	choose_arguments(nr & 0xffff, variant);
	int how = in_child(make_jump, 40);
	if (how == -1)
		nr_hung++;
	else if (WIFSIGNALED(how))
		nr_dead++;
	else
		nr_returned++;
}

static void say(const char *what)
{
	printf("%s: %d sites, %ld ended, %ld came back, %ld had to be ended\n", what, nr_sites, nr_dead, nr_returned, nr_hung);
	must(nr_sites > 0, "no system call instruction found");
}

static const long interesting[] = { SYS_mmap, SYS_munmap, SYS_mprotect, SYS_clone, SYS_write, SYS_recvmsg, SYS_recvfrom, SYS_close,
	SYS_open, SYS_openat, SYS_kill, SYS_prctl, SYS_seccomp, SYS_rt_sigaction, SYS_sigaltstack, SYS_futex, SYS_exit, SYS_rt_sigreturn,
	SYS_rt_sigprocmask, SYS_arch_prctl, SYS_dup2, SYS_sendmsg, SYS_execve, SYS_ptrace, SYS_io_uring_setup, SYS_process_vm_writev };
#define NR_INTERESTING (sizeof interesting / sizeof *interesting)

static void every_number(void)
{
	find_sites(STUB_TEXT, STUB_TEXT + 0x10000);
	for (long nr = 0; nr <= 500; nr++)
		for (int i = 0; i < (is_long ? nr_sites : 1); i++)
			attempt(sites[is_long ? i : (int)below(nr_sites)], nr, -1);
	say("every number");
}

static void every_site(void)
{
	find_sites(STUB_TEXT, STUB_TEXT + 0x10000);
	for (int i = 0; i < nr_sites; i++)
		for (unsigned k = 0; k < (is_long ? NR_INTERESTING * 11 : 4); k++)
			attempt(sites[i], interesting[is_long ? k / 11 : below(NR_INTERESTING)], is_long ? (int)(k % 11) : -1);
	say("every site");
}

static void foreign_numbers(void)
{
	static const uint64_t marks[] = { 0x40000000, 0x80000000, 0xffffffff00000000, 0x100000000, 0x7fffffff };
	find_sites(STUB_TEXT, STUB_TEXT + 0x10000);
	for (int i = 0; i < (is_long ? 20000 : 60); i++)
		attempt(sites[below(nr_sites)], marks[below(5)] | (uint64_t)interesting[below(NR_INTERESTING)], -1);
	say("foreign numbers");
}

/* The pager's loop, its child's first steps, the handler: entered in the middle. */
static void every_byte(void)
{
	find_sites(STUB_TEXT, STUB_TEXT + 0x10000);
	uint64_t end = sites[nr_sites - 1] + 64;
	for (uint64_t at = STUB_TEXT; at < end; at += is_long ? 1 : 1 + below(40)) {
		for (int i = 0; i < 16; i++)
			orders[i] = draw();
		orders[0] = (uint64_t)interesting[below(4)];
		attempt(at, interesting[below(NR_INTERESTING)], -1);
	}
	say("every byte");
}

/* The host's vDSO has system calls of its own: they are ours, like any. */
static long from_vdso(uint64_t site, long nr)
{
	long result;
	/* What follows `syscall` there is `ret` in all kernels since 2.6, perhaps after pops. */
	__asm__ volatile("push %%rbp\n\tpush %%rbx\n\tmov %%rsp, %%rbp\n\tlea 1f(%%rip), %%rcx\n\t"
		".rept 16\n\tpush %%rcx\n\t.endr\n\tjmp *%%rdx\n1:\tmov %%rbp, %%rsp\n\tpop %%rbx\n\tpop %%rbp"
		: "=a"(result) : "a"(nr), "d"(site), "D"(0), "S"(0) : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
	return result;
}

static void call_from_vdso(void)
{
	must(from_vdso(the_site, SYS_getppid) == getppid(), "the vDSO's system call was not ours");
}

static void vdso_calls(void)
{
	find_sites(VDSO, VDSO + 0x80000);
	if (nr_sites == 0) { /* behind vvar pages that may not be read */
		for (uint64_t page = VDSO; page < VDSO + 0x80000 && nr_sites == 0; page += 4096)
			if (is_mapped(page) && memcmp((void *)page, "\177ELF", 4) == 0)
				find_sites(page, VDSO + 0x80000);
	}
	for (int i = 0; i < nr_sites; i++) {
		the_site = sites[i];
		int how = in_child(call_from_vdso, 100);
		must(how == -1 || !WIFEXITED(how) || WEXITSTATUS(how) != 99, "vDSO");
	}
	printf("vdso: %d sites\n", nr_sites);
}

const struct attack attacks[] = {
	{ "every_number", every_number, 60 },
	{ "every_site", every_site, 60 },
	{ "foreign_numbers", foreign_numbers, 30 },
	{ "every_byte", every_byte, 60 },
	{ "vdso_calls", vdso_calls, 20 },
	{ 0 },
};
