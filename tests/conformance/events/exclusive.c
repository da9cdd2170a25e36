/* SPDX-License-Identifier: MPL-2.0 */
/* EPOLLEXCLUSIVE: of several epolls that watch one file, with waiters, one event wakes one; those without nobody waits in are passed over. */
#include "../show.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NR 4

static int epolls[NR], event, nr_woken, nr_waiting;

static void *wait_for_it(void *index)
{
	struct epoll_event found;

	__sync_fetch_and_add(&nr_waiting, 1);
	if (epoll_wait(epolls[(long)index], &found, 1, 300) == 1)
		__sync_fetch_and_add(&nr_woken, 1);
	return 0;
}

static void round_of(int first, unsigned flags)
{
	pthread_t threads[NR];

	event = eventfd(0, EFD_NONBLOCK);
	nr_woken = nr_waiting = 0;
	for (int i = 0; i < NR; i++) {
		struct epoll_event wanted = { EPOLLIN | flags };
		epolls[i] = epoll_create1(0);
		epoll_ctl(epolls[i], EPOLL_CTL_ADD, event, &wanted);
	}
	for (long i = first; i < NR; i++)
		pthread_create(&threads[i], 0, wait_for_it, (void *)i);
	while (nr_waiting < NR - first)
		usleep(1000);
	usleep(50000);
	eventfd_write(event, 1);
	for (int i = first; i < NR; i++)
		pthread_join(threads[i], 0);
	printf("%d of %d woken\n", nr_woken, NR - first);
	for (int i = 0; i < NR; i++)
		close(epolls[i]);
	close(event);
}

int main(void)
{
	struct epoll_event wanted = { EPOLLIN | EPOLLEXCLUSIVE };

	setvbuf(stdout, 0, _IOLBF, 0);
	round_of(0, 0);
	round_of(0, EPOLLEXCLUSIVE | EPOLLET);
	round_of(2, EPOLLEXCLUSIVE | EPOLLET);
	int outer = epoll_create1(0), inner = epoll_create1(0), file = eventfd(0, 0);
	VALUE(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &wanted));
	VALUE(epoll_ctl(outer, EPOLL_CTL_ADD, file, &wanted));
	VALUE(epoll_ctl(outer, EPOLL_CTL_MOD, file, &wanted));
	wanted.events = EPOLLIN;
	VALUE(epoll_ctl(outer, EPOLL_CTL_MOD, file, &wanted));
	VALUE(epoll_ctl(outer, EPOLL_CTL_DEL, file, &wanted));
	wanted.events = EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE;
	VALUE(epoll_ctl(outer, EPOLL_CTL_ADD, file, &wanted));
	return 0;
}
