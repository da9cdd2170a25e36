/* SPDX-License-Identifier: MPL-2.0 */
/* execve and execveat of what is no program, and births in a PID namespace that has ended. */
#include "../expect.h"
#include <linux/sched.h>

static void make(const char *name, const void *data, size_t size, int mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);
	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && fchmod(fd, mode) == 0 && close(fd) == 0);
}

/* An ELF file with one segment, and the name of its interpreter. */
static void make_interpreted(const char *file, const char *name)
{
	struct { unsigned char head[64]; unsigned char segment[56], load[56]; char text[64]; } image;
	memset(&image, 0, sizeof image);
	memcpy(image.head, "\177ELF\2\1\1", 7);
	image.head[16] = 2, image.head[18] = 62, image.head[20] = 1; /* ET_EXEC, x86-64 */
	image.head[32] = 64, image.head[52] = 64, image.head[54] = 56, image.head[56] = 2;
	image.segment[0] = 3; /* PT_INTERP */
	image.segment[8] = 176, image.segment[32] = image.segment[40] = strlen(name) + 1;
	image.load[0] = 1, image.load[4] = 5; /* PT_LOAD, R and X, at 4 MiB */
	image.load[18] = image.load[26] = 0x40, image.load[32] = image.load[40] = sizeof image, image.load[49] = 0x10;
	strcpy(image.text, name);
	make(file, &image, sizeof image, 0755);
}

int main(void)
{
	static char long_text[200000];
	char *arguments[] = { "program", NULL }, *too_long[] = { long_text, NULL }, *bad[] = { BAD, NULL }, **many;
	memset(long_text, 'x', sizeof long_text - 1);
	prepare_paths();
	MUST(chmod("f", 0644) == 0);
	make("text", "hello", 5, 0755);
	make("empty", "", 0, 0755);
	make("script", "#!/none/interpreter\n", 20, 0755);
	make("nameless", "#!\n", 3, 0755);
	make("again", "#!again\n", 8, 0755);
	make_interpreted("short", "/none/interpreter");
	make("prose", long_text, 100, 0755);
	make_interpreted("cut", "text");
	make_interpreted("library", "prose");
	int dir = open(".", O_RDONLY), here = open("text", O_RDONLY);
	PATH_ERRNOS(execve, PATH, arguments, NULL);
	EXPECT_ERRNO(execve, ENOENT, "", arguments, NULL);
	EXPECT_ERRNO(execve, EACCES, "f", arguments, NULL);
	EXPECT_ERRNO(execve, EACCES, "d", arguments, NULL);
	EXPECT_ERRNO(execve, ENOEXEC, "text", arguments, NULL);
	EXPECT_ERRNO(execve, ENOEXEC, "empty", arguments, NULL);
	EXPECT_ERRNO(execve, ENOEXEC, "nameless", arguments, NULL);
	EXPECT_ERRNO(execve, ENOENT, "script", arguments, NULL);
	EXPECT_ERRNO(execve, ELOOP, "again", arguments, NULL);
	EXPECT_ERRNO(execve, ENOENT, "short", arguments, NULL);
	EXPECT_ERRNO(execve, EIO, "cut", arguments, NULL);
	EXPECT_ERRNO(execve, ELIBBAD, "library", arguments, NULL);
	EXPECT_ERRNO(execve, EFAULT, "text", BAD, NULL);
	EXPECT_ERRNO(execve, EFAULT, "text", bad, NULL);
	EXPECT_ERRNO(execve, EFAULT, "text", arguments, BAD);
	EXPECT_ERRNO(execve, E2BIG, "text", too_long, NULL);
	EXPECT_ERRNO(execve, E2BIG, "text", arguments, too_long);
	many = malloc(3000001 * sizeof *many);
	for (int i = 0; i < 3000000; i++)
		many[i] = "x";
	many[3000000] = NULL;
	EXPECT_ERRNO(execve, E2BIG, "text", many, NULL);
	EXPECT_ERRNO(execveat, EBADF, 999, "text", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, EINVAL, AT_FDCWD, "text", arguments, NULL, 1);
	EXPECT_ERRNO(execveat, ENOENT, dir, "", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, EACCES, dir, "", arguments, NULL, AT_EMPTY_PATH);
	EXPECT_ERRNO(execveat, ELOOP, dir, "loop", arguments, NULL, AT_SYMLINK_NOFOLLOW);
	EXPECT_ERRNO(execveat, ENOTDIR, here, "text", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, ENOEXEC, here, "", arguments, NULL, AT_EMPTY_PATH);
	EXPECT_ERRNO(execveat, ENOEXEC, dir, "text", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, EIO, dir, "cut", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, ELIBBAD, dir, "library", arguments, NULL, 0);
	EXPECT_ERRNO(execveat, E2BIG, dir, "text", too_long, NULL, 0);
	EXPECT_ERRNO(execveat, EFAULT, dir, "text", bad, NULL, 0);

	struct clone_args plain = { .exit_signal = SIGCHLD }, own_mounts = { .exit_signal = SIGCHLD, .flags = CLONE_NEWNS };
	struct clone_args with_pidfd = { .exit_signal = SIGCHLD, .flags = CLONE_PIDFD, .pidfd = (long)long_text };
	IN_CHILD(MUST(unshare(CLONE_NEWPID) == 0); pid_t init = fork(); if (init == 0) _exit(0); waitpid(init, NULL, 0);
		 EXPECT_ERRNO(fork, ENOMEM); EXPECT_ERRNO(vfork, ENOMEM); EXPECT_ERRNO(clone, ENOMEM, SIGCHLD, 0, 0, 0, 0);
		 EXPECT_ERRNO(clone3, ENOMEM, &plain, sizeof plain));
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(clone3, EMFILE, &with_pidfd, sizeof with_pidfd));
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT_ERRNO(clone3, EPERM, &own_mounts, sizeof own_mounts));
	return 0;
}
