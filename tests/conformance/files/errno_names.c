/* SPDX-License-Identifier: MPL-2.0 */
/* Making, moving and removing names: everything but the path walk that can be wrong. */
#include "../expect.h"
#include <linux/fs.h>

static char buffer[64];

static void making(void)
{
	EXPECT_ERRNO(mkdir, EEXIST, "d", 0755);
	EXPECT_ERRNO(mkdir, EEXIST, "f", 0755);
	EXPECT_ERRNO(mkdir, EEXIST, "/", 0755);
	EXPECT_ERRNO(mkdir, EEXIST, "loop", 0755);
	EXPECT_ERRNO(mkdir, EEXIST, "d/.", 0755);
	EXPECT_ERRNO(mkdir, EROFS, "ro/new", 0755);
	EXPECT_ERRNO(mkdir, EEXIST, "ro/d", 0755);
	EXPECT_ERRNO(mkdir, ENOSPC, "full/new", 0755);
	EXPECT_ERRNO(mkdirat, EEXIST, AT_FDCWD, "d", 0755);
	EXPECT_ERRNO(mkdirat, EROFS, AT_FDCWD, "ro/new", 0755);
	EXPECT_ERRNO(mkdirat, ENOSPC, AT_FDCWD, "full/new", 0755);
	EXPECT_ERRNO(mkdirat, ENOTDIR, 0, "x", 0755);
	EXPECT_ERRNO(mknod, EEXIST, "f", S_IFREG | 0644, 0);
	EXPECT_ERRNO(mknod, EPERM, "new", S_IFDIR | 0755, 0);
	EXPECT_ERRNO(mknod, EINVAL, "new", S_IFLNK | 0644, 0);
	EXPECT_ERRNO(mknod, EINVAL, "new", 0170000 | 0644, 0);
	EXPECT_ERRNO(mknod, ENOENT, "new/", S_IFREG | 0644, 0);
	EXPECT_ERRNO(mknod, EROFS, "ro/new", S_IFREG | 0644, 0);
	EXPECT_ERRNO(mknod, ENOSPC, "full/new", S_IFREG | 0644, 0);
	EXPECT_ERRNO(mknodat, EEXIST, AT_FDCWD, "f", S_IFIFO | 0644, 0);
	EXPECT_ERRNO(mknodat, EPERM, AT_FDCWD, "new", S_IFDIR | 0755, 0);
	EXPECT_ERRNO(mknodat, EINVAL, AT_FDCWD, "new", S_IFLNK | 0644, 0);
	EXPECT_ERRNO(mknodat, EROFS, AT_FDCWD, "ro/new", S_IFSOCK | 0644, 0);
	EXPECT_ERRNO(mknodat, ENOSPC, AT_FDCWD, "full/new", S_IFIFO | 0644, 0);
	EXPECT_ERRNO(symlink, EEXIST, "target", "f");
	EXPECT_ERRNO(symlink, EROFS, "target", "ro/new");
	EXPECT_ERRNO(symlink, ENOSPC, "target", "full/new");
	EXPECT_ERRNO(symlink, ENOENT, "target", "new/");
	EXPECT_ERRNO(symlinkat, EEXIST, "target", AT_FDCWD, "f");
	EXPECT_ERRNO(symlinkat, EROFS, "target", AT_FDCWD, "ro/new");
	EXPECT_ERRNO(symlinkat, ENOSPC, "target", AT_FDCWD, "full/new");
	EXPECT_ERRNO(link, EEXIST, "f", "closed");
	EXPECT_ERRNO(link, EXDEV, "f", "full/new");
	EXPECT_ERRNO(link, EROFS, "f", "ro/new");
	EXPECT_ERRNO(link, EEXIST, "f", "ro/d");
	EXPECT_ERRNO(link, EROFS, "ro/f", "ro/new");
	EXPECT_ERRNO(link, EPERM, "d", "new");
	EXPECT_ERRNO(link, ENOSPC, "full/f", "full/new");
	EXPECT_ERRNO(link, ENOENT, "f", "new/");
	EXPECT_ERRNO(link, ENOENT, "", "new");
	EXPECT_ERRNO(linkat, EEXIST, AT_FDCWD, "f", AT_FDCWD, "closed", 0);
	EXPECT_ERRNO(linkat, EXDEV, AT_FDCWD, "f", AT_FDCWD, "full/new", 0);
	EXPECT_ERRNO(linkat, EROFS, AT_FDCWD, "ro/f", AT_FDCWD, "ro/new", 0);
	EXPECT_ERRNO(linkat, EPERM, AT_FDCWD, "d", AT_FDCWD, "new", 0);
	EXPECT_ERRNO(linkat, ENOSPC, AT_FDCWD, "full/f", AT_FDCWD, "full/new", 0);
	EXPECT_ERRNO(linkat, EINVAL, AT_FDCWD, "f", AT_FDCWD, "new", AT_SYMLINK_NOFOLLOW);
	int unlinked = open("d/gone", O_CREAT | O_RDWR, 0644);
	EXPECT_OK(unlink, "d/gone");
	EXPECT_ERRNO(linkat, ENOENT, unlinked, "", AT_FDCWD, "new", AT_EMPTY_PATH);
	int nameless = open("d", O_TMPFILE | O_RDWR, 0644), excluded = open("d", O_TMPFILE | O_EXCL | O_RDWR, 0644);
	EXPECT_ERRNO(linkat, ENOENT, excluded, "", AT_FDCWD, "new", AT_EMPTY_PATH);
	EXPECT_OK(linkat, nameless, "", AT_FDCWD, "d/named", AT_EMPTY_PATH);
	EXPECT_OK(linkat, nameless, "", AT_FDCWD, "d/again", AT_EMPTY_PATH);
	EXPECT_OK(unlink, "d/again");
	EXPECT_OK(unlink, "d/named");
	BE_NOBODY();
	EXPECT_ERRNO(mknod, EPERM, "new", S_IFCHR | 0644, 0x103);
	EXPECT_OK(mknod, "fifo", S_IFIFO | 0644, 0);
	EXPECT_ERRNO(link, EPERM, "f", "new");
	EXPECT_ERRNO(linkat, EPERM, AT_FDCWD, "f", AT_FDCWD, "new", 0);
	EXPECT_ERRNO(linkat, ENOENT, unlinked, "", AT_FDCWD, "new", AT_EMPTY_PATH);
	BE_ROOT();
	EXPECT_OK(unlink, "fifo");
}

static void removing(void)
{
	MUST(mkdir("d/sub", 0755) == 0 && mkdir("sticky", 01777) == 0 && chmod("sticky", 01777) == 0);
	MUST(close(open("sticky/f", O_CREAT | O_RDWR, 0666)) == 0 && mkdir("sticky/d", 0777) == 0);
	EXPECT_ERRNO(unlink, EISDIR, "d");
	EXPECT_ERRNO(unlink, EISDIR, "d/.");
	EXPECT_ERRNO(unlink, ENOENT, "none");
	EXPECT_ERRNO(unlink, ENOTDIR, "f/");
	EXPECT_ERRNO(unlink, EROFS, "ro/f");
	EXPECT_ERRNO(unlink, EROFS, "ro/none");
	EXPECT_ERRNO(rmdir, EROFS, "ro/none");
	EXPECT_ERRNO(unlinkat, EISDIR, AT_FDCWD, "d", 0);
	EXPECT_ERRNO(unlinkat, EINVAL, AT_FDCWD, "f", 1);
	EXPECT_ERRNO(unlinkat, EROFS, AT_FDCWD, "ro/f", 0);
	EXPECT_ERRNO(unlinkat, EINVAL, AT_FDCWD, "d/.", AT_REMOVEDIR);
	EXPECT_ERRNO(unlinkat, ENOTEMPTY, AT_FDCWD, "d", AT_REMOVEDIR);
	EXPECT_ERRNO(unlinkat, EBUSY, AT_FDCWD, "ro", AT_REMOVEDIR);
	EXPECT_ERRNO(unlinkat, ENOTDIR, AT_FDCWD, "f", AT_REMOVEDIR);
	MUST(close(open("mounted", O_CREAT | O_RDWR, 0644)) == 0 && mount("f", "mounted", NULL, MS_BIND, NULL) == 0);
	EXPECT_ERRNO(unlink, EBUSY, "mounted");
	EXPECT_ERRNO(unlinkat, EBUSY, AT_FDCWD, "mounted", 0);
	EXPECT_ERRNO(rename, EBUSY, "mounted", "other");
	EXPECT_ERRNO(rename, EBUSY, "f", "mounted");
	EXPECT_OK(umount2, "mounted", 0);
	EXPECT_OK(unlink, "mounted");
	EXPECT_ERRNO(rmdir, EINVAL, "d/.");
	EXPECT_ERRNO(rmdir, ENOTEMPTY, "d/..");
	EXPECT_ERRNO(rmdir, ENOTEMPTY, "d");
	EXPECT_ERRNO(rmdir, EBUSY, "/");
	EXPECT_ERRNO(rmdir, EBUSY, "ro");
	EXPECT_ERRNO(rmdir, ENOTDIR, "f");
	EXPECT_ERRNO(rmdir, ENOTDIR, "loop");
	EXPECT_ERRNO(rmdir, EROFS, "ro/d");
	BE_NOBODY();
	EXPECT_ERRNO(unlink, EPERM, "sticky/f");
	EXPECT_ERRNO(unlinkat, EPERM, AT_FDCWD, "sticky/f", 0);
	EXPECT_ERRNO(unlinkat, EPERM, AT_FDCWD, "sticky/d", AT_REMOVEDIR);
	EXPECT_ERRNO(rmdir, EPERM, "sticky/d");
	EXPECT_ERRNO(rename, EPERM, "sticky/f", "sticky/g");
	EXPECT_ERRNO(renameat, EPERM, AT_FDCWD, "sticky/f", AT_FDCWD, "sticky/g");
	EXPECT_ERRNO(renameat2, EPERM, AT_FDCWD, "sticky/f", AT_FDCWD, "sticky/g", 0);
	EXPECT_ERRNO(unlink, EACCES, "d/sub");
	EXPECT_ERRNO(rmdir, EACCES, "d/sub");
	BE_ROOT();
}

static void moving(void)
{
	MUST(mkdir("empty", 0755) == 0);
	EXPECT_ERRNO(rename, EXDEV, "f", "ro/f");
	EXPECT_ERRNO(renameat, EXDEV, AT_FDCWD, "f", AT_FDCWD, "ro/f");
	EXPECT_ERRNO(renameat2, EXDEV, AT_FDCWD, "f", AT_FDCWD, "ro/f", 0);
	EXPECT_ERRNO(rename, EBUSY, "d/.", "new");
	EXPECT_ERRNO(rename, EBUSY, "f", "d/..");
	EXPECT_ERRNO(renameat, EBUSY, AT_FDCWD, "ro", AT_FDCWD, "new");
	EXPECT_ERRNO(renameat2, EBUSY, AT_FDCWD, "ro", AT_FDCWD, "new", 0);
	EXPECT_ERRNO(rename, EINVAL, "d", "d/sub/new");
	EXPECT_ERRNO(renameat, EINVAL, AT_FDCWD, "d", AT_FDCWD, "d/new");
	EXPECT_ERRNO(renameat2, EINVAL, AT_FDCWD, "d", AT_FDCWD, "d/new", 0);
	EXPECT_ERRNO(rename, ENOTEMPTY, "d/sub", "d");
	EXPECT_ERRNO(rename, EISDIR, "f", "empty");
	EXPECT_ERRNO(renameat, EISDIR, AT_FDCWD, "f", AT_FDCWD, "empty");
	EXPECT_ERRNO(renameat2, EISDIR, AT_FDCWD, "f", AT_FDCWD, "empty", 0);
	EXPECT_ERRNO(rename, ENOTDIR, "empty", "f");
	EXPECT_ERRNO(rename, ENOTDIR, "f", "new/");
	EXPECT_ERRNO(rename, ENOTDIR, "f/", "new");
	EXPECT_ERRNO(rename, ENOTEMPTY, "empty", "d");
	EXPECT_ERRNO(renameat, ENOTEMPTY, AT_FDCWD, "empty", AT_FDCWD, "d");
	EXPECT_ERRNO(renameat2, ENOTEMPTY, AT_FDCWD, "empty", AT_FDCWD, "d", 0);
	EXPECT_ERRNO(access, EROFS, "ro/f", W_OK);
	EXPECT_ERRNO(faccessat, EROFS, AT_FDCWD, "ro/f", W_OK);
	EXPECT_ERRNO(faccessat2, EROFS, AT_FDCWD, "ro/d", W_OK, 0);
	EXPECT_ERRNO(renameat2, ENOSPC, AT_FDCWD, "full/f", AT_FDCWD, "full/g", 4 /* RENAME_WHITEOUT */);
	EXPECT_ERRNO(rename, EROFS, "ro/f", "ro/g");
	EXPECT_ERRNO(renameat, EROFS, AT_FDCWD, "ro/f", AT_FDCWD, "ro/g");
	EXPECT_ERRNO(renameat2, EROFS, AT_FDCWD, "ro/f", AT_FDCWD, "ro/g", 0);
	EXPECT_ERRNO(renameat2, EINVAL, AT_FDCWD, "f", AT_FDCWD, "new", 8);
	EXPECT_ERRNO(renameat2, EINVAL, AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE);
	EXPECT_ERRNO(renameat2, EEXIST, AT_FDCWD, "f", AT_FDCWD, "d", RENAME_NOREPLACE);
	EXPECT_ERRNO(renameat2, ENOENT, AT_FDCWD, "f", AT_FDCWD, "new", RENAME_EXCHANGE);
	EXPECT_OK(renameat2, AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE);
	EXPECT_OK(renameat2, AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE);
	EXPECT_OK(rename, "empty", "d/empty");
	EXPECT_OK(rename, "d/empty", "empty");
	EXPECT_OK(rename, "f", "f");
}

static void reading_links(void)
{
	EXPECT_IS(4, readlink, "loop", buffer, sizeof buffer);
	EXPECT_IS(2, readlink, "loop", buffer, 2);
	EXPECT_ERRNO(readlink, EINVAL, "loop", buffer, 0);
	EXPECT_ERRNO(readlink, EINVAL, "loop", buffer, -1);
	EXPECT_ERRNO(readlink, EINVAL, "f", buffer, sizeof buffer);
	EXPECT_ERRNO(readlink, EFAULT, "loop", BAD, 4);
	EXPECT_ERRNO(readlinkat, EINVAL, AT_FDCWD, "f", buffer, sizeof buffer);
	EXPECT_ERRNO(readlinkat, ENOENT, AT_FDCWD, "", buffer, sizeof buffer);
	int link = open("loop", O_PATH | O_NOFOLLOW);
	EXPECT_IS(4, readlinkat, link, "", buffer, sizeof buffer);
	close(link);
}

static void working_directory(void)
{
	int file = open("f", O_RDONLY), closed = open("closed", O_RDONLY);
	EXPECT_ERRNO(fchdir, EBADF, 999);
	EXPECT_ERRNO(fchdir, ENOTDIR, file);
	BE_NOBODY();
	EXPECT_ERRNO(fchdir, EACCES, closed);
	EXPECT_ERRNO(chdir, EACCES, "closed");
	EXPECT_ERRNO(chroot, EPERM, "d");
	EXPECT_ERRNO(chroot, ENOTDIR, "f");
	BE_ROOT();
	EXPECT_ERRNO(chdir, ENOTDIR, "f");
	EXPECT_ERRNO(getcwd, ERANGE, buffer, 2);
	EXPECT_ERRNO(getcwd, EFAULT, BAD, 4096);
	MUST(mkdir("leave", 0755) == 0 && chdir("leave") == 0 && rmdir("../leave") == 0);
	EXPECT_ERRNO(getcwd, ENOENT, buffer, sizeof buffer);
	EXPECT_ERRNO(mkdir, ENOENT, "new", 0755);
	EXPECT_ERRNO(open, ENOENT, "new", O_CREAT | O_RDWR, 0644);
	int gone = EXPECT_OK(open, ".", O_RDONLY, 0);
	static char entries[1024];
	EXPECT_ERRNO(getdents64, ENOENT, gone, entries, sizeof entries);
	EXPECT_ERRNO(getdents, ENOENT, gone, entries, sizeof entries);
	EXPECT_OK(chdir, "..");
	int directory = open("d", O_RDONLY);
	EXPECT_ERRNO(getdents64, EBADF, 999, entries, sizeof entries);
	EXPECT_ERRNO(getdents64, ENOTDIR, file, entries, sizeof entries);
	EXPECT_ERRNO(getdents64, EINVAL, directory, entries, 4);
	EXPECT_ERRNO(getdents64, EFAULT, directory, BAD, sizeof entries);
	EXPECT_ERRNO(getdents, EBADF, 999, entries, sizeof entries);
	EXPECT_ERRNO(getdents, ENOTDIR, file, entries, sizeof entries);
	EXPECT_ERRNO(getdents, EINVAL, directory, entries, 4);
	EXPECT_ERRNO(getdents, EFAULT, directory, BAD, sizeof entries);
	EXPECT(CALL(getdents64, directory, entries, sizeof entries) > 0);
	EXPECT_IS(0, getdents64, directory, entries, sizeof entries);
	/* A working directory whose name is longer than a path may be. */
	IN_CHILD(
		for (int i = 0; i < 17; i++)
			MUST(mkdir(long_name, 0755) == 0 && chdir(long_name) == 0);
		static char long_path[8192];
		EXPECT_ERRNO(getcwd, ENAMETOOLONG, long_path, sizeof long_path));
	EXPECT_IS(022, umask, 077);
	EXPECT_IS(077, umask, 022);
}

int main(void)
{
	prepare_paths();
	prepare_mounts();
	long_name[255] = 0;
	making();
	removing();
	moving();
	reading_links();
	working_directory();
	return 0;
}
