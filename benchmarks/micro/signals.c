/* SPDX-License-Identifier: MPL-2.0 */
/* What does a signal cost: to install a handler, to send one to oneself and handle it? */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t arrived;

static void count(int signo)
{
	(void)signo;
	arrived++;
}

static int sigaction_n(long n)
{
	struct sigaction action = { .sa_handler = count };

	for (long i = 0; i < n; i++)
		if (sigaction(SIGUSR1, &action, NULL) < 0)
			return -1;
	return 0;
}

static int install(void)
{
	return sigaction_n(1);
}

static int signal_n(long n)
{
	pid_t self = getpid();

	arrived = 0;
	for (long i = 0; i < n; i++)
		if (kill(self, SIGUSR1) < 0)
			return -1;
	return arrived == n ? 0 : refuse(EINTR);
}

const struct row signal_rows[] = {
	{ "signal_self", install, signal_n, NULL },
	{ "sigaction", NULL, sigaction_n, NULL },
	{ 0 },
};
