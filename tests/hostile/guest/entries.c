/* SPDX-License-Identifier: MPL-2.0 */
/* Every other way into a kernel: old and foreign system call instructions, numbers, modes and registers of the processor. */
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
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <cpuid.h>

static uint8_t *code; /* 4096 bytes that may be written and executed, below 4 GiB */

static void make_code(const uint8_t *bytes, size_t length)
{
	if (!code)
		code = mmap(NULL, 8192, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memset(code, 0xcc, 4096);
	memcpy(code, bytes, length);
}

/* ---- int 0x80, every number; x32, every number ---- */

static long int80(long nr, long b, long c, long d)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(b), "c"(c), "d"(d) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void int80_child(void)
{
	static char low_path[256];
	strncpy(low_path, host_path, sizeof low_path - 1);
	for (long nr = 0; nr < 460; nr++) {
		long a = nr == 37 || nr == 238 || nr == 270 ? host_pid : (long)low_path;
		long result = int80(nr, a, nr == 37 ? SIGKILL : O_WRONLY | O_CREAT | O_TRUNC, 0666);
		must(result == -ENOSYS, "int 0x80 was executed");
	}
}
static void int80_every_number(void) { must(in_child(int80_child, 20000) == 0, "int 0x80"); }

static void x32_child(void)
{
	for (long nr = 0; nr < 600; nr++)
		must(raw(0x40000000 | nr, nr == 62 ? (uint64_t)host_pid : (uint64_t)host_path, nr == 62 ? SIGKILL : O_WRONLY | O_TRUNC, 0, 0, 0, 0) == -ENOSYS, "x32");
	must(raw(-1, 0, 0, 0, 0, 0, 0) == -ENOSYS, "number -1");
	must(raw(0x80000027, 0, 0, 0, 0, 0, 0) == -ENOSYS, "a negative number");
	must(raw(0x100000000 | SYS_getpid, 0, 0, 0, 0, 0, 0) == getpid(), "the upper half of the number counts"); /* as on Linux: 32 bits are looked at */
}
static void x32_every_number(void) { must(in_child(x32_child, 20000) == 0, "x32"); }

/* ---- sysenter, syscall and int 0x80 in 32-bit mode ---- */

static const uint8_t mode_32[][24] = {
	{ 0xb8, 37, 0, 0, 0, 0x89, 0xeb, 0xb9, 9, 0, 0, 0, 0xcd, 0x80, 0xf4 },          /* mov $37,%eax; mov %ebp,%ebx; mov $9,%ecx; int $0x80; hlt */
	{ 0xb8, 37, 0, 0, 0, 0x89, 0xeb, 0xb9, 9, 0, 0, 0, 0x89, 0xe5, 0x0f, 0x34, 0xf4 }, /* ... mov %esp,%ebp; sysenter */
	{ 0xb8, 37, 0, 0, 0, 0x89, 0xeb, 0x89, 0xcd, 0x0f, 0x05, 0xf4 },                /* ... syscall */
};
static int the_case;

static void mode_32_child(void)
{
	static uint64_t low_stack[512];
	make_code(mode_32[the_case], sizeof mode_32[0]);
	__asm__ volatile("mov %1, %%ebp\n\tmov %2, %%rsp\n\tpushq $0x23\n\tpush %0\n\tlretq"
			 : : "r"((uint64_t)code), "r"((uint32_t)host_pid), "r"((uint64_t)(low_stack + 256)) : "memory", "rax", "rbx", "rcx");
}
static void compatibility_mode(void)
{
	for (the_case = 0; the_case < 3; the_case++) {
		int how = in_child(mode_32_child, 500);
		printf("case %d: %x\n", the_case, how);
	}
}

static void sysenter_child(void)
{
	static uint64_t low_stack[512];
	__asm__ volatile("mov %0, %%rsp\n\tmov $37, %%eax\n\tmov %1, %%ebx\n\tmov $9, %%ecx\n\tmov %%rsp, %%rbp\n\tsysenter"
			 : : "r"((uint64_t)(low_stack + 256)), "r"(host_pid) : "memory", "rax", "rcx");
}
static void sysenter_64(void) { printf("sysenter: %x\n", in_child(sysenter_child, 500)); }

/* ---- the vsyscall page ---- */

static void vsyscall_child(void)
{
	struct timeval tv = { 0 };
	long (*gettimeofday_at)(struct timeval *, void *) = (void *)0xffffffffff600000;
	long (*time_at)(time_t *) = (void *)0xffffffffff600400;
	gettimeofday_at(&tv, NULL);
	must(labs(time_at(NULL) - time(NULL)) < 3, "vsyscall time");
	gettimeofday_at((struct timeval *)0xffff800000000000, NULL);
}
static void vsyscall_page(void) { printf("vsyscall: %x\n", in_child(vsyscall_child, 500)); }

/* ---- every interrupt, every privileged instruction ---- */

static void run_code(void) { ((void (*)(void))code)(); }

static void every_interrupt(void)
{
	for (int n = 0; n < 256; n++) {
		make_code((uint8_t[]){ 0x31, 0xc0, 0xcd, (uint8_t)n, 0xc3 }, 5); /* xor %eax,%eax; int $n; ret */
		int how = in_child(run_code, 300);
		must(how != -1, "an interrupt hangs");
	}
}

static void privileged_instructions(void)
{
	static const uint8_t all[][8] = {
		{ 0xf4 }, { 0xfa }, { 0xfb }, { 0xec }, { 0xee }, { 0x0f, 0x30 }, { 0x0f, 0x32 }, { 0x0f, 0x22, 0xd8 }, { 0x0f, 0x20, 0xc0 },
		{ 0x0f, 0x01, 0xd0 }, { 0x0f, 0x01, 0xd1 }, { 0x0f, 0x01, 0xf8 }, { 0x0f, 0x06 }, { 0x0f, 0x08 }, { 0x0f, 0x09 }, { 0x0f, 0x07 }, { 0x0f, 0x35 },
		{ 0x48, 0xcf }, { 0x0f, 0x01, 0xca }, { 0x0f, 0x01, 0xc1 }, { 0x0f, 0x01, 0xd9 }, { 0x0f, 0x01, 0x38 }, { 0x0f, 0x00, 0xd8 }, { 0x0f, 0x33 },
		{ 0x0f, 0x01, 0xee }, { 0x0f, 0x01, 0xef }, { 0x0f, 0xae, 0x28 }, { 0x0f, 0xc7, 0xf8 }, { 0xf3, 0x0f, 0x1e, 0xfa }, { 0x0f, 0x01, 0x10 }, { 0x0f, 0x00, 0xd0 },
		{ 0x6c }, { 0x6e }, { 0x9d }, { 0x0f, 0xff }, { 0xf1 }, { 0xcc }, { 0xcb }, { 0x48, 0xcb } };
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		make_code(all[i], 8);
		code[8] = 0xc3;
		must(in_child(run_code, 300) != -1, "an instruction hangs");
	}
	for (int i = 0; i < (is_long ? 20000 : 100); i++) { /* whatever the bytes say */
		uint8_t bytes[16];
		for (int k = 0; k < 16; k++)
			bytes[k] = (uint8_t)draw();
		make_code(bytes, 16);
		in_child(run_code, 100);
	}
}

/* ---- single steps ---- */

static volatile long steps, limit;
static void on_trap(int signo, siginfo_t *info, void *context)
{
	(void)signo; (void)info;
	if (++steps >= limit)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

static void single_step_child(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	sigaction(SIGTRAP, &action, NULL);
	limit = 3000;
	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
	while (steps < limit) {
		must(raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid(), "a single-stepped call");
		raw(0x40000027, 0, 0, 0, 0, 0, 0);
	}
	must(steps == limit, "steps");
}
static void single_step(void) { must(in_child(single_step_child, 8000) == 0, "single-step"); }

static void step_into_stub_child(void)
{
	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tmov $202, %%eax\n\tjmp *%0" : : "r"(STUB_TEXT + 0x20) : "memory", "rax");
}
static void step_into_stub(void) { must(in_child(step_into_stub_child, 1000) != 0, "stepped through the stub"); }

/* ---- segment bases ---- */

static uint64_t the_base;
static void base_child(void)
{
	signal(SIGUSR1, SIG_IGN);
	if (below(2))
		__asm__ volatile("wrgsbase %0" : : "r"(the_base));
	else
		__asm__ volatile("wrgsbase %0\n\tmov %1, %%eax\n\tsyscall" : : "r"(the_base), "i"(SYS_fork) : "rax", "rcx", "r11", "memory");
	raw(SYS_kill, (uint64_t)raw(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGUSR1, 0, 0, 0, 0);
	uint64_t now;
	__asm__ volatile("rdgsbase %0" : "=r"(now));
	must(now == the_base, "the base was not kept");
	__asm__ volatile("mov %%gs:0, %0" : "=r"(now));
	must(0, "memory of the kernel's half was read");
}
static void fs_child(void) /* everything of libc is gone after this */
{
	__asm__ volatile("wrfsbase %0\n\tmov $57, %%eax\n\tsyscall\n\tmov $39, %%eax\n\tsyscall\n\tmov %%fs:0, %%rax\n\tmov $231, %%eax\n\tmov $99, %%edi\n\tsyscall"
			 : : "r"(the_base) : "rax", "rcx", "r11", "memory");
}
static void segment_bases(void)
{
	static const uint64_t bases[] = { 0xffff800000000000, 0xffffffff80000000, 0xfffffffffffff000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0x4141414141414141, 1ul << 63 };
	unsigned a, b, c, d;
	__cpuid_count(7, 0, a, b, c, d);
	(void)a; (void)c; (void)d;
	if (!(b & 1))
		return; /* no FSGSBASE */
	for (unsigned i = 0; i < 8; i++) {
		the_base = bases[i];
		int how = in_child(base_child, 500);
		must(how != -1 && WIFSIGNALED(how), "a base beyond user space");
		how = in_child(fs_child, 500);
		must(how != -1 && WIFSIGNALED(how), "a base beyond user space");
	}
}

/* ---- flags and states of the processor at the time of a call ---- */

static void odd_flags_child(void)
{
	static const uint64_t flags[] = { 1 << 10 /* DF */, 1 << 18 /* AC */, 1 << 14 /* NT */, 1 << 21 /* ID */, 1 << 10 | 1 << 18, 0xcd5 };
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
		long result;
		uint64_t after;
		__asm__ volatile("pushfq\n\tor %2, (%%rsp)\n\tpopfq\n\tmov $110, %%eax\n\tsyscall\n\tpushfq\n\tpop %1\n\tpushq $0x202\n\tpopfq"
				 : "=&a"(result), "=&r"(after) : "r"(flags[i]) : "rcx", "r11", "memory", "cc");
		must(result == getppid(), "a call with odd flags");
		must(((after ^ flags[i]) & (1 << 10 | 1 << 18)) == 0, "flags were not kept over a call");
	}
	uint32_t mxcsr = 0; /* all exceptions unmasked */
	uint16_t control = 0;
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
	for (int i = 0; i < 10; i++)
		must(raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid(), "a call with FPU exceptions on");
	__asm__ volatile("fld1\n\tfldz\n\tfdivrp"); /* pending: raised by the next FPU instruction */
	for (int i = 0; i < 10; i++)
		raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
}
static void odd_flags(void) { must(in_child(odd_flags_child, 3000) != -1, "odd flags"); }

/* ---- calls that would change what the machine relies on ---- */

static void host_only_calls(void)
{
	static uint64_t words[8];
	must(raw(SYS_prctl, 59, 1, STUB_TEXT, 0x10000, 0, 0) < 0 || raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid(), "dispatch");
	must(raw(SYS_modify_ldt, 1, (uint64_t)words, 16, 0, 0, 0) == -ENOSYS, "modify_ldt");
	must(raw(SYS_iopl, 3, 0, 0, 0, 0, 0) < 0, "iopl");
	must(raw(SYS_ioperm, 0, 1024, 1, 0, 0, 0) < 0, "ioperm");
	must(raw(SYS_arch_prctl, 0x1002, 0xffff800000000000, 0, 0, 0, 0) == -EPERM, "ARCH_SET_FS");
	must(raw(SYS_arch_prctl, 0x1001, STUB_TEXT, 0, 0, 0, 0) == -EPERM, "ARCH_SET_GS");
	must(raw(SYS_arch_prctl, 0x1012, 0, 0, 0, 0, 0) < 0, "CPUID faulting");
	must(raw(SYS_userfaultfd, 0, 0, 0, 0, 0, 0) < 0, "userfaultfd");
	must(raw(SYS_io_uring_setup, 8, (uint64_t)words, 0, 0, 0, 0) < 0, "io_uring");
	must(raw(SYS_perf_event_open, (uint64_t)words, 0, -1, -1, 0, 0) < 0, "perf_event_open");
	must(raw(SYS_bpf, 0, (uint64_t)words, 64, 0, 0, 0) < 0, "bpf");
	must(raw(SYS_init_module, (uint64_t)words, 64, (uint64_t)"", 0, 0, 0) < 0, "init_module");
	must(raw(SYS_kexec_load, 0, 0, 0, 0, 0, 0) < 0, "kexec");
	must(raw(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, 0, 0, 0) < 0 || 1, "reboot");
}

/* Every call that maps, on every range of the stub: an errno, and the stub is as it was. */
static void own_mappings(void)
{
	static const uint64_t ranges[] = { STUB_TEXT, STUB_TEXT + 4096, VDSO, MACHINE_PAGE, ORDER_PAGE, SCRATCH_PAGE, STACKS, CONTEXTS, CONTEXTS + 0x8000,
		0x7ffffffff000 - 4096, 0x7ffffffff000, 0xffffffffff600000, 0xffff800000000000, 1ul << 47 };
	static char page[4096];
	for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		uint64_t at = ranges[i];
		must(raw(SYS_mmap, at, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) < 0, "MAP_FIXED over the stub");
		must(raw(SYS_mmap, at, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0) < 0, "MAP_FIXED_NOREPLACE over the stub");
		long hint = raw(SYS_mmap, at, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(hint < 0 || (uint64_t)hint < STUB_TEXT, "a hint in the stub's range was taken");
		must(raw(SYS_munmap, at, 4096, 0, 0, 0, 0) < 0, "munmap of the stub");
		must(raw(SYS_mprotect, at, 4096, 7, 0, 0, 0) < 0, "mprotect of the stub");
		must(raw(SYS_pkey_mprotect, at, 4096, 7, -1, 0, 0) < 0, "pkey_mprotect of the stub");
		for (int advice = 0; advice < 26; advice++)
			must(raw(SYS_madvise, at, 4096, (uint64_t)advice, 0, 0, 0) < 0, "madvise of the stub");
		must(raw(SYS_mremap, at, 4096, 8192, 1, 0, 0) < 0, "mremap of the stub");
		must(raw(SYS_mremap, (uint64_t)page & -4096ul, 4096, 4096, 3, at, 0) < 0, "mremap onto the stub");
		must(raw(SYS_remap_file_pages, at, 4096, 0, 0, 0, 0) < 0, "remap_file_pages");
		must(raw(SYS_msync, at, 4096, 4, 0, 0, 0) < 0, "msync");
		must(raw(SYS_mlock, at, 4096, 0, 0, 0, 0) < 0, "mlock");
		must(raw(SYS_mincore, at, 4096, (uint64_t)page, 0, 0, 0) < 0, "mincore");
		must((uint64_t)raw(SYS_brk, at, 0, 0, 0, 0, 0) != at, "brk");
		must(raw(SYS_shmat, 0, at, 0x4000, 0, 0, 0) < 0, "shmat");
		must(raw(SYS_prctl, 35, 1 + below(14), at, 0, 0, 0) < 0, "PR_SET_MM");
		must(raw(SYS_read, (uint64_t)open("/dev/zero", O_RDONLY), at, 64, 0, 0, 0) == -EFAULT, "read into the stub");
		must(raw(SYS_write, (uint64_t)open("/tmp/w", O_CREAT | O_RDWR, 0600), at, 64, 0, 0, 0) == -EFAULT, "write out of the stub");
		uint64_t local[2] = { (uint64_t)page, 64 }, remote[2] = { at, 64 };
		must(raw(SYS_process_vm_writev, (uint64_t)getpid(), (uint64_t)local, 1, (uint64_t)remote, 1, 0) < 0, "process_vm_writev");
		must(raw(SYS_process_vm_readv, (uint64_t)getpid(), (uint64_t)local, 1, (uint64_t)remote, 1, 0) < 0, "process_vm_readv");
		int mem = open("/proc/self/mem", O_RDWR);
		if (mem >= 0)
			must(pwrite(mem, page, 64, (off_t)at) < 0 && pread(mem, page, 64, (off_t)at) < 0, "/proc/self/mem");
		for (int fd = 3; fd < 40; fd++)
			close(fd);
		must(raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid(), "the stub does not work any more");
	}
	must(raw(SYS_munmap, 0x100000000000, 1ul << 47, 0, 0, 0, 0) < 0, "munmap of half the world");
	must(raw(SYS_mprotect, 0x7fe000000000, 0x20000000000, 0, 0, 0, 0) < 0, "mprotect over the end");
	uint64_t span = STUB_TEXT - 0x600000000000;
	must(raw(SYS_munmap, 0x600000000000, span + 4096, 0, 0, 0, 0) < 0, "munmap one page too far");
}

const struct attack attacks[] = {
	{ "int80_every_number", int80_every_number, 20 }, { "x32_every_number", x32_every_number, 20 }, { "compatibility_mode", compatibility_mode, 10 },
	{ "sysenter_64", sysenter_64, 5 }, { "vsyscall_page", vsyscall_page, 5 }, { "every_interrupt", every_interrupt, 30 },
	{ "privileged_instructions", privileged_instructions, 30 }, { "single_step", single_step, 20 }, { "step_into_stub", step_into_stub, 5 },
	{ "segment_bases", segment_bases, 20 }, { "odd_flags", odd_flags, 10 }, { "host_only_calls", host_only_calls, 5 }, { "own_mappings", own_mappings, 20 },
	{ 0 },
};
