/* SPDX-License-Identifier: MPL-2.0 */
/* read, write and their vector and positioned kin; seeking; syncing; descriptors. */
#include "../expect.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static char buffer[8192];
static struct iovec one = { buffer, 100 }, bad_base = { BAD, 100 }, bad_length = { buffer, -1UL }, short_one = { buffer, 4 }, many[1025];

static void on_signal(int signo)
{
	(void)signo;
}

/* The same refusal by all that read, and by all that write. */
#define READ_ERRNO(error, fd) \
	EXPECT_ERRNO(read, error, fd, buffer, 100); \
	EXPECT_ERRNO(readv, error, fd, &one, 1)
#define PREAD_ERRNO(error, fd) \
	EXPECT_ERRNO(pread64, error, fd, buffer, 100, 0); \
	EXPECT_ERRNO(preadv, error, fd, &one, 1, 0, 0); \
	EXPECT_ERRNO(preadv2, error, fd, &one, 1, 0, 0, 0)
#define WRITE_ERRNO(error, fd) \
	EXPECT_ERRNO(write, error, fd, buffer, 100); \
	EXPECT_ERRNO(writev, error, fd, &one, 1)
#define PWRITE_ERRNO(error, fd) \
	EXPECT_ERRNO(pwrite64, error, fd, buffer, 100, 0); \
	EXPECT_ERRNO(pwritev, error, fd, &one, 1, 0, 0); \
	EXPECT_ERRNO(pwritev2, error, fd, &one, 1, 0, 0, 0)

int main(void)
{
	prepare_paths();
	prepare_mounts();
	int f = open("f", O_RDWR), reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), directory = open("d", O_RDONLY);
	int full = open("full/f", O_RDWR | O_APPEND), p[2], broken[2], event = CALL(eventfd2, 0, O_NONBLOCK), path = open("f", O_PATH);
	int memory = CALL(memfd_create, "m", 3), pair[2], null = open("/dev/null", O_RDWR);
	MUST(pipe(p) == 0 && pipe(broken) == 0 && close(broken[0]) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	MUST(write(f, buffer, sizeof buffer) == sizeof buffer && lseek(f, 0, SEEK_SET) == 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);

	READ_ERRNO(EBADF, 999);
	READ_ERRNO(EBADF, -1);
	READ_ERRNO(EBADF, writer);
	READ_ERRNO(EBADF, path);
	READ_ERRNO(EBADF, p[1]);
	READ_ERRNO(EISDIR, directory);
	PREAD_ERRNO(EBADF, 999);
	PREAD_ERRNO(EBADF, writer);
	PREAD_ERRNO(EISDIR, directory);
	PREAD_ERRNO(ESPIPE, p[0]);
	PREAD_ERRNO(ESPIPE, pair[0]);
	WRITE_ERRNO(EBADF, 999);
	WRITE_ERRNO(EBADF, reader);
	WRITE_ERRNO(EBADF, directory);
	WRITE_ERRNO(EBADF, p[0]);
	PWRITE_ERRNO(EBADF, 999);
	PWRITE_ERRNO(EBADF, reader);
	PWRITE_ERRNO(ESPIPE, p[1]);
	WRITE_ERRNO(EPIPE, broken[1]);
	EXPECT_ERRNO(pwritev2, EPIPE, broken[1], &one, 1, -1, 0, 0);
	WRITE_ERRNO(ENOSPC, full);
	PWRITE_ERRNO(ENOSPC, full);
	EXPECT_ERRNO(read, EINVAL, event, buffer, 4);
	EXPECT_ERRNO(readv, EINVAL, event, &short_one, 1);
	EXPECT_ERRNO(write, EINVAL, event, buffer, 4);
	EXPECT_ERRNO(writev, EINVAL, event, &short_one, 1);

	/* Addresses and lengths */
	EXPECT_ERRNO(read, EFAULT, f, BAD, 100);
	EXPECT_ERRNO(write, EFAULT, f, BAD, 100);
	EXPECT_ERRNO(read, EFAULT, f, buffer, -1L);
	EXPECT_ERRNO(write, EFAULT, f, -4096L, 100);
	EXPECT_IS(0, read, null, BAD, 100);
	EXPECT_ERRNO(readv, EFAULT, f, &bad_base, 1);
	EXPECT_ERRNO(writev, EFAULT, f, &bad_base, 1);
	EXPECT_ERRNO(readv, EFAULT, f, BAD, 1);
	EXPECT_ERRNO(writev, EFAULT, f, BAD, 1);
	EXPECT_ERRNO(readv, EINVAL, f, &bad_length, 1);
	EXPECT_ERRNO(writev, EINVAL, f, &bad_length, 1);
	EXPECT_ERRNO(readv, EINVAL, f, many, 1025);
	EXPECT_ERRNO(writev, EINVAL, f, many, 1025);
	EXPECT_IS(0, writev, f, many, 1024);
	EXPECT_ERRNO(pread64, EFAULT, f, BAD, 100, 0);
	EXPECT_ERRNO(pwrite64, EFAULT, f, BAD, 100, 0);
	EXPECT_ERRNO(preadv, EFAULT, f, &bad_base, 1, 0, 0);
	EXPECT_ERRNO(pwritev, EFAULT, f, &bad_base, 1, 0, 0);
	EXPECT_ERRNO(preadv2, EFAULT, f, &bad_base, 1, 0, 0, 0);
	EXPECT_ERRNO(pwritev2, EFAULT, f, &bad_base, 1, 0, 0, 0);
	EXPECT_ERRNO(pread64, EINVAL, f, buffer, 100, -1);
	EXPECT_ERRNO(pwrite64, EINVAL, f, buffer, 100, -1);
	EXPECT_ERRNO(preadv, EINVAL, f, &one, 1, -1, 0);
	EXPECT_ERRNO(pwritev, EINVAL, f, &one, 1, -1, 0);
	EXPECT_ERRNO(preadv2, EINVAL, f, &one, 1, -2, 0, 0);
	EXPECT_ERRNO(pwritev2, EINVAL, f, &one, 1, -2, 0, 0);
	EXPECT_ERRNO(preadv2, EOPNOTSUPP, f, &one, 1, 0, 0, 0x8000);
	EXPECT_ERRNO(pwritev2, EOPNOTSUPP, f, &one, 1, 0, 0, 0x8000);
	EXPECT_IS(100, preadv2, f, &one, 1, -1, 0, 0);
	EXPECT_IS(0, read, f, buffer, 0);

	/* Nothing there, no room, and a signal that comes meanwhile */
	MUST(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
	READ_ERRNO(EAGAIN, p[0]);
	EXPECT_ERRNO(preadv2, EAGAIN, p[0], &one, 1, -1, 0, 0);
	while (write(p[1], buffer, 4096) > 0)
		;
	WRITE_ERRNO(EAGAIN, p[1]);
	EXPECT_ERRNO(pwritev2, EAGAIN, p[1], &one, 1, -1, 0, 0);
	EXPECT_ERRNO(read, EAGAIN, event, buffer, 8);
	MUST(fcntl(p[1], F_SETFL, 0) == 0);
	EXPECT_ERRNO(pwritev2, EAGAIN, p[1], &one, 1, -1, 0, RWF_NOWAIT);
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &often, NULL);
	WRITE_ERRNO(EINTR, p[1]);
	EXPECT_ERRNO(pwritev2, EINTR, p[1], &one, 1, -1, 0, 0);
	READ_ERRNO(EINTR, pair[0]);
	EXPECT_ERRNO(preadv2, EINTR, pair[0], &one, 1, -1, 0, 0);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_ERRNO(preadv2, EAGAIN, pair[0], &one, 1, -1, 0, RWF_NOWAIT);

	/* Sizes that may not be reached */
	WITH_LIMIT(RLIMIT_FSIZE, 4096, MUST(lseek(f, 4096, SEEK_SET) == 4096); WRITE_ERRNO(EFBIG, f);
		   EXPECT_ERRNO(pwrite64, EFBIG, f, buffer, 100, 4096); EXPECT_ERRNO(pwritev, EFBIG, f, &one, 1, 4096, 0);
		   EXPECT_ERRNO(pwritev2, EFBIG, f, &one, 1, 4096, 0, 0); EXPECT_IS(96, pwrite64, f, buffer, 100, 4000));
	fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE);
	WRITE_ERRNO(EPERM, memory);
	PWRITE_ERRNO(EPERM, memory);

	/* Positions */
	EXPECT_ERRNO(lseek, EBADF, 999, 0, SEEK_SET);
	EXPECT_ERRNO(lseek, ESPIPE, p[0], 0, SEEK_SET);
	EXPECT_ERRNO(lseek, ESPIPE, pair[0], 0, SEEK_SET);
	EXPECT_ERRNO(lseek, EINVAL, f, 0, 5);
	EXPECT_ERRNO(lseek, EINVAL, f, -1, SEEK_SET);
	EXPECT_ERRNO(lseek, EINVAL, f, -100000, SEEK_END);
	EXPECT_ERRNO(lseek, ENXIO, f, 100000, SEEK_DATA);
	EXPECT_ERRNO(lseek, ENXIO, f, 100000, SEEK_HOLE);
	EXPECT_IS(100000, lseek, f, 100000, SEEK_SET);
	EXPECT_IS(0, read, f, buffer, 100);
	EXPECT_ERRNO(readahead, EBADF, 999, 0, 1);
	EXPECT_ERRNO(readahead, EBADF, writer, 0, 1);
	EXPECT_ERRNO(readahead, EINVAL, p[0], 0, 1);
	EXPECT_IS(0, readahead, f, 0, 1);
	EXPECT_ERRNO(fadvise64, EBADF, 999, 0, 0, 0);
	EXPECT_ERRNO(fadvise64, ESPIPE, p[0], 0, 0, 0);
	EXPECT_ERRNO(fadvise64, EINVAL, f, 0, 0, 6);
	EXPECT_ERRNO(fadvise64, EINVAL, f, 0, -1, 0);

	/* Syncing */
	EXPECT_IS(0, sync);
	EXPECT_ERRNO(syncfs, EBADF, 999);
	EXPECT_ERRNO(fsync, EBADF, 999);
	EXPECT_ERRNO(fsync, EINVAL, p[0]);
	EXPECT_ERRNO(fsync, EINVAL, pair[0]);
	EXPECT_ERRNO(fdatasync, EBADF, 999);
	EXPECT_ERRNO(fdatasync, EINVAL, p[0]);
	EXPECT_OK(fsync, reader);
	EXPECT_OK(fsync, directory);
	EXPECT_ERRNO(sync_file_range, EBADF, 999, 0, 0, 0);
	EXPECT_ERRNO(sync_file_range, EINVAL, f, 0, 0, 8);
	EXPECT_ERRNO(sync_file_range, EINVAL, f, -1, 0, 0);
	EXPECT_ERRNO(sync_file_range, ESPIPE, p[0], 0, 0, 0);

	/* Descriptors */
	EXPECT_ERRNO(close, EBADF, 999);
	EXPECT_ERRNO(close, EBADF, -1);
	EXPECT_ERRNO(dup, EBADF, 999);
	EXPECT_ERRNO(dup2, EBADF, 999, 5);
	EXPECT_ERRNO(dup2, EBADF, 0, -1);
	EXPECT_ERRNO(dup2, EBADF, 999, 999);
	EXPECT_ERRNO(dup3, EBADF, 999, 5, 0);
	EXPECT_ERRNO(dup3, EINVAL, 0, 0, 0);
	EXPECT_ERRNO(dup3, EINVAL, 0, 5, 1);
	EXPECT_ERRNO(close_range, EINVAL, 10, 9, 0);
	EXPECT_ERRNO(close_range, EINVAL, 900, 999, 8);
	EXPECT_ERRNO(pipe, EFAULT, BAD);
	EXPECT_ERRNO(pipe2, EFAULT, BAD, 0);
	EXPECT_ERRNO(pipe2, EINVAL, p, 1);
	EXPECT_ERRNO(memfd_create, EINVAL, "x", 0x8000);
	EXPECT_ERRNO(memfd_create, EINVAL, long_name, 0);
	EXPECT_ERRNO(memfd_create, EFAULT, BAD, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 10, EXPECT_ERRNO(dup, EMFILE, 0); EXPECT_ERRNO(dup2, EBADF, 0, 10); EXPECT_ERRNO(dup3, EBADF, 0, 10, 0);
		   EXPECT_ERRNO(pipe, EMFILE, p); EXPECT_ERRNO(pipe2, EMFILE, p, 0); EXPECT_ERRNO(memfd_create, EMFILE, "x", 0);
		   EXPECT_ERRNO(fcntl, EMFILE, 0, F_DUPFD, 3); EXPECT_ERRNO(fcntl, EINVAL, 0, F_DUPFD, 10));
	EXPECT_ERRNO(ioctl, EBADF, 999, FIONREAD, buffer);
	EXPECT_ERRNO(ioctl, EBADF, path, FIONREAD, buffer);
	EXPECT_ERRNO(ioctl, ENOTTY, f, 0x5401, buffer);
	EXPECT_ERRNO(ioctl, ENOTTY, p[0], 0x1234, buffer);
	EXPECT_ERRNO(ioctl, EFAULT, f, FIONREAD, BAD);
	EXPECT_ERRNO(ioctl, EFAULT, f, FIONBIO, BAD);
	return 0;
}
