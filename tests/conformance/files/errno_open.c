/* SPDX-License-Identifier: MPL-2.0 */
/* open, creat, openat, openat2: flags that exclude each other, kinds of files, who has it open, limits. */
#include "../expect.h"
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>

/* One line for each of the three that take flags. */
#define OPEN_ERRNO(error, path, flags) \
	do { \
		EXPECT_ERRNO(open, error, path, flags, 0644); \
		EXPECT_ERRNO(openat, error, AT_FDCWD, path, flags, 0644); \
		struct open_how how_ = { (flags), (flags) & (O_CREAT | 020000000) ? 0644 : 0, 0 }; \
		EXPECT_ERRNO(openat2, error, AT_FDCWD, path, &how_, sizeof how_); \
	} while (0)

static long open_how(unsigned long long flags, unsigned long long mode, unsigned long long resolve, const char *path)
{
	struct open_how how = { flags, mode, resolve };
	return CALL(openat2, AT_FDCWD, path, &how, sizeof how);
}

static void on_signal(int signo)
{
	(void)signo;
}

int main(int argc, char **argv)
{
	char byte;
	if (argc > 1)
		return (int)read(0, &byte, 1);
	prepare_paths();
	prepare_mounts();
	OPEN_ERRNO(EEXIST, "f", O_CREAT | O_EXCL | O_RDWR);
	OPEN_ERRNO(EEXIST, "loop", O_CREAT | O_EXCL | O_RDWR);
	OPEN_ERRNO(EEXIST, "d", O_CREAT | O_EXCL);
	OPEN_ERRNO(EISDIR, "d", O_WRONLY);
	OPEN_ERRNO(EISDIR, "d", O_CREAT);
	OPEN_ERRNO(EISDIR, "new/", O_CREAT | O_RDWR);
	OPEN_ERRNO(EISDIR, "d/.", O_CREAT);
	OPEN_ERRNO(ENOTDIR, "f", O_DIRECTORY);
	OPEN_ERRNO(ELOOP, "loop", O_NOFOLLOW);
	OPEN_ERRNO(EROFS, "ro/f", O_WRONLY);
	OPEN_ERRNO(EROFS, "ro/new", O_CREAT | O_RDWR);
	OPEN_ERRNO(ENOSPC, "full/new", O_CREAT | O_RDWR);
	OPEN_ERRNO(EINVAL, "d", O_TMPFILE | O_RDONLY);
	OPEN_ERRNO(EINVAL, "d", 020000000 | O_RDWR);
	OPEN_ERRNO(EINVAL, "d", O_TMPFILE | O_CREAT | O_RDWR);
	OPEN_ERRNO(ENOTDIR, "f", O_TMPFILE | O_RDWR);
	OPEN_ERRNO(EOPNOTSUPP, "/proc", O_TMPFILE | O_RDWR);
	OPEN_ERRNO(EINVAL, "new", O_CREAT | O_DIRECTORY | O_RDWR);
	EXPECT_ERRNO(creat, EISDIR, "d", 0644);
	EXPECT_ERRNO(creat, EROFS, "ro/f", 0644);
	EXPECT_ERRNO(creat, ENOSPC, "full/new", 0644);

	struct sockaddr_un name = { AF_UNIX, "socket" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(s >= 0 && bind(s, (void *)&name, sizeof name) == 0 && mkfifo("fifo", 0644) == 0);
	OPEN_ERRNO(ENXIO, "socket", O_RDWR);
	OPEN_ERRNO(ENXIO, "fifo", O_WRONLY | O_NONBLOCK);
	EXPECT_ERRNO(creat, ENXIO, "socket", 0644);
	MUST(mkdir("dev", 0755) == 0 && mount("none", "dev", "tmpfs", 0, NULL) == 0);
	MUST(mknod("dev/c", S_IFCHR | 0666, makedev(177, 199)) == 0 && mknod("dev/b", S_IFBLK | 0666, makedev(177, 199)) == 0);
	OPEN_ERRNO(ENXIO, "dev/c", O_RDWR);
	OPEN_ERRNO(ENXIO, "dev/b", O_RDWR);
	MUST(mount("none", "dev", NULL, MS_REMOUNT | MS_NODEV, NULL) == 0);
	OPEN_ERRNO(EACCES, "dev/c", O_RDWR);

	BE_NOBODY();
	OPEN_ERRNO(EACCES, "f", O_RDWR);
	OPEN_ERRNO(EPERM, "f", O_RDONLY | O_NOATIME);
	BE_ROOT();
	WITH_LIMIT(RLIMIT_NOFILE, 3, OPEN_ERRNO(EMFILE, "f", O_RDONLY); EXPECT_ERRNO(creat, EMFILE, "f", 0644));

	/* A program that runs cannot be written to. */
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	MUST(n > 0);
	self[n] = 0;
	FILE *from = fopen(self, "r"), *to = fopen("program", "w");
	MUST(from && to);
	for (int c; (c = getc(from)) != EOF;)
		putc(c, to);
	fclose(from);
	fclose(to);
	MUST(chmod("program", 0755) == 0);
	int go[2];
	MUST(pipe(go) == 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(go[0], 0);
		close(go[1]);
		execl("program", "program", "wait", NULL);
		_exit(1);
	}
	close(go[0]);
	struct stat exe, program;
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/exe", child);
	MUST(stat("program", &program) == 0);
	while (stat(link, &exe) == 0 && exe.st_ino != program.st_ino)
		usleep(1000);
	OPEN_ERRNO(ETXTBSY, "program", O_WRONLY);
	OPEN_ERRNO(ETXTBSY, "program", O_RDONLY | O_TRUNC);
	EXPECT_ERRNO(creat, ETXTBSY, "program", 0644);
	EXPECT_ERRNO(truncate, ETXTBSY, "program", 0);
	int writer = open("f", O_WRONLY);
	MUST(fchmod(writer, 0755) == 0);
	EXPECT_ERRNO(execve, ETXTBSY, "f", NULL, NULL);
	EXPECT_ERRNO(execveat, ETXTBSY, AT_FDCWD, "f", NULL, NULL, 0);
	close(writer);
	close(go[1]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);

	/* A FIFO that waits for its other end is left by a signal. */
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(open, EINTR, "fifo", O_RDONLY, 0);
	EXPECT_ERRNO(openat, EINTR, AT_FDCWD, "fifo", O_WRONLY, 0);
	struct open_how how = { .flags = O_RDONLY };
	EXPECT_ERRNO(openat2, EINTR, AT_FDCWD, "fifo", &how, sizeof how);
	EXPECT_ERRNO(creat, EINTR, "fifo", 0644);
	setitimer(ITIMER_REAL, &never, NULL);

	/* openat2 alone */
	static struct { struct open_how how; unsigned long long more; } future = { { .flags = O_RDONLY }, 1 };
	EXPECT_ERRNO(openat2, E2BIG, AT_FDCWD, "f", &future, sizeof future);
	future.more = 0;
	EXPECT_OK(openat2, AT_FDCWD, "f", &future, sizeof future);
	EXPECT_ERRNO(openat2, EINVAL, AT_FDCWD, "f", &how, 8);
	EXPECT_ERRNO(openat2, E2BIG, AT_FDCWD, "f", &how, 8192);
	EXPECT_ERRNO(openat2, EFAULT, AT_FDCWD, "f", BAD, sizeof how);
	EXPECT(open_how(1ULL << 40, 0, 0, "f") == -EINVAL);
	EXPECT(open_how(O_RDONLY, 0644, 0, "f") == -EINVAL);
	EXPECT(open_how(O_CREAT, 0200000, 0, "f") == -EINVAL);
	EXPECT(open_how(O_RDONLY, 0, 0x1000, "f") == -EINVAL);
	EXPECT(open_how(O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT, "f") == -EINVAL);
	EXPECT(open_how(O_PATH | O_RDWR, 0, 0, "f") == -EINVAL);
	how.resolve = RESOLVE_BENEATH;
	EXPECT_ERRNO(openat2, EXDEV, AT_FDCWD, "../x", &how, sizeof how);
	EXPECT_ERRNO(openat2, EXDEV, AT_FDCWD, "/", &how, sizeof how);
	how.resolve = RESOLVE_NO_XDEV;
	EXPECT_ERRNO(openat2, EXDEV, AT_FDCWD, "ro/f", &how, sizeof how);
	how.resolve = RESOLVE_NO_SYMLINKS;
	EXPECT_ERRNO(openat2, ELOOP, AT_FDCWD, "ro/l", &how, sizeof how);
	how.resolve = RESOLVE_NO_MAGICLINKS;
	EXPECT_ERRNO(openat2, ELOOP, AT_FDCWD, "/proc/self/exe", &how, sizeof how);
	how.resolve = RESOLVE_CACHED;
	EXPECT_ERRNO(openat2, EAGAIN, AT_FDCWD, "never-looked-up/x", &how, sizeof how);
	how.resolve = RESOLVE_IN_ROOT;
	EXPECT_OK(openat2, AT_FDCWD, "/../../f", &how, sizeof how);
	return 0;
}
