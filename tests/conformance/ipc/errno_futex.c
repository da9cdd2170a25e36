/* SPDX-License-Identifier: MPL-2.0 */
/* Futexes: words, operations, times and addresses that are refused; locks that are owned, dead or not one's own. */
#include "../expect.h"
#include <linux/futex.h>
#include <time.h>

#define NOBODYS_PID 4000000

static unsigned word, other, pi;
static struct timespec soon = { 0, 1000000 }, past = { 0, 0 }, denormal = { 0, 1000000000 }, negative = { -1, 0 };
static char *crooked = (char *)&word + 1;

static void words(void)
{
	EXPECT_ERRNO(futex, EAGAIN, &word, FUTEX_WAIT, 1, NULL);
	EXPECT_ERRNO(futex, EAGAIN, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 1);
	EXPECT_ERRNO(futex, ETIMEDOUT, &word, FUTEX_WAIT, 0, &soon);
	EXPECT_ERRNO(futex, ETIMEDOUT, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &past);
	EXPECT_ERRNO(futex, ETIMEDOUT, &word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 1);
	EXPECT_ERRNO(futex, ETIMEDOUT, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_WAIT, 0, &denormal);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_WAIT, 0, &negative);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0);
	EXPECT_ERRNO(futex, EINVAL, crooked, FUTEX_WAIT, 0, NULL);
	EXPECT_ERRNO(futex, EFAULT, BAD, FUTEX_WAIT, 0, NULL);
	EXPECT_ERRNO(futex, EFAULT, BAD, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL);
	EXPECT_ERRNO(futex, EFAULT, 1UL << 63, FUTEX_WAIT, 0, NULL);
	EXPECT_ERRNO(futex, EFAULT, &word, FUTEX_WAIT, 0, BAD);
	EXPECT_ERRNO(futex, EINVAL, crooked, FUTEX_WAKE, 1);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0);
	EXPECT_ERRNO(futex, EFAULT, BAD, FUTEX_WAKE, 1);
	EXPECT_IS(0, futex, BAD, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	EXPECT_IS(0, futex, &word, FUTEX_WAKE, 1);
	EXPECT_ERRNO(futex, ENOSYS, &word, 99, 0);
	EXPECT_ERRNO(futex, ENOSYS, &word, FUTEX_FD, 0);
	EXPECT_ERRNO(futex, ENOSYS, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0);
	EXPECT_ERRNO(futex, EAGAIN, &word, FUTEX_CMP_REQUEUE, 1, 1, &other, 5);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_CMP_REQUEUE, -1, 1, &other, 0);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_CMP_REQUEUE, 1, -1, &other, 0);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_CMP_REQUEUE, 1, 1, crooked, 0);
	EXPECT_ERRNO(futex, EFAULT, &word, FUTEX_CMP_REQUEUE, 1, 1, BAD, 0);
	EXPECT_ERRNO(futex, EFAULT, &word, FUTEX_WAKE_OP, 1, 1, BAD, 0);
	EXPECT_ERRNO(futex, ENOSYS, &word, FUTEX_WAKE_OP, 1, 1, &other, 6 << 28);
	EXPECT_ERRNO(futex, ENOSYS, &word, FUTEX_WAKE_OP, 1, 1, &other, 7 << 24);
	EXPECT_IS(0, futex, &word, FUTEX_WAKE_OP, 1, 1, &other, 1 << 28 | 3 << 12);
	EXPECT(other == 3);
}

static void locks(void)
{
	unsigned me = getpid();
	EXPECT_ERRNO(futex, EFAULT, BAD, FUTEX_LOCK_PI, 0, NULL);
	EXPECT_ERRNO(futex, EINVAL, crooked, FUTEX_LOCK_PI, 0, NULL);
	EXPECT_ERRNO(futex, EINVAL, &pi, FUTEX_LOCK_PI, 0, &denormal);
	EXPECT_ERRNO(futex, EPERM, &pi, FUTEX_UNLOCK_PI, 0);
	EXPECT_IS(0, futex, &pi, FUTEX_LOCK_PI, 0, NULL);
	EXPECT(pi == me);
	EXPECT_ERRNO(futex, EDEADLK, &pi, FUTEX_LOCK_PI, 0, NULL);
	EXPECT_ERRNO(futex, EDEADLK, &pi, FUTEX_TRYLOCK_PI, 0);
	EXPECT_IS(0, futex, &pi, FUTEX_UNLOCK_PI, 0);
	EXPECT(pi == 0);
	pi = NOBODYS_PID;
	EXPECT_ERRNO(futex, ESRCH, &pi, FUTEX_LOCK_PI, 0, NULL);
	EXPECT_ERRNO(futex, ESRCH, &pi, FUTEX_TRYLOCK_PI, 0);
	pi = 0;
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &word);
	EXPECT_ERRNO(futex, EAGAIN, &word, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &pi);
	EXPECT_ERRNO(futex, ETIMEDOUT, &word, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &pi);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_CMP_REQUEUE_PI, 2, 1, &pi, 0);
	EXPECT_ERRNO(futex, EINVAL, &word, FUTEX_CMP_REQUEUE_PI, 1, 1, &word, 0);
	EXPECT_ERRNO(futex, EAGAIN, &word, FUTEX_CMP_REQUEUE_PI, 1, 1, &pi, 1);
	/* A holder that lives, in another process. */
	unsigned *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED);
	IN_CHILD(EXPECT_IS(0, futex, shared, FUTEX_LOCK_PI, 0, NULL); pid_t grandchild = fork(); if (grandchild == 0) {
		EXPECT_ERRNO(futex, ETIMEDOUT, shared, FUTEX_LOCK_PI, 0, &past);
		EXPECT_ERRNO(futex, EAGAIN, shared, FUTEX_TRYLOCK_PI, 0);
		EXPECT_ERRNO(futex, EPERM, shared, FUTEX_UNLOCK_PI, 0);
		_exit(0);
	} waitpid(grandchild, NULL, 0); EXPECT_IS(0, futex, shared, FUTEX_UNLOCK_PI, 0));
}

static void several(void)
{
	struct futex_waitv waiter = { 0, (long)&word, FUTEX_32, 0 }, bad, many[129];
	for (int i = 0; i < 129; i++)
		many[i] = waiter;
	EXPECT_ERRNO(futex_waitv, ETIMEDOUT, &waiter, 1, 0, &soon, CLOCK_MONOTONIC);
	EXPECT_ERRNO(futex_waitv, ETIMEDOUT, many, 128, 0, &past, CLOCK_REALTIME);
	EXPECT_ERRNO(futex_waitv, EINVAL, many, 129, 0, &past, CLOCK_REALTIME);
	EXPECT_ERRNO(futex_waitv, EINVAL, &waiter, 0, 0, NULL, 0);
	EXPECT_ERRNO(futex_waitv, EINVAL, NULL, 1, 0, NULL, 0);
	EXPECT_ERRNO(futex_waitv, EINVAL, &waiter, 1, 1, NULL, 0);
	EXPECT_ERRNO(futex_waitv, EINVAL, &waiter, 1, 0, &soon, 7);
	EXPECT_ERRNO(futex_waitv, EINVAL, &waiter, 1, 0, &denormal, CLOCK_MONOTONIC);
	EXPECT_ERRNO(futex_waitv, EFAULT, BAD, 1, 0, NULL, 0);
	EXPECT_ERRNO(futex_waitv, EFAULT, &waiter, 1, 0, BAD, CLOCK_MONOTONIC);
#define WAITV_ERRNO(error, change) \
	do { \
		bad = waiter; \
		bad.change; \
		EXPECT_ERRNO(futex_waitv, error, &bad, 1, 0, NULL, 0); \
	} while (0)
	WAITV_ERRNO(EAGAIN, val = 1);
	WAITV_ERRNO(EINVAL, flags = 0);
	WAITV_ERRNO(EINVAL, flags = FUTEX_32 | 0x100);
	WAITV_ERRNO(EINVAL, __reserved = 1);
	WAITV_ERRNO(EINVAL, uaddr = (long)crooked);
	WAITV_ERRNO(EFAULT, uaddr = 8);
}

static void robust(void)
{
	long head, size;
	EXPECT_ERRNO(set_robust_list, EINVAL, &head, 23);
	EXPECT_OK(get_robust_list, 0, &head, &size);
	EXPECT(size == 24);
	EXPECT_ERRNO(get_robust_list, ESRCH, NOBODYS_PID, &head, &size);
	EXPECT_ERRNO(get_robust_list, EFAULT, 0, BAD, &size);
	EXPECT_ERRNO(get_robust_list, EFAULT, 0, &head, BAD);
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	IN_CHILD(MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
		 EXPECT_ERRNO(get_robust_list, EPERM, child, &head, &size));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	words();
	locks();
	several();
	robust();
	return 0;
}
