/* SPDX-License-Identifier: MPL-2.0 */
/* Clocks, sleeping, timers of all kinds: which clocks, times and addresses are refused. */
#include "../expect.h"
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#define NO_CLOCK 77
#define CPU_CLOCK(pid) (~(pid) << 3 | 2)

static struct timespec past = { -1, 0 }, denormal = { 0, 1000000000 }, soon = { 0, 1000000 }, late = { 100, 0 };
static struct itimerspec spec, bad_spec = { { 0, 0 }, { 0, -1 } };
static struct itimerval bad_value = { { 0, 0 }, { 0, 1000000 } }, value, often = { { 0, 20000 }, { 0, 20000 } }, never;

static void on_signal(int signo)
{
	(void)signo;
}

int main(void)
{
	struct timespec ts;
	struct timeval tv = { 0, 1000000 };
	struct timex tx = { 0 };
	int id = 0;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGALRM, &action, NULL);
	sigset_t none;
	sigemptyset(&none);

	EXPECT_ERRNO(clock_gettime, EINVAL, NO_CLOCK, &ts);
	EXPECT_ERRNO(clock_gettime, EINVAL, 10, &ts);
	EXPECT_ERRNO(clock_gettime, EINVAL, CPU_CLOCK(999999), &ts);
	EXPECT_ERRNO(clock_gettime, EINVAL, CPU_CLOCK(1) | 4, &ts);
	EXPECT_OK(clock_gettime, CPU_CLOCK(1), &ts);
	EXPECT_OK(clock_gettime, CPU_CLOCK(0), &ts);
	EXPECT_ERRNO(clock_gettime, EFAULT, CLOCK_REALTIME, BAD);
	EXPECT_ERRNO(clock_getres, EINVAL, NO_CLOCK, &ts);
	EXPECT_ERRNO(clock_getres, EFAULT, CLOCK_REALTIME, BAD);
	EXPECT_IS(0, clock_getres, CLOCK_MONOTONIC, NULL);
	EXPECT_ERRNO(gettimeofday, EFAULT, BAD, NULL);
	EXPECT_ERRNO(gettimeofday, EFAULT, NULL, BAD);
	EXPECT_ERRNO(time, EFAULT, BAD);

	BE_NOBODY();
	EXPECT_ERRNO(clock_settime, EINVAL, NO_CLOCK, &ts);
	EXPECT_ERRNO(clock_settime, EINVAL, NO_CLOCK, BAD);
	EXPECT_ERRNO(clock_settime, EINVAL, CLOCK_MONOTONIC, &ts);
	EXPECT_ERRNO(clock_settime, EINVAL, CLOCK_REALTIME, &denormal);
	EXPECT_ERRNO(clock_settime, EINVAL, CLOCK_REALTIME, &past);
	EXPECT_ERRNO(clock_settime, EFAULT, CLOCK_REALTIME, BAD);
	EXPECT_ERRNO(clock_settime, EPERM, CLOCK_REALTIME, &late);
	EXPECT_ERRNO(clock_settime, EPERM, CPU_CLOCK(0), &late);
	EXPECT_ERRNO(settimeofday, EFAULT, BAD, NULL);
	EXPECT_ERRNO(settimeofday, EFAULT, NULL, BAD);
	tv.tv_usec = 2000000;
	EXPECT_ERRNO(settimeofday, EINVAL, &tv, NULL);
	tv.tv_usec = 0;
	EXPECT_ERRNO(settimeofday, EPERM, &tv, NULL);
	EXPECT_ERRNO(adjtimex, EFAULT, BAD);
	EXPECT(CALL(adjtimex, &tx) >= 0);
	tx.modes = ADJ_FREQUENCY;
	EXPECT_ERRNO(adjtimex, EPERM, &tx);
	tx.modes = 0x8000;
	EXPECT_ERRNO(adjtimex, EINVAL, &tx);
	tx.modes = ADJ_OFFSET_SINGLESHOT;
	EXPECT_ERRNO(adjtimex, EPERM, &tx);
	EXPECT_ERRNO(clock_adjtime, EPERM, CLOCK_REALTIME, &tx);
	tx.modes = 0x8000;
	EXPECT_ERRNO(clock_adjtime, EINVAL, CLOCK_REALTIME, &tx);
	EXPECT_ERRNO(clock_adjtime, EINVAL, NO_CLOCK, &tx);
	EXPECT_ERRNO(clock_adjtime, EOPNOTSUPP, CLOCK_MONOTONIC, &tx);
	EXPECT_ERRNO(clock_adjtime, EOPNOTSUPP, CPU_CLOCK(0), &tx);
	EXPECT_ERRNO(clock_adjtime, EFAULT, NO_CLOCK, BAD);
	EXPECT_ERRNO(timerfd_create, EPERM, CLOCK_REALTIME_ALARM, 0);
	BE_ROOT();

	EXPECT_ERRNO(nanosleep, EINVAL, &past, NULL);
	EXPECT_ERRNO(nanosleep, EINVAL, &denormal, NULL);
	EXPECT_ERRNO(nanosleep, EFAULT, BAD, NULL);
	EXPECT_IS(0, nanosleep, &soon, NULL);
	EXPECT_ERRNO(clock_nanosleep, EINVAL, NO_CLOCK, 0, &soon, NULL);
	EXPECT_ERRNO(clock_nanosleep, EINVAL, CLOCK_MONOTONIC, 0, &denormal, NULL);
	EXPECT_ERRNO(clock_nanosleep, EINVAL, CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL);
	EXPECT_ERRNO(clock_nanosleep, EFAULT, CLOCK_MONOTONIC, 0, BAD, NULL);
	EXPECT_ERRNO(clock_nanosleep, EOPNOTSUPP, CLOCK_MONOTONIC_RAW, 0, &soon, NULL);
	EXPECT_ERRNO(clock_nanosleep, EOPNOTSUPP, CLOCK_REALTIME_COARSE, 0, &soon, NULL);
	EXPECT_ERRNO(clock_nanosleep, EOPNOTSUPP, CLOCK_THREAD_CPUTIME_ID, 0, &soon, NULL);
	EXPECT_IS(0, clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &soon, NULL);
	EXPECT_ERRNO(getitimer, EINVAL, 3, &value);
	EXPECT_ERRNO(getitimer, EFAULT, ITIMER_REAL, BAD);
	EXPECT_ERRNO(setitimer, EINVAL, 3, &value, NULL);
	EXPECT_ERRNO(setitimer, EINVAL, ITIMER_REAL, &bad_value, NULL);
	EXPECT_ERRNO(setitimer, EFAULT, ITIMER_REAL, BAD, NULL);
	EXPECT_ERRNO(setitimer, EFAULT, ITIMER_REAL, &never, BAD);
	EXPECT_IS(0, setitimer, ITIMER_REAL, &often, NULL);
	EXPECT_ERRNO(nanosleep, EINTR, &late, &ts);
	EXPECT(ts.tv_sec == 99);
	EXPECT_ERRNO(nanosleep, EFAULT, &late, BAD);
	EXPECT_ERRNO(clock_nanosleep, EINTR, CLOCK_REALTIME, 0, &late, &ts);
	EXPECT_ERRNO(clock_nanosleep, EFAULT, CLOCK_REALTIME, 0, &late, BAD);
	EXPECT_IS(0, setitimer, ITIMER_REAL, &never, NULL);
	EXPECT_IS(0, alarm, 10);
	EXPECT_IS(10, alarm, 0);

	EXPECT_ERRNO(timer_create, EINVAL, NO_CLOCK, &event, &id);
	EXPECT_ERRNO(timer_create, EOPNOTSUPP, CLOCK_MONOTONIC_RAW, &event, &id);
	EXPECT_ERRNO(timer_create, EFAULT, CLOCK_MONOTONIC, BAD, &id);
	EXPECT_ERRNO(timer_create, EFAULT, CLOCK_MONOTONIC, &event, BAD);
	event.sigev_signo = 65;
	EXPECT_ERRNO(timer_create, EINVAL, CLOCK_MONOTONIC, &event, &id);
	event.sigev_signo = SIGALRM;
	event.sigev_notify = 77;
	EXPECT_ERRNO(timer_create, EINVAL, CLOCK_MONOTONIC, &event, &id);
	event.sigev_notify = SIGEV_THREAD_ID;
	EXPECT_ERRNO(timer_create, EINVAL, CLOCK_MONOTONIC, &event, &id);
	event.sigev_notify = SIGEV_SIGNAL;
	IN_CHILD(WITH_LIMIT(RLIMIT_SIGPENDING, 0, EXPECT_ERRNO(timer_create, EAGAIN, CLOCK_MONOTONIC, &event, &id)));
	EXPECT_ERRNO(timer_settime, EINVAL, 9999, 0, &spec, NULL);
	EXPECT_ERRNO(timer_gettime, EINVAL, 9999, &spec);
	EXPECT_ERRNO(timer_getoverrun, EINVAL, 9999);
	EXPECT_ERRNO(timer_delete, EINVAL, 9999);
	EXPECT_OK(timer_create, CLOCK_MONOTONIC, &event, &id);
	EXPECT_ERRNO(timer_settime, EINVAL, id, 0, &bad_spec, NULL);
	EXPECT_ERRNO(timer_settime, EINVAL, id, 0, NULL, NULL);
	EXPECT_ERRNO(timer_settime, EFAULT, id, 0, BAD, NULL);
	EXPECT_ERRNO(timer_settime, EFAULT, id, 0, &spec, BAD);
	EXPECT_ERRNO(timer_gettime, EFAULT, id, BAD);
	EXPECT_IS(0, timer_getoverrun, id);
	EXPECT_IS(0, timer_delete, id);
	EXPECT_ERRNO(timer_delete, EINVAL, id);

	EXPECT_ERRNO(timerfd_create, EINVAL, CLOCK_MONOTONIC_RAW, 0);
	EXPECT_ERRNO(timerfd_create, EINVAL, CLOCK_MONOTONIC, 4);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(timerfd_create, EMFILE, CLOCK_MONOTONIC, 0));
	int fd = EXPECT_OK(timerfd_create, CLOCK_MONOTONIC, 0);
	EXPECT_ERRNO(timerfd_settime, EBADF, 999, 0, &spec, NULL);
	EXPECT_ERRNO(timerfd_settime, EINVAL, 1, 0, &spec, NULL);
	EXPECT_ERRNO(timerfd_settime, EINVAL, fd, 8, &spec, NULL);
	EXPECT_ERRNO(timerfd_settime, EINVAL, fd, 0, &bad_spec, NULL);
	EXPECT_ERRNO(timerfd_settime, EFAULT, fd, 0, BAD, NULL);
	EXPECT_ERRNO(timerfd_settime, EFAULT, fd, 0, &spec, BAD);
	EXPECT_ERRNO(timerfd_gettime, EBADF, 999, &spec);
	EXPECT_ERRNO(timerfd_gettime, EINVAL, 1, &spec);
	EXPECT_ERRNO(timerfd_gettime, EFAULT, fd, BAD);
	return 0;
}
