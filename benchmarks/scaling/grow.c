/* SPDX-License-Identifier: MPL-2.0 */
/*
 * grow KIND N: makes N of KIND, uses each, removes all; prints how many nanoseconds that took in all, or `skip ERRNO_NAME`.
 *
 * KIND: processes (that wait to be told to end), threads (likewise), files (of one directory below /tmp), mappings (of one page, each
 * apart from its neighbours), descriptors (each polled once with all others).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L

static int gate[2];	/* a pipe; whoever reads it goes on when its writing end is closed */

static void pass_gate(void)
{
	char byte;

	while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
		;
}

static int grow_processes(long n)
{
	pid_t *pids = malloc(n * sizeof *pids);
	int status;

	if (!pids || pipe(gate) < 0)
		return -1;
	for (long i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(gate[1]);
			pass_gate();
			_exit(0);
		}
		if (pids[i] < 0) {
			int error = errno;

			close(gate[1]);
			while (i-- > 0)
				waitpid(pids[i], &status, 0);
			errno = error;
			return -1;
		}
	}
	close(gate[1]);
	for (long i = 0; i < n; i++)
		if (waitpid(pids[i], &status, 0) < 0 || status)
			return -1;
	return 0;
}

static void *thread(void *nothing)
{
	pass_gate();
	return nothing;
}

static int grow_threads(long n)
{
	pthread_t *threads = malloc(n * sizeof *threads);
	pthread_attr_t attr;

	if (!threads || pipe(gate) < 0)
		return -1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (long i = 0; i < n; i++) {
		errno = pthread_create(&threads[i], &attr, thread, NULL);
		if (errno)
			return -1;
	}
	close(gate[1]);
	for (long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int grow_files(long n)
{
	char dir[] = "/tmp/grow.XXXXXX", name[32];
	long listed = 0;
	struct stat st;
	DIR *all;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	for (long i = 0; i < n; i++) {
		int fd;

		snprintf(name, sizeof name, "file%ld", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			return -1;
		close(fd);
	}
	for (long i = n; i-- > 0;) {
		snprintf(name, sizeof name, "file%ld", i);
		if (stat(name, &st) < 0)
			return -1;
	}
	all = opendir(".");
	while (all && readdir(all))
		listed++;
	if (!all || closedir(all) < 0 || listed != n + 2)
		return -1;
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof name, "file%ld", i);
		if (unlink(name) < 0)
			return -1;
	}
	return chdir("/") < 0 ? -1 : rmdir(dir);
}

static int grow_mappings(long n)
{
	char **pages = malloc(n * sizeof *pages);
	char *area = mmap(NULL, 2 * n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!pages || area == MAP_FAILED)
		return -1;
	for (long i = 0; i < n; i++) {
		pages[i] = mmap(area + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (pages[i] == MAP_FAILED)
			return -1;
		*(volatile char *)pages[i] = 1;
	}
	for (long i = 0; i < n; i++)
		if (munmap(pages[i], PAGE) < 0)
			return -1;
	return munmap(area, 2 * n * PAGE);
}

static int grow_descriptors(long n)
{
	struct pollfd *fds = malloc(n * sizeof *fds);
	struct rlimit limit;

	if (!fds || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (long i = 0; i < n; i++) {
		fds[i].fd = open("/dev/null", O_WRONLY);
		fds[i].events = POLLOUT;
		if (fds[i].fd < 0)
			return -1;
	}
	if (poll(fds, n, 0) != n)
		return -1;
	for (long i = 0; i < n; i++)
		if (close(fds[i].fd) < 0)
			return -1;
	return 0;
}

static const struct kind {
	const char *name;
	int (*grow)(long n);
} kinds[] = {
	{ "processes", grow_processes }, { "threads", grow_threads },	      { "files", grow_files },
	{ "mappings", grow_mappings },	 { "descriptors", grow_descriptors },
};

int main(int argc, char **argv)
{
	struct timespec a, b;

	for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		errno = 0;
		clock_gettime(CLOCK_MONOTONIC, &a);
		if (kinds[i].grow(atol(argv[2])) < 0) {
			printf("skip %s\n", strerrorname_np(errno ? errno : EIO));
			return 1;
		}
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("%.0f\n", (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec));
		return 0;
	}
	fprintf(stderr, "usage: grow processes|threads|files|mappings|descriptors N\n");
	return 2;
}
