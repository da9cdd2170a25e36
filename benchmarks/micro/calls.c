/* SPDX-License-Identifier: MPL-2.0 */
/* What does one simple system call cost? */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int device = -1;

static int getppid_n(long n)
{
	for (long i = 0; i < n; i++)
		if (syscall(SYS_getppid) < 0)
			return -1;
	return 0;
}

/* By the libc, that is by the vDSO where there is one. */
static int clock_n(long n)
{
	struct timespec now;

	for (long i = 0; i < n; i++)
		if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
			return -1;
	return 0;
}

static int clock_call_n(long n)
{
	struct timespec now;

	for (long i = 0; i < n; i++)
		if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) < 0)
			return -1;
	return 0;
}

static int open_zero(void)
{
	return (device = open("/dev/zero", O_RDONLY)) < 0 ? -1 : 0;
}

static int open_null(void)
{
	return (device = open("/dev/null", O_WRONLY)) < 0 ? -1 : 0;
}

static int read_n(long n)
{
	for (long i = 0; i < n; i++)
		if (read(device, chunk, 1) != 1)
			return refuse(EIO);
	return 0;
}

static int write_n(long n)
{
	for (long i = 0; i < n; i++)
		if (write(device, chunk, 1) != 1)
			return refuse(EIO);
	return 0;
}

const struct row call_rows[] = {
	{ "getppid", NULL, getppid_n, NULL },
	{ "read_zero", open_zero, read_n, NULL },
	{ "write_null", open_null, write_n, NULL },
	{ "clock_gettime", NULL, clock_n, NULL },
	{ "clock_gettime_call", NULL, clock_call_n, NULL },
	{ 0 },
};
