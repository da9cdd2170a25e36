/* SPDX-License-Identifier: MPL-2.0 */
/* poll, select, epoll, signalfd, inotify, handles, asynchronous I/O: arguments that are refused. */
#include "../expect.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static struct timespec denormal = { 0, 1000000000 }, soon = { 0, 1000000 };
static struct timeval bad_time = { 0, -1 };
static struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never;
static unsigned long mask, wide_mask[2];

static void on_signal(int signo)
{
	(void)signo;
}

static void with_signals(void)
{
	setitimer(ITIMER_REAL, &often, NULL);
}

static void without_signals(void)
{
	setitimer(ITIMER_REAL, &never, NULL);
}

static void polls(void)
{
	struct pollfd fds[4] = { { 999, POLLIN, 0 } };
	struct { unsigned long *mask; unsigned long size; } sig = { wide_mask, 4 };
	fd_set set;
	EXPECT_IS(1, poll, fds, 1, 0);
	EXPECT_ERRNO(poll, EFAULT, BAD, 1, 0);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(poll, EINVAL, fds, 4, 0); EXPECT_ERRNO(ppoll, EINVAL, fds, 4, &soon, NULL, 0));
	EXPECT_ERRNO(ppoll, EFAULT, BAD, 1, NULL, NULL, 0);
	EXPECT_ERRNO(ppoll, EFAULT, fds, 1, BAD, NULL, 0);
	EXPECT_ERRNO(ppoll, EFAULT, fds, 1, NULL, BAD, 8);
	EXPECT_ERRNO(ppoll, EINVAL, fds, 1, &denormal, NULL, 0);
	EXPECT_ERRNO(ppoll, EINVAL, fds, 1, &soon, &mask, 4);
	FD_ZERO(&set);
	EXPECT_ERRNO(select, EINVAL, -1, NULL, NULL, NULL, NULL);
	EXPECT_ERRNO(select, EINVAL, 0, NULL, NULL, NULL, &bad_time);
	EXPECT_ERRNO(select, EFAULT, 3, BAD, NULL, NULL, NULL);
	EXPECT_ERRNO(select, EFAULT, 0, NULL, NULL, NULL, BAD);
	FD_SET(40, &set);
	EXPECT_ERRNO(select, EBADF, 41, &set, NULL, NULL, NULL);
	EXPECT_ERRNO(pselect6, EBADF, 41, NULL, &set, NULL, NULL, NULL);
	EXPECT_ERRNO(pselect6, EINVAL, -1, NULL, NULL, NULL, NULL, NULL);
	EXPECT_ERRNO(pselect6, EINVAL, 0, NULL, NULL, NULL, &denormal, NULL);
	EXPECT_ERRNO(pselect6, EINVAL, 0, NULL, NULL, NULL, &soon, &sig);
	EXPECT_ERRNO(pselect6, EFAULT, 3, NULL, NULL, BAD, NULL, NULL);
	EXPECT_ERRNO(pselect6, EFAULT, 0, NULL, NULL, NULL, NULL, BAD);
	with_signals();
	EXPECT_ERRNO(poll, EINTR, NULL, 0, -1);
	EXPECT_ERRNO(ppoll, EINTR, NULL, 0, NULL, NULL, 0);
	EXPECT_ERRNO(select, EINTR, 0, NULL, NULL, NULL, NULL);
	EXPECT_ERRNO(pselect6, EINTR, 0, NULL, NULL, NULL, NULL, NULL);
	without_signals();
}

static void epolls(void)
{
	struct epoll_event event = { EPOLLIN }, exclusive = { EPOLLIN | EPOLLEXCLUSIVE };
	int p[2], file = open("f", O_RDONLY), inner[7];
	MUST(pipe(p) == 0);
	EXPECT_ERRNO(epoll_create, EINVAL, 0);
	EXPECT_ERRNO(epoll_create1, EINVAL, 1);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(epoll_create, EMFILE, 1); EXPECT_ERRNO(epoll_create1, EMFILE, 0));
	int epoll = EXPECT_OK(epoll_create1, 0);
	EXPECT_ERRNO(epoll_ctl, EBADF, 999, EPOLL_CTL_ADD, p[0], &event);
	EXPECT_ERRNO(epoll_ctl, EBADF, epoll, EPOLL_CTL_ADD, 999, &event);
	EXPECT_ERRNO(epoll_ctl, EPERM, epoll, EPOLL_CTL_ADD, file, &event);
	EXPECT_ERRNO(epoll_ctl, EINVAL, p[0], EPOLL_CTL_ADD, p[1], &event);
	EXPECT_ERRNO(epoll_ctl, EINVAL, epoll, EPOLL_CTL_ADD, epoll, &event);
	EXPECT_ERRNO(epoll_ctl, EINVAL, epoll, 9, p[0], &event);
	EXPECT_ERRNO(epoll_ctl, EFAULT, epoll, EPOLL_CTL_ADD, p[0], BAD);
	EXPECT_ERRNO(epoll_ctl, ENOENT, epoll, EPOLL_CTL_DEL, p[0], NULL);
	EXPECT_ERRNO(epoll_ctl, ENOENT, epoll, EPOLL_CTL_MOD, p[0], &event);
	EXPECT_OK(epoll_ctl, epoll, EPOLL_CTL_ADD, p[0], &event);
	EXPECT_ERRNO(epoll_ctl, EEXIST, epoll, EPOLL_CTL_ADD, p[0], &event);
	EXPECT_ERRNO(epoll_ctl, EINVAL, epoll, EPOLL_CTL_MOD, p[0], &exclusive);
	for (int i = 0; i < 7; i++)
		inner[i] = CALL(epoll_create1, 0);
	EXPECT_ERRNO(epoll_ctl, EINVAL, epoll, EPOLL_CTL_ADD, inner[0], &exclusive);
	EXPECT_OK(epoll_ctl, inner[0], EPOLL_CTL_ADD, inner[1], &event);
	EXPECT_ERRNO(epoll_ctl, ELOOP, inner[1], EPOLL_CTL_ADD, inner[0], &event);
	EXPECT_OK(epoll_ctl, inner[1], EPOLL_CTL_ADD, inner[2], &event);
	EXPECT_OK(epoll_ctl, inner[2], EPOLL_CTL_ADD, inner[3], &event);
	EXPECT_OK(epoll_ctl, inner[3], EPOLL_CTL_ADD, inner[4], &event);
	EXPECT_ERRNO(epoll_ctl, ELOOP, inner[4], EPOLL_CTL_ADD, inner[5], &event);
	EXPECT_ERRNO(epoll_wait, EBADF, 999, &event, 1, 0);
	EXPECT_ERRNO(epoll_wait, EINVAL, p[0], &event, 1, 0);
	EXPECT_ERRNO(epoll_wait, EINVAL, epoll, &event, 0, 0);
	EXPECT_ERRNO(epoll_wait, EINVAL, epoll, &event, -1, 0);
	EXPECT_ERRNO(epoll_pwait, EBADF, 999, &event, 1, 0, NULL, 8);
	EXPECT_ERRNO(epoll_pwait, EINVAL, epoll, &event, 1, 0, &mask, 4);
	EXPECT_ERRNO(epoll_pwait, EFAULT, epoll, &event, 1, 0, BAD, 8);
	EXPECT_ERRNO(epoll_pwait2, EBADF, 999, &event, 1, &soon, NULL, 8);
	EXPECT_ERRNO(epoll_pwait2, EINVAL, epoll, &event, 1, &denormal, NULL, 8);
	EXPECT_ERRNO(epoll_pwait2, EFAULT, epoll, &event, 1, BAD, NULL, 8);
	with_signals();
	EXPECT_ERRNO(epoll_wait, EINTR, epoll, &event, 1, -1);
	EXPECT_ERRNO(epoll_pwait, EINTR, epoll, &event, 1, -1, NULL, 8);
	EXPECT_ERRNO(epoll_pwait2, EINTR, epoll, &event, 1, NULL, NULL, 8);
	without_signals();
	MUST(write(p[1], "x", 1) == 1);
	EXPECT_ERRNO(epoll_wait, EFAULT, epoll, BAD, 1, 0);
	EXPECT_IS(1, epoll_wait, epoll, &event, 1, 0);
}

static void watching(void)
{
	int p[2];
	MUST(pipe(p) == 0);
	EXPECT_ERRNO(signalfd4, EINVAL, -1, &mask, 4, 0);
	EXPECT_ERRNO(signalfd4, EINVAL, -1, &mask, 8, 1);
	EXPECT_ERRNO(signalfd4, EFAULT, -1, BAD, 8, 0);
	EXPECT_ERRNO(signalfd4, EBADF, 999, &mask, 8, 0);
	EXPECT_ERRNO(signalfd4, EINVAL, p[0], &mask, 8, 0);
	EXPECT_ERRNO(signalfd, EINVAL, -1, &mask, 4);
	EXPECT_ERRNO(signalfd, EFAULT, -1, BAD, 8);
	EXPECT_ERRNO(signalfd, EBADF, 999, &mask, 8);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(signalfd, EMFILE, -1, &mask, 8); EXPECT_ERRNO(signalfd4, EMFILE, -1, &mask, 8, 0);
		   EXPECT_ERRNO(inotify_init, EMFILE); EXPECT_ERRNO(inotify_init1, EMFILE, 0));
	EXPECT_ERRNO(inotify_init1, EINVAL, 1);
	int notify = EXPECT_OK(inotify_init1, 0);
	PATH_ERRNOS(inotify_add_watch, notify, PATH, IN_MODIFY);
	EXPECT_ERRNO(inotify_add_watch, EBADF, 999, "f", IN_MODIFY);
	EXPECT_ERRNO(inotify_add_watch, EINVAL, p[0], "f", IN_MODIFY);
	EXPECT_ERRNO(inotify_add_watch, EINVAL, notify, "f", 0);
	EXPECT_ERRNO(inotify_add_watch, EINVAL, notify, "f", IN_MODIFY | IN_MASK_ADD | IN_MASK_CREATE);
	EXPECT_ERRNO(inotify_add_watch, ENOTDIR, notify, "f", IN_MODIFY | IN_ONLYDIR);
	int watch = EXPECT_OK(inotify_add_watch, notify, "f", IN_MODIFY);
	EXPECT_ERRNO(inotify_add_watch, EEXIST, notify, "f", IN_MODIFY | IN_MASK_CREATE);
	EXPECT_ERRNO(inotify_rm_watch, EBADF, 999, watch);
	EXPECT_ERRNO(inotify_rm_watch, EINVAL, p[0], watch);
	EXPECT_ERRNO(inotify_rm_watch, EINVAL, notify, watch + 5);
	EXPECT_OK(inotify_rm_watch, notify, watch);
	BE_NOBODY();
	MUST(seteuid(0) == 0 && chmod("f", 0600) == 0 && seteuid(NOBODY) == 0);
	EXPECT_ERRNO(inotify_add_watch, EACCES, notify, "f", IN_MODIFY);
	BE_ROOT();
}

static void handles(void)
{
	struct { unsigned bytes; int type; char data[128]; } handle = { 128, 0, "" }, huge = { 129, 0, "" }, empty = { 0, 0, "" };
	int mount_id, proc = open("/proc", O_RDONLY);
	EXPECT_ERRNO(name_to_handle_at, EINVAL, AT_FDCWD, "f", &handle, &mount_id, 0x8000);
	EXPECT_ERRNO(name_to_handle_at, EOPNOTSUPP, AT_FDCWD, "/proc/self/status", &handle, &mount_id, 0);
	EXPECT_ERRNO(open_by_handle_at, EFAULT, proc, BAD, O_RDONLY);
	EXPECT_ERRNO(open_by_handle_at, EINVAL, proc, &huge, O_RDONLY);
	EXPECT_ERRNO(open_by_handle_at, EINVAL, proc, &empty, O_RDONLY);
	EXPECT_ERRNO(open_by_handle_at, EBADF, 999, &handle, O_RDONLY);
	EXPECT_ERRNO(open_by_handle_at, ESTALE, proc, &handle, O_RDONLY);
	BE_NOBODY();
	EXPECT_ERRNO(open_by_handle_at, EPERM, proc, &handle, O_RDONLY);
	BE_ROOT();
}

static void aio(void)
{
	aio_context_t context = 0, set = 5;
	struct io_event event;
	char buffer[100];
	int p[2], writer = open("f", O_WRONLY);
	MUST(pipe(p) == 0);
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = p[0], .aio_buf = (long)buffer, .aio_nbytes = 1 }, bad;
	struct iocb poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = p[0], .aio_buf = POLLIN }, *list[1] = { &bad }, *null = BAD;
	struct { unsigned long *mask; unsigned long size; } sig = { wide_mask, 4 };
	EXPECT_ERRNO(io_setup, EFAULT, 1, BAD);
	EXPECT_ERRNO(io_setup, EINVAL, 0, &context);
	EXPECT_ERRNO(io_setup, EINVAL, 1, &set);
	EXPECT_ERRNO(io_setup, EAGAIN, 0x100000, &context);
	EXPECT_OK(io_setup, 4, &context);
	EXPECT_ERRNO(io_destroy, EINVAL, 12345);
	EXPECT_ERRNO(io_submit, EINVAL, 12345, 1, list);
	EXPECT_ERRNO(io_submit, EINVAL, context, -1, list);
	EXPECT_IS(0, io_submit, context, 0, list);
	EXPECT_ERRNO(io_submit, EFAULT, context, 1, BAD);
	EXPECT_ERRNO(io_submit, EFAULT, context, 1, &null);
#define SUBMIT_ERRNO(error, change) \
	do { \
		bad = cb; \
		bad.change; \
		EXPECT_ERRNO(io_submit, error, context, 1, list); \
	} while (0)
	SUBMIT_ERRNO(EBADF, aio_fildes = 999);
	SUBMIT_ERRNO(EBADF, aio_fildes = writer);
	SUBMIT_ERRNO(EINVAL, aio_lio_opcode = 77);
	SUBMIT_ERRNO(EINVAL, aio_reserved2 = 1);
	SUBMIT_ERRNO(EINVAL, aio_nbytes = 1UL << 63);
	SUBMIT_ERRNO(EBADF, aio_flags = 1; bad.aio_resfd = 999);
	SUBMIT_ERRNO(EINVAL, aio_flags = 1; bad.aio_resfd = p[0]);
	SUBMIT_ERRNO(EOPNOTSUPP, aio_rw_flags = 1 << 20);
	EXPECT_ERRNO(io_getevents, EINVAL, 12345, 0, 1, &event, NULL);
	EXPECT_ERRNO(io_getevents, EINVAL, context, 2, 1, &event, NULL);
	EXPECT_ERRNO(io_getevents, EINVAL, context, -1, 1, &event, NULL);
	EXPECT_ERRNO(io_getevents, EFAULT, context, 0, 1, &event, BAD);
	EXPECT_ERRNO(io_pgetevents, EINVAL, 12345, 0, 1, &event, NULL, NULL);
	EXPECT_ERRNO(io_pgetevents, EINVAL, context, 1, 1, &event, &soon, &sig);
	EXPECT_ERRNO(io_pgetevents, EFAULT, context, 0, 1, &event, BAD, NULL);
	EXPECT_ERRNO(io_pgetevents, EFAULT, context, 0, 1, &event, NULL, BAD);
	EXPECT_ERRNO(io_cancel, EFAULT, context, BAD, &event);
	EXPECT_ERRNO(io_cancel, EINVAL, 12345, &poll, &event);
	EXPECT_ERRNO(io_cancel, EINVAL, context, &poll, &event);
	list[0] = &poll;
	EXPECT_IS(1, io_submit, context, 1, list);
	with_signals();
	EXPECT_ERRNO(io_getevents, EINTR, context, 1, 1, &event, NULL);
	EXPECT_ERRNO(io_pgetevents, EINTR, context, 1, 1, &event, NULL, NULL);
	without_signals();
	EXPECT_ERRNO(io_cancel, EINPROGRESS, context, &poll, &event);
	EXPECT_ERRNO(io_getevents, EFAULT, context, 1, 1, BAD, NULL);
	EXPECT_IS(1, io_getevents, context, 1, 1, &event, NULL);
	/* More requests than the context has room for. Linux gives more than were asked for, a multiple of the number of processors. */
	long taken = 0, result;
	while ((result = CALL(io_submit, context, 1, list)) == 1 && taken < 100000)
		taken++;
	EXPECT(taken >= 4);
	EXPECT_ERRNO(io_submit, EAGAIN, context, 1, list);
	EXPECT_OK(io_destroy, context);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	prepare_paths();
	polls();
	epolls();
	watching();
	handles();
	aio();
	return 0;
}
