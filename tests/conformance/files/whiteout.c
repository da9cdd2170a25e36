/* SPDX-License-Identifier: MPL-2.0 */
/* On a tmpfs of its own: RENAME_WHITEOUT, RESOLVE_CACHED, and watches that end with the mount. */
#include "../show.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void kind(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		printf("%s: %s\n", path, strerrorname_np(errno));
	else
		printf("%s: mode %o rdev %lu nlink %lu\n", path, st.st_mode, st.st_rdev, st.st_nlink);
}

static int cached(const char *path, long flags)
{
	struct open_how how = { .flags = flags, .resolve = RESOLVE_CACHED };

	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void events(int fd)
{
	char buffer[1000];
	long size = read(fd, buffer, sizeof buffer);

	for (char *at = buffer; at < buffer + size; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
		printf("event wd %d mask %x\n", ((struct inotify_event *)at)->wd, ((struct inotify_event *)at)->mask);
	if (size < 0)
		printf("events: %s\n", strerrorname_np(errno));
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	VALUE(unshare(CLONE_NEWNS));
	VALUE(mount("none", "/", 0, MS_REC | MS_PRIVATE, 0));
	mkdir("mnt", 0700);
	VALUE(mount("none", "mnt", "tmpfs", 0, 0));
	close(creat("mnt/a", 0644));
	VALUE(renameat2(AT_FDCWD, "mnt/a", AT_FDCWD, "mnt/b", RENAME_WHITEOUT));
	kind("mnt/a");
	kind("mnt/b");
	VALUE(open("mnt/a", O_RDONLY));
	VALUE(renameat2(AT_FDCWD, "mnt/b", AT_FDCWD, "mnt/c", RENAME_WHITEOUT | RENAME_NOREPLACE));
	kind("mnt/b");
	VALUE(renameat2(AT_FDCWD, "mnt/c", AT_FDCWD, "mnt/b", RENAME_WHITEOUT | RENAME_EXCHANGE));
	VALUE(renameat2(AT_FDCWD, "mnt/c", AT_FDCWD, "mnt/b", 8));
	VALUE(unlink("mnt/a"));
	VALUE(unlink("mnt/b"));
	kind("mnt/c");

	VALUE(access("mnt/c", R_OK));
	VALUE(cached("mnt/c", O_RDONLY) > 0);
	VALUE(cached("mnt/c", O_RDWR | O_TRUNC));
	VALUE(cached("mnt/new", O_RDWR | O_CREAT));
	VALUE(cached("/proc/self/status", O_RDONLY));

	int fd = inotify_init1(IN_NONBLOCK);
	VALUE(inotify_add_watch(fd, "mnt", IN_MODIFY));
	closefrom(fd + 1);
	for (int i = 3; i < fd; i++)
		close(i);
	VALUE(umount("mnt"));
	events(fd);
	VALUE(inotify_rm_watch(fd, 1));
	rmdir("mnt");
	return 0;
}
