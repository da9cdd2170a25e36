/* SPDX-License-Identifier: MPL-2.0 */
/* What every call that walks a path is refused with, for each of them: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EFAULT; and EBADF for those
 * that take a directory's descriptor. */
#include "../expect.h"
#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <utime.h>

static struct stat st;
static struct statx stx;
static struct statfs sfs;
static char buffer[256];
static struct open_how how = { .flags = O_RDONLY };
static struct { unsigned bytes; int type; char data[128]; } handle = { 128, 0, "" };

static void one_path(void)
{
	PATH_ERRNOS(open, PATH, O_RDONLY, 0);
	PATH_ERRNOS(creat, PATH, 0644);
	PATH_ERRNOS(stat, PATH, &st);
	PATH_ERRNOS(lstat, PATH, &st);
	PATH_ERRNOS(access, PATH, F_OK);
	PATH_ERRNOS(truncate, PATH, 0);
	PATH_ERRNOS(statfs, PATH, &sfs);
	PATH_ERRNOS(chmod, PATH, 0644);
	PATH_ERRNOS(chown, PATH, -1, -1);
	PATH_ERRNOS(lchown, PATH, -1, -1);
	PATH_ERRNOS(utime, PATH, NULL);
	PATH_ERRNOS(utimes, PATH, NULL);
	PATH_ERRNOS(mkdir, PATH, 0755);
	PATH_ERRNOS(rmdir, PATH);
	PATH_ERRNOS(chdir, PATH);
	PATH_ERRNOS(chroot, PATH);
	PATH_ERRNOS(unlink, PATH);
	PATH_ERRNOS(symlink, "target", PATH);
	PATH_ERRNOS(readlink, PATH, buffer, sizeof buffer);
	PATH_ERRNOS(mknod, PATH, S_IFREG | 0644, 0);
	PATH_ERRNOS(execve, PATH, NULL, NULL);
	PATH_ERRNOS(setxattr, PATH, "user.x", "v", 1, 0);
	PATH_ERRNOS(lsetxattr, PATH, "user.x", "v", 1, 0);
	PATH_ERRNOS(getxattr, PATH, "user.x", buffer, sizeof buffer);
	PATH_ERRNOS(lgetxattr, PATH, "user.x", buffer, sizeof buffer);
	PATH_ERRNOS(listxattr, PATH, buffer, sizeof buffer);
	PATH_ERRNOS(llistxattr, PATH, buffer, sizeof buffer);
	PATH_ERRNOS(removexattr, PATH, "user.x");
	PATH_ERRNOS(lremovexattr, PATH, "user.x");
}

static void two_paths(void)
{
	PATH_ERRNOS(rename, "f", PATH);
	PATH_ERRNOS(rename, PATH, "d/new");
	PATH_ERRNOS(renameat, AT_FDCWD, "f", AT_FDCWD, PATH);
	PATH_ERRNOS(renameat, AT_FDCWD, PATH, AT_FDCWD, "d/new");
	PATH_ERRNOS(renameat2, AT_FDCWD, "f", AT_FDCWD, PATH, 0);
	PATH_ERRNOS(renameat2, AT_FDCWD, PATH, AT_FDCWD, "d/new", 0);
	PATH_ERRNOS(link, "f", PATH);
	PATH_ERRNOS(link, PATH, "d/new");
	PATH_ERRNOS(linkat, AT_FDCWD, "f", AT_FDCWD, PATH, 0);
	PATH_ERRNOS(linkat, AT_FDCWD, PATH, AT_FDCWD, "d/new", 0);
	EXPECT_ERRNO(renameat, EBADF, 999, "f", AT_FDCWD, "g");
	EXPECT_ERRNO(renameat, EBADF, AT_FDCWD, "f", 999, "g");
	EXPECT_ERRNO(renameat2, EBADF, 999, "f", AT_FDCWD, "g", 0);
	EXPECT_ERRNO(renameat2, EBADF, AT_FDCWD, "f", 999, "g", 0);
	EXPECT_ERRNO(linkat, EBADF, 999, "f", AT_FDCWD, "g", 0);
	EXPECT_ERRNO(linkat, EBADF, AT_FDCWD, "f", 999, "g", 0);
	EXPECT_ERRNO(symlink, ENOENT, "", "g");
	EXPECT_ERRNO(symlink, EFAULT, BAD, "g");
	EXPECT_ERRNO(symlink, ENOENT, "target", "");
}

static void at_calls(void)
{
	int file = open("f", O_RDWR), directory = open("d", O_RDONLY | O_DIRECTORY);
	MUST(file >= 0 && directory >= 0);
	EXPECT_OK(openat, directory, ".", O_RDONLY, 0);
	EXPECT_ERRNO(openat, ENOTDIR, file, "x", O_RDONLY, 0);
	EXPECT_ERRNO(openat, EBADF, 999, "x", O_RDONLY, 0);
	EXPECT_OK(openat, 999, "/", O_RDONLY, 0);
	PATH_ERRNOS(openat, AT_FDCWD, PATH, O_RDONLY, 0);
	PATH_ERRNOS(openat2, AT_FDCWD, PATH, &how, sizeof how);
	EXPECT_ERRNO(openat2, EBADF, 999, "x", &how, sizeof how);
	PATH_ERRNOS(newfstatat, AT_FDCWD, PATH, &st, 0);
	EXPECT_ERRNO(newfstatat, EBADF, 999, "x", &st, 0);
	EXPECT_ERRNO(newfstatat, EBADF, 999, "", &st, AT_EMPTY_PATH);
	EXPECT_ERRNO(newfstatat, ENOTDIR, file, "x", &st, 0);
	EXPECT_ERRNO(newfstatat, ENOENT, file, "", &st, 0);
	EXPECT_OK(newfstatat, file, "", &st, AT_EMPTY_PATH);
	PATH_ERRNOS(statx, AT_FDCWD, PATH, 0, STATX_BASIC_STATS, &stx);
	EXPECT_ERRNO(statx, EBADF, 999, "x", 0, STATX_BASIC_STATS, &stx);
	PATH_ERRNOS(faccessat, AT_FDCWD, PATH, F_OK);
	EXPECT_ERRNO(faccessat, EBADF, 999, "x", F_OK);
	PATH_ERRNOS(faccessat2, AT_FDCWD, PATH, F_OK, 0);
	EXPECT_ERRNO(faccessat2, EBADF, 999, "x", F_OK, 0);
	PATH_ERRNOS(fchmodat, AT_FDCWD, PATH, 0644);
	EXPECT_ERRNO(fchmodat, EBADF, 999, "x", 0644);
	PATH_ERRNOS(fchmodat2, AT_FDCWD, PATH, 0644, 0);
	EXPECT_ERRNO(fchmodat2, EBADF, 999, "x", 0644, 0);
	PATH_ERRNOS(fchownat, AT_FDCWD, PATH, -1, -1, 0);
	EXPECT_ERRNO(fchownat, EBADF, 999, "x", -1, -1, 0);
	PATH_ERRNOS(futimesat, AT_FDCWD, PATH, NULL);
	EXPECT_ERRNO(futimesat, EBADF, 999, "x", NULL);
	PATH_ERRNOS(utimensat, AT_FDCWD, PATH, NULL, 0);
	EXPECT_ERRNO(utimensat, EBADF, 999, "x", NULL, 0);
	EXPECT_ERRNO(utimensat, EBADF, 999, NULL, NULL, 0);
	PATH_ERRNOS(mkdirat, AT_FDCWD, PATH, 0755);
	EXPECT_ERRNO(mkdirat, EBADF, 999, "x", 0755);
	PATH_ERRNOS(unlinkat, AT_FDCWD, PATH, 0);
	PATH_ERRNOS(unlinkat, AT_FDCWD, PATH, AT_REMOVEDIR);
	EXPECT_ERRNO(unlinkat, EBADF, 999, "x", 0);
	PATH_ERRNOS(symlinkat, "target", AT_FDCWD, PATH);
	EXPECT_ERRNO(symlinkat, EBADF, "target", 999, "x");
	PATH_ERRNOS(readlinkat, AT_FDCWD, PATH, buffer, sizeof buffer);
	EXPECT_ERRNO(readlinkat, EBADF, 999, "x", buffer, sizeof buffer);
	PATH_ERRNOS(mknodat, AT_FDCWD, PATH, S_IFREG | 0644, 0);
	EXPECT_ERRNO(mknodat, EBADF, 999, "x", S_IFREG | 0644, 0);
	PATH_ERRNOS(execveat, AT_FDCWD, PATH, NULL, NULL, 0);
	EXPECT_ERRNO(execveat, EBADF, 999, "x", NULL, NULL, 0);
	PATH_ERRNOS(name_to_handle_at, AT_FDCWD, PATH, &handle, &st, 0);
	EXPECT_ERRNO(name_to_handle_at, EBADF, 999, "x", &handle, &st, 0);
	EXPECT_OK(close, file);
	EXPECT_OK(close, directory);
}

static void link_counts(void)
{
	char name[16], target[16];
	/* 40 links in a row are followed, 41 are not. */
	MUST(symlink("f", "l0") == 0);
	for (int i = 1; i <= 40; i++) {
		snprintf(name, sizeof name, "l%d", i);
		snprintf(target, sizeof target, "l%d", i - 1);
		MUST(symlink(target, name) == 0);
	}
	EXPECT_OK(stat, "l39", &st);
	EXPECT_ERRNO(stat, ELOOP, "l40", &st);
	/* A path of 4095 bytes is one, of 4096 is none. */
	static char path[5000];
	memset(path, '/', sizeof path);
	memcpy(path + 4094, "f", 2);
	path[0] = '.';
	EXPECT_OK(stat, path, &st);
	memset(path, '/', sizeof path);
	path[0] = '.';
	memcpy(path + 4095, "f", 2);
	EXPECT_ERRNO(stat, ENAMETOOLONG, path, &st);
	long_name[255] = 0;
	EXPECT_ERRNO(stat, ENOENT, long_name, &st);
	EXPECT_ERRNO(stat, ENOTDIR, "f/", &st);
	EXPECT_ERRNO(stat, ENOTDIR, "f/.", &st);
	EXPECT_ERRNO(stat, ENOENT, "", &st);
	EXPECT_OK(stat, "d/", &st);
	EXPECT_OK(stat, "d/../f", &st);
	EXPECT_ERRNO(stat, EFAULT, "f", BAD);
	EXPECT_ERRNO(lstat, EFAULT, "f", BAD);
	EXPECT_ERRNO(fstat, EFAULT, 0, BAD);
	EXPECT_ERRNO(fstat, EBADF, 999, &st);
	EXPECT_ERRNO(newfstatat, EFAULT, AT_FDCWD, "f", BAD, 0);
	EXPECT_ERRNO(newfstatat, EINVAL, AT_FDCWD, "f", &st, 0x80000);
	EXPECT_ERRNO(statx, EFAULT, AT_FDCWD, "f", 0, STATX_BASIC_STATS, BAD);
	EXPECT_ERRNO(statx, EINVAL, AT_FDCWD, "f", 0, 0x80000000, &stx);
	EXPECT_ERRNO(statx, EINVAL, AT_FDCWD, "f", AT_STATX_SYNC_TYPE, STATX_BASIC_STATS, &stx);
	EXPECT_ERRNO(statx, EINVAL, AT_FDCWD, "f", 0x80000, STATX_BASIC_STATS, &stx);
	EXPECT_ERRNO(statfs, EFAULT, "f", BAD);
	EXPECT_ERRNO(fstatfs, EFAULT, 0, BAD);
	EXPECT_ERRNO(fstatfs, EBADF, 999, &sfs);
	EXPECT_IS(0, stat, "f", &st);
	EXPECT_ERRNO(ustat, EINVAL, -1, &sfs);
	EXPECT_ERRNO(ustat, EFAULT, (unsigned)st.st_dev, BAD);
	EXPECT_ERRNO(access, EINVAL, "f", 8);
	EXPECT_ERRNO(faccessat, EINVAL, AT_FDCWD, "f", 8);
	EXPECT_ERRNO(faccessat2, EINVAL, AT_FDCWD, "f", 8, 0);
	EXPECT_ERRNO(faccessat2, EINVAL, AT_FDCWD, "f", 0, 0x80000);
	EXPECT_OK(faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS);
	EXPECT_ERRNO(access, EACCES, "f", X_OK);
	EXPECT_OK(access, "d", X_OK);
	BE_NOBODY();
	EXPECT_ERRNO(access, EACCES, "f", W_OK);
	EXPECT_ERRNO(faccessat, EACCES, AT_FDCWD, "f", W_OK);
	EXPECT_ERRNO(faccessat2, EACCES, AT_FDCWD, "f", W_OK, 0);
	EXPECT_ERRNO(faccessat2, EACCES, AT_FDCWD, "f", W_OK, AT_EACCESS);
	BE_ROOT();
	MUST(setresuid(NOBODY, 0, 0) == 0);
	EXPECT_ERRNO(faccessat2, EACCES, AT_FDCWD, "f", W_OK, 0);
	EXPECT_OK(faccessat2, AT_FDCWD, "f", W_OK, AT_EACCESS);
	BE_ROOT();
}

int main(void)
{
	prepare_paths();
	one_path();
	two_paths();
	at_calls();
	link_counts();
	return 0;
}
