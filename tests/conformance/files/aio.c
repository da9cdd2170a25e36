/* SPDX-License-Identifier: MPL-2.0 */
/* Asynchronous I/O by its raw calls: files at once, pipes when they can, poll and its cancellation, eventfd, every errno. */
#include "../show.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static aio_context_t context;
static struct timespec no_time;

static long submit(struct iocb *one)
{
	return syscall(SYS_io_submit, context, 1, &one);
}

static long events(long least, struct timespec *limit)
{
	struct io_event found[8];
	long n = syscall(SYS_io_getevents, context, least, 8, found, limit);

	for (long i = 0; i < n; i++)
		printf("event data %llu res %lld res2 %lld\n", found[i].data, found[i].res, found[i].res2);
	return n;
}

int main(void)
{
	char text[16] = "abcdefgh", back[16] = "";
	int pipes[2], fd = open("aio", O_RDWR | O_CREAT, 0600), told = eventfd(0, EFD_NONBLOCK);
	aio_context_t none = 0, used = 1;
	uint64_t count = 0;
	struct iovec vector[2] = { { back, 3 }, { back + 4, 3 } };
	struct iocb one = { .aio_data = 1, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = fd, .aio_buf = (long)text, .aio_nbytes = 8 };
	struct iocb *list[3] = { &one, &one, &one };

	setvbuf(stdout, 0, _IOLBF, 0);
	VALUE(syscall(SYS_io_setup, 0, &none));
	VALUE(syscall(SYS_io_setup, 4, &used));
	VALUE(syscall(SYS_io_setup, 4, 8L));
	VALUE(syscall(SYS_io_setup, 4, &context));
	one.aio_flags = IOCB_FLAG_RESFD;
	one.aio_resfd = told;
	VALUE(submit(&one));
	VALUE(events(1, 0));
	VALUE(read(told, &count, 8));
	VALUE(count);
	one.aio_flags = 0;
	one.aio_lio_opcode = IOCB_CMD_PREADV;
	one.aio_buf = (long)vector;
	one.aio_nbytes = 2;
	one.aio_offset = 2;
	one.aio_data = 2;
	VALUE(submit(&one));
	VALUE(events(1, 0));
	printf("%.3s %.3s\n", back, back + 4);
	one = (struct iocb){ .aio_data = 3, .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = fd };
	VALUE(submit(&one));
	VALUE(events(1, 0));
	one = (struct iocb){ .aio_data = 4, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd, .aio_buf = 8, .aio_nbytes = 1 };
	VALUE(submit(&one));
	VALUE(events(1, 0));
	one.aio_offset = -1;
	VALUE(submit(&one));
	one.aio_offset = 0;
	one.aio_fildes = 99;
	VALUE(submit(&one));
	one.aio_fildes = fd;
	one.aio_lio_opcode = 77;
	VALUE(submit(&one));
	one.aio_lio_opcode = IOCB_CMD_PREAD;
	one.aio_reserved2 = 1;
	VALUE(submit(&one));
	one.aio_reserved2 = 0;
	one.aio_flags = IOCB_FLAG_RESFD;
	one.aio_resfd = fd;
	VALUE(submit(&one));
	one.aio_flags = 0;
	VALUE(syscall(SYS_io_submit, context, -1, list));
	VALUE(syscall(SYS_io_submit, context, 0, list));
	VALUE(syscall(SYS_io_submit, context, 1, 8L));
	VALUE(syscall(SYS_io_submit, 12345L, 1, list));
	pipe(pipes);
	one = (struct iocb){ .aio_data = 5, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = pipes[0], .aio_buf = POLLIN };
	VALUE(submit(&one));
	VALUE(events(0, &no_time));
	write(pipes[1], "x", 1);
	VALUE(events(1, 0));
	struct iocb other = { .aio_data = 6, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = pipes[0], .aio_buf = POLLPRI };
	VALUE(submit(&other));
	struct io_event cancelled;
	VALUE(syscall(SYS_io_cancel, context, &other, &cancelled));
	VALUE(events(1, 0) == 1);
	VALUE(syscall(SYS_io_cancel, context, &other, &cancelled));
	VALUE(syscall(SYS_io_cancel, context, 8L, &cancelled));
	VALUE(syscall(SYS_io_getevents, context, 2, 1, &cancelled, &no_time));
	VALUE(syscall(SYS_io_getevents, context, -1, 1, &cancelled, &no_time));
	VALUE(syscall(SYS_io_getevents, 12345L, 0, 1, &cancelled, &no_time));
	VALUE(syscall(SYS_io_destroy, context));
	VALUE(syscall(SYS_io_destroy, context));
	unlink("aio");
	return 0;
}
