/* SPDX-License-Identifier: MPL-2.0 */
/* What do threads cost: to make one and join it, to hand over to another by futex? */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OURS, THEIRS };
static atomic_int turn = OURS;	/* whose turn it is; each side sleeps until it is its own */
static pthread_t partner;

static void give_turn(int to)
{
	atomic_store(&turn, to);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await_turn(int mine)
{
	while (atomic_load(&turn) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, mine == OURS ? THEIRS : OURS, NULL, NULL, 0);
}

static void *play(void *nothing)
{
	for (;;) {
		await_turn(THEIRS);
		give_turn(OURS);
	}
	return nothing;
}

static int start_partner(void)
{
	int error = pthread_create(&partner, NULL, play, NULL);

	return error ? refuse(error) : 0;
}

static int futex_n(long n)
{
	for (long i = 0; i < n; i++) {
		give_turn(THEIRS);
		await_turn(OURS);
	}
	return 0;
}

static void *do_nothing(void *nothing)
{
	return nothing;
}

static int thread_n(long n)
{
	for (long i = 0; i < n; i++) {
		pthread_t thread;
		int error = pthread_create(&thread, NULL, do_nothing, NULL);

		if (error)
			return refuse(error);
		pthread_join(thread, NULL);
	}
	return 0;
}

const struct row thread_rows[] = {
	{ "futex_ping_pong", start_partner, futex_n, NULL },
	{ "thread_create_join", NULL, thread_n, NULL },
	{ 0 },
};
