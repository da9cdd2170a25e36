/* SPDX-License-Identifier: MPL-2.0 */
/* Ids, groups, capabilities, limits, priorities: who may change what, and arguments that are refused. */
#include "../expect.h"
#include <linux/capability.h>

static void ids(void)
{
	gid_t groups[3] = { 5, 6, 7 };
	EXPECT_OK(setgroups, 3, groups);
	EXPECT_ERRNO(setgroups, EINVAL, 65537, groups);
	EXPECT_ERRNO(setgroups, EINVAL, -1, groups);
	EXPECT_ERRNO(setgroups, EFAULT, 3, BAD);
	EXPECT_ERRNO(getgroups, EINVAL, 2, groups);
	EXPECT_ERRNO(getgroups, EINVAL, -1, groups);
	EXPECT_ERRNO(getgroups, EFAULT, 3, BAD);
	EXPECT_IS(3, getgroups, 0, NULL);
	EXPECT_IS(3, getgroups, 3, groups);
	EXPECT_ERRNO(setuid, EINVAL, -1);
	EXPECT_ERRNO(setgid, EINVAL, -1);
	EXPECT_OK(setreuid, -1, -1);
	EXPECT_OK(setresuid, -1, -1, -1);
	uid_t one, two, three;
	EXPECT_ERRNO(getresuid, EFAULT, BAD, &two, &three);
	EXPECT_ERRNO(getresuid, EFAULT, &one, BAD, &three);
	EXPECT_ERRNO(getresuid, EFAULT, &one, &two, BAD);
	EXPECT_ERRNO(getresgid, EFAULT, BAD, &two, &three);
	EXPECT_ERRNO(getresgid, EFAULT, &one, BAD, &three);
	EXPECT_ERRNO(getresgid, EFAULT, &one, &two, BAD);
	IN_CHILD(MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
		 EXPECT_ERRNO(setuid, EPERM, 0);
		 EXPECT_ERRNO(setgid, EPERM, 0);
		 EXPECT_ERRNO(setreuid, EPERM, 0, -1);
		 EXPECT_ERRNO(setreuid, EPERM, -1, 0);
		 EXPECT_ERRNO(setregid, EPERM, 0, -1);
		 EXPECT_ERRNO(setregid, EPERM, -1, 0);
		 EXPECT_ERRNO(setresuid, EPERM, 0, -1, -1);
		 EXPECT_ERRNO(setresuid, EPERM, -1, 0, -1);
		 EXPECT_ERRNO(setresuid, EPERM, -1, -1, 0);
		 EXPECT_ERRNO(setresgid, EPERM, 0, -1, -1);
		 EXPECT_ERRNO(setresgid, EPERM, -1, 0, -1);
		 EXPECT_ERRNO(setresgid, EPERM, -1, -1, 0);
		 EXPECT_ERRNO(setgroups, EPERM, 0, NULL);
		 EXPECT_OK(setuid, NOBODY);
		 EXPECT_IS(NOBODY, setfsuid, 0);
		 EXPECT_IS(NOBODY, setfsuid, -1);
		 EXPECT_IS(NOBODY, setfsgid, 0);
		 EXPECT_IS(NOBODY, setfsgid, -1));
	/* Ids that no user namespace of this program's knows cannot be taken. */
	IN_CHILD(MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT_OK(unshare, CLONE_NEWUSER);
		 EXPECT_ERRNO(setuid, EINVAL, 1234);
		 EXPECT_ERRNO(setreuid, EINVAL, 1234, -1);
		 EXPECT_ERRNO(setreuid, EINVAL, -1, 1234);
		 EXPECT_ERRNO(setresuid, EINVAL, 1234, -1, -1);
		 EXPECT_ERRNO(setresuid, EINVAL, -1, 1234, -1);
		 EXPECT_ERRNO(setresuid, EINVAL, -1, -1, 1234);
		 EXPECT_ERRNO(setgid, EINVAL, 1234);
		 EXPECT_ERRNO(setregid, EINVAL, 1234, -1);
		 EXPECT_ERRNO(setresgid, EINVAL, -1, -1, 1234));
}

static void capabilities(void)
{
	struct __user_cap_header_struct v3 = { _LINUX_CAPABILITY_VERSION_3, 0 }, odd = { 0x11111111, 0 }, negative = { _LINUX_CAPABILITY_VERSION_3, -1 };
	struct __user_cap_header_struct nobody = { _LINUX_CAPABILITY_VERSION_3, 4000000 }, other = { _LINUX_CAPABILITY_VERSION_3, 1 };
	struct __user_cap_data_struct data[2], less[2];
	EXPECT_OK(capget, &v3, data);
	EXPECT_OK(capget, &v3, NULL);
	EXPECT_ERRNO(capget, EINVAL, &odd, data);
	EXPECT(odd.version == _LINUX_CAPABILITY_VERSION_3);
	odd.version = 0;
	EXPECT_OK(capget, &odd, NULL);
	EXPECT_ERRNO(capget, EINVAL, &negative, data);
	EXPECT_ERRNO(capget, ESRCH, &nobody, data);
	EXPECT_ERRNO(capget, EFAULT, BAD, data);
	EXPECT_ERRNO(capget, EFAULT, &v3, BAD);
	EXPECT_ERRNO(capset, EFAULT, BAD, data);
	EXPECT_ERRNO(capset, EFAULT, &v3, BAD);
	odd.version = 0x11111111;
	EXPECT_ERRNO(capset, EINVAL, &odd, data);
	EXPECT_ERRNO(capset, EPERM, &other, data);
	memcpy(less, data, sizeof less);
	less[0].effective |= 1;
	less[0].permitted &= ~1u;
	EXPECT_ERRNO(capset, EPERM, &v3, less);
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT_OK(capget, &v3, less); EXPECT(less[0].permitted == 0 && less[1].permitted == 0);
		 EXPECT_OK(capset, &v3, less);
		 EXPECT_ERRNO(capset, EPERM, &v3, data);
		 less[0].inheritable = 1;
		 EXPECT_ERRNO(capset, EPERM, &v3, less));
}

static void limits(void)
{
	struct rlimit limit, inverse = { 5, 4 }, more = { 100, 200 }, all = { RLIM_INFINITY, RLIM_INFINITY };
	EXPECT_OK(getrlimit, RLIMIT_NOFILE, &limit);
	EXPECT_ERRNO(getrlimit, EINVAL, 16, &limit);
	EXPECT_ERRNO(getrlimit, EINVAL, -1, &limit);
	EXPECT_ERRNO(getrlimit, EFAULT, RLIMIT_NOFILE, BAD);
	EXPECT_ERRNO(setrlimit, EINVAL, 16, &limit);
	EXPECT_ERRNO(setrlimit, EINVAL, RLIMIT_CORE, &inverse);
	EXPECT_ERRNO(setrlimit, EFAULT, RLIMIT_CORE, BAD);
	EXPECT_ERRNO(setrlimit, EPERM, RLIMIT_NOFILE, &all);
	EXPECT_ERRNO(prlimit64, EINVAL, 0, 16, NULL, &limit);
	EXPECT_ERRNO(prlimit64, EINVAL, 0, RLIMIT_CORE, &inverse, NULL);
	EXPECT_ERRNO(prlimit64, EFAULT, 0, RLIMIT_CORE, BAD, NULL);
	EXPECT_ERRNO(prlimit64, EFAULT, 0, RLIMIT_CORE, NULL, BAD);
	EXPECT_ERRNO(prlimit64, ESRCH, 4000000, RLIMIT_CORE, NULL, &limit);
	EXPECT_ERRNO(prlimit64, ESRCH, -1, RLIMIT_CORE, NULL, &limit);
	IN_CHILD(MUST(setrlimit(RLIMIT_STACK, &more) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
		 EXPECT_OK(prlimit64, 0, RLIMIT_STACK, NULL, &limit);
		 EXPECT_ERRNO(setrlimit, EPERM, RLIMIT_STACK, &all);
		 EXPECT_ERRNO(prlimit64, EPERM, 0, RLIMIT_STACK, &all, NULL);
		 EXPECT_ERRNO(prlimit64, EPERM, getppid(), RLIMIT_STACK, NULL, &limit));
	struct rusage usage;
	EXPECT_OK(getrusage, RUSAGE_SELF, &usage);
	EXPECT_OK(getrusage, RUSAGE_CHILDREN, &usage);
	EXPECT_OK(getrusage, RUSAGE_THREAD, &usage);
	EXPECT_ERRNO(getrusage, EINVAL, 5, &usage);
	EXPECT_ERRNO(getrusage, EINVAL, -2, &usage);
	EXPECT_ERRNO(getrusage, EFAULT, RUSAGE_SELF, BAD);
}

static void priorities(void)
{
	EXPECT_IS(20, getpriority, PRIO_PROCESS, 0);
	EXPECT_ERRNO(getpriority, EINVAL, 3, 0);
	EXPECT_ERRNO(getpriority, EINVAL, -1, 0);
	EXPECT_ERRNO(getpriority, ESRCH, PRIO_PROCESS, 4000000);
	EXPECT_ERRNO(getpriority, ESRCH, PRIO_PGRP, 4000000);
	EXPECT_ERRNO(getpriority, ESRCH, PRIO_USER, 4000000);
	EXPECT_ERRNO(setpriority, EINVAL, 3, 0, 0);
	EXPECT_ERRNO(setpriority, ESRCH, PRIO_PROCESS, 4000000, 0);
	EXPECT_ERRNO(setpriority, ESRCH, PRIO_PGRP, 4000000, 0);
	EXPECT_ERRNO(setpriority, ESRCH, PRIO_USER, 4000000, 0);
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT_OK(setpriority, PRIO_PROCESS, 0, 5);
		 EXPECT_IS(15, getpriority, PRIO_PROCESS, 0);
		 EXPECT_ERRNO(setpriority, EACCES, PRIO_PROCESS, 0, 4);
		 EXPECT_ERRNO(setpriority, EACCES, PRIO_PROCESS, 0, -20);
		 EXPECT_ERRNO(setpriority, EPERM, PRIO_PROCESS, getppid(), 10);
		 EXPECT_OK(setpriority, PRIO_PROCESS, 0, 100);
		 EXPECT_IS(1, getpriority, PRIO_PROCESS, 0));
}

int main(void)
{
	ids();
	capabilities();
	limits();
	priorities();
	return 0;
}
