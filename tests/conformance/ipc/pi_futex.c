/* SPDX-License-Identifier: MPL-2.0 */
/* Priority-inheritance futexes by their raw calls: hand-over by priority, circles, requeueing from a condition, every errno. */
#include "../show.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint32_t lock, other, condition;
static int order[4], nr_order, results[4];

static long futex(uint32_t *word, int op, uint32_t val, void *timeout, uint32_t *word2, uint32_t val3)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, timeout, word2, val3);
}

static uint32_t self(void)
{
	return syscall(SYS_gettid);
}

static void wait_for_sleepers(int count)
{
	usleep(30000 * count);
}

static void *take(void *priority)
{
	struct sched_param param = { (int)(long)priority };

	if (param.sched_priority && pthread_setschedparam(pthread_self(), SCHED_FIFO, &param))
		printf("no priority\n");
	results[nr_order] = futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0);
	order[nr_order++] = param.sched_priority;
	futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	return 0;
}

static void by_priority(void)
{
	pthread_t threads[4];
	long priorities[4] = { 0, 10, 30, 20 };

	VALUE(futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0));
	for (int i = 0; i < 4; i++) {
		pthread_create(&threads[i], 0, take, (void *)priorities[i]);
		wait_for_sleepers(1);
	}
	VALUE(lock == (self() | FUTEX_WAITERS));
	VALUE(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], 0);
	printf("order %d %d %d %d\n", order[0], order[1], order[2], order[3]);
	VALUE(lock);
}

static void *hold_other(void *unused)
{
	futex(&other, FUTEX_LOCK_PI, 0, 0, 0, 0);
	results[0] = futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0);
	futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	futex(&other, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	return 0;
}

static void circle(void)
{
	pthread_t thread;
	struct timespec past = { 1, 0 };

	VALUE(futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&lock, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
	pthread_create(&thread, 0, hold_other, 0);
	wait_for_sleepers(2);
	VALUE(futex(&other, FUTEX_LOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&other, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&other, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	pthread_join(thread, 0);
	VALUE(results[0]);
	VALUE(futex(&other, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	other = 999999;
	VALUE(futex(&other, FUTEX_LOCK_PI, 0, &past, 0, 0));
	other = 0;
	VALUE(futex((uint32_t *)((char *)&lock + 1), FUTEX_LOCK_PI, 0, 0, 0, 0));
	VALUE(futex((uint32_t *)8, FUTEX_LOCK_PI, 0, 0, 0, 0));
}

static void *wait_and_hold(void *index)
{
	long i = (long)index;

	results[i] = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, 0, &lock, 0);
	if (results[i] == 0) {
		results[i] = (lock & FUTEX_TID_MASK) == self();
		futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	}
	return 0;
}

static void requeue(int is_held)
{
	pthread_t threads[3];

	memset(results, 77, sizeof results);
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], 0, wait_and_hold, (void *)i);
	wait_for_sleepers(3);
	VALUE(futex(&condition, FUTEX_WAKE, 1, 0, 0, 0));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE, 1, (void *)3L, &lock, 0));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)3L, &other, 0));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 2, (void *)3L, &lock, 0));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)3L, &lock, 5));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)3L, &condition, 0));
	if (is_held)
		VALUE(futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0));
	VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)3L, &lock, 0));
	if (is_held)
		VALUE(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], 0);
	printf("held when woken: %d %d %d; word %x\n", results[0], results[1], results[2], lock);
}

static volatile int nr_handled;

static void on_signal(int signo)
{
	(void)signo;
	nr_handled++;
}

static void *lock_and_leave(void *op)
{
	results[0] = futex(&lock, (long)op, 0, 0, 0, 0);
	futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
	return 0;
}

/* A handler without SA_RESTART ends other waits with EINTR; these go on waiting. */
static void signals_only_restart(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	long ops[] = { FUTEX_LOCK_PI, FUTEX_LOCK_PI2, 0 };
	pthread_t thread;

	sigaction(SIGUSR1, &action, 0);
	for (int i = 0; i < 3; i++) {
		results[0] = 77;
		nr_handled = 0;
		if (ops[i])
			VALUE(futex(&lock, FUTEX_LOCK_PI, 0, 0, 0, 0));
		pthread_create(&thread, 0, ops[i] ? lock_and_leave : wait_and_hold, (void *)ops[i]);
		wait_for_sleepers(1);
		pthread_kill(thread, SIGUSR1);
		wait_for_sleepers(1);
		printf("handled %d, result %d\n", nr_handled, results[0]);
		if (ops[i])
			VALUE(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
		else
			VALUE(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, &lock, 0));
		pthread_join(thread, 0);
		printf("result %d; word %x\n", results[0], lock);
	}
}

int main(void)
{
	struct timespec soon;

	setvbuf(stdout, 0, _IOLBF, 0);
	by_priority();
	circle();
	requeue(1);
	requeue(0);
	signals_only_restart();
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec = (soon.tv_nsec + 30000000) % 1000000000;
	VALUE(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, 0, &lock, 0));
	VALUE(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, 0, &condition, 0));
	soon.tv_sec--;
	VALUE(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &lock, 0));
	VALUE(syscall(SYS_futex, &condition, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0));
	VALUE(syscall(SYS_futex, &condition, FUTEX_FD, 1, 0, 0, 0));
	return 0;
}
