/* SPDX-License-Identifier: MPL-2.0 */
/* A shared futex is of a page: where there is none, every operation says so. */
#include "../show.h"
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long futex(void *word, int operation, int value, long more, void *other, int compare)
{
	return syscall(SYS_futex, word, operation, value, more, other, compare);
}

int main(void)
{
	int word = 0;
	void *gone = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *closed = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int *fresh = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(gone, 4096);
	VALUE(futex(gone, FUTEX_WAKE, 1, 0, 0, 0));
	VALUE(futex(closed, FUTEX_WAKE, 1, 0, 0, 0));
	VALUE(futex(gone, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0));
	VALUE(futex(fresh, FUTEX_WAKE, 1, 0, 0, 0));
	VALUE(futex(gone, FUTEX_CMP_REQUEUE, 1, 1, &word, 0));
	VALUE(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, gone, 0));
	VALUE(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, closed, 0));
	VALUE(futex(&word, FUTEX_REQUEUE, 1, 1, gone, 0));
	VALUE(futex(&word, FUTEX_WAKE, 1, 0, 0, 0));
	VALUE(futex((char *)&word + 1, FUTEX_WAKE, 1, 0, 0, 0));
	return 0;
}
