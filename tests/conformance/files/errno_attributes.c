/* SPDX-License-Identifier: MPL-2.0 */
/* Modes, owners, times, sizes, extended attributes: who may change them and what values are refused. */
#include "../expect.h"
#include <linux/falloc.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static void modes_and_owners(int f, int ro)
{
	int path = open("f", O_PATH);
	EXPECT_ERRNO(fchmod, EBADF, 999, 0644);
	EXPECT_ERRNO(fchmod, EBADF, path, 0644);
	EXPECT_ERRNO(chmod, EROFS, "ro/f", 0644);
	EXPECT_ERRNO(fchmod, EROFS, ro, 0644);
	EXPECT_ERRNO(fchmodat, EROFS, AT_FDCWD, "ro/f", 0644);
	EXPECT_ERRNO(fchmodat2, EROFS, AT_FDCWD, "ro/f", 0644, 0);
	EXPECT_ERRNO(fchmodat2, EINVAL, AT_FDCWD, "f", 0644, AT_REMOVEDIR);
	EXPECT_ERRNO(fchmodat2, EOPNOTSUPP, AT_FDCWD, "loop", 0644, AT_SYMLINK_NOFOLLOW);
	EXPECT_OK(fchmodat2, f, "", 0644, AT_EMPTY_PATH);
	EXPECT_ERRNO(fchown, EBADF, 999, 0, 0);
	EXPECT_ERRNO(chown, EROFS, "ro/f", 0, 0);
	EXPECT_ERRNO(lchown, EROFS, "ro/l", 0, 0);
	EXPECT_ERRNO(fchown, EROFS, ro, 0, 0);
	EXPECT_ERRNO(fchownat, EROFS, AT_FDCWD, "ro/f", 0, 0, 0);
	EXPECT_ERRNO(fchownat, EINVAL, AT_FDCWD, "f", 0, 0, AT_REMOVEDIR);
	BE_NOBODY();
	EXPECT_ERRNO(chmod, EPERM, "f", 0644);
	EXPECT_ERRNO(fchmod, EPERM, f, 0644);
	EXPECT_ERRNO(fchmodat, EPERM, AT_FDCWD, "f", 0644);
	EXPECT_ERRNO(fchmodat2, EPERM, AT_FDCWD, "f", 0644, 0);
	EXPECT_ERRNO(chown, EPERM, "f", NOBODY, -1);
	EXPECT_ERRNO(chown, EPERM, "f", -1, NOBODY);
	EXPECT_ERRNO(lchown, EPERM, "loop", NOBODY, -1);
	EXPECT_ERRNO(fchown, EPERM, f, NOBODY, -1);
	EXPECT_ERRNO(fchownat, EPERM, AT_FDCWD, "f", NOBODY, -1, 0);
	EXPECT_OK(open, "mine", O_CREAT | O_RDWR, 0644);
	EXPECT_ERRNO(chown, EPERM, "mine", 0, -1);
	EXPECT_ERRNO(chown, EPERM, "mine", -1, 1234);
	EXPECT_OK(chown, "mine", NOBODY, NOBODY);
	BE_ROOT();
	/* A user namespace that knows no such id. */
	IN_CHILD(
		MUST(unshare(CLONE_NEWUSER) == 0);
		EXPECT_ERRNO(chown, EINVAL, "f", 5, -1);
		EXPECT_ERRNO(lchown, EINVAL, "loop", -1, 5);
		EXPECT_ERRNO(fchown, EINVAL, f, 5, -1);
		EXPECT_ERRNO(fchownat, EINVAL, AT_FDCWD, "f", 5, -1, 0));
}

static void times(int f, int ro)
{
	struct timespec bad[2] = { { 1, 1000000000 }, { 1, 0 } }, given[2] = { { 1, 0 }, { 1, 0 } };
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } }, half[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
	struct timeval bad_us[2] = { { 1, 1000000 }, { 1, 0 } }, given_us[2] = { { 1, 0 }, { 1, 0 } };
	struct utimbuf given_s = { 1, 1 };
	EXPECT_ERRNO(utime, EROFS, "ro/f", NULL);
	EXPECT_ERRNO(utimes, EROFS, "ro/f", NULL);
	EXPECT_ERRNO(futimesat, EROFS, AT_FDCWD, "ro/f", NULL);
	EXPECT_ERRNO(utimensat, EROFS, AT_FDCWD, "ro/f", NULL, 0);
	EXPECT_ERRNO(utimensat, EROFS, ro, NULL, NULL, 0);
	EXPECT_ERRNO(utime, EFAULT, "f", BAD);
	EXPECT_ERRNO(utimes, EFAULT, "f", BAD);
	EXPECT_ERRNO(utimes, EINVAL, "f", bad_us);
	EXPECT_ERRNO(futimesat, EINVAL, AT_FDCWD, "f", bad_us);
	EXPECT_ERRNO(utimensat, EINVAL, AT_FDCWD, "f", bad, 0);
	EXPECT_ERRNO(utimensat, EFAULT, AT_FDCWD, "f", BAD, 0);
	EXPECT_ERRNO(utimensat, EINVAL, AT_FDCWD, "f", NULL, 1);
	EXPECT_ERRNO(utimensat, EINVAL, f, NULL, NULL, AT_SYMLINK_NOFOLLOW);
	EXPECT_ERRNO(utimensat, EFAULT, AT_FDCWD, NULL, NULL, 0);
	EXPECT_OK(utimensat, AT_FDCWD, "none", omit, 0);
	EXPECT_OK(futimesat, f, NULL, NULL);
	BE_NOBODY();
	EXPECT_ERRNO(utime, EACCES, "f", NULL);
	EXPECT_ERRNO(utime, EPERM, "f", &given_s);
	EXPECT_ERRNO(utimes, EACCES, "f", NULL);
	EXPECT_ERRNO(utimes, EPERM, "f", given_us);
	EXPECT_ERRNO(futimesat, EACCES, AT_FDCWD, "f", NULL);
	EXPECT_ERRNO(futimesat, EPERM, AT_FDCWD, "f", given_us);
	EXPECT_ERRNO(utimensat, EACCES, AT_FDCWD, "f", NULL, 0);
	EXPECT_ERRNO(utimensat, EPERM, AT_FDCWD, "f", given, 0);
	EXPECT_ERRNO(utimensat, EPERM, AT_FDCWD, "f", half, 0);
	EXPECT_ERRNO(utimensat, EPERM, f, NULL, given, 0);
	BE_ROOT();
}

static void sizes(int f)
{
	int fds[2], reader = open("f", O_RDONLY), directory = open("d", O_RDONLY), full = open("full/f", O_RDWR);
	int memory = CALL(memfd_create, "m", 3), null = open("/dev/null", O_RDWR);
	MUST(pipe(fds) == 0 && memory >= 0 && full >= 0);
	EXPECT_ERRNO(truncate, EINVAL, "f", -1);
	EXPECT_ERRNO(truncate, EISDIR, "d", 0);
	EXPECT_ERRNO(truncate, EINVAL, "/dev/null", 0);
	EXPECT_ERRNO(truncate, EROFS, "ro/f", 0);
	EXPECT_ERRNO(ftruncate, EBADF, 999, 0);
	EXPECT_ERRNO(ftruncate, EINVAL, f, -1);
	EXPECT_ERRNO(ftruncate, EINVAL, reader, 0);
	EXPECT_ERRNO(ftruncate, EINVAL, fds[1], 0);
	EXPECT_ERRNO(ftruncate, EINVAL, directory, 0);
	signal(SIGXFSZ, SIG_IGN);
	WITH_LIMIT(RLIMIT_FSIZE, 4096,
		   EXPECT_ERRNO(truncate, EFBIG, "f", 4097); EXPECT_ERRNO(ftruncate, EFBIG, f, 4097); EXPECT_ERRNO(fallocate, EFBIG, f, 0, 4096, 1);
		   EXPECT_OK(truncate, "f", 4096));
	EXPECT_ERRNO(fallocate, EBADF, 999, 0, 0, 1);
	EXPECT_ERRNO(fallocate, EBADF, reader, 0, 0, 1);
	EXPECT_ERRNO(fallocate, EINVAL, f, 0, -1, 1);
	EXPECT_ERRNO(fallocate, EINVAL, f, 0, 0, 0);
	EXPECT_ERRNO(fallocate, EOPNOTSUPP, f, 0x10000, 0, 1);
	EXPECT_ERRNO(fallocate, EOPNOTSUPP, f, FALLOC_FL_PUNCH_HOLE, 0, 1);
	EXPECT_ERRNO(fallocate, ESPIPE, fds[1], 0, 0, 1);
	EXPECT_ERRNO(fallocate, ENODEV, null, 0, 0, 1);
	EXPECT_ERRNO(fallocate, EFBIG, f, 0, 0x7fffffffffffffff, 1);
	EXPECT_ERRNO(fallocate, ENOSPC, full, 0, 0, 16384);
	fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	EXPECT_ERRNO(ftruncate, EPERM, memory, 100);
	EXPECT_ERRNO(fallocate, EPERM, memory, 0, 0, 100);
}

static char value[70000];

static void xattrs(int ro)
{
	int x = open("full/f", O_RDWR), null = open("/dev/null", O_RDWR), proc = open("/proc/self/status", O_RDONLY), path = open("f", O_PATH);
	char name[300];
	memset(name, 'n', sizeof name);
	memcpy(name, "user.", 5);
	name[260] = 0;
	MUST(mkdir("t", 0777) == 0 && mount("none", "t", "tmpfs", 0, "size=1m,nr_inodes=40") == 0);
	MUST(close(open("t/f", O_CREAT | O_RDWR, 0644)) == 0 && mkdir("t/s", 01777) == 0 && chmod("t/s", 01777) == 0 && symlink("f", "t/l") == 0);
	MUST(mkfifo("t/fifo", 0666) == 0);
	int f = open("t/f", O_RDWR), fifo = open("t/fifo", O_RDWR);
	EXPECT_OK(setxattr, "t/f", "user.a", "1", 1, 0);
	EXPECT_ERRNO(fsetxattr, EBADF, 999, "user.a", "1", 1, 0);
	EXPECT_ERRNO(fsetxattr, EBADF, path, "user.a", "1", 1, 0);
#define SET_ERRNO(error, what, name, value, size, flags) \
	EXPECT_ERRNO(setxattr, error, "t/" #what, name, value, size, flags); \
	EXPECT_ERRNO(lsetxattr, error, "t/" #what, name, value, size, flags); \
	EXPECT_ERRNO(fsetxattr, error, what, name, value, size, flags)
	SET_ERRNO(ERANGE, f, "", "1", 1, 0);
	SET_ERRNO(ERANGE, f, name, "1", 1, 0);
	SET_ERRNO(E2BIG, f, "user.b", value, 65537, 0);
	SET_ERRNO(EINVAL, f, "user.b", "1", 1, 4);
	SET_ERRNO(EEXIST, f, "user.a", "1", 1, XATTR_CREATE);
	SET_ERRNO(ENODATA, f, "user.b", "1", 1, XATTR_REPLACE);
	SET_ERRNO(EOPNOTSUPP, f, "strange.b", "1", 1, 0);
	SET_ERRNO(EFAULT, f, BAD, "1", 1, 0);
	SET_ERRNO(EFAULT, f, "user.b", BAD, 1, 0);
	SET_ERRNO(EPERM, fifo, "user.b", "1", 1, 0);
	SET_ERRNO(ENOSPC, f, "user.b", value, 65000, 0);
	EXPECT_ERRNO(setxattr, EROFS, "ro/f", "user.a", "1", 1, 0);
	EXPECT_ERRNO(lsetxattr, EROFS, "ro/f", "user.a", "1", 1, 0);
	EXPECT_ERRNO(fsetxattr, EROFS, ro, "user.a", "1", 1, 0);
	EXPECT_ERRNO(lsetxattr, EPERM, "t/l", "user.a", "1", 1, 0);
	BE_NOBODY();
	SET_ERRNO(EACCES, f, "user.b", "1", 1, 0);
	SET_ERRNO(EPERM, f, "trusted.b", "1", 1, 0);
	EXPECT_ERRNO(setxattr, EPERM, "t/s", "user.b", "1", 1, 0);
	EXPECT_ERRNO(removexattr, EACCES, "t/f", "user.a");
	EXPECT_ERRNO(lremovexattr, EACCES, "t/f", "user.a");
	EXPECT_ERRNO(fremovexattr, EACCES, f, "user.a");
	EXPECT_ERRNO(removexattr, EPERM, "t/f", "trusted.a");
	EXPECT_ERRNO(lremovexattr, EPERM, "t/f", "trusted.a");
	EXPECT_ERRNO(fremovexattr, EPERM, f, "trusted.a");
	MUST(seteuid(0) == 0 && chmod("t/f", 0600) == 0 && seteuid(NOBODY) == 0);
#define GET_ERRNO(error, what, name, value, size) \
	EXPECT_ERRNO(getxattr, error, "t/" #what, name, value, size); \
	EXPECT_ERRNO(lgetxattr, error, "t/" #what, name, value, size); \
	EXPECT_ERRNO(fgetxattr, error, what, name, value, size)
	GET_ERRNO(EACCES, f, "user.a", value, 10);
	GET_ERRNO(ENODATA, f, "trusted.a", value, 10);
	BE_ROOT();
	EXPECT_ERRNO(fgetxattr, EBADF, 999, "user.a", value, 10);
	EXPECT_IS(1, getxattr, "t/f", "user.a", value, 10);
	EXPECT_IS(1, fgetxattr, f, "user.a", NULL, 0);
	EXPECT_OK(setxattr, "t/f", "user.a", "12345", 5, 0);
	GET_ERRNO(ERANGE, f, "user.a", value, 4);
	GET_ERRNO(ERANGE, f, name, value, 4);
	GET_ERRNO(ERANGE, f, "", value, 4);
	GET_ERRNO(ENODATA, f, "user.none", value, 10);
	GET_ERRNO(EOPNOTSUPP, f, "strange.a", value, 10);
	GET_ERRNO(EFAULT, f, BAD, value, 10);
	GET_ERRNO(EFAULT, f, "user.a", BAD, 10);
	GET_ERRNO(ENODATA, fifo, "user.a", value, 10);
	EXPECT_ERRNO(flistxattr, EBADF, 999, value, 100);
	EXPECT_IS(7, listxattr, "t/f", NULL, 0);
	EXPECT_ERRNO(listxattr, ERANGE, "t/f", value, 3);
	EXPECT_ERRNO(llistxattr, ERANGE, "t/f", value, 3);
	EXPECT_ERRNO(flistxattr, ERANGE, f, value, 3);
	EXPECT_ERRNO(listxattr, EFAULT, "t/f", BAD, 100);
	EXPECT_ERRNO(llistxattr, EFAULT, "t/f", BAD, 100);
	EXPECT_ERRNO(flistxattr, EFAULT, f, BAD, 100);
	EXPECT_IS(0, listxattr, "/proc/self/status", value, 100);
	EXPECT_ERRNO(fremovexattr, EBADF, 999, "user.a");
#define REMOVE_ERRNO(error, what, name) \
	EXPECT_ERRNO(removexattr, error, "t/" #what, name); \
	EXPECT_ERRNO(lremovexattr, error, "t/" #what, name); \
	EXPECT_ERRNO(fremovexattr, error, what, name)
	REMOVE_ERRNO(ERANGE, f, "");
	REMOVE_ERRNO(ERANGE, f, name);
	REMOVE_ERRNO(ENODATA, f, "user.none");
	REMOVE_ERRNO(EOPNOTSUPP, f, "strange.a");
	REMOVE_ERRNO(EFAULT, f, BAD);
	REMOVE_ERRNO(EPERM, fifo, "user.a");
	EXPECT_ERRNO(removexattr, EROFS, "ro/f", "user.a");
	EXPECT_ERRNO(lremovexattr, EROFS, "ro/f", "user.a");
	EXPECT_ERRNO(fremovexattr, EROFS, ro, "user.a");
	EXPECT_OK(removexattr, "t/f", "user.a");
	EXPECT_IS(0, listxattr, "t/f", NULL, 0);
	EXPECT_ERRNO(fsetxattr, EOPNOTSUPP, proc, "user.a", "1", 1, 0);
}

int main(void)
{
	prepare_paths();
	prepare_mounts();
	int f = open("f", O_RDWR), ro = open("ro/f", O_RDONLY);
	MUST(f >= 0 && ro >= 0);
	modes_and_owners(f, ro);
	times(f, ro);
	sizes(f);
	xattrs(ro);
	return 0;
}
