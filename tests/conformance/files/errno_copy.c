/* SPDX-License-Identifier: MPL-2.0 */
/* sendfile, copy_file_range, splice, tee, vmsplice: which ends are refused; fcntl, flock: which arguments. */
#include "../expect.h"
#include <sys/time.h>
#include <sys/uio.h>

static char buffer[8192];
static long long negative = -1, zero, at_4096 = 4096;
static struct iovec one = { buffer, 100 }, bad = { BAD, 100 }, many[1025];
static int f, reader, writer, append, directory, full, p[2], q[2], empty[2], broken[2], event;

static void on_signal(int signo)
{
	(void)signo;
}

static void sendfiles(void)
{
	EXPECT_ERRNO(sendfile, EBADF, 999, f, NULL, 1);
	EXPECT_ERRNO(sendfile, EBADF, f, 999, NULL, 1);
	EXPECT_ERRNO(sendfile, EBADF, reader, f, NULL, 1);
	EXPECT_ERRNO(sendfile, EBADF, p[1], writer, NULL, 1);
	EXPECT_ERRNO(sendfile, EINVAL, append, f, NULL, 1);
	EXPECT_ERRNO(sendfile, EINVAL, f, event, NULL, 1);
	EXPECT_ERRNO(sendfile, EINVAL, p[1], reader, &negative, 1);
	EXPECT_ERRNO(sendfile, ESPIPE, q[1], p[0], &zero, 1);
	EXPECT_ERRNO(sendfile, EFAULT, p[1], reader, BAD, 1);
	EXPECT_ERRNO(sendfile, EPIPE, broken[1], reader, NULL, 1);
	EXPECT_ERRNO(sendfile, ENOSPC, full, reader, NULL, 100);
	MUST(fcntl(q[1], F_SETFL, O_NONBLOCK) == 0);
	while (write(q[1], buffer, 4096) > 0)
		;
	EXPECT_ERRNO(sendfile, EAGAIN, q[1], reader, &zero, 1);
	MUST(fcntl(q[1], F_SETFL, 0) == 0);
	EXPECT_IS(100, sendfile, p[1], reader, &zero, 100);
	EXPECT_IS(0, sendfile, p[1], reader, NULL, 0);
}

static void copies(void)
{
	EXPECT_ERRNO(copy_file_range, EINVAL, reader, NULL, writer, NULL, 1, 1);
	EXPECT_ERRNO(copy_file_range, EBADF, 999, NULL, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EBADF, reader, NULL, 999, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EBADF, writer, NULL, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EBADF, reader, NULL, reader, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EBADF, reader, NULL, append, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EISDIR, directory, NULL, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EINVAL, p[0], NULL, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EINVAL, reader, NULL, p[1], NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EOVERFLOW, reader, &negative, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EOVERFLOW, reader, NULL, writer, &negative, 1, 0);
	negative = -2;
	EXPECT_ERRNO(copy_file_range, EINVAL, reader, NULL, writer, &negative, 1, 0);
	EXPECT_ERRNO(copy_file_range, EXDEV, reader, NULL, full, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EFAULT, reader, BAD, writer, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, EFAULT, reader, NULL, writer, BAD, 1, 0);
	long long one_on = 1;
	zero = 0;
	EXPECT_ERRNO(copy_file_range, EINVAL, reader, &zero, writer, &one_on, 100, 0);
}

static void splices(void)
{
	long long offset = 0;
	EXPECT_ERRNO(splice, EBADF, 999, NULL, p[1], NULL, 1, 0);
	EXPECT_ERRNO(splice, EBADF, p[0], NULL, 999, NULL, 1, 0);
	EXPECT_ERRNO(splice, EBADF, p[0], NULL, reader, NULL, 1, 0);
	EXPECT_ERRNO(splice, EINVAL, reader, NULL, writer, NULL, 1, 0);
	EXPECT_ERRNO(splice, EINVAL, p[0], NULL, p[1], NULL, 1, 0);
	EXPECT_ERRNO(splice, EINVAL, p[0], NULL, append, NULL, 1, 0);
	EXPECT_ERRNO(splice, EINVAL, p[0], NULL, writer, NULL, 1, 0x100);
	EXPECT_ERRNO(splice, EINVAL, reader, &negative, p[1], NULL, 1, 0);
	EXPECT_ERRNO(splice, ESPIPE, p[0], &offset, writer, NULL, 1, 0);
	EXPECT_ERRNO(splice, ESPIPE, reader, NULL, p[1], &offset, 1, 0);
	EXPECT_ERRNO(splice, EFAULT, reader, BAD, p[1], NULL, 1, 0);
	EXPECT_ERRNO(splice, EAGAIN, empty[0], NULL, writer, NULL, 1, 2);
	EXPECT_ERRNO(splice, EAGAIN, reader, NULL, q[1], NULL, 1, 2);
	EXPECT_ERRNO(splice, EPIPE, reader, NULL, broken[1], NULL, 1, 0);
	EXPECT_ERRNO(splice, ENOSPC, p[0], NULL, full, NULL, 1, 0);
	EXPECT_IS(0, splice, p[0], NULL, writer, NULL, 0, 0);
	EXPECT_ERRNO(tee, EBADF, 999, q[1], 1, 0);
	EXPECT_ERRNO(tee, EBADF, p[0], 999, 1, 0);
	EXPECT_ERRNO(tee, EINVAL, reader, q[1], 1, 0);
	EXPECT_ERRNO(tee, EINVAL, p[0], p[1], 1, 0);
	EXPECT_ERRNO(tee, EINVAL, p[0], q[1], 1, 0x100);
	EXPECT_ERRNO(tee, EAGAIN, empty[0], p[1], 1, 2);
	EXPECT_ERRNO(tee, EPIPE, p[0], broken[1], 1, 0);
	EXPECT_ERRNO(vmsplice, EBADF, 999, &one, 1, 0);
	EXPECT_ERRNO(vmsplice, EBADF, reader, &one, 1, 0);
	EXPECT_ERRNO(vmsplice, EINVAL, p[1], &one, 1, 0x100);
	EXPECT_ERRNO(vmsplice, EINVAL, p[1], many, 1025, 0);
	EXPECT_ERRNO(vmsplice, EFAULT, p[1], BAD, 1, 0);
	EXPECT_ERRNO(vmsplice, EFAULT, p[1], &bad, 1, 0);
	EXPECT_ERRNO(vmsplice, EAGAIN, q[1], &one, 1, 2);
	EXPECT_ERRNO(vmsplice, EPIPE, broken[1], &one, 1, 0);
	EXPECT_IS(100, vmsplice, p[1], &one, 1, 0);

	WITH_LIMIT(RLIMIT_FSIZE, 4096, long long far = 4096; EXPECT_ERRNO(splice, EFBIG, p[0], NULL, writer, &far, 1, 0);
		   zero = 0; EXPECT_ERRNO(copy_file_range, EFBIG, reader, &zero, writer, &far, 1, 0); MUST(lseek(writer, 4096, SEEK_SET) == 4096);
		   EXPECT_ERRNO(sendfile, EFBIG, writer, reader, &zero, 1));
	int memory = CALL(memfd_create, "m", 3), from = CALL(memfd_create, "n", 0), room = open("full/f", O_RDWR);
	MUST(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE) == 0 && lseek(room, 0, SEEK_END) > 0);
	MUST(ftruncate(from, 100) == 0);
	EXPECT_ERRNO(copy_file_range, EPERM, from, &zero, memory, NULL, 1, 0);
	EXPECT_ERRNO(copy_file_range, ENOSPC, room, &zero, room, NULL, 100, 0);

	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(sendfile, EINTR, q[1], reader, &zero, 1);
	EXPECT_ERRNO(splice, EINTR, empty[0], NULL, p[1], NULL, 1, 0);
	EXPECT_ERRNO(tee, EINTR, empty[0], p[1], 1, 0);
	EXPECT_ERRNO(vmsplice, EINTR, q[1], &one, 1, 0);
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };
	int go[2], ready[2];
	MUST(pipe(go) == 0 && pipe(ready) == 0);
	pid_t holder = fork();
	if (holder == 0) {
		int again = open("f", O_RDWR);
		MUST(fcntl(again, F_SETLK, &lock) == 0 && flock(again, 2) == 0);
		close(go[1]);
		write(ready[1], "r", 1);
		struct flock other = { .l_type = F_WRLCK, .l_start = 100, .l_len = 10 };
		/* Waits for the parent's lock: the parent must not wait for this one's then. */
		fcntl(again, F_SETLKW, &other);
		read(go[0], buffer, 1);
		_exit(0);
	}
	while (read(ready[0], buffer, 1) < 0)
		;
	EXPECT_ERRNO(fcntl, EINTR, f, F_SETLKW, &lock);
	EXPECT_ERRNO(flock, EINTR, f, 2);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_ERRNO(fcntl, EAGAIN, f, F_SETLK, &lock);
	EXPECT_ERRNO(flock, EAGAIN, f, 2 | 4);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 }, wrong = { .l_type = 9 }, nowhere = { .l_type = F_RDLCK, .l_whence = 7 };
	struct flock before = { .l_type = F_RDLCK, .l_start = -1 }, far = { .l_type = F_RDLCK, .l_start = 0x7fffffffffffffff, .l_len = 10 };
	struct flock with_pid = { .l_type = F_RDLCK, .l_pid = 5 };
	EXPECT_ERRNO(fcntl, EBADF, 999, F_GETFD);
	EXPECT_ERRNO(fcntl, EBADF, reader, F_SETLK, &lock);
	lock.l_type = F_RDLCK;
	EXPECT_ERRNO(fcntl, EBADF, writer, F_SETLK, &lock);
	EXPECT_ERRNO(fcntl, EINVAL, f, F_SETLK, &wrong);
	EXPECT_ERRNO(fcntl, EINVAL, f, F_SETLK, &nowhere);
	EXPECT_ERRNO(fcntl, EINVAL, f, F_SETLK, &before);
	EXPECT_ERRNO(fcntl, EOVERFLOW, f, F_SETLK, &far);
	EXPECT_ERRNO(fcntl, EINVAL, f, 37 /* F_OFD_SETLK */, &with_pid);
	EXPECT_ERRNO(fcntl, EFAULT, f, F_SETLK, BAD);
	EXPECT_ERRNO(fcntl, EFAULT, f, F_GETLK, BAD);
	EXPECT_ERRNO(fcntl, EINVAL, f, 999, 0);
	EXPECT_ERRNO(fcntl, EINVAL, f, F_SETSIG, 100);
	EXPECT_ERRNO(fcntl, ESRCH, p[0], F_SETOWN, 999999);
	EXPECT_ERRNO(fcntl, EINVAL, p[0], F_SETOWN, 0x80000000);
	EXPECT_ERRNO(fcntl, ENOTDIR, f, F_NOTIFY, 1);
	EXPECT_ERRNO(fcntl, EBADF, f, F_SETPIPE_SZ, 4096);
	EXPECT_ERRNO(fcntl, EBUSY, q[1], F_SETPIPE_SZ, 4096);
	EXPECT_ERRNO(fcntl, EPERM, p[0], F_ADD_SEALS, 1);
	EXPECT_ERRNO(fcntl, EINVAL, p[1], F_ADD_SEALS, 1);
	EXPECT_ERRNO(fcntl, EINVAL, p[0], F_GET_SEALS);
	int memory = CALL(memfd_create, "m", 3), sealed = CALL(memfd_create, "s", 1);
	EXPECT_ERRNO(fcntl, EPERM, sealed, F_ADD_SEALS, F_SEAL_GROW);
	EXPECT_ERRNO(fcntl, EINVAL, memory, F_ADD_SEALS, 0x1000);
	MUST(ftruncate(memory, 4096) == 0);
	void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	EXPECT_ERRNO(fcntl, EBUSY, memory, F_ADD_SEALS, F_SEAL_WRITE);
	munmap(mapped, 4096);
	EXPECT_IS(0, fcntl, memory, F_ADD_SEALS, F_SEAL_WRITE);
	BE_NOBODY();
	EXPECT_ERRNO(fcntl, EPERM, reader, F_SETFL, O_NOATIME);
	EXPECT_ERRNO(fcntl, EPERM, p[0], F_SETPIPE_SZ, 64 << 20);
	BE_ROOT();
	EXPECT_ERRNO(flock, EBADF, 999, 1);
	EXPECT_ERRNO(flock, EINVAL, f, 0);
	EXPECT_ERRNO(flock, EINVAL, f, 1 | 2);

	/* Each waits for what the other has: one is told. */
	struct flock mine = { .l_type = F_WRLCK, .l_start = 200, .l_len = 10 }, theirs = { .l_type = F_WRLCK, .l_start = 300, .l_len = 10 };
	int ready[2];
	MUST(pipe(ready) == 0 && fcntl(f, F_SETLK, &mine) == 0);
	pid_t other = fork();
	if (other == 0) {
		int again = open("f", O_RDWR);
		MUST(fcntl(again, F_SETLK, &theirs) == 0 && write(ready[1], "r", 1) == 1);
		fcntl(again, F_SETLKW, &mine);
		_exit(0);
	}
	read(ready[0], buffer, 1);
	char state[64], text[256] = "";
	snprintf(state, sizeof state, "/proc/%d/stat", other);
	do {
		int fd = open(state, O_RDONLY);
		read(fd, text, sizeof text - 1);
		close(fd);
		usleep(1000);
	} while (!strstr(text, ") S"));
	EXPECT_ERRNO(fcntl, EDEADLK, f, F_SETLKW, &theirs);
	mine.l_type = F_UNLCK;
	EXPECT_OK(fcntl, f, F_SETLK, &mine);
	waitpid(other, NULL, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 10, EXPECT_ERRNO(eventfd2, EMFILE, 0, 0); EXPECT_ERRNO(eventfd, EMFILE, 0));
	EXPECT_ERRNO(eventfd2, EINVAL, 0, 2);
}

int main(void)
{
	prepare_paths();
	prepare_mounts();
	f = open("f", O_RDWR), reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), append = open("f", O_WRONLY | O_APPEND);
	directory = open("d", O_RDONLY), full = open("full/f", O_RDWR), event = CALL(eventfd2, 1, 0);
	MUST(pipe(p) == 0 && pipe(q) == 0 && pipe(empty) == 0 && pipe(broken) == 0 && close(broken[0]) == 0);
	MUST(write(f, buffer, sizeof buffer) == sizeof buffer && lseek(f, 0, SEEK_SET) == 0 && lseek(full, 0, SEEK_END) > 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sendfiles();
	copies();
	splices();
	locks();
	return 0;
}
