/* SPDX-License-Identifier: MPL-2.0 */
/* memfd_create: names, flags, sizes of huge pages that are not offered. */
#include "../show.h"
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_HUGE_64KB
#define MFD_HUGE_64KB (16U << 26)
#endif
#ifndef MFD_HUGE_512KB
#define MFD_HUGE_512KB (19U << 26)
#endif

static long create(const char *name, unsigned flags)
{
	long fd = syscall(SYS_memfd_create, name, flags);

	if (fd >= 0)
		close(fd);
	return fd;
}

int main(void)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[250] = 0;
	DONE(create(name, 0));
	name[249] = 0;
	DONE(create(name, 0));
	DONE(create("", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	DONE(create((char *)1, 0));
	DONE(create("name", 0x80));
	DONE(create("name", MFD_HUGE_64KB));
	DONE(create("name", MFD_HUGETLB | MFD_HUGE_64KB));
	DONE(create("name", MFD_HUGETLB | MFD_HUGE_512KB | MFD_CLOEXEC));
	DONE(create("name", MFD_HUGETLB | MFD_HUGE_64KB | 0x80));
	DONE(create((char *)1, MFD_HUGETLB | MFD_HUGE_64KB));
	return 0;
}
