/* SPDX-License-Identifier: MPL-2.0 */
/* POSIX message queues: priorities, full and empty queues, time limits, notification by signal and thread, poll, and every errno. */
#include "../show.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char name[32], text[8192];
static mqd_t queue;
static unsigned priority;
static sem_t told;

static void attributes(const char *when)
{
	struct mq_attr attr;

	mq_getattr(queue, &attr);
	printf("%s: flags %lo maxmsg %ld msgsize %ld curmsgs %ld\n", when, attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
}

static void receive(void)
{
	errno = 0;
	long n = mq_receive(queue, text, sizeof text, &priority);
	printf("received %ld %.*s priority %u %s\n", n, n > 0 ? (int)n : 0, text, n < 0 ? 0 : priority, n < 0 ? strerrorname_np(errno) : "");
}

static void opening(void)
{
	struct mq_attr small = { .mq_maxmsg = 3, .mq_msgsize = 100 }, bad = { .mq_maxmsg = 0, .mq_msgsize = 1 };
	char longer[300];

	memset(longer, 'x', sizeof longer - 1);
	longer[0] = '/';
	longer[299] = 0;
	VALUE(mq_open(name, O_RDWR));
	VALUE(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
	bad = (struct mq_attr){ .mq_maxmsg = 1, .mq_msgsize = 20 << 20 };
	VALUE(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
	VALUE(mq_open("/a/b", O_RDWR | O_CREAT, 0600, 0));
	VALUE(mq_open("/", O_RDWR | O_CREAT, 0600, 0));
	VALUE(mq_open("/..", O_RDWR | O_CREAT, 0600, 0));
	VALUE(mq_open("noslash", O_RDWR | O_CREAT, 0600, 0));
	VALUE(mq_open(longer, O_RDWR | O_CREAT, 0600, 0));
	VALUE(syscall(SYS_mq_open, 8L, O_RDWR, 0, 0));
	VALUE(syscall(SYS_mq_open, "q", O_RDWR | O_CREAT, 0600, 8L));
	umask(022);
	queue = DONE(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0666, &small));
	VALUE(fcntl(queue, F_GETFD));
	VALUE(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, 0));
	VALUE(mq_open(name, O_RDWR | O_WRONLY));
	struct stat st;
	VALUE(fstat(queue, &st));
	printf("mode %o size %ld\n", st.st_mode, st.st_size);
	attributes("new");
	struct rlimit limit = { 1000, 1000 };
	if (fork() == 0) {
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		VALUE(mq_open("/another", O_RDWR | O_CREAT, 0600, 0));
		setuid(65534);
		VALUE(mq_open(name, O_RDWR));
		VALUE(mq_open(name, O_RDONLY) > 0);
		VALUE(mq_unlink(name));
		bad = (struct mq_attr){ .mq_maxmsg = 11, .mq_msgsize = 1 };
		VALUE(mq_open("/another", O_RDWR | O_CREAT, 0600, &bad));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

static void messages(void)
{
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };
	struct pollfd poller = { queue, POLLIN | POLLOUT };

	VALUE(poll(&poller, 1, 0));
	VALUE(poller.revents);
	VALUE(mq_send(queue, "low", 3, 1));
	VALUE(mq_send(queue, "high", 4, 31));
	VALUE(poll(&poller, 1, 0));
	VALUE(poller.revents);
	VALUE(mq_send(queue, "low again", 9, 1));
	VALUE(poll(&poller, 1, 0));
	VALUE(poller.revents);
	attributes("full");
	VALUE(mq_timedsend(queue, "x", 1, 0, &past));
	VALUE(mq_timedsend(queue, "x", 1, 0, &bad));
	VALUE(mq_send(queue, "x", 1, 32768));
	VALUE(mq_send(queue, text, 101, 0));
	VALUE(mq_receive(queue, text, 99, 0));
	char state[100] = "";
	VALUE(pread(queue, state, sizeof state, 0));
	printf("%s", state);
	VALUE(write(queue, state, 1));
	receive();
	receive();
	receive();
	VALUE(mq_timedreceive(queue, text, sizeof text, 0, &past));
	struct mq_attr attr = { .mq_flags = O_NONBLOCK };
	VALUE(mq_setattr(queue, &attr, 0));
	attributes("non-blocking");
	receive();
	attr.mq_flags = O_APPEND;
	VALUE(mq_setattr(queue, &attr, 0));
	attr.mq_flags = 0;
	VALUE(mq_setattr(queue, &attr, 0));
	VALUE(mq_receive(0, text, sizeof text, 0));
	VALUE(mq_send(99, text, 1, 0));
	mqd_t reader = mq_open(name, O_RDONLY), writer = mq_open(name, O_WRONLY);
	VALUE(mq_send(reader, "x", 1, 0));
	VALUE(mq_receive(writer, text, sizeof text, 0));
	mq_close(reader);
	mq_close(writer);
	if (fork() == 0) {
		usleep(30000);
		mq_send(queue, "from the child", 14, 2);
		_exit(0);
	}
	receive();
	wait(0);
}

static void on_signal(int signo, siginfo_t *info, void *unused)
{
	printf("signal %d code %d value %d pid %d\n", signo, info->si_code, info->si_value.sival_int, info->si_pid == getpid());
}

static volatile int told_value;

static void on_thread(union sigval value)
{
	told_value = value.sival_int;
	sem_post(&told);
}

static void notification(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };

	sigaction(SIGUSR1, &action, 0);
	VALUE(mq_notify(queue, &event));
	VALUE(mq_notify(queue, &event));
	VALUE(mq_send(queue, "a", 1, 0));
	VALUE(mq_send(queue, "b", 1, 0));
	VALUE(mq_notify(queue, &event));
	receive();
	receive();
	VALUE(mq_notify(queue, 0));
	VALUE(mq_send(queue, "c", 1, 0));
	receive();
	event.sigev_notify = 99;
	VALUE(mq_notify(queue, &event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = 65;
	VALUE(mq_notify(queue, &event));
	VALUE(mq_notify(0, &event));
	VALUE(syscall(SYS_mq_notify, queue, 8L));
	event = (struct sigevent){ .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 78 };
	VALUE(mq_notify(queue, &event));
	VALUE(mq_send(queue, "d", 1, 0));
	sem_wait(&told);
	VALUE(told_value);
	receive();
	mqd_t other = mq_open(name, O_RDWR);
	event = (struct sigevent){ .sigev_notify = SIGEV_NONE };
	VALUE(mq_notify(other, &event));
	VALUE(mq_close(other));
	VALUE(mq_notify(queue, &event));
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	sem_init(&told, 0, 0);
	sprintf(name, "/conformance%d", getpid());
	opening();
	messages();
	notification();
	VALUE(mq_unlink(name));
	VALUE(mq_unlink(name));
	VALUE(mq_send(queue, "still there", 11, 0));
	receive();
	VALUE(mq_close(queue));
	VALUE(mq_close(queue));
	return 0;
}
