/* SPDX-License-Identifier: MPL-2.0 */
/* What does a process cost: fork, exit and wait; and with an exec of a static program between? */
#define _GNU_SOURCE
#include "harness.h"

#include <unistd.h>

static int fork_n(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || wait_for(pid) < 0)
			return -1;
	}
	return 0;
}

static int exec_n(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl(program_path, program_path, "--exit", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || wait_for(pid) < 0)
			return -1;
	}
	return 0;
}

const struct row process_rows[] = {
	{ "fork_exit_wait", NULL, fork_n, NULL },
	{ "fork_exec_wait", NULL, exec_n, NULL },
	{ 0 },
};
