/* SPDX-License-Identifier: MPL-2.0 */
/* Mounts and namespaces: what is refused by arguments, rights, and places that do not fit. */
#include "../expect.h"
#include <linux/mount.h>

#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

static void mounts(void)
{
	PATH_ERRNOS(mount, "none", PATH, "tmpfs", 0, NULL);
	EXPECT_ERRNO(mount, ENOENT, "none", "none", "tmpfs", 0, NULL);
	EXPECT_ERRNO(mount, ENODEV, "none", "d", "no such type", 0, NULL);
	EXPECT_ERRNO(mount, EINVAL, "none", "d", NULL, 0, NULL);
	EXPECT_ERRNO(mount, ENOTDIR, "none", "f", "tmpfs", 0, NULL);
	EXPECT_ERRNO(mount, EFAULT, BAD, "d", "tmpfs", 0, NULL);
	EXPECT_ERRNO(mount, EFAULT, "none", "d", BAD, 0, NULL);
	EXPECT_ERRNO(mount, EFAULT, "none", "d", "tmpfs", 0, BAD);
	EXPECT_ERRNO(mount, EINVAL, "none", "d", "tmpfs", 0, "nonsense=1");
	EXPECT_ERRNO(mount, EINVAL, "none", "d", "tmpfs", MS_REMOUNT, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "d", NULL, MS_PRIVATE, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "d", NULL, MS_SHARED, NULL);
	EXPECT_ERRNO(mount, EINVAL, "", "d", NULL, MS_BIND, NULL);
	EXPECT_ERRNO(mount, ENOENT, "none", "d", NULL, MS_BIND, NULL);
	EXPECT_ERRNO(mount, ENOTDIR, "f", "d", NULL, MS_BIND, NULL);
	EXPECT_ERRNO(mount, EINVAL, "f", "d", NULL, MS_MOVE, NULL);
	EXPECT_OK(mount, "one", "d", "tmpfs", 0, NULL);
	EXPECT_OK(mkdir, "d/below", 0755);
	EXPECT_ERRNO(mount, ELOOP, "d", "d/below", NULL, MS_MOVE, NULL);
	EXPECT_ERRNO(mount, EINVAL, "d", "f", NULL, MS_MOVE, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "d", NULL, MS_SHARED | MS_PRIVATE, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "d", NULL, MS_PRIVATE | MS_RDONLY, NULL);
	int file = open("d/file", O_CREAT | O_RDWR, 0600);
	EXPECT_ERRNO(mount, EBUSY, NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	EXPECT_ERRNO(umount2, EBUSY, "d", 0);
	close(file);
	EXPECT_OK(mount, "two", "d/below", "tmpfs", 0, NULL);
	EXPECT_ERRNO(umount2, EBUSY, "d", 0);
	EXPECT_ERRNO(umount2, EINVAL, "f", 0);
	EXPECT_ERRNO(umount2, EINVAL, "closed", 0);
	EXPECT_ERRNO(umount2, EINVAL, "d/below", 0x100);
	PATH_ERRNOS(umount2, PATH, 0);
	EXPECT_OK(umount2, "d", MNT_DETACH);
	EXPECT_ERRNO(umount2, EINVAL, "d", 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(mount, EPERM, "none", "d", "tmpfs", 0, NULL); EXPECT_ERRNO(umount2, EPERM, "/proc", 0);
		 EXPECT_ERRNO(pivot_root, EPERM, "d", "d"));
}

static void pivots(void)
{
	EXPECT_OK(mount, "new", "d", "tmpfs", 0, NULL);
	MUST(mkdir("d/old", 0755) == 0);
	EXPECT_ERRNO(pivot_root, EINVAL, "d/old", "d/old");
	EXPECT_ERRNO(pivot_root, EBUSY, "/", "/");
	EXPECT_ERRNO(pivot_root, ENOTDIR, "f", "d");
	EXPECT_ERRNO(pivot_root, ENOTDIR, "d", "f");
	EXPECT_ERRNO(pivot_root, ENOENT, "none", "d/old");
	EXPECT_ERRNO(pivot_root, EFAULT, BAD, "d/old");
	EXPECT_OK(umount2, "d", MNT_DETACH);
}

static void contexts(void)
{
	static struct { struct mount_attr attr; unsigned long long more; } future = { { .attr_set = MOUNT_ATTR_RDONLY }, 1 };
	struct mount_attr none = { 0 }, read_only = { .attr_set = MOUNT_ATTR_RDONLY }, unknown = { .attr_set = 1ULL << 40 };
	struct mount_attr atime = { .attr_set = MOUNT_ATTR_NOATIME }, propagation = { .propagation = MS_SHARED | MS_PRIVATE };
	char byte = 1;
	EXPECT_ERRNO(fsopen, EINVAL, "tmpfs", 0x100);
	EXPECT_ERRNO(fsopen, ENODEV, "no such type", 0);
	EXPECT_ERRNO(fsopen, EFAULT, BAD, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(fsopen, EMFILE, "tmpfs", 0));
	int context = EXPECT_OK(fsopen, "tmpfs", 0), empty = EXPECT_OK(fsopen, "tmpfs", 0);
	EXPECT_ERRNO(fsconfig, EBADF, 999, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	EXPECT_ERRNO(fsconfig, EINVAL, 1, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_SET_FLAG, NULL, NULL, 0);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_SET_FLAG, "ro", "value", 0);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_SET_STRING, "size", NULL, 0);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_SET_STRING, "nonsense", "1", 0);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_CMD_CREATE, "key", NULL, 0);
	EXPECT_ERRNO(fsconfig, EOPNOTSUPP, context, 99, NULL, NULL, 0);
	EXPECT_ERRNO(fsconfig, EFAULT, context, FSCONFIG_SET_STRING, "size", BAD, 0);
	EXPECT_ERRNO(fsconfig, EFAULT, context, FSCONFIG_SET_FLAG, BAD, NULL, 0);
	EXPECT_ERRNO(fsconfig, EBADF, context, FSCONFIG_SET_FD, "size", NULL, 999);
	EXPECT_ERRNO(fsconfig, EINVAL, context, FSCONFIG_SET_BINARY, "size", &byte, 0);
	EXPECT_ERRNO(fsmount, EINVAL, empty, 0, 0);
	EXPECT_OK(fsconfig, context, FSCONFIG_SET_STRING, "size", "64k", 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(fsopen, EPERM, "tmpfs", 0); EXPECT_ERRNO(fsmount, EPERM, context, 0, 0);
		 EXPECT_ERRNO(fspick, EPERM, AT_FDCWD, "d", 0); EXPECT_ERRNO(open_tree, EPERM, AT_FDCWD, "d", OPEN_TREE_CLONE);
		 EXPECT_ERRNO(move_mount, EPERM, context, "", AT_FDCWD, "d", MOVE_MOUNT_F_EMPTY_PATH);
		 EXPECT_ERRNO(mount_setattr, EPERM, AT_FDCWD, "d", 0, &read_only, sizeof read_only);
		 EXPECT_ERRNO(fsconfig, EPERM, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	EXPECT_OK(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	EXPECT_ERRNO(fsconfig, EBUSY, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	EXPECT_ERRNO(fsconfig, EBUSY, context, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	EXPECT_ERRNO(fsmount, EINVAL, context, 0x100, 0);
	EXPECT_ERRNO(fsmount, EINVAL, context, 0, 1 << 20);
	EXPECT_ERRNO(fsmount, EBADF, 999, 0, 0);
	EXPECT_ERRNO(fsmount, EINVAL, 1, 0, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(fsmount, EMFILE, context, 0, 0));

	context = CALL(fsopen, "tmpfs", 0);
	MUST(CALL(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
	int mount = EXPECT_OK(fsmount, context, 0, 0);
	EXPECT_ERRNO(fsmount, EBUSY, context, 0, 0);
	EXPECT_ERRNO(move_mount, EINVAL, mount, "", AT_FDCWD, "d", 0x1000);
	EXPECT_ERRNO(move_mount, ENOENT, mount, "", AT_FDCWD, "d", 0);
	EXPECT_ERRNO(move_mount, ENOENT, mount, "", AT_FDCWD, "none", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT_ERRNO(move_mount, EBADF, 999, "", AT_FDCWD, "d", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT_ERRNO(move_mount, EBADF, mount, "", 999, "d", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT_ERRNO(move_mount, EINVAL, AT_FDCWD, "d", AT_FDCWD, "closed", 0);
	EXPECT_ERRNO(move_mount, EINVAL, mount, "", AT_FDCWD, "f", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT_ERRNO(move_mount, ENOTDIR, mount, "", AT_FDCWD, "f/x", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT_OK(move_mount, mount, "", AT_FDCWD, "d", MOVE_MOUNT_F_EMPTY_PATH);
	MUST(mkdir("d/below", 0755) == 0);
	EXPECT_ERRNO(move_mount, ELOOP, AT_FDCWD, "d", AT_FDCWD, "d/below", 0);
	EXPECT_ERRNO(fspick, ENOENT, AT_FDCWD, "none", 0);
	EXPECT_ERRNO(fspick, EBADF, 999, "d", 0);
	EXPECT_ERRNO(fspick, EINVAL, AT_FDCWD, "d", 0x100);
	EXPECT_ERRNO(fspick, EINVAL, AT_FDCWD, "d/below", 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(fspick, EMFILE, AT_FDCWD, "d", 0); EXPECT_ERRNO(open_tree, EMFILE, AT_FDCWD, "d", 0));
	PATH_ERRNOS(open_tree, AT_FDCWD, PATH, 0);
	EXPECT_ERRNO(open_tree, EINVAL, AT_FDCWD, "d", 0x10000);
	EXPECT_ERRNO(open_tree, EINVAL, AT_FDCWD, "d", AT_RECURSIVE);
	EXPECT_ERRNO(open_tree, EBADF, 999, "d", 0);

	EXPECT_OK(mount_setattr, AT_FDCWD, "d", 0, &none, sizeof none);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d", 0x10000, &read_only, sizeof read_only);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d", 0, &read_only, 8);
	EXPECT_ERRNO(mount_setattr, E2BIG, AT_FDCWD, "d", 0, &read_only, 4097);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d", 0, &unknown, sizeof unknown);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d", 0, &atime, sizeof atime);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d", 0, &propagation, sizeof propagation);
	EXPECT_ERRNO(mount_setattr, EINVAL, AT_FDCWD, "d/below", 0, &read_only, sizeof read_only);
	EXPECT_ERRNO(mount_setattr, E2BIG, AT_FDCWD, "d", 0, &future, sizeof future);
	EXPECT_ERRNO(mount_setattr, EFAULT, AT_FDCWD, "d", 0, BAD, sizeof read_only);
	EXPECT_ERRNO(mount_setattr, ENOENT, AT_FDCWD, "none", 0, &read_only, sizeof read_only);
	EXPECT_ERRNO(mount_setattr, EBADF, 999, "d", 0, &read_only, sizeof read_only);
	int file = open("d/file", O_CREAT | O_RDWR, 0600);
	EXPECT_ERRNO(mount_setattr, EBUSY, AT_FDCWD, "d", 0, &read_only, sizeof read_only);
	close(file);
	EXPECT_OK(mount_setattr, AT_FDCWD, "d", 0, &read_only, sizeof read_only);
	EXPECT_ERRNO(open, EROFS, "d/file", O_RDWR, 0);
	/* A namespace of a less privileged user keeps what it got by copying. */
	struct mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };
	IN_CHILD(MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0); EXPECT_ERRNO(mount_setattr, EPERM, AT_FDCWD, "d", 0, &writable, sizeof writable);
		 EXPECT_ERRNO(umount2, EINVAL, "d", 0); EXPECT_ERRNO(mount, EPERM, NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL);
		 EXPECT_ERRNO(move_mount, EINVAL, AT_FDCWD, "d", AT_FDCWD, "closed", 0));
}

static void say(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);
	MUST(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0);
}

static void map_root(void)
{
	say("/proc/self/uid_map", "0 0 1");
	say("/proc/self/setgroups", "deny");
	say("/proc/self/gid_map", "0 0 1");
}

static void namespaces(void)
{
	int own = open("/proc/self/ns/uts", O_RDONLY), mnt = open("/proc/self/ns/mnt", O_RDONLY), user = open("/proc/self/ns/user", O_RDONLY);
	EXPECT_ERRNO(unshare, EINVAL, 1);
	EXPECT_ERRNO(unshare, EINVAL, 1L << 40);
	EXPECT_ERRNO(setns, EBADF, 999, 0);
	EXPECT_ERRNO(setns, EINVAL, 1, 0);
	EXPECT_ERRNO(setns, EINVAL, own, CLONE_NEWNET);
	EXPECT_ERRNO(setns, EINVAL, user, 0);
	EXPECT_OK(setns, own, CLONE_NEWUTS);
	int self = CALL(pidfd_open, getpid(), 0);
	EXPECT_ERRNO(setns, EINVAL, self, 0);
	EXPECT_ERRNO(setns, EINVAL, self, 1);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	int gone = CALL(pidfd_open, child, 0);
	waitpid(child, NULL, 0);
	EXPECT_ERRNO(setns, ESRCH, gone, CLONE_NEWUTS);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(setns, EPERM, own, 0); EXPECT_ERRNO(setns, EPERM, mnt, 0); EXPECT_ERRNO(unshare, EPERM, CLONE_NEWNS);
		 EXPECT_ERRNO(unshare, EPERM, CLONE_NEWPID); EXPECT_ERRNO(unshare, EPERM, CLONE_NEWIPC); EXPECT_ERRNO(unshare, EPERM, CLONE_NEWNET);
		 EXPECT_OK(unshare, CLONE_NEWUSER | CLONE_NEWNS));
	IN_CHILD(for (int depth = 0; depth < 40 && CALL(unshare, CLONE_NEWUSER) == 0; depth++) map_root(); EXPECT_ERRNO(unshare, ENOSPC, CLONE_NEWUSER));
}

int main(void)
{
	prepare_paths();
	OWN_MOUNTS();
	mounts();
	pivots();
	contexts();
	namespaces();
	return 0;
}
