/* SPDX-License-Identifier: MPL-2.0 */
/* What does memory cost: the first touch of a page, a mapping of 64 KiB from mmap to munmap? */
#define _GNU_SOURCE
#include "harness.h"

#include <stddef.h>
#include <sys/mman.h>

#define AREA (16L << 20)

static char *map(long bytes)
{
	char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return area == MAP_FAILED ? NULL : area;
}

static void touch(char *area, long bytes)
{
	for (long at = 0; at < bytes; at += PAGE)
		((volatile char *)area)[at] = 1;
}

/* n pages, in mappings of at most AREA bytes, small pages only; mmap and munmap of the areas are in the time. */
static int first_touch_n(long n)
{
	for (long left = n * PAGE; left > 0; left -= AREA) {
		long bytes = left < AREA ? left : AREA;
		char *area = map(AREA);

		if (!area)
			return -1;
		madvise(area, AREA, MADV_NOHUGEPAGE);
		touch(area, bytes);
		munmap(area, AREA);
	}
	return 0;
}

static int map_n(long n)
{
	for (long i = 0; i < n; i++) {
		char *area = map(CHUNK);

		if (!area)
			return -1;
		touch(area, CHUNK);
		munmap(area, CHUNK);
	}
	return 0;
}

const struct row memory_rows[] = {
	{ "first_touch", NULL, first_touch_n, NULL },
	{ "map_touch_64k", NULL, map_n, NULL },
	{ 0 },
};
