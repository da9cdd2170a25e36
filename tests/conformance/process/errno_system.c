/* SPDX-License-Identifier: MPL-2.0 */
/* Calls about the whole machine, most of which need a privilege: what they refuse, as nobody and by their arguments. */
#include "../expect.h"
#include <sys/klog.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <sys/utsname.h>

int main(void)
{
	char buffer[256];
	prepare_paths();
	EXPECT_ERRNO(getrandom, EINVAL, buffer, 1, 8);
	EXPECT_ERRNO(getrandom, EINVAL, buffer, 1, GRND_RANDOM | 4);
	EXPECT_ERRNO(getrandom, EFAULT, BAD, 1, 0);
	EXPECT_IS(0, getrandom, buffer, 0, 0);
	EXPECT_IS(100, getrandom, buffer, 100, GRND_NONBLOCK);
	EXPECT_ERRNO(uname, EFAULT, BAD);
	EXPECT_ERRNO(sysinfo, EFAULT, BAD);
	EXPECT_ERRNO(times, EFAULT, BAD);
	EXPECT_ERRNO(getcpu, EFAULT, BAD, NULL, NULL);
	EXPECT_IS(0, getcpu, NULL, NULL, NULL);
	EXPECT_ERRNO(sysfs, EINVAL, 1, "no such type");
	EXPECT_ERRNO(sysfs, EFAULT, 1, BAD);
	EXPECT_ERRNO(sysfs, EINVAL, 2, 1000, buffer);
	EXPECT_ERRNO(sysfs, EFAULT, 2, 0, BAD);
	EXPECT_ERRNO(sysfs, EINVAL, 4);
	EXPECT(CALL(sysfs, 3) > 2);
	EXPECT(CALL(personality, 0xffffffff) == 0);
	EXPECT(CALL(personality, ADDR_NO_RANDOMIZE) == 0);
	EXPECT(CALL(personality, 0) == ADDR_NO_RANDOMIZE);

	IN_CHILD(MUST(unshare(CLONE_NEWUTS) == 0); EXPECT_ERRNO(sethostname, EINVAL, buffer, 65); EXPECT_ERRNO(sethostname, EINVAL, buffer, -1);
		 EXPECT_ERRNO(sethostname, EFAULT, BAD, 3);
		 EXPECT_ERRNO(setdomainname, EINVAL, buffer, 65);
		 EXPECT_ERRNO(setdomainname, EFAULT, BAD, 3);
		 EXPECT_OK(sethostname, "name", 4);
		 EXPECT_OK(setdomainname, "domain", 6);
		 struct utsname uts; MUST(uname(&uts) == 0);
		 EXPECT(strcmp(uts.nodename, "name") == 0 && strcmp(uts.domainname, "domain") == 0));

	ERRNO_IF_BUILT(ioperm, EINVAL, 65530, 10, 0);
	ERRNO_IF_BUILT(ioperm, EINVAL, -1, 10, 0);
	ERRNO_IF_BUILT(iopl, EINVAL, 4);
	EXPECT_ERRNO(syslog, EINVAL, 11, NULL, 0);
	EXPECT_ERRNO(syslog, EINVAL, 3, NULL, 10);
	EXPECT_ERRNO(syslog, EINVAL, 3, buffer, -1);
	EXPECT_ERRNO(syslog, EINVAL, 8, NULL, 9);
	BE_NOBODY();
	ERRNO_IF_BUILT(ioperm, EPERM, 0x80, 1, 1);
	ERRNO_IF_BUILT(iopl, EPERM, 3);
	EXPECT_ERRNO(syslog, EPERM, 2, buffer, 10);
	EXPECT_ERRNO(syslog, EPERM, 5, buffer, 10);
	EXPECT_ERRNO(sethostname, EPERM, "x", 1);
	EXPECT_ERRNO(setdomainname, EPERM, "x", 1);
	EXPECT_ERRNO(acct, EPERM, "f");
	ERRNO_IF_BUILT(init_module, EPERM, buffer, 10, "");
	ERRNO_IF_BUILT(finit_module, EPERM, 0, "", 0);
	ERRNO_IF_BUILT(delete_module, EPERM, "none", 0);
	ERRNO_IF_BUILT(kexec_load, EPERM, 0, 0, NULL, 0);
	EXPECT_ERRNO(reboot, EPERM, 0xfee1dead, 0x28121969, RB_AUTOBOOT, NULL);
	EXPECT_ERRNO(swapon, EPERM, "f", 0);
	EXPECT_ERRNO(swapoff, EPERM, "f");
	EXPECT_ERRNO(vhangup, EPERM);
	EXPECT_ERRNO(chroot, EPERM, ".");
	EXPECT_ERRNO(mount, EPERM, "none", "d", "tmpfs", 0, NULL);
	EXPECT_ERRNO(umount2, EPERM, "/proc", 0);
	EXPECT_ERRNO(pivot_root, EPERM, ".", ".");
	EXPECT_ERRNO(unshare, EPERM, CLONE_NEWNS);
	BE_ROOT();
	return 0;
}
