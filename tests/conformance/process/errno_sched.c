/* SPDX-License-Identifier: MPL-2.0 */
/* Scheduling, affinity, I/O priority: arguments that are refused, and who may change whom. */
#include "../expect.h"

struct attr {
	unsigned size, policy;
	unsigned long long flags;
	int nice;
	unsigned priority;
	unsigned long long runtime, deadline, period;
	unsigned util_min, util_max;
};

#define NOBODYS_PID 4000000
#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)

static void policies(void)
{
	struct sched_param zero = { 0 }, one = { 1 }, hundred = { 100 };
	EXPECT_IS(0, sched_getscheduler, 0);
	EXPECT_ERRNO(sched_getscheduler, EINVAL, -1);
	EXPECT_ERRNO(sched_getscheduler, ESRCH, NOBODYS_PID);
	EXPECT_ERRNO(sched_getparam, EINVAL, 0, NULL);
	EXPECT_ERRNO(sched_getparam, EINVAL, -1, &zero);
	EXPECT_ERRNO(sched_getparam, ESRCH, NOBODYS_PID, &zero);
	EXPECT_ERRNO(sched_getparam, EFAULT, 0, BAD);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, -1, &zero);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, 99, &zero);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, SCHED_OTHER, NULL);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, SCHED_OTHER, &one);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, SCHED_FIFO, &zero);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, 0, SCHED_RR, &hundred);
	EXPECT_ERRNO(sched_setscheduler, EINVAL, -1, SCHED_OTHER, &zero);
	EXPECT_ERRNO(sched_setscheduler, ESRCH, NOBODYS_PID, SCHED_OTHER, &zero);
	EXPECT_ERRNO(sched_setscheduler, EFAULT, 0, SCHED_OTHER, BAD);
	EXPECT_ERRNO(sched_setparam, EINVAL, 0, NULL);
	EXPECT_ERRNO(sched_setparam, EINVAL, -1, &zero);
	EXPECT_ERRNO(sched_setparam, EINVAL, 0, &one);
	EXPECT_ERRNO(sched_setparam, ESRCH, NOBODYS_PID, &zero);
	EXPECT_ERRNO(sched_setparam, EFAULT, 0, BAD);
	EXPECT_ERRNO(sched_get_priority_max, EINVAL, 99);
	EXPECT_ERRNO(sched_get_priority_min, EINVAL, -1);
	EXPECT_IS(99, sched_get_priority_max, SCHED_FIFO);
	EXPECT_IS(1, sched_get_priority_min, SCHED_RR);
	struct timespec interval;
	EXPECT_ERRNO(sched_rr_get_interval, EINVAL, -1, &interval);
	EXPECT_ERRNO(sched_rr_get_interval, ESRCH, NOBODYS_PID, &interval);
	EXPECT_ERRNO(sched_rr_get_interval, EFAULT, 0, BAD);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(sched_setscheduler, EPERM, 0, SCHED_FIFO, &one);
		 EXPECT_ERRNO(sched_setscheduler, EPERM, getppid(), SCHED_OTHER, &zero);
		 EXPECT_ERRNO(sched_setparam, EPERM, getppid(), &zero);
		 EXPECT_IS(0, sched_getscheduler, getppid());
		 EXPECT_OK(sched_setscheduler, 0, SCHED_OTHER | 0x40000000, &zero);
		 EXPECT_ERRNO(sched_setscheduler, EPERM, 0, SCHED_OTHER, &zero);
		 EXPECT_IS(0x40000000, sched_getscheduler, 0);
		 EXPECT_OK(sched_setscheduler, 0, SCHED_BATCH | 0x40000000, &zero);
		 EXPECT_OK(sched_setparam, 0, &zero));
}

static void attributes(void)
{
	struct attr plain = { sizeof plain }, bad, got;
	static struct { struct attr attr; unsigned long long more; } future;
	memset(&got, 0, sizeof got);
	EXPECT_OK(sched_getattr, 0, &got, sizeof got, 0);
	EXPECT(got.policy == SCHED_OTHER && got.nice == 0 && got.priority == 0);
	EXPECT_ERRNO(sched_getattr, EINVAL, 0, NULL, sizeof got, 0);
	EXPECT_ERRNO(sched_getattr, EINVAL, 0, &got, 47, 0);
	EXPECT_ERRNO(sched_getattr, EINVAL, 0, &got, 4097, 0);
	EXPECT_ERRNO(sched_getattr, EINVAL, 0, &got, sizeof got, 1);
	EXPECT_ERRNO(sched_getattr, EINVAL, -1, &got, sizeof got, 0);
	EXPECT_ERRNO(sched_getattr, ESRCH, NOBODYS_PID, &got, sizeof got, 0);
	EXPECT_ERRNO(sched_getattr, EFAULT, 0, BAD, sizeof got, 0);
	EXPECT_OK(sched_setattr, 0, &plain, 0);
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, NULL, 0);
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, &plain, 1);
	EXPECT_ERRNO(sched_setattr, EINVAL, -1, &plain, 0);
	EXPECT_ERRNO(sched_setattr, ESRCH, NOBODYS_PID, &plain, 0);
	EXPECT_ERRNO(sched_setattr, EFAULT, 0, BAD, 0);
	bad = plain, bad.policy = 99;
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, &bad, 0);
	bad = plain, bad.policy = -1;
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, &bad, 0);
	bad = plain, bad.flags = 1 << 20;
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, &bad, 0);
	bad = plain, bad.priority = 1;
	EXPECT_ERRNO(sched_setattr, EINVAL, 0, &bad, 0);
	bad = plain, bad.flags = 0x20;
	EXPECT_ERRNO(sched_setattr, EOPNOTSUPP, 0, &bad, 0);
	bad = plain, bad.size = 8;
	EXPECT_ERRNO(sched_setattr, E2BIG, 0, &bad, 0);
	EXPECT(bad.size == 56);
	future.attr = plain, future.attr.size = sizeof future, future.more = 1;
	EXPECT_ERRNO(sched_setattr, E2BIG, 0, &future, 0);
	future.attr.size = sizeof future, future.more = 0;
	EXPECT_OK(sched_setattr, 0, &future, 0);
	IN_CHILD(BE_ONLY_NOBODY(); bad = plain; bad.nice = 3; EXPECT_OK(sched_setattr, 0, &bad, 0);
		 EXPECT_IS(17, getpriority, 0, 0);
		 EXPECT_ERRNO(sched_setattr, EPERM, 0, &plain, 0);
		 EXPECT_ERRNO(sched_setattr, EPERM, getppid(), &bad, 0));
}

static void affinity(void)
{
	unsigned long mask[16] = { 0 }, none[16] = { 0 };
	EXPECT(CALL(sched_getaffinity, 0, sizeof mask, mask) > 0);
	EXPECT(mask[0] != 0);
	EXPECT_ERRNO(sched_getaffinity, EINVAL, 0, 0, mask);
	EXPECT_ERRNO(sched_getaffinity, EINVAL, 0, 7, mask);
	EXPECT_ERRNO(sched_getaffinity, EINVAL, 0, 9, mask);
	EXPECT_ERRNO(sched_getaffinity, ESRCH, NOBODYS_PID, sizeof mask, mask);
	EXPECT_ERRNO(sched_getaffinity, ESRCH, -1, sizeof mask, mask);
	EXPECT_ERRNO(sched_getaffinity, EFAULT, 0, sizeof mask, BAD);
	EXPECT_ERRNO(sched_setaffinity, EINVAL, 0, sizeof none, none);
	EXPECT_ERRNO(sched_setaffinity, EINVAL, 0, 0, mask);
	none[15] = 1UL << 63;
	EXPECT_ERRNO(sched_setaffinity, EINVAL, 0, sizeof none, none);
	EXPECT_ERRNO(sched_setaffinity, ESRCH, NOBODYS_PID, sizeof mask, mask);
	EXPECT_ERRNO(sched_setaffinity, EFAULT, 0, sizeof mask, BAD);
	EXPECT_OK(sched_setaffinity, 0, sizeof mask, mask);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(sched_setaffinity, EPERM, getppid(), sizeof mask, mask); EXPECT_OK(sched_setaffinity, 0, sizeof mask, mask));
}

static void io_priorities(void)
{
	EXPECT_ERRNO(ioprio_get, EINVAL, 9, 0);
	EXPECT_ERRNO(ioprio_get, ESRCH, 1, NOBODYS_PID);
	EXPECT_ERRNO(ioprio_get, ESRCH, 2, NOBODYS_PID);
	EXPECT_ERRNO(ioprio_get, ESRCH, 3, NOBODYS_PID);
	EXPECT_ERRNO(ioprio_set, EINVAL, 9, 0, 2 << 13);
	EXPECT_ERRNO(ioprio_set, EINVAL, 1, 0, 5 << 13);
	EXPECT_ERRNO(ioprio_set, EINVAL, 1, 0, 1);
	EXPECT_ERRNO(ioprio_set, ESRCH, 1, NOBODYS_PID, 2 << 13);
	EXPECT_ERRNO(ioprio_set, ESRCH, 2, NOBODYS_PID, 2 << 13);
	EXPECT_ERRNO(ioprio_set, ESRCH, 3, NOBODYS_PID, 2 << 13);
	EXPECT_OK(ioprio_set, 1, 0, 2 << 13 | 3);
	EXPECT_IS(2 << 13 | 3, ioprio_get, 1, 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(ioprio_set, EPERM, 1, 0, 1 << 13); EXPECT_ERRNO(ioprio_set, EPERM, 1, getppid(), 2 << 13);
		 EXPECT_OK(ioprio_set, 1, 0, 3 << 13));
}

int main(void)
{
	policies();
	attributes();
	affinity();
	io_priorities();
	return 0;
}
