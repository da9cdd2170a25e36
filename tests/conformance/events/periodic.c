/* SPDX-License-Identifier: MPL-2.0 */
/* Timers of very short periods: overrun counts what is not seen, and the program goes on however short the period. */
#include "../show.h"
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int seen;

static void count(int signo)
{
	seen++;
}


int main(void)
{
	struct sigaction action = { .sa_handler = count };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec period = { { 0, 100000 }, { 0, 100000 } }, left;
	struct itimerval interval = { { 0, 100 }, { 0, 100 } };
	timer_t timer;
	siginfo_t info;
	sigset_t set;
	int first;

	sigaction(SIGALRM, &action, 0);
	sigaction(SIGRTMIN, &action, 0);
	VALUE(setitimer(ITIMER_REAL, &interval, 0));
	while (seen < 20)
		;
	interval = (struct itimerval){ 0 };
	VALUE(setitimer(ITIMER_REAL, &interval, 0));
	first = seen;
	usleep(20000);
	VALUE(seen - first <= 1);

	/* While it is blocked the periods add up. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, 0);
	VALUE(timer_create(CLOCK_MONOTONIC, &event, &timer));
	VALUE(timer_settime(timer, 0, &period, 0));
	usleep(50000);
	VALUE(timer_gettime(timer, &left));
	VALUE(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 100000);
	VALUE(sigwaitinfo(&set, &info) == SIGRTMIN);
	VALUE(info.si_code == SI_TIMER && info.si_overrun > 400);
	VALUE(timer_getoverrun(timer) == info.si_overrun);
	VALUE(sigwaitinfo(&set, &info) == SIGRTMIN);
	VALUE(info.si_code == SI_TIMER);

	/* Signals that are discarded, or ignored, do not end it. */
	signal(SIGRTMIN, SIG_IGN);
	usleep(10000);
	VALUE(sigpending(&set) + sigismember(&set, SIGRTMIN));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	usleep(10000);
	seen = 0;
	sigaction(SIGRTMIN, &action, 0);
	usleep(200000);
	usleep(200000);
	VALUE(seen > 0);
	VALUE(timer_delete(timer));

	/* Without a signal it only shows what is left. */
	event.sigev_notify = SIGEV_NONE;
	VALUE(timer_create(CLOCK_MONOTONIC, &event, &timer));
	VALUE(timer_settime(timer, 0, &period, 0));
	usleep(1000);
	VALUE(timer_gettime(timer, &left));
	VALUE(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 100000);
	period.it_interval.tv_nsec = 0;
	VALUE(timer_settime(timer, 0, &period, 0));
	usleep(1000);
	VALUE(timer_gettime(timer, &left));
	VALUE(left.it_value.tv_nsec);
	VALUE(timer_delete(timer));

	return 0;
}
