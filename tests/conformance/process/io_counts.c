/* SPDX-License-Identifier: MPL-2.0 */
/* /proc/[pid]/io: what counts as read and written, for threads, processes and those who are gone. */
#include "../expect.h"
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static long counts[4]; /* rchar, wchar, syscr, syscw, as they were before this very look */

/* One read of the file; the number of its bytes, which the next look counts. */
static long look(const char *path)
{
	char text[1000];
	int fd = open(path, O_RDONLY);
	MUST(fd >= 0);
	long n = read(fd, text, sizeof text - 1);
	MUST(n > 0);
	text[n] = 0;
	MUST(sscanf(text, "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld", &counts[0], &counts[1], &counts[2], &counts[3]) == 4);
	close(fd);
	return n;
}

/* What `statement` adds, in one line. */
#define ADDS(path, statement) \
	do { \
		long before_[4], n_ = look(path); \
		memcpy(before_, counts, sizeof counts); \
		statement; \
		look(path); \
		show(#statement, before_, n_); \
	} while (0)

static void show(const char *text, const long *before, long own)
{
	/* Lines that were printed meanwhile are writes; so nothing is. */
	dprintf(1, "%s: %ld bytes read, %ld written, %ld reads, %ld writes\n", text, counts[0] - before[0] - own, counts[1] - before[1],
		counts[2] - before[2] - 1, counts[3] - before[3]);
}

static char buffer[1000];
static int zero, null, file, p[2], pair[2];

static void *in_thread(void *unused)
{
	read(zero, buffer, 100);
	read(zero, buffer, 100);
	return unused;
}

static void thread(void)
{
	pthread_t other;
	pthread_create(&other, NULL, in_thread, NULL);
	pthread_join(other, NULL);
}

static void child(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		read(zero, buffer, 100);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int main(void)
{
	struct iovec two[2] = { { buffer, 10 }, { buffer, 20 } };
	off_t start = 0;
	loff_t from = 0, to = 500;
	zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(pipe2(p, O_NONBLOCK) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	ADDS("/proc/self/io", );
	ADDS("/proc/self/io", read(zero, buffer, 100));
	ADDS("/proc/self/io", readv(zero, two, 2));
	ADDS("/proc/self/io", write(null, buffer, 50));
	ADDS("/proc/self/io", writev(null, two, 2));
	ADDS("/proc/self/io", pwrite(file, buffer, 300, 0));
	ADDS("/proc/self/io", pread(file, buffer, 1000, 0));
	ADDS("/proc/self/io", read(file, buffer, 0));
	ADDS("/proc/self/io", read(p[0], buffer, 10));
	ADDS("/proc/self/io", write(p[1], buffer, 10); read(p[0], buffer, 100));
	ADDS("/proc/self/io", read(-1, buffer, 10));
	ADDS("/proc/self/io", send(pair[0], buffer, 10, 0); recv(pair[1], buffer, 10, 0));
	ADDS("/proc/self/io", write(pair[0], buffer, 10); read(pair[1], buffer, 10));
	ADDS("/proc/self/io", sendfile(p[1], file, &start, 200); read(p[0], buffer, 1000));
	ADDS("/proc/self/io", copy_file_range(file, &from, file, &to, 100, 0));
	ADDS("/proc/self/io", thread());
	ADDS("/proc/thread-self/io", thread());
	ADDS("/proc/self/io", child());
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/io", getppid());
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); snprintf(path, sizeof path, "/proc/%d/io", getppid());
		 EXPECT_ERRNO(open, EACCES, path, O_RDONLY, 0));
	return 0;
}
