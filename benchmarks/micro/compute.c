/* SPDX-License-Identifier: MPL-2.0 */
/* Does computing run at native speed? */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define AREA (8L << 20)		/* more than the caches nearest to the core hold */

static volatile uint64_t result;
static char *source, *target;

/* One operation: 1000 steps of a linear congruential generator, each of which needs the one before. */
static int integer_n(long n)
{
	uint64_t x = 1;

	for (long i = 0; i < n * 1000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	result = x;
	return 0;
}

static int make_areas(void)
{
	source = malloc(AREA);
	target = malloc(AREA);
	if (!source || !target)
		return refuse(ENOMEM);
	memset(source, 1, AREA);
	memset(target, 2, AREA);
	return 0;
}

static int memcpy_n(long n)
{
	for (long i = 0; i < n; i++) {
		long at = i * CHUNK % AREA;

		memcpy(target + at, source + at, CHUNK);
		__asm__ volatile("" : : : "memory");
	}
	return 0;
}

const struct row compute_rows[] = {
	{ "integer_loop", NULL, integer_n, NULL },
	{ "memcpy", make_areas, memcpy_n, NULL },
	{ 0 },
};
