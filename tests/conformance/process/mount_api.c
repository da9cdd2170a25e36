/* SPDX-License-Identifier: MPL-2.0 */
/* The mount calls with descriptors: detached trees, contexts, attributes, and what is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_PRIVATE_REC 0x44000
long mount(const char *, const char *, const char *, unsigned long, const void *);
long umount2(const char *, int);

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)
#define FD(what, fd, call) \
	do { \
		errno = 0; \
		fd = (int)(call); \
		printf("%s: %s\n", what, fd >= 0 ? "a descriptor" : strerrorname_np(errno)); \
	} while (0)

#define open_tree(...) syscall(SYS_open_tree, __VA_ARGS__)
#define move_mount(...) syscall(SYS_move_mount, __VA_ARGS__)
#define fsopen(...) syscall(SYS_fsopen, __VA_ARGS__)
#define fsconfig(...) syscall(SYS_fsconfig, __VA_ARGS__)
#define fsmount(...) syscall(SYS_fsmount, __VA_ARGS__)
#define fspick(...) syscall(SYS_fspick, __VA_ARGS__)
#define mount_setattr(...) syscall(SYS_mount_setattr, __VA_ARGS__)

static long flags_of(const char *path)
{
	struct statfs st;
	return statfs(path, &st) == 0 ? st.f_flags & 0x1c0f : -1;
}

static void contexts(void)
{
	int fd, mnt;
	FD("unknown type", fd, fsopen("nosuchfs", 0));
	FD("unknown flags", fd, fsopen("tmpfs", 8));
	FD("from nowhere", fd, fsopen((char *)8, 0));
	FD("tmpfs", fd, fsopen("tmpfs", FSOPEN_CLOEXEC));
	SAY("mount before there is one", fsmount(fd, 0, 0));
	SAY("size", fsconfig(fd, FSCONFIG_SET_STRING, "size", "1m", 0));
	SAY("source", fsconfig(fd, FSCONFIG_SET_STRING, "source", "it", 0));
	SAY("flag with a value", fsconfig(fd, FSCONFIG_SET_FLAG, "ro", "x", 0));
	SAY("string without one", fsconfig(fd, FSCONFIG_SET_STRING, "size", NULL, 0));
	SAY("unknown command", fsconfig(fd, 99, "size", NULL, 0));
	SAY("negative descriptor", fsconfig(-1, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	SAY("bad descriptor", fsconfig(99, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	SAY("other file", fsconfig(1, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	SAY("create with a key", fsconfig(fd, FSCONFIG_CMD_CREATE, "x", NULL, 0));
	SAY("create", fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	SAY("more options", fsconfig(fd, FSCONFIG_SET_STRING, "size", "2m", 0));
	SAY("again", fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	SAY("unknown attributes", fsmount(fd, 0, 0x8000));
	SAY("unknown flags", fsmount(fd, 0x10, 0));
	FD("mount", mnt, fsmount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
	SAY("make something in it", mkdirat(mnt, "inside", 0755));
	SAY("it is nowhere", access("/mnt/inside", F_OK));
	SAY("on a file that is not there", move_mount(mnt, "", AT_FDCWD, "/mnt/none", MOVE_MOUNT_F_EMPTY_PATH));
	SAY("unknown flags", move_mount(mnt, "", AT_FDCWD, "/mnt", 0x8000));
	SAY("without the flag", move_mount(mnt, "", AT_FDCWD, "/mnt", 0));
	SAY("attach", move_mount(mnt, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH));
	SAY("it is there", access("/mnt/inside", F_OK));
	printf("flags %lx\n", flags_of("/mnt"));
	close(fd);
	close(mnt);
	SAY("and stays", access("/mnt/inside", F_OK));
}

static void trees(void)
{
	int fd, copy;
	mkdir("/mnt/a", 0755);
	mkdir("/mnt/b", 0755);
	mkdir("/mnt/c", 0755);
	mount("x", "/mnt/a", "tmpfs", 0, "");
	mkdir("/mnt/a/file", 0755);
	FD("unknown flags", fd, open_tree(AT_FDCWD, "/mnt", 0x2));
	FD("recursive without clone", fd, open_tree(AT_FDCWD, "/mnt", AT_RECURSIVE));
	FD("nothing there", fd, open_tree(AT_FDCWD, "/mnt/none", OPEN_TREE_CLONE));
	FD("a place", fd, open_tree(AT_FDCWD, "/mnt", OPEN_TREE_CLOEXEC));
	SAY("close", close(fd));
	FD("a copy", copy, open_tree(AT_FDCWD, "/mnt", OPEN_TREE_CLONE));
	SAY("without what is mounted there", faccessat(copy, "a/file", F_OK, 0));
	SAY("close", close(copy));
	FD("a whole copy", copy, open_tree(AT_FDCWD, "/mnt", OPEN_TREE_CLONE | AT_RECURSIVE));
	SAY("with it", faccessat(copy, "a/file", F_OK, 0));
	SAY("into itself", move_mount(AT_FDCWD, "/mnt", AT_FDCWD, "/mnt/b", 0));
	SAY("attach", move_mount(copy, "", AT_FDCWD, "/mnt/b", MOVE_MOUNT_F_EMPTY_PATH));
	SAY("there", access("/mnt/b/a/file", F_OK));
	SAY("move on", move_mount(AT_FDCWD, "/mnt/b", AT_FDCWD, "/mnt/c", 0));
	SAY("not here", access("/mnt/b/a/file", F_OK));
	SAY("here", access("/mnt/c/a/file", F_OK));
	SAY("move what is no mount", move_mount(AT_FDCWD, "/mnt/b", AT_FDCWD, "/mnt/c", 0));
	SAY("umount", umount2("/mnt/c", 2));
}

static void attributes(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int fd;
	SAY("unknown flags", mount_setattr(AT_FDCWD, "/mnt", 0x2, &attr, sizeof attr));
	SAY("too small", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, 8));
	SAY("no mount", mount_setattr(AT_FDCWD, "/mnt/b", 0, &attr, sizeof attr));
	SAY("from nowhere", mount_setattr(AT_FDCWD, "/mnt", 0, 8L, sizeof attr));
	SAY("read-only", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	SAY("write", mkdir("/mnt/x", 0755));
	SAY("write below", mkdir("/mnt/a/x", 0755));
	SAY("recursively", mount_setattr(AT_FDCWD, "/mnt", AT_RECURSIVE, &attr, sizeof attr));
	SAY("write below", mkdir("/mnt/a/y", 0755));
	attr.attr_set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;
	attr.attr_clr = MOUNT_ATTR_RDONLY;
	SAY("atime without clearing", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	attr.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME;
	SAY("others", mount_setattr(AT_FDCWD, "/mnt", AT_RECURSIVE, &attr, sizeof attr));
	printf("flags %lx\n", flags_of("/mnt"));
	attr.attr_set = 1ull << 40;
	SAY("unknown", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	memset(&attr, 0, sizeof attr);
	SAY("nothing", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	attr.propagation = 0x40000;
	SAY("private", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	attr.propagation = 0x50000;
	SAY("two at once", mount_setattr(AT_FDCWD, "/mnt", 0, &attr, sizeof attr));
	FD("pick what is no mount", fd, fspick(AT_FDCWD, "/mnt/b", 0));
	FD("unknown flags", fd, fspick(AT_FDCWD, "/mnt", 0x100));
	FD("pick", fd, fspick(AT_FDCWD, "/mnt", FSPICK_CLOEXEC));
	SAY("ro", fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	SAY("reconfigure", fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	SAY("write", mkdir("/mnt/z", 0755));
}

static void unprivileged(void)
{
	int fd;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	if (fork() == 0) {
		setgid(1234);
		setuid(1234);
		FD("fsopen", fd, fsopen("tmpfs", 0));
		FD("fspick", fd, fspick(AT_FDCWD, "/", 0));
		FD("clone", fd, open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE));
		FD("place", fd, open_tree(AT_FDCWD, "/", 0));
		SAY("move_mount", move_mount(fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
		SAY("mount_setattr", mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof attr));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getuid() || unshare(CLONE_NEWNS)) {
		printf("needs root\n");
		return 0;
	}
	mount(NULL, "/", NULL, MS_PRIVATE_REC, NULL);
	contexts();
	trees();
	attributes();
	unprivileged();
	return 0;
}
