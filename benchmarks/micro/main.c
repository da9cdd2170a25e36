/* SPDX-License-Identifier: MPL-2.0 */
/*
 * micro [--ms N] [--samples N] [--dir DIR] [GROUP...]
 *
 * Measures every row of the named groups (all if none is named). One line a sample on standard output:
 *     KEY NANOSECONDS_PER_OPERATION
 * or  KEY skip ERRNO_NAME        the environment refuses it, or it took longer than GUARD_S
 *
 * The number of operations of a sample is found by doubling until a trial takes a quarter of N ms, so that slow and fast kernels run
 * the same program. gcc -O2 -static -pthread
 */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD_S 20

static const struct group {
	const char *name;
	const struct row *rows;
} groups[] = {
	{ "calls", call_rows },	    { "files", file_rows },   { "ipc", ipc_rows },	     { "threads", thread_rows },
	{ "signals", signal_rows }, { "memory", memory_rows }, { "processes", process_rows }, { "compute", compute_rows },
};
#define GROUPS (sizeof groups / sizeof groups[0])

char *program_path;
char scratch_path[PATH_MAX];
char *chunk;
static long sample_ns = 20000000;
static int samples = 3;

int refuse(int code)
{
	errno = code;
	return -1;
}

int wait_for(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : refuse(ECHILD);
}

static double timed(const struct row *row, long n)
{
	struct timespec a, b;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &a);
	if (row->repeat(n) < 0)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &b);
	ns = (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec);
	return ns < 1 ? 1 : ns;
}

static int measure(const struct row *row)
{
	double ns;
	long n = 1;

	while ((ns = timed(row, n)) >= 0 && ns < sample_ns / 4.0 && n < LONG_MAX / 4)
		n *= 2;
	if (ns < 0)
		return -1;
	n = n * (sample_ns / ns);
	if (n < 1)
		n = 1;
	for (int i = 0; i < samples; i++) {
		if ((ns = timed(row, n)) < 0)
			return -1;
		printf("%s %.1f\n", row->key, ns / n);
		fflush(stdout);
	}
	return 0;
}

/* In the row's process. */
static void run_here(const struct row *row)
{
	int error = 0;

	errno = 0;
	if ((row->prepare && row->prepare() < 0) || measure(row) < 0)
		error = errno ? errno : EIO;
	if (row->finish)
		row->finish();
	unlink(scratch_path);
	if (error)
		printf("%s skip %s\n", row->key, strerrorname_np(error));
	fflush(stdout);
}

static void nothing(int signo)
{
	(void)signo;
}

static void run(const struct row *row)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		run_here(row);
		_exit(0);
	}
	if (pid < 0) {
		printf("%s skip %s\n", row->key, strerrorname_np(errno));
		return;
	}
	alarm(GUARD_S);
	if (waitpid(pid, NULL, 0) < 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		printf("%s skip ETIMEDOUT\n", row->key);
	}
	alarm(0);
	fflush(stdout);
}

static int is_wanted(int argc, char **argv, const char *name)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc == 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = nothing };
	const char *dir = "/tmp";
	int i = 1;

	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		return 0;	/* the program that the exec row executes */
	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--ms") == 0)
			sample_ns = atol(argv[i + 1]) * 1000000;
		else if (strcmp(argv[i], "--samples") == 0)
			samples = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--dir") == 0)
			dir = argv[i + 1];
		else
			break;
	}
	if (sample_ns <= 0 || samples <= 0 || (i < argc && argv[i][0] == '-')) {
		fprintf(stderr, "usage: micro [--ms N] [--samples N] [--dir DIR] [GROUP...]\n");
		return 2;
	}
	program_path = realpath(argv[0], NULL);
	snprintf(scratch_path, sizeof scratch_path, "%s/micro.%d", dir, (int)getpid());
	chunk = malloc(CHUNK);
	if (!program_path || !chunk)
		return 1;
	memset(chunk, 'x', CHUNK);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &action, NULL);
	for (size_t g = 0; g < GROUPS; g++)
		if (is_wanted(argc - i, argv + i, groups[g].name))
			for (const struct row *row = groups[g].rows; row->key; row++)
				run(row);
	return 0;
}
