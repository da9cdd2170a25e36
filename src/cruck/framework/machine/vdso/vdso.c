/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Our vDSO: time and CPU number for guests without a stop.
 *
 * It runs in the guest, with the guest's rights, on the guest's stack (which may be a small one: Go calls it on 8 KiB). It calls
 * the host's vDSO, whose code and data are mapped in every stub; the addresses are in the vvar page, which the kernel writes
 * (cruck/kernel/memory/vdso.py) and the guest can only read. What the host's vDSO does not answer becomes a system call, that
 * is, a stop of ours. Nothing here is trusted by anybody: a guest that breaks it has wrong time.
 *
 * No libc, no TLS, no writable data, no relocations.
 */
#include <stddef.h>
#include <stdint.h>

#define SYS_GETTIMEOFDAY 96
#define SYS_TIME 201
#define SYS_CLOCK_GETTIME 228
#define SYS_CLOCK_GETRES 229
#define SYS_GETCPU 309

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_TAI 11

#define REALTIME_CLOCKS (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_TAI)
#define MONOTONIC_CLOCKS \
	(1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME)

#define NS_PER_S 1000000000L
#define FLAG_TRAP 1

#define EXPORT __attribute__((visibility("default")))

struct timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};

struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};

struct timezone {
	int32_t tz_minuteswest;
	int32_t tz_dsttime;
};

typedef int clock_function(int clock, struct timespec *ts);
typedef int getcpu_function(unsigned *cpu, unsigned *node, void *unused);

/* Keep in step with VVAR in cruck/kernel/memory/vdso.py. */
struct vvar {
	clock_function *host_clock_gettime;
	getcpu_function *host_getcpu;
	uint64_t flags;
	int64_t realtime_offset_ns;
	int64_t monotonic_offset_ns;
	uint64_t nr_cpus;
	clock_function *host_clock_getres;
};

extern const volatile struct vvar vvar_page __attribute__((visibility("hidden")));

static inline long syscall2(long nr, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

static inline long syscall3(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

/* 1: *ts is the guest's time. 0: ask the kernel. */
static inline int read_clock(int clock, struct timespec *ts)
{
	clock_function *host = vvar_page.host_clock_gettime;
	int64_t offset_ns;

	if (vvar_page.flags & FLAG_TRAP || !host || (unsigned)clock > CLOCK_TAI)
		return 0;
	if (REALTIME_CLOCKS >> clock & 1)
		offset_ns = vvar_page.realtime_offset_ns;
	else if (MONOTONIC_CLOCKS >> clock & 1)
		offset_ns = vvar_page.monotonic_offset_ns;
	else
		return 0;
	if (host(clock, ts) != 0)
		return 0;
	if (offset_ns) {
		int64_t ns = ts->tv_nsec + offset_ns % NS_PER_S;
		int64_t seconds = ts->tv_sec + offset_ns / NS_PER_S;

		if (ns < 0) {
			ns += NS_PER_S;
			seconds--;
		} else if (ns >= NS_PER_S) {
			ns -= NS_PER_S;
			seconds++;
		}
		ts->tv_sec = seconds;
		ts->tv_nsec = ns;
	}
	return 1;
}

EXPORT int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	if (read_clock(clock, ts))
		return 0;
	return (int)syscall2(SYS_CLOCK_GETTIME, clock, (long)ts);
}

EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	struct timespec now;

	if (tv) {
		if (!read_clock(CLOCK_REALTIME, &now))
			return (int)syscall2(SYS_GETTIMEOFDAY, (long)tv, (long)tz);
		tv->tv_sec = now.tv_sec;
		tv->tv_usec = now.tv_nsec / 1000;
	}
	if (tz) {
		tz->tz_minuteswest = 0;
		tz->tz_dsttime = 0;
	}
	return 0;
}

EXPORT int64_t __vdso_time(int64_t *result)
{
	struct timespec now;

	if (!read_clock(CLOCK_REALTIME_COARSE, &now))
		return syscall2(SYS_TIME, (long)result, 0);
	if (result)
		*result = now.tv_sec;
	return now.tv_sec;
}

EXPORT int __vdso_clock_getres(int clock, struct timespec *resolution)
{
	clock_function *host = vvar_page.host_clock_getres;

	if (!(vvar_page.flags & FLAG_TRAP) && host && (unsigned)clock <= CLOCK_TAI &&
	    (REALTIME_CLOCKS | MONOTONIC_CLOCKS) >> clock & 1 && host(clock, resolution) == 0)
		return 0;
	return (int)syscall2(SYS_CLOCK_GETRES, clock, (long)resolution);
}

EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	getcpu_function *host = vvar_page.host_getcpu;
	uint64_t nr_cpus = vvar_page.nr_cpus;
	unsigned host_cpu;

	(void)unused;
	if (vvar_page.flags & FLAG_TRAP || !host || !nr_cpus || host(&host_cpu, NULL, NULL) != 0)
		return syscall3(SYS_GETCPU, (long)cpu, (long)node, 0);
	if (cpu)
		*cpu = (unsigned)(host_cpu % nr_cpus);
	if (node)
		*node = 0;
	return 0;
}

/* The names without prefix, as Linux's vDSO has them, weak so that nobody links to them by accident. */
#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name), visibility("default")))

int clock_gettime(int clock, struct timespec *ts) ALIAS(clock_gettime);
int gettimeofday(struct timeval *tv, struct timezone *tz) ALIAS(gettimeofday);
int64_t time(int64_t *result) ALIAS(time);
int clock_getres(int clock, struct timespec *resolution) ALIAS(clock_getres);
long getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(getcpu);
