/* SPDX-License-Identifier: MPL-2.0 */
/* Futexes as glibc uses them: mutexes (plain, robust, priority-inheriting), conditions, barriers, semaphores, between
 * threads and between processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter;
static int is_open;

static void *lock_and_die(void *lock)
{
	pthread_mutex_lock(lock);
	return 0;
}

static void *count(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void *wait_for_it(void *unused)
{
	pthread_mutex_lock(&mutex);
	while (!is_open)
		pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	pthread_barrier_wait(&barrier);
	return unused;
}

static void make_mutex(pthread_mutex_t *lock, int protocol, int robust, int shared)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutexattr_setpshared(&attributes, shared);
	pthread_mutex_init(lock, &attributes);
}

static void threads(int protocol)
{
	pthread_t thread[5];
	pthread_mutex_t lock;

	make_mutex(&lock, protocol, PTHREAD_MUTEX_ROBUST, 0);
	pthread_create(thread, 0, lock_and_die, &lock);
	pthread_join(thread[0], 0);
	printf("abandoned: %s\n", strerror(pthread_mutex_lock(&lock)));
	printf("consistent %d, unlock %d\n", pthread_mutex_consistent(&lock), pthread_mutex_unlock(&lock));

	make_mutex(&mutex, protocol, PTHREAD_MUTEX_STALLED, 0);
	counter = is_open = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(thread + i, 0, count, 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], 0);
	printf("counter %ld\n", counter);

	pthread_barrier_init(&barrier, 0, 6);
	for (int i = 0; i < 5; i++)
		pthread_create(thread + i, 0, wait_for_it, 0);
	usleep(10000);
	pthread_mutex_lock(&mutex);
	is_open = 1;
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&mutex);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 5; i++)
		pthread_join(thread[i], 0);
	puts("all through");
}

static void times(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 20000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	make_mutex(&mutex, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
	pthread_mutex_lock(&mutex);
	printf("timed wait: %s\n", strerror(pthread_cond_timedwait(&condition, &mutex, &end)));
	printf("timed lock: %s\n", strerror(pthread_mutex_timedlock(&mutex, &end)));
}

static void processes(void)
{
	struct {
		sem_t semaphore;
		pthread_mutex_t lock;
	} *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec now;
	int status;

	sem_init(&shared->semaphore, 1, 0);
	make_mutex(&shared->lock, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST, 1);
	if (fork() == 0) {
		pthread_mutex_lock(&shared->lock);
		sem_post(&shared->semaphore);
		usleep(30000);
		_exit(3);
	}
	sem_wait(&shared->semaphore);
	printf("shared, abandoned: %s\n", strerror(pthread_mutex_lock(&shared->lock)));
	wait(&status);
	printf("child %d\n", WEXITSTATUS(status));
	clock_gettime(CLOCK_REALTIME, &now);
	status = sem_timedwait(&shared->semaphore, &now);
	printf("semaphore %d %s\n", status, strerror(errno));
}

int main(void)
{
	threads(PTHREAD_PRIO_NONE);
	threads(PTHREAD_PRIO_INHERIT);
	times();
	processes();
	return 0;
}
