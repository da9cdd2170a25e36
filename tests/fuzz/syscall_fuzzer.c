/* SPDX-License-Identifier: MPL-2.0
 *
 * A hostile guest: makes COUNT system calls chosen by SEED with THREADS threads, with arguments drawn by kind (descriptors,
 * pointers good and bad, lengths at every edge, flags, paths, structs of random bytes), some after fork, some in signal handlers.
 * Prints its seed, a line per 1000 calls, and "done". The same seed makes the same calls in each thread.
 *
 *     syscall_fuzzer SEED COUNT THREADS [first-number last-number]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA 0x10000000ul
#define ARENA_LEN 0x40000ul

static uint64_t seed;
static long count, threads;
static long first_nr = 0, last_nr = 470;
static volatile long done;
static volatile int handlers;
static pid_t self;

struct rng { uint64_t state; };

static uint64_t draw(struct rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static unsigned below(struct rng *r, unsigned n) { return draw(r) % n; }

/* Calls that end this program or its threads, stop it, or hang it for good: what they do is for other tests. */
static int is_skipped(long nr)
{
	switch (nr) {
	case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_kill: case SYS_tkill: case SYS_tgkill:
	case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo: case SYS_pidfd_send_signal: case SYS_pause: case SYS_vfork:
	case SYS_fork: case SYS_clone: case SYS_clone3: case SYS_execve: case SYS_execveat: case SYS_rt_sigsuspend:
	case SYS_reboot: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_rt_sigtimedwait: case SYS_arch_prctl: case SYS_prctl:
	case SYS_setrlimit: case SYS_prlimit64: case SYS_chroot: case SYS_pivot_root: case SYS_sigaltstack: case SYS_alarm:
	case SYS_munlockall: case SYS_set_robust_list: case SYS_set_tid_address: case SYS_vhangup: case SYS_seccomp: case SYS_rseq: case 453:
	case SYS_wait4: case SYS_waitid: case SYS_close_range: case SYS_setitimer:
		return 1;
	}
	return 0;
}

static const char *const paths[] = {
	"/", ".", "..", "", "a", "b", "dir", "dir/a", "dir/..", "/proc/self", "/proc/self/fd/0", "/proc/self/maps", "/proc/self/mem",
	"/proc/1/stat", "/proc/self/exe", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/0",
	"link", "loop", "fifo", "sock", "a/", "a/b", "//", "./././a", "\xff\xfe", "user.x", "tmpfs", "/proc/sys/kernel/hostname",
	"/proc/self/status", "/proc/self/smaps", "/proc/self/task", "/proc/self/environ", "/etc/passwd", "/usr/bin/true", "/box/syscall_fuzzer",
};

static const uint64_t edges[] = {
	0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 63, 64, 100, 127, 128, 255, 256, 1000, 1024, 4095, 4096, 4097, 65535, 65536, 0xfffff,
	0x7ffff000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 1ull << 32, 1ull << 40, 1ull << 47, (1ull << 62) - 1, (1ull << 63) - 1,
	1ull << 63, -4096ull, -1ull,
};

#define NR(a) (sizeof(a) / sizeof *(a))

static uint64_t address(struct rng *r)
{
	switch (below(r, 16)) {
	case 0: case 1: return 0;
	case 2: return ARENA + ARENA_LEN - below(r, 32);
	case 3: return ARENA + 4096 * below(r, 64) - below(r, 16);
	case 4: { static const uint64_t bad[] = { 1, 4096, 0x7ffffffff000, 1ull << 47, 1ull << 63, -1ull, -4096ull, 0xffff800000000000,
			0xffffffffff600000, 0x7ff000000000, 0x400000, (uint64_t)&seed }; return bad[below(r, NR(bad))]; }
	case 5: return (uint64_t)paths[below(r, NR(paths))];
	case 6: return draw(r);
	default: return ARENA + 64 * below(r, 512) + (below(r, 8) ? 0 : below(r, 8));
	}
}

static uint64_t argument(struct rng *r, int position)
{
	switch (below(r, 12)) {
	case 0: case 1: case 2: return position == 0 ? 3 + below(r, 40) : below(r, 16);
	case 3: case 4: case 5: return address(r);
	case 6: return (uint64_t)paths[below(r, NR(paths))];
	case 7: return 1ull << below(r, 32);
	case 8: return (1ull << below(r, 32)) | (1ull << below(r, 32)) | below(r, 4);
	case 9: return edges[below(r, NR(edges))];
	case 10: return position == 0 ? (uint64_t)AT_FDCWD : 8 * below(r, 64);
	default: return below(r, 4) ? below(r, 64) : draw(r);
	}
}

static void fill(struct rng *r, volatile uint64_t *p, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		switch (below(r, 4)) {
		case 0: p[i] = address(r); break;
		case 1: p[i] = edges[below(r, NR(edges))]; break;
		case 2: p[i] = below(r, 64) | ((uint64_t)below(r, 8) << 32); break;
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
	pipe2(p, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
	socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
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

static __thread struct rng *current;

static void one_call(struct rng *r)
{
	uint64_t a[6];
	long nr;
	do {
		nr = first_nr + below(r, last_nr - first_nr + 1);
		if (below(r, 200) == 0)
			nr = (long[]){ 0x40000000 + below(r, 500), -1, 1000 + below(r, 100000), 335, 423 }[below(r, 5)];
	} while (is_skipped(nr));
	for (int i = 0; i < 6; i++)
		a[i] = argument(r, i);
	switch (nr) { /* what would wait for ever, or take memory this program stands on */
	case SYS_mmap: if (a[3] & MAP_FIXED) a[0] = ARENA + 4096 * below(r, 64), a[1] = 4096; break;
	case SYS_munmap: case SYS_mprotect: case SYS_mremap: case SYS_madvise: case SYS_pkey_mprotect: case SYS_remap_file_pages:
		a[0] = ARENA + 4096 * below(r, 64); a[1] = a[2] = 4096 * below(r, 3);
		if (nr == SYS_mprotect || nr == SYS_pkey_mprotect) a[2] = 3;
		if (nr == SYS_madvise) a[2] = below(r, 30);
		if (nr == SYS_mremap) a[3] = below(r, 2), a[4] = 0;
		break;
	case SYS_brk: a[0] = below(r, 2) ? 0 : draw(r); break;
	case SYS_futex: a[1] |= 1; a[3] = 0; break; /* wakes and requeues; waits are for handlers with timers */
	case SYS_poll: case SYS_epoll_wait: case SYS_epoll_pwait: a[nr == SYS_poll ? 2 : 3] = below(r, 2); break;
	case SYS_nanosleep: case SYS_clock_nanosleep: a[nr == SYS_nanosleep ? 0 : 2] = 0; break;
	case SYS_close: a[0] = 24 + below(r, 40); break;
	case SYS_dup2: case SYS_dup3: a[1] = 24 + below(r, 40); break;
	case SYS_ftruncate: case SYS_truncate: case SYS_fallocate: a[1] &= 0xfffff; a[2] &= 0xfffff; a[3] &= 0xfffff; break;
	case SYS_setpgid: case SYS_ptrace: a[0] = 99999; break;
	}
	raw(nr, a);
	if (below(r, 16) == 0)
		fill(r, (volatile uint64_t *)(ARENA + 64 * below(r, 512)), 8);
}

static void restore(void)
{
	mmap((void *)ARENA, ARENA_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static pthread_t workers[16];
static __thread int depth;

/* Makes calls in the middle of others, and ends what would wait for ever: no SA_RESTART, may interrupt itself. */
static void on_alarm(int signo)
{
	int saved = errno;
	struct rng *r = current;
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
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo; (void)info; (void)context;
	restore(); /* fill() met a hole that munmap made */
}

static void child(struct rng *r)
{
	for (int i = 0; i < 20; i++)
		one_call(r);
	_exit(0);
}

static void *worker(void *argument)
{
	long index = (long)argument;
	struct rng r = { seed * 1000003 + index };
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
		if (index == 0 && below(&r, 400) == 0) {
			pid_t pid = fork();
			if (pid == 0)
				child(&r);
			for (int i = 0; pid > 0 && i < 200 && waitpid(pid, NULL, WNOHANG) == 0; i++)
				usleep(5000);
			if (pid > 0) {
				kill(pid, SIGKILL);
				waitpid(pid, NULL, 0);
			}
		}
	}
	current = NULL;
	if (index > 0)
		for (;;) /* its identity stays good for pthread_kill */
			usleep(1000000);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	seed = strtoull(argv[1], NULL, 0);
	count = atol(argv[2]);
	threads = atol(argv[3]);
	if (threads > 16)
		threads = 16;
	if (argc > 5)
		first_nr = atol(argv[4]), last_nr = atol(argv[5]);
	self = getpid();
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	restore();
	open_things();
	static char stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof stack };
	sigaltstack(&alt, NULL);
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_NODEFER };
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (int signo = 1; signo <= 64; signo++)
		if (signo != SIGALRM && signo != SIGUSR1 && signo != SIGSEGV && signo != SIGBUS && signo != SIGCHLD && signo != SIGTERM && signo != SIGINT && signo != 32 && signo != 33)
			signal(signo, SIG_IGN);
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	setitimer(ITIMER_REAL, &every, NULL);
	workers[0] = pthread_self();
	for (long i = 1; i < threads; i++)
		pthread_create(&workers[i], NULL, worker, (void *)i);
	worker((void *)0);
	usleep(100000); /* a thread that still waits in a call is not waited for */
	char line[64];
	int length = snprintf(line, sizeof line, "done %ld calls, %d handlers\n", done, handlers);
	write(1, line, length);
	_exit(0);
}
