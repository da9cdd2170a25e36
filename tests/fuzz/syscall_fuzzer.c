/* SPDX-License-Identifier: MPL-2.0
 *
 * A hostile guest: rounds of COUNT system calls, chosen by SEED, from THREADS threads. Every number there is and many there are not; arguments
 * by the types that handlers declare (signatures.h), by values that come through the first checks, or at random; calls in signal handlers
 * that interrupt others; and *wild* children with a user of their own that make all calls, those too that end, multiply, stop and kill.
 *
 *     syscall_fuzzer SEED COUNT THREADS ROUNDS [first-number last-number]
 *
 * Round n has the seed SEED + n and a directory of its own, removed behind it. Prints "seed N", "N calls" for each thousand, "round N over: …", at
 * last "done"; "HANG" if there was no progress for 40 s; and what a round made: calls of its threads and handlers, all of them random ("random
 * calls"; those of wild children, 120 for each thread, come on top and are not counted: they may end any moment). The same seed chooses the
 * same calls in each thread; what runs at the same time is up to the scheduler.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HINT_PATH 0xfeed0001ul
#define HINT_ADDRESS 0xfeed0002ul
#define HINT_FD 0xfeed0003ul
#include "signatures.h"

#define ARENA 0x10000000ul
#define ARENA_LEN 0x40000ul
#define PREY 0x30000000ul /* a MiB with nothing behind it: a huge read ends there, not in our variables */
#define PREY_LEN 0x100000ul
#define NR(a) (sizeof(a) / sizeof *(a))

static uint64_t seed;
static long count, threads, rounds;
static long first_nr = 0, last_nr = 480;
static volatile long done, made;
static volatile int handlers;
static long nr_wild;
static pid_t self;
static volatile int is_in_the_wild;

struct rng { uint64_t state; };

static uint64_t draw(struct rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static unsigned below(struct rng *r, unsigned n) { return draw(r) % n; }

/* Calls that end this program or its threads, stop it, take its signals or limits, or change the world for the next round: only wild
 * children make them. */
static int is_wild(long nr)
{
	switch (nr) {
	case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_kill: case SYS_tkill: case SYS_tgkill:
	case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo: case SYS_pidfd_send_signal: case SYS_pause: case SYS_vfork:
	case SYS_fork: case SYS_clone: case SYS_clone3: case SYS_execve: case SYS_execveat: case SYS_rt_sigsuspend:
	case SYS_reboot: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_rt_sigtimedwait: case SYS_arch_prctl: case SYS_prctl:
	case SYS_setrlimit: case SYS_prlimit64: case SYS_chroot: case SYS_pivot_root: case SYS_sigaltstack: case SYS_alarm:
	case SYS_munlockall: case SYS_set_robust_list: case SYS_set_tid_address: case SYS_vhangup: case SYS_seccomp: case SYS_rseq: case 453:
	case SYS_wait4: case SYS_waitid: case SYS_close_range: case SYS_setitimer: case SYS_mount: case SYS_umount2: case SYS_unshare: case SYS_setns:
	case SYS_setuid: case SYS_setgid: case SYS_setreuid: case SYS_setregid: case SYS_setresuid: case SYS_setresgid: case SYS_setfsuid:
	case SYS_setfsgid: case SYS_setgroups: case SYS_capset: case SYS_ptrace: case SYS_process_madvise: case SYS_setsid: case SYS_clock_settime:
	case SYS_settimeofday: case SYS_sched_setscheduler: case SYS_sched_setattr: case SYS_sched_setparam: case SYS_setpriority:
	case 428: case 429: case 430: case 431: case 432: case 433: case 442: case 443: /* the new mount calls */
		return 1;
	}
	return 0;
}

static const char *const paths[] = {
	"/", ".", "..", "", "a", "b", "dir", "dir/a", "dir/..", "/proc/self", "/proc/self/fd/0", "/proc/self/maps", "/proc/self/mem",
	"/proc/1/stat", "/proc/self/exe", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/0",
	"link", "loop", "fifo", "sock", "a/", "a/b", "//", "./././a", "\xff\xfe", "user.x", "tmpfs", "/proc/sys/kernel/hostname",
	"/proc/self/status", "/proc/self/smaps", "/proc/self/task", "/proc/self/environ", "/etc/passwd", "/usr/bin/true", "/box/syscall_fuzzer",
	"/proc/self/root", "/proc/self/cwd", "/proc/self/ns/mnt", "/sys", "/dev/shm/x", "/dev/mqueue/q",
};

static const uint64_t edges[] = {
	0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 63, 64, 100, 127, 128, 255, 256, 1000, 1024, 4095, 4096, 4097, 65535, 65536, 0xfffff,
	0x7ffff000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 1ull << 32, 1ull << 40, 1ull << 47, (1ull << 62) - 1, (1ull << 63) - 1,
	1ull << 63, -4096ull, -1ull,
};
static const unsigned sizes[] = { 0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 56, 64, 88, 100, 112, 128, 144, 256, 4096 };

/* ---- arguments ---- */

static uint64_t path(struct rng *r)
{
	return (uint64_t)(below(r, 3) ? paths[below(r, NR(paths))] : more_paths[below(r, NR(more_paths))]);
}

static uint64_t address(struct rng *r)
{
	switch (below(r, 16)) {
	case 0: case 1: return 0;
	case 2: return ARENA + ARENA_LEN - below(r, 32);
	case 3: return ARENA + 4096 * below(r, 64) - below(r, 16);
	case 4: { static const uint64_t bad[] = { 1, 4096, 0x7ffffffff000, 1ull << 47, 1ull << 63, -1ull, -4096ull, 0xffff800000000000,
			0xffffffffff600000, 0x7ff000000000, 0x7ff000202000, 0x7ff040000000, 0x400000, PREY }; return bad[below(r, NR(bad))]; }
	case 5: return path(r);
	case 6: return draw(r);
	default: return ARENA + 64 * below(r, 512) + (below(r, 8) ? 0 : below(r, 8));
	}
}

static uint64_t descriptor(struct rng *r)
{
	return below(r, 12) ? 3 + below(r, 40) : below(r, 3) ? (uint64_t)AT_FDCWD : edges[below(r, NR(edges))];
}

static uint64_t bits(struct rng *r)
{
	switch (below(r, 6)) {
	case 0: case 1: return below(r, 12);
	case 2: return 1ull << below(r, 32);
	case 3: return (1ull << below(r, 32)) | (1ull << below(r, 32)) | below(r, 4);
	case 4: return edges[below(r, NR(edges))];
	default: return below(r, 4) ? below(r, 256) : draw(r);
	}
}

static uint64_t untyped(struct rng *r, int position)
{
	switch (below(r, 8)) {
	case 0: case 1: return position == 0 ? descriptor(r) : below(r, 16);
	case 2: case 3: return address(r);
	case 4: return path(r);
	case 5: return bits(r);
	case 6: return edges[below(r, NR(edges))];
	default: return below(r, 4) ? 8 * below(r, 64) : draw(r);
	}
}

static uint64_t typed(struct rng *r, char kind, int position)
{
	switch (kind) {
	case 'f': return descriptor(r);
	case 'd': return below(r, 2) ? (uint64_t)AT_FDCWD : descriptor(r);
	case 'p': case 's': return below(r, 10) ? path(r) : address(r);
	case 'a': return address(r);
	case 'z': return below(r, 4) ? sizes[below(r, NR(sizes))] : edges[below(r, NR(edges))];
	case 't': return below(r, 2) ? below(r, 8192) : edges[below(r, NR(edges))];
	case 'P': return (uint64_t[]){ 0, 0, (uint64_t)getpid(), (uint64_t)getpid(), (uint64_t)getppid(), 1, -1ul, 99999, (uint64_t)getpid() + 1, draw(r) }[below(r, 10)];
	case 'u': return (uint64_t[]){ 0, 1000, 65534, -1ul, 0xfffffffe, 20000 }[below(r, 6)];
	case 'g': return below(r, 66);
	case 'M': return below(r, 3);
	case 'F': return bits(r);
	}
	return untyped(r, position);
}

static void fill(struct rng *r, volatile uint64_t *p, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		switch (below(r, 6)) {
		case 0: p[i] = address(r); break;
		case 1: p[i] = edges[below(r, NR(edges))]; break;
		case 2: p[i] = below(r, 64) | ((uint64_t)below(r, 8) << 32); break;
		case 3: p[i] = 2 | (uint64_t)below(r, 2) << 16 | 0x0100007full << 32; break; /* sockaddr_in of 127.0.0.1 */
		case 4: p[i] = 1 | 0x62610000ull; break;                                    /* sockaddr_un "ab" */
		default: p[i] = draw(r);
		}
}

static long raw(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

/* ---- what a round has open ---- */

static void open_things(void)
{
	int p[2], e;
	mkdir("dir", 0777);
	symlink("a", "link");
	symlink("loop", "loop");
	mkfifo("fifo", 0666);
	for (int i = 0; i < 3; i++)
		open("a", O_RDWR | O_CREAT | O_NONBLOCK, 0666);
	open("dir", O_RDONLY | O_DIRECTORY);
	open("/proc/self/maps", O_RDONLY);
	open("/dev/zero", O_RDWR);
	open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY);
	open("/box/syscall_fuzzer", O_RDONLY);
	open("fifo", O_RDWR | O_NONBLOCK);
	pipe2(p, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
	socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
	e = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event);
	epoll_create1(0);
	eventfd(0, EFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	syscall(SYS_timerfd_create, 1, 04000);
	uint64_t none = 0;
	syscall(SYS_signalfd4, -1, &none, 8, 04000);
	syscall(SYS_memfd_create, "m", 2);
	syscall(SYS_pidfd_open, self, 0);
}

/* ---- one call ---- */

static __thread struct rng *volatile current;

static long choose(struct rng *r, uint64_t a[6], int wild)
{
	long nr;
	do {
		nr = first_nr + below(r, last_nr - first_nr + 1);
		if (below(r, 200) == 0)
			nr = (long[]){ 0x40000000 + below(r, 500), -1, 1000 + below(r, 100000), 335, 423 }[below(r, 5)];
	} while (!wild && is_wild(nr));
	const char *kind = nr >= 0 && nr < NR_END && kinds[nr] && below(r, 5) ? kinds[nr] : "";
	for (int i = 0; i < 6; i++)
		a[i] = *kind ? typed(r, *kind++, i) : untyped(r, i);
	if (nr >= 0 && nr < NR_END && below(r, 4))
		for (int i = 0; i < 6; i++)
			if (hints[nr][i].count && below(r, 12)) {
				uint64_t word = hint_words[hints[nr][i].start + below(r, hints[nr][i].count)];
				a[i] = word == HINT_PATH ? path(r) : word == HINT_ADDRESS ? address(r) : word == HINT_FD ? descriptor(r) : word;
			}
	if (nr == SYS_ioctl && below(r, 5))
		a[1] = ioctls[below(r, NR(ioctls))];
	return nr;
}

/* Names outside of the round's directory stay: a device that is gone may come back as a file that keeps what is written to it. */
static void keep_names(uint64_t a[6])
{
	for (int i = 0; i < 4; i++) {
		for (unsigned n = 0; n < NR(paths); n++)
			if (a[i] == (uint64_t)paths[n] && paths[n][0] == '/')
				a[i] = (uint64_t)"a";
		for (unsigned n = 0; n < NR(more_paths); n++)
			if (a[i] == (uint64_t)more_paths[n] && more_paths[n][0] == '/')
				a[i] = (uint64_t)"a";
	}
}

/* What would take memory that this program stands on, its own descriptors, or endless time. */
static void tame(struct rng *r, long nr, uint64_t a[6])
{
	switch (nr) {
	case SYS_mmap: if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) a[0] = ARENA + 4096 * below(r, 64), a[1] = 4096; break;
	case SYS_munmap: case SYS_mprotect: case SYS_mremap: case SYS_madvise: case SYS_pkey_mprotect: case SYS_remap_file_pages:
		a[0] = ARENA + 4096 * below(r, 64); a[1] = a[2] = 4096 * below(r, 3);
		if (nr == SYS_mprotect || nr == SYS_pkey_mprotect) a[2] = 3;
		if (nr == SYS_madvise) a[2] = below(r, 30);
		if (nr == SYS_mremap) a[3] = below(r, 2), a[4] = 0;
		break;
	case SYS_shmat: a[2] &= ~(uint64_t)SHM_REMAP; break;
	case SYS_brk: a[0] = below(r, 2) ? 0 : (uint64_t)sbrk(0) + below(r, 100000); break;
	case SYS_futex: /* wakes, requeues, waits that a signal ends: not the two that signals only restart, WAIT_REQUEUE_PI and LOCK_PI2 */
		a[1] |= 1; a[3] = 0;
		if ((a[1] & ~0x180ul) == 11 || (a[1] & ~0x180ul) == 13)
			a[1] ^= 8;
		break;
	case SYS_poll: case SYS_epoll_wait: case SYS_epoll_pwait: a[nr == SYS_poll ? 2 : 3] = below(r, 2); break;
	case SYS_ppoll: a[3] = 0; break; /* no signal mask: SIGALRM must come through */
	case SYS_pselect6: a[5] = 0; break;
	case 441: a[4] = 0; break; /* epoll_pwait2 */
	case SYS_nanosleep: case SYS_clock_nanosleep: a[nr == SYS_nanosleep ? 0 : 2] = 0; break;
	case SYS_close: a[0] = 32 + below(r, 40); break;
	case SYS_dup2: case SYS_dup3: a[1] = 32 + below(r, 40); break;
	case SYS_ftruncate: case SYS_truncate: case SYS_fallocate: a[1] &= 0xfffff; a[2] &= 0xfffff; a[3] &= 0xfffff; break;
	case SYS_timer_create: case SYS_mq_notify: a[1] = 0; break; /* any signal, SIGKILL too, may be what it asks for */
	case SYS_fcntl: if (a[1] == F_SETSIG) a[2] = 0; break;
	case SYS_unlink: case SYS_unlinkat: case SYS_rename: case SYS_renameat: case SYS_renameat2: case SYS_rmdir: keep_names(a); break;
	case SYS_setpgid: a[0] = 99999; break;
	case SYS_chdir: a[0] = (uint64_t)"."; break;
	case SYS_fchdir: a[0] = 99; break;
	}
}

static void one_call(struct rng *r)
{
	uint64_t a[6];
	long nr = choose(r, a, 0);
	tame(r, nr, a);
	raw(nr, a);
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	if (below(r, 8) == 0)
		fill(r, (volatile uint64_t *)(ARENA + 64 * below(r, 512)), 8);
}

static void restore(void)
{
	mmap((void *)ARENA, ARENA_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* ---- signals ---- */

static pthread_t workers[16];
static __thread volatile int depth, nesting;

/* Makes calls in the middle of others, and ends what would wait for ever: no SA_RESTART, may interrupt itself. On a busy machine it takes longer
 * than the time to the next alarm; it then only returns, or it would be nested until there is no stack. */
static void on_alarm(int signo)
{
	int saved = errno;
	struct rng *r = current;
	if (nesting >= 4)
		return;
	nesting++;
	handlers++;
	if (signo == SIGALRM)
		for (long i = 0; i < threads; i++)
			if (workers[i] && workers[i] != pthread_self())
				pthread_kill(workers[i], SIGUSR1);
	if (r && depth < 1) {
		struct rng mine = { r->state ^ 0x1234567 };
		depth++;
		for (int i = 0; i < 2; i++)
			one_call(&mine);
		depth--;
	}
	errno = saved;
	nesting--;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	uint64_t at = (uint64_t)info->si_addr;
	if (at - ARENA >= ARENA_LEN) { /* not fill(): the program itself is broken, as a wild child may be */
		char line[120];
		/* A timer of nanoseconds, set by a random call, is due again before the handler's first instruction: frames upon frames (SA_NODEFER)
		 * until the stack has no room, on Linux too. */
		int is_buried = info->si_code == SI_KERNEL && (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] == (void *)on_alarm;
		if (is_in_the_wild || is_buried)
			_exit(is_buried ? 0 : 99);
		int length = snprintf(line, sizeof line, "signal %d at %lx, instruction %llx, stack %llx, code %d\n", signo, at,
				      ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP], ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP], info->si_code);
		write(1, line, length);
		_exit(99);
	}
	restore(); /* fill() met a hole that munmap made */
}

/* ---- wild children ---- */

static struct rng wild_rng[3];

static void *go_wild(void *argument)
{
	struct rng *r = argument;
	for (int i = 0; i < 120; i++) {
		uint64_t a[6];
		long nr = choose(r, a, 1);
		if ((nr == SYS_exit || nr == SYS_exit_group) && below(r, 4))
			continue;
		raw(nr, a);
		if (below(r, 8) == 0)
			fill(r, (volatile uint64_t *)(ARENA + 64 * below(r, 512)), 8);
	}
	return NULL;
}

/* Everything that is left of a user: its processes may have left group, session and parent. */
static void kill_user(uid_t uid)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		setresuid(uid, uid, uid);
		kill(-1, SIGKILL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void wild_child(struct rng *r, long number)
{
	uid_t uid = 20000 + (uid_t)(number % 10000);
	pid_t pid = fork();
	nr_wild++;
	if (pid == 0) {
		struct itimerval never = { { 0, 0 }, { 0, 0 } };
		struct rlimit tasks = { 60, 60 }, none = { 0, 0 };
		pthread_t id;
		setitimer(ITIMER_REAL, &never, NULL);
		setrlimit(RLIMIT_NPROC, &tasks);
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGALRM, SIG_DFL);
		setgroups(0, NULL);
		setresgid(uid, uid, uid);
		if (setresuid(uid, uid, uid) != 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		current = NULL;
		is_in_the_wild = 1;
		dup2(open("/dev/null", O_RDWR), 1); /* the pipe that says that we live is the round's */
		for (int i = 0; i < 3; i++)
			wild_rng[i].state = draw(r);
		for (unsigned i = below(r, 3); i > 0; i--)
			pthread_create(&id, NULL, go_wild, &wild_rng[i]);
		go_wild(&wild_rng[0]);
		_exit(0);
	}
	if (pid < 0)
		return;
	for (int i = 0; i < 60 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		usleep(5000);
	kill_user(uid);
	int status;
	for (int i = 0; i < 2500; i++) { /* we are their subreaper; one that deafened its stub is ended after ten seconds */
		pid_t gone = waitpid(-1, &status, WNOHANG | __WALL);
		if (gone < 0 && errno == ECHILD)
			return;
		if (gone == 0) {
			if (i % 50 == 49)
				kill_user(uid);
			usleep(5000);
		}
	}
	static const char text[] = "HANG: a killed child is not gone\n";
	write(1, text, sizeof text - 1);
}

/* ---- a round ---- */

static void *worker(void *argument)
{
	long index = (long)argument;
	struct rng r = { seed * 1000003 + (uint64_t)index };
	current = &r;
	while (__atomic_load_n(&done, __ATOMIC_RELAXED) < count) {
		one_call(&r);
		long now = __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
		if (now % 1000 == 0) {
			char line[64];
			int length = snprintf(line, sizeof line, "%ld calls\n", now);
			write(1, line, length);
		}
		if (index == 0 && below(&r, 500) == 0)
			restore();
		if (index == 0 && below(&r, 120) == 0)
			wild_child(&r, now);
	}
	current = NULL;
	if (index > 0)
		for (;;) /* its identity stays good for pthread_kill */
			usleep(1000000);
	return NULL;
}

/* Under RLIMIT_AS a stack that must grow for a handler's frame may find no room: it has grown already. */
__attribute__((noinline)) static void grow_stack(void)
{
	volatile char room[1 << 20];
	for (unsigned i = 0; i < sizeof room; i += 4096)
		room[i] = 1;
}

static void run_round(void)
{
	grow_stack();
	self = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct rlimit memory = { 192 << 20, 192 << 20 }, core = { 32 << 20, 32 << 20 };
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CORE, &core); /* see show_core() */
	restore();
	mmap((void *)PREY, PREY_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	open_things();
	static char stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof stack };
	sigaltstack(&alt, NULL);
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_NODEFER };
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (int signo = 1; signo <= 64; signo++)
		if (signo != SIGALRM && signo != SIGUSR1 && signo != SIGSEGV && signo != SIGBUS && signo != SIGCHLD && signo != 32 && signo != 33)
			signal(signo, SIG_IGN);
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigfillset(&fault.sa_mask); /* a handler's call that faults while SIGSEGV is blocked would be the end */
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	setitimer(ITIMER_REAL, &every, NULL);
	workers[0] = pthread_self();
	for (long i = 1; i < threads; i++)
		pthread_create(&workers[i], NULL, worker, (void *)i);
	worker((void *)0);
	usleep(100000); /* a thread that still waits in a call is not waited for */
	char line[100];
	int length = snprintf(line, sizeof line, "%ld random calls, %d handlers, %ld wild children\n", made, handlers, nr_wild);
	write(1, line, length);
	_exit(0);
}

static int remove_one(const char *name, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status; (void)ftw;
	if (type == FTW_D || type == FTW_DP)
		rmdir(name);
	else
		unlink(name);
	return 0;
}

/* What calls may have made outside of their round's directory: as it was, so that what is in use can be compared. */
static void tidy(void)
{
	for (unsigned i = 0; i < NR(paths); i++)
		syscall(SYS_mq_unlink, paths[i]);
	for (unsigned i = 0; i < NR(more_paths); i++)
		syscall(SYS_mq_unlink, more_paths[i]);
	syscall(SYS_mq_unlink, "q");
	unlink("/dev/shm/x");
	rmdir("/dev/shm/x");
	truncate("/etc/passwd", 4096); /* copies, since the first time */
	truncate("/usr/bin/true", 4096);
}

/* Where a round died that should not have: the first thread's registers and the signal, from its core. */
static void show_core(void)
{
	static unsigned char core[1 << 20];
	int fd = open("core", O_RDONLY);
	long size = fd < 0 ? 0 : read(fd, core, sizeof core);
	Elf64_Ehdr *file = (Elf64_Ehdr *)core;
	Elf64_Phdr *notes = (Elf64_Phdr *)(core + file->e_phoff);
	int threads_shown = 0;
	if (size < 4096 || notes->p_type != PT_NOTE)
		return;
	for (unsigned char *at = core + notes->p_offset, *end = at + notes->p_filesz; at + 400 < end && at + 400 < core + size;) {
		Elf64_Nhdr *note = (Elf64_Nhdr *)at;
		unsigned char *data = at + sizeof *note + ((note->n_namesz + 3) & ~3u);
		struct user_regs_struct *r = (struct user_regs_struct *)(data + 112); /* pr_reg */
		if (note->n_type == NT_PRSTATUS && threads_shown++ < 2)
			printf("died: rip %llx rsp %llx rax %llx call %lld rdi %llx rsi %llx blocked %llx\n", r->rip, r->rsp, r->rax, r->orig_rax, r->rdi,
			       r->rsi, *(unsigned long long *)(data + 24));
		if (note->n_type == NT_SIGINFO)
			printf("died: signal %d code %d address %llx\n", *(int *)data, *(int *)(data + 8), *(unsigned long long *)(data + 16));
		at = data + ((note->n_descsz + 3) & ~3u);
	}
	close(fd);
}

/* System V objects outlive their makers; all of them here are a round's. */
static void remove_ipc(void)
{
	struct { int kind; int nr; } kinds_of[] = { { SYS_shmctl, SHM_INFO }, { SYS_msgctl, MSG_INFO }, { SYS_semctl, SEM_INFO } };
	static char info[4096];
	for (int k = 0; k < 3; k++) {
		int stat_nr = k == 0 ? SHM_STAT : k == 1 ? MSG_STAT : SEM_STAT;
		long highest = k == 2 ? syscall(SYS_semctl, 0, 0, SEM_INFO, info) : syscall(kinds_of[k].kind, 0, kinds_of[k].nr, info);
		for (long i = 0; i <= highest; i++) {
			long id = k == 2 ? syscall(SYS_semctl, i, 0, stat_nr, info) : syscall(kinds_of[k].kind, i, stat_nr, info);
			if (id >= 0)
				k == 2 ? syscall(SYS_semctl, id, 0, IPC_RMID, 0) : syscall(kinds_of[k].kind, id, IPC_RMID, 0);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	uint64_t first_seed = strtoull(argv[1], NULL, 0);
	count = atol(argv[2]);
	threads = atol(argv[3]);
	rounds = atol(argv[4]);
	if (threads > 16)
		threads = 16;
	if (argc > 6)
		first_nr = atol(argv[5]), last_nr = atol(argv[6]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int is_bad = 0;
	for (long round = 0; round < rounds; round++) {
		char name[64];
		int beats[2], status = 0;
		seed = first_seed + (uint64_t)round;
		printf("seed %llu\n", (unsigned long long)seed);
		fflush(stdout);
		snprintf(name, sizeof name, "/tmp/round%ld", round);
		mkdir(name, 0777);
		pipe(beats);
		pid_t pid = fork();
		if (pid == 0) {
			chdir(name);
			dup2(beats[1], 1); /* "N calls" */
			close(beats[0]);
			close(beats[1]);
			run_round();
		}
		close(beats[1]);
		struct pollfd { int fd; short events, revents; } ready = { beats[0], 1, 0 };
		struct timespec patience = { 40, 0 };
		for (;;) {
			char text[4096];
			long n = syscall(SYS_ppoll, &ready, 1, &patience, NULL, 8);
			if (n == 0) {
				printf("HANG: round is without progress\n");
				fflush(stdout);
				usleep(100000);
				is_bad = 1;
				kill(pid, SIGKILL);
				break;
			}
			patience = (struct timespec){ 40, 0 };
			n = read(beats[0], text, sizeof text);
			if (n <= 0)
				break;
			write(1, text, n);
			if (memmem(text, n, "HANG", 4))
				is_bad = 1;
		}
		close(beats[0]);
		waitpid(pid, &status, 0);
		kill(-1, SIGKILL); /* nobody but us is left, then */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		remove_ipc();
		tidy();
		if (WIFSIGNALED(status) && WCOREDUMP(status) && chdir(name) == 0) {
			show_core();
			chdir("/tmp");
		}
		nftw(name, remove_one, 20, FTW_DEPTH | FTW_PHYS);
		printf("round %ld over: status %x\n", round, status);
		fflush(stdout);
		is_bad |= status != 0;
		usleep(50000); /* the test counts what the kernel holds */
	}
	printf("done\n");
	return is_bad;
}
