/* SPDX-License-Identifier: MPL-2.0 */
/* POSIX message queues: what is refused by arguments, rights, limits and time. Raw calls: names have no slash in front. */
#include "../expect.h"
#include <mqueue.h>
#include <sys/socket.h>
#include <time.h>

static void on_signal(int signo)
{
	(void)signo;
}

int main(void)
{
	char buffer[64];
	unsigned priority;
	struct mq_attr attr = { 0, 2, 16, 0 }, zero = { 0, 0, 16, 0 }, negative = { 0, 2, -1, 0 }, odd = { O_APPEND, 2, 16, 0 }, got;
	struct timespec past = { 0, 0 }, denormal = { 0, 1000000000 };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigevent signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 }, unknown = { .sigev_notify = 9 };
	struct sigevent bad_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	struct sigevent thread = { .sigev_notify = SIGEV_THREAD, .sigev_signo = 0, .sigev_value = { .sival_ptr = buffer } };
	MUST(unshare(CLONE_NEWIPC) == 0);
	static char longest[257];
	memset(longest, 'n', 256);

	EXPECT_ERRNO(mq_open, ENOENT, "q", O_RDWR, 0600, NULL);
	EXPECT_ERRNO(mq_open, ENOENT, "", O_RDWR | O_CREAT, 0600, NULL);
	EXPECT_ERRNO(mq_open, EACCES, "/q", O_RDWR | O_CREAT, 0600, NULL);
	EXPECT_ERRNO(mq_open, EACCES, "a/b", O_RDWR | O_CREAT, 0600, NULL);
	EXPECT_ERRNO(mq_open, ENAMETOOLONG, longest, O_RDWR | O_CREAT, 0600, NULL);
	EXPECT_ERRNO(mq_open, EFAULT, BAD, O_RDWR | O_CREAT, 0600, NULL);
	EXPECT_ERRNO(mq_open, EFAULT, "q", O_RDWR | O_CREAT, 0600, BAD);
	EXPECT_ERRNO(mq_open, EINVAL, "q", O_RDWR | O_CREAT, 0600, &zero);
	EXPECT_ERRNO(mq_open, EINVAL, "q", O_RDWR | O_CREAT, 0600, &negative);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(mq_open, EMFILE, "q", O_RDWR | O_CREAT, 0600, &attr));
	int q = EXPECT_OK(mq_open, "q", O_RDWR | O_CREAT, 0600, &attr);
	int reader = EXPECT_OK(mq_open, "q", O_RDONLY | O_NONBLOCK, 0, NULL), writer = EXPECT_OK(mq_open, "q", O_WRONLY | O_NONBLOCK, 0, NULL);
	EXPECT_ERRNO(mq_open, EEXIST, "q", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	EXPECT_ERRNO(mq_open, EINVAL, "q", O_ACCMODE, 0, NULL);

	EXPECT_ERRNO(mq_timedsend, EINVAL, q, "x", 1, 32768, NULL);
	EXPECT_ERRNO(mq_timedsend, EINVAL, q, "x", 1, 0, &denormal);
	EXPECT_ERRNO(mq_timedsend, EBADF, 999, "x", 1, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, EBADF, 1, "x", 1, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, EBADF, reader, "x", 1, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, EMSGSIZE, q, buffer, 17, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, EFAULT, q, BAD, 1, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, EFAULT, q, "x", 1, 0, BAD);
	EXPECT_ERRNO(mq_timedreceive, EINVAL, q, buffer, 16, NULL, &denormal);
	EXPECT_ERRNO(mq_timedreceive, EBADF, 999, buffer, 16, NULL, NULL);
	EXPECT_ERRNO(mq_timedreceive, EBADF, writer, buffer, 16, NULL, NULL);
	EXPECT_ERRNO(mq_timedreceive, EMSGSIZE, q, buffer, 15, NULL, NULL);
	EXPECT_ERRNO(mq_timedreceive, EAGAIN, reader, buffer, 16, NULL, NULL);
	EXPECT_ERRNO(mq_timedreceive, ETIMEDOUT, q, buffer, 16, NULL, &past);
	EXPECT_ERRNO(mq_timedreceive, EFAULT, q, buffer, 16, NULL, BAD);
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(mq_timedreceive, EINTR, q, buffer, 16, NULL, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_OK(mq_timedsend, q, "one", 3, 1, NULL);
	EXPECT_ERRNO(mq_timedreceive, EFAULT, q, BAD, 16, &priority, NULL);
	EXPECT_OK(mq_timedsend, q, "two", 3, 1, NULL);
	EXPECT_OK(mq_timedsend, q, "six", 3, 1, NULL);
	EXPECT_ERRNO(mq_timedsend, EAGAIN, writer, "x", 1, 0, NULL);
	EXPECT_ERRNO(mq_timedsend, ETIMEDOUT, q, "x", 1, 0, &past);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(mq_timedsend, EINTR, q, "x", 1, 0, NULL);
	setitimer(ITIMER_REAL, &never, NULL);

	EXPECT_ERRNO(mq_getsetattr, EINVAL, q, &odd, NULL);
	EXPECT_ERRNO(mq_getsetattr, EBADF, 999, NULL, &got);
	EXPECT_ERRNO(mq_getsetattr, EBADF, 1, NULL, &got);
	EXPECT_ERRNO(mq_getsetattr, EFAULT, q, BAD, NULL);
	EXPECT_ERRNO(mq_getsetattr, EFAULT, q, NULL, BAD);
	EXPECT_OK(mq_getsetattr, q, NULL, &got);
	EXPECT(got.mq_maxmsg == 2 && got.mq_msgsize == 16 && got.mq_curmsgs == 2);
	EXPECT_ERRNO(mq_notify, EINVAL, q, &unknown);
	EXPECT_ERRNO(mq_notify, EINVAL, q, &bad_signal);
	EXPECT_ERRNO(mq_notify, EFAULT, q, BAD);
	EXPECT_ERRNO(mq_notify, EBADF, 999, &signal);
	EXPECT_ERRNO(mq_notify, EBADF, 1, &signal);
	thread.sigev_signo = 999;
	EXPECT_ERRNO(mq_notify, EBADF, q, &thread);
	int p[2];
	MUST(pipe(p) == 0);
	thread.sigev_signo = p[0];
	EXPECT_ERRNO(mq_notify, ENOTSOCK, q, &thread);
	EXPECT_OK(mq_notify, q, &signal);
	EXPECT_ERRNO(mq_notify, EBUSY, q, &signal);
	EXPECT_OK(mq_notify, q, NULL);

	EXPECT_ERRNO(mq_unlink, ENOENT, "none");
	EXPECT_ERRNO(mq_unlink, EACCES, "a/b");
	EXPECT_ERRNO(mq_unlink, ENAMETOOLONG, longest);
	EXPECT_ERRNO(mq_unlink, EFAULT, BAD);
	BE_NOBODY();
	EXPECT_ERRNO(mq_open, EACCES, "q", O_RDWR, 0600, NULL);
	EXPECT_ERRNO(mq_unlink, EPERM, "q");
	WITH_LIMIT(RLIMIT_MSGQUEUE, 1, EXPECT_ERRNO(mq_open, EMFILE, "r", O_RDWR | O_CREAT, 0600, &attr));
	BE_ROOT();
	int limit = open("/proc/sys/fs/mqueue/queues_max", O_WRONLY);
	MUST(limit >= 0 && write(limit, "1", 1) == 1);
	BE_NOBODY();
	EXPECT_ERRNO(mq_open, ENOSPC, "r", O_RDWR | O_CREAT, 0600, &attr);
	BE_ROOT();
	EXPECT_OK(mq_unlink, "q");
	EXPECT_ERRNO(mq_unlink, ENOENT, "q");
	return 0;
}
