/* SPDX-License-Identifier: MPL-2.0 */
/* Writes into all memory that the stub shares with the kernel process, while threads stop and go, fork, exec, map and end. */
#define _GNU_SOURCE
#include "witness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* struct context_area of the stub. */
struct area {
	uint32_t state, sleeping, exit_wish, exited, frame;
	int32_t signo, code;
	uint32_t syscall, arch, load_bases;
	uint64_t address, fs_base, gs_base, new_fs_base, new_gs_base;
};
enum { STOPPED, RUN, EXIT, PARKED };

static volatile struct area *area_of(unsigned n) { return (volatile struct area *)(CONTEXTS + n * CONTEXT_BYTES); }

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

static void start(void *(*body)(void *), void *argument)
{
	static pthread_attr_t attr;
	pthread_t id;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_create(&id, &attr, body, argument);
}

/* ---- siblings that are disturbed ---- */

static void *work(void *unused)
{
	static volatile int sink;
	int box = open("/proc/self/exe", O_RDONLY);
	for (unsigned i = 0;; i++) {
		switch (i % 6) {
		case 0: raw(SYS_getppid, 0, 0, 0, 0, 0, 0); break;
		case 1: { volatile char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p != MAP_FAILED) { p[0] = p[8192] = 1; munmap((void *)p, 16384); } break; }
		case 2: { volatile char *p = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, box, 0); /* a host file: the pager gets a descriptor */
			if (p != MAP_FAILED) { sink += p[0]; munmap((void *)p, 65536); } break; }
		case 3: sched_yield(); break;
		case 4: raw(SYS_gettid, 0, 0, 0, 0, 0, 0); break;
		case 5: raw(SYS_tgkill, getpid(), getpid(), 0, 0, 0, 0); break;
		}
	}
	return unused;
}

static void *die_young(void *unused)
{
	return unused;
}

static void *give_birth(void *unused)
{
	for (;;) {
		start(die_young, NULL);
		sched_yield();
	}
	return unused;
}

/* ---- what is written ---- */

static uint64_t interesting_word(void)
{
	static const uint64_t words[] = { 0, 1, 2, 3, 4, -1ul, 0x33, 0x2b, 1024, 1032, CONTEXT_BYTES - 304, CONTEXT_BYTES - 8, CONTEXT_BYTES,
		0x7fffffff, 0x80000000, STUB_TEXT, STUB_TEXT + 0x10000, CONTEXTS, CONTEXTS + 1024, SCRATCH_PAGE, 0xffff800000000000ul, 1ul << 47, 0xc000003e,
		0x40000003, 31, 4, 23, 11, 0x46505853, 0x46505845 };
	return below(3) ? words[below(sizeof words / sizeof *words)] : draw();
}

static void scribble(unsigned nr_areas)
{
	volatile uint32_t *half = (volatile uint32_t *)(CONTEXTS + CONTEXT_BYTES * below(nr_areas));
	switch (below(6)) {
	case 0: half[below(24)] = (uint32_t)interesting_word(); break;                                    /* the struct */
	case 1: half[below(CONTEXT_BYTES / 4)] = (uint32_t)interesting_word(); break;                     /* anywhere */
	case 2: ((volatile uint64_t *)half)[below(CONTEXT_BYTES / 8)] = interesting_word(); break;
	case 3: { /* a word of a sibling's frame, or of its struct, in place of this one's */
		unsigned offset = below(2) ? below(128) : CONTEXT_BYTES - 8 - 8 * below(600);
		*(volatile uint64_t *)((uintptr_t)half + (offset & ~7u)) = *(volatile uint64_t *)(CONTEXTS + CONTEXT_BYTES * below(nr_areas) + (offset & ~7u)); break; }
	case 4: ((volatile uint64_t *)SCRATCH_PAGE)[below(32)] = interesting_word(); break;
	case 5: for (int i = 0; i < 64; i++) half[CONTEXT_BYTES / 4 - 1 - i - below(800)] = (uint32_t)interesting_word(); break; /* where frames are */
	}
}

static unsigned count_areas(unsigned limit)
{
	unsigned n = 0;
	while (n < limit && is_mapped(CONTEXTS + n * CONTEXT_BYTES))
		n++;
	must(n > 0, "no context area found");
	return n;
}

static void scribble_child(void)
{
	for (int i = 0; i < 3; i++)
		start(work, NULL);
	if (below(2))
		start(give_birth, NULL);
	pause_ms(below(4));
	unsigned nr_areas = count_areas(12);
	unsigned gap = below(3000);
	for (int i = 0; i < 4000; i++) {
		scribble(nr_areas);
		for (volatile unsigned k = 0; k < gap; k++)
			;
	}
}

static void repeat(void (*body)(void), int times, int ms)
{
	long nr_dead = 0, nr_lived = 0, nr_hung = 0;
	for (int i = 0; i < times * (is_long ? 50 : 1); i++) {
		draw();
		int how = in_child(body, ms);
		must(how == -1 || !WIFEXITED(how) || WEXITSTATUS(how) != 99, "see above");
		nr_hung += how == -1;
		nr_dead += how != -1 && WIFSIGNALED(how);
		nr_lived += how != -1 && WIFEXITED(how);
	}
	printf("%ld ended, %ld went on, %ld had to be ended\n", nr_dead, nr_lived, nr_hung);
}

static void scribble_contexts(void) { repeat(scribble_child, 40, 300); }

/* Only the message header that the pager receives into, and the number of the new task. */
static void scratch_child(void)
{
	volatile uint64_t *scratch = (volatile uint64_t *)SCRATCH_PAGE;
	start(work, NULL);
	start(give_birth, NULL);
	unsigned which = below(8);
	for (int i = 0; i < 200000; i++)
		scratch[which < 7 ? which : below(20)] = interesting_word();
}
static void scribble_scratch(void) { repeat(scratch_child, 30, 300); }

/* ---- threads that run on although the kernel thinks that they have stopped ---- */

static volatile uint64_t hidden_beats[8];
static volatile uint64_t prey[4096]; /* at the same address in the program that this one executes */
static volatile int hidden_ready;

/* Blocks in a call; somebody else sets its state to RUN, and it goes on behind the kernel's back. */
static void *hide(void *argument)
{
	long index = (long)argument;
	hidden_ready++;
	raw(SYS_pause, 0, 0, 0, 0, 0, 0);
	for (;;) {
		hidden_beats[index]++;
		prey[draw() % 4096] = 0x4141414141414141;
	}
	return NULL;
}

static unsigned own_area(void)
{
	/* The one whose last stop was the one we are making now. */
	raw(0x1234, 0, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < 16 && is_mapped(CONTEXTS + i * CONTEXT_BYTES); i++)
		if (area_of(i)->syscall == 0x1234)
			return i;
	return 0;
}

/* Starts `count` hidden threads; how many really run hidden. */
static int make_hidden(int count)
{
	int mine = (int)own_area();
	for (long i = 0; i < count; i++)
		start(hide, (void *)i);
	while (hidden_ready < count)
		pause_ms(1);
	pause_ms(10);
	unsigned nr_areas = count_areas(12);
	for (int k = 0; k < 50; k++) {
		for (unsigned i = 0; i < nr_areas; i++)
			if ((int)i != mine && area_of(i)->state != EXIT) {
				area_of(i)->state = RUN;
				raw(SYS_futex, (uint64_t)&area_of(i)->state, 1, 100, 0, 0, 0); /* our kernel's: wakes nobody there */
			}
		pause_ms(1);
	}
	int running = 0;
	for (int i = 0; i < count; i++)
		running += hidden_beats[i] != 0;
	return running;
}

static void exec_over_hidden_child(void)
{
	char *argv[] = { "witness", "check", NULL };
	make_hidden(3);
	execv("/proc/self/exe", argv);
	must(0, "exec");
}

/* The program after exec: nobody else may write to its memory. */
__attribute__((constructor)) static void check_after_exec(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "check"))
		return;
	for (int i = 0; i < 4096; i++)
		prey[i] = (uint64_t)i;
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 4096; i++)
			must(prey[i] == (uint64_t)i, "a thread of the old program has survived exec");
		pause_ms(2);
	}
	_exit(0);
}
static void exec_over_hidden(void) { repeat(exec_over_hidden_child, 4, 3000); }

/* Fork, unmap, exit and endless loops while hidden threads write. */
static void hidden_child(void)
{
	int running = make_hidden(3);
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		if (pid == 0) { /* a copy: no hidden thread is in it */
			prey[5] = 7;
			for (int k = 0; k < 20; k++) {
				must(prey[5] == 7, "a hidden thread writes into the copy");
				pause_ms(1);
			}
			_exit(0);
		}
		int status = 0;
		waitpid(pid, &status, 0);
		must(!WIFEXITED(status) || WEXITSTATUS(status) != 99, "see above");
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(p, 1, 65536);
		munmap(p, 65536);
	}
	_exit(running ? 1 : 0);
}
static void hidden_threads(void) { repeat(hidden_child, 4, 3000); }

/* Everything about its end is forged: "has exited" while it runs, "shall exit" while it must not. */
static void forged_end_child(void)
{
	for (int i = 0; i < 2; i++)
		start(work, NULL);
	start(give_birth, NULL);
	unsigned nr_areas = count_areas(12);
	for (int i = 0; i < 30000; i++) {
		volatile struct area *area = area_of(below(nr_areas));
		if (below(4) == 0)
			area->exit_wish = below(2);
		else
			area->exited = below(2);
		if (below(8) == 0)
			area->state = below(5);
		if (below(8) == 0)
			area->sleeping = below(2);
	}
}
static void forged_ends(void) { repeat(forged_end_child, 20, 300); }

static void forged_bases_child(void)
{
	static const uint64_t bases[] = { 0, 1ul << 47, 0x4141414141414141, 0xffff800000000000, 0xffffffffffffffff, 0x7ff000000000, 1ul << 63 };
	start(work, NULL);
	start(work, NULL);
	unsigned nr_areas = count_areas(8);
	for (int i = 0; i < 20000; i++) {
		volatile struct area *area = area_of(below(nr_areas));
		area->fs_base = area->new_fs_base = bases[below(7)];
		area->gs_base = area->new_gs_base = bases[below(7)];
		area->load_bases = 1;
	}
}
static void forged_bases(void) { repeat(forged_bases_child, 20, 300); }

/* ---- pages that may only be read ---- */

static void read_only_pages(void)
{
	static const uint64_t ranges[][2] = { { STUB_TEXT, 0x10000 }, { MACHINE_PAGE, 0x1000 }, { ORDER_PAGE, 0x1000 }, { STACKS, 0x60000 }, { VDSO, 0x80000 } };
	int nr = 0;
	for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++)
		for (uint64_t page = ranges[i][0]; page < ranges[i][0] + ranges[i][1]; page += i == 3 ? 0x8000 : 4096)
			if (is_mapped(page)) {
				nr++;
				must(!is_writable(page) && !is_writable(page + 4088), "a page that only the kernel may write was written");
			}
	must(nr > 4, "the stub's pages were not found");
}

/* Nothing of one process is left in the shared pages for the next guest of its stub. */
static volatile uint64_t half_secret = 0x5ec2e75e00000000, other_half = 0xc2e75ec2; /* never whole in a register of the one who looks */
#define SECRET (half_secret | other_half)
#define IS_SECRET(word) ((uint32_t)(word) == (uint32_t)other_half && (word) >> 32 == half_secret >> 32)
static void leave_secret(void)
{
	volatile uint64_t *scratch = (volatile uint64_t *)SCRATCH_PAGE;
	for (int i = 0; i < 512; i++)
		scratch[i] = SECRET;
	for (unsigned n = 0; n < 4 && is_mapped(CONTEXTS + n * CONTEXT_BYTES); n++)
		for (unsigned i = 0; i < 2048; i++) /* below where our own frame will be */
			((volatile uint64_t *)(CONTEXTS + n * CONTEXT_BYTES))[128 + i] = SECRET;
	__asm__ volatile("movq %0, %%xmm7; movq %0, %%xmm15; mov %0, %%r15; mov %0, %%r14" : : "r"(SECRET) : "xmm7", "xmm15", "r14", "r15");
}

static void find_secret(void)
{
	for (unsigned i = 0; i < 512; i++)
		must(!IS_SECRET(((volatile uint64_t *)SCRATCH_PAGE)[i]), "the last guest's words are in the scratch page");
	for (unsigned n = 0; n < 4 && is_mapped(CONTEXTS + n * CONTEXT_BYTES); n++)
		for (unsigned i = 0; i < CONTEXT_BYTES / 8; i++)
			must(!IS_SECRET(((volatile uint64_t *)(CONTEXTS + n * CONTEXT_BYTES))[i]), "the last guest's words are in a context area");
}

static void leftovers(void)
{
	for (int i = 0; i < (is_long ? 2000 : 60); i++) {
		in_child(leave_secret, 500);
		int how = in_child(find_secret, 500);
		must(how == 0 || how == -1, "see above");
	}
}

const struct attack attacks[] = {
	{ "scribble_contexts", scribble_contexts, 40 },
	{ "scribble_scratch", scribble_scratch, 30 },
	{ "exec_over_hidden", exec_over_hidden, 30 },
	{ "hidden_threads", hidden_threads, 30 },
	{ "forged_ends", forged_ends, 30 },
	{ "forged_bases", forged_bases, 30 },
	{ "read_only_pages", read_only_pages, 10 },
	{ "leftovers", leftovers, 30 },
	{ 0 },
};
