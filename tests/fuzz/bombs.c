/* SPDX-License-Identifier: MPL-2.0
 *
 * Exhaustion, one attack a name: takes as much of one thing as it gets, then prints "NAME: N then ERRNO" and gives all back.
 *
 *     bombs NAME
 *     bombs army NAME      in as many processes as there may be, all of which keep what they got: "NAME: PROCESSES, N then ERRNO"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *name;
static int army; /* where a soldier reports; 0: alone */

static void report(long n, int error)
{
	if (army) {
		long line[2] = { n, error };
		write(army, line, sizeof line);
		for (;;)
			pause(); /* keeps what it has */
	}
	printf("%s: %ld then %s\n", name, n, error ? strerrorname_np(error) : "no end");
	fflush(stdout);
}

static void fork_bomb(void)
{
	long n = 0;
	pid_t pid;
	while (n < 100000 && (pid = fork()) >= 0) {
		if (pid == 0) {
			pause();
			_exit(0);
		}
		n++;
	}
	report(n, errno);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
}

static void *sleeper(void *unused) { pause(); return unused; }

static void thread_bomb(void)
{
	long n = 0;
	pthread_t id;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	int error = 0;
	while (n < 100000 && (error = pthread_create(&id, &attr, sleeper, NULL)) == 0)
		n++;
	report(n, error);
}

static void fd_bomb(void)
{
	long n = 0;
	while (n < 10000000 && open("/dev/null", O_RDONLY) >= 0)
		n++;
	report(n, errno);
}

static void fd_bomb_raised(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	setrlimit(RLIMIT_NOFILE, &limit);
	long n = 0;
	while (n < 10000000 && dup2(0, 1000000 + n % 48000) >= 0 && n < 60000)
		n++;
	report(n > 50000 ? 50000 : n, dup2(0, 1 << 20) < 0 ? errno : 0);
}

/* Rounded down: mount points below the directory are inodes too. */
static void inode_bomb(void)
{
	long n = 0;
	char path[32];
	for (; n < 200000; n++) {
		sprintf(path, "f%ld", n);
		int fd = open(path, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	report(n / 16 * 16, n < 200000 ? errno : 0);
}

static void file_bomb(void)
{
	static char block[1 << 20];
	memset(block, 1, sizeof block);
	int fd = open("big", O_CREAT | O_WRONLY, 0600);
	long n = 0;
	ssize_t got = 0;
	while (n < 100000 && (got = write(fd, block, sizeof block)) > 0)
		n++;
	report(n, got < 0 ? errno : 0);
}

static void pipe_bomb(void)
{
	static char block[65536];
	long n = 0;
	int p[2], error;
	while (n < 100000 && pipe2(p, O_NONBLOCK) == 0) {
		n++;
		while (write(p[1], block, sizeof block) > 0)
			;
	}
	error = errno;
	report(n, error);
}

static void epoll_nesting(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int below = epoll_create1(0);
	long n = 0;
	for (; n < 1000; n++) {
		int above = epoll_create1(0);
		if (above < 0 || epoll_ctl(above, EPOLL_CTL_ADD, below, &event) < 0)
			break;
		below = above;
	}
	report(n, errno);
}

static void epoll_loop(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int a = epoll_create1(0), b = epoll_create1(0);
	epoll_ctl(a, EPOLL_CTL_ADD, b, &event);
	int result = epoll_ctl(b, EPOLL_CTL_ADD, a, &event);
	report(result, errno);
}

static void symlink_loop(void)
{
	symlink("loop", "loop");
	long result = open("loop/x", O_RDONLY);
	report(result, errno);
}

static void symlink_chain(void)
{
	char from[32], to[32];
	long n = 0;
	symlink("/", "l0");
	for (n = 1; n < 100; n++) {
		sprintf(from, "l%ld", n);
		sprintf(to, "l%ld", n - 1);
		symlink(to, from);
		struct stat st;
		if (stat(from, &st) < 0)
			break;
	}
	report(n, errno);
}

static void signal_queue(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct rlimit limit = { 5000, 5000 };
	setrlimit(RLIMIT_SIGPENDING, &limit);
	long n = 0;
	union sigval value = { 0 };
	while (n < 1000000 && sigqueue(getpid(), SIGRTMIN, value) == 0)
		n++;
	report(n, errno);
}

static void mapping_count(void)
{
	long n = 0;
	while (n < 200000 && mmap(NULL, 4096, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		n++;
	report(n / 1000, errno);
}

static void memory_bomb(void)
{
	long n = 0;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		for (;;) {
			char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED)
				_exit(9);
			memset(p, 1, 1 << 20);
		}
	waitpid(pid, &status, 0);
	n = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	report(n, 0);
}

static void deep_directory(void)
{
	long n = 0;
	for (; n < 5000; n++)
		if (mkdir("d", 0700) < 0 || chdir("d") < 0)
			break;
	int error = n < 5000 ? errno : 0;
	char *path = getcwd(NULL, 0);
	report(n, error ? error : path ? 0 : errno);
}

static void huge_arguments(void)
{
	char *one = malloc((128 << 10) + 1);
	memset(one, 'x', 128 << 10);
	one[128 << 10] = 0;
	char *argv[] = { "/box/bombs", one, NULL };
	execv(argv[0], argv);
	report(0, errno);
	one[(128 << 10) - 1] = 0;
	static char *many[1001];
	many[0] = "x";
	for (int i = 1; i < 1000; i++)
		many[i] = one;
	execv("/box/bombs", many);
	report(1, errno);
	uint64_t *endless = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long i = 0; i < (64 << 20) / 8; i++)
		endless[i] = (uintptr_t)"";
	execv("/box/bombs", (char **)endless);
	report(2, errno);
}

static void huge_vectors(void)
{
	static struct iovec iov[1025];
	static char byte;
	int fd = open("/dev/null", O_WRONLY);
	for (int i = 0; i < 1025; i++)
		iov[i] = (struct iovec){ &byte, 1 };
	long result = writev(fd, iov, 1025);
	report(result, errno);
	iov[0].iov_len = iov[1].iov_len = SSIZE_MAX;
	result = writev(fd, iov, 2);
	report(result, result < 0 ? errno : 0);
	iov[0].iov_len = -1;
	result = writev(fd, iov, 1);
	report(result, errno);
	int zero = open("/dev/zero", O_RDONLY);
	report(read(zero, &byte - 1, SSIZE_MAX) < 0 ? -1 : 1, 0);
}

static void sparse_file(void)
{
	int fd = open("sparse", O_CREAT | O_RDWR, 0600);
	long n = 0;
	for (; n < 64; n++)
		if (ftruncate(fd, 1L << n) < 0)
			break;
	int error = errno;
	static char buffer[4096];
	pwrite(fd, "x", 1, (1L << (n - 1)) - 1);
	long got = pread(fd, buffer, sizeof buffer, 1L << (n - 2));
	report(got, 0);
	report(n, error);
	ftruncate(fd, 0);
}

static void timer_bomb(void)
{
	struct rlimit limit = { 4000, 4000 };
	setrlimit(RLIMIT_SIGPENDING, &limit);
	signal(SIGALRM, SIG_IGN);
	struct itimerspec every = { { 0, 1 }, { 0, 1 } };
	timer_t id;
	long n = 0;
	while (n < 200000 && timer_create(CLOCK_MONOTONIC, NULL, &id) == 0) {
		if (n < 100)
			timer_settime(id, 0, &every, NULL);
		n++;
	}
	report(n, errno);
}

static void watch_bomb(void)
{
	int fd = inotify_init1(0);
	char path[32];
	long n = 0;
	for (; n < 300000; n++) {
		sprintf(path, "w%ld", n);
		if (mkdir(path, 0700) < 0 || inotify_add_watch(fd, path, IN_ALL_EVENTS) < 0)
			break;
	}
	report(n, n < 300000 ? errno : 0);
}

static void inotify_queue(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(fd, ".", IN_ALL_EVENTS);
	for (long i = 0; i < 20000; i++) {
		close(open("a", O_CREAT | O_WRONLY, 0600));
		unlink("a");
	}
	char buffer[65536] __attribute__((aligned(8)));
	long n = 0, got;
	uint32_t last = 0;
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		for (char *p = buffer; p < buffer + got; n++) {
			struct inotify_event *event = (struct inotify_event *)p;
			last = event->mask;
			p += sizeof *event + event->len;
		}
	report(n, last == IN_Q_OVERFLOW ? EOVERFLOW : 0);
}

static void lock_storm(void)
{
	int fd = open("locked", O_CREAT | O_RDWR, 0600);
	long n = 0;
	for (; n < 20000; n++) { /* every second byte: none can be merged */
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2 * n, .l_len = 1 };
		if (fcntl(fd, F_SETLK, &lock) < 0)
			break;
	}
	report(n, n < 20000 ? errno : 0);
}

static void fd_passing(void)
{
	int pair[2];
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	union { struct cmsghdr header; char bytes[CMSG_SPACE(253 * sizeof(int))]; } control;
	memset(&control, 0, sizeof control);
	struct iovec iov = { "x", 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	control.header.cmsg_len = CMSG_LEN(253 * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	for (int i = 0; i < 253; i++)
		((int *)CMSG_DATA(&control.header))[i] = pair[0]; /* the socket within itself: a cycle */
	long n = 0;
	while (n < 100000 && sendmsg(pair[1], &message, 0) == 1)
		n++;
	int error = errno;
	close(pair[0]);
	close(pair[1]);
	report(error == ETOOMANYREFS || error == EAGAIN, error == EAGAIN ? ETOOMANYREFS : error);
}

static void socket_bomb(void)
{
	long n = 0;
	int pair[2];
	static char block[1 << 20];
	while (n < 100000 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0) {
		n++;
		while (write(pair[0], block, sizeof block) > 0)
			;
	}
	report(n, errno);
}

static void *spin(void *unused)
{
	for (;;)
		syscall(SYS_getppid);
	return unused;
}

/* Never ends: processes that make processes, threads that call; all deaf. */
static void busy(void)
{
	pthread_t id;
	sigset_t all;
	for (int signo = 1; signo < 64; signo++)
		signal(signo, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	printf("busy\n");
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		pthread_create(&id, NULL, spin, NULL);
	for (;;)
		if (fork() == 0)
			for (;;)
				if (fork() < 0)
					sched_yield();
}

static void epoll_bomb(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fds[1100], nr = 0;
	long n = 0;
	while (nr < 1000 && (fds[nr] = eventfd(0, 0)) >= 0)
		nr++;
	for (int i = nr / 2; i < nr; i++) {
		close(fds[i]);
		int epoll = epoll_create1(0);
		for (int k = 0; k < nr / 2; k++, n++)
			if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[k], &event) < 0) {
				report(n, errno);
				return;
			}
	}
	report(n, 0);
}

static void udp_bomb(void)
{
	static char block[60000];
	long n = 0;
	for (; n < 100000; n++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
		socklen_t length = sizeof at;
		if (fd < 0 || bind(fd, (void *)&at, sizeof at) < 0)
			break;
		getsockname(fd, (void *)&at, &length);
		for (int i = 0; i < 20; i++)
			sendto(fd, block, sizeof block, 0, (void *)&at, sizeof at);
	}
	report(n, errno);
}

static void tcp_bomb(void)
{
	static char block[65536];
	long n = 0;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof at;
	bind(listener, (void *)&at, sizeof at);
	listen(listener, 100);
	getsockname(listener, (void *)&at, &length);
	for (; n < 100000; n++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (void *)&at, sizeof at) < 0 || accept(listener, NULL, NULL) < 0)
			break;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		while (write(fd, block, sizeof block) > 0)
			;
		for (int i = 0; i < 1000; i++)
			if (write(fd, block, 1 + i % 3) < 0)
				break;
	}
	report(n, errno);
}

static void absent_names(void)
{
	char path[64];
	long n = 0;
	for (int d = 0; d < 200; d++) {
		sprintf(path, "d%d.%d", getpid(), d);
		if (mkdir(path, 0700) < 0)
			break;
		for (int i = 0; i < 1000; i++, n++) {
			sprintf(path, "d%d.%d/%d", getpid(), d, i);
			access(path, F_OK);
		}
	}
	report(n, 0);
}

static const struct { const char *name; void (*attack)(void); } attacks[] = {
	{ "fork_bomb", fork_bomb }, { "thread_bomb", thread_bomb }, { "fd_bomb", fd_bomb }, { "fd_bomb_raised", fd_bomb_raised },
	{ "inode_bomb", inode_bomb }, { "file_bomb", file_bomb }, { "pipe_bomb", pipe_bomb }, { "epoll_nesting", epoll_nesting },
	{ "epoll_loop", epoll_loop }, { "symlink_loop", symlink_loop }, { "symlink_chain", symlink_chain }, { "signal_queue", signal_queue },
	{ "mapping_count", mapping_count }, { "memory_bomb", memory_bomb }, { "deep_directory", deep_directory },
	{ "huge_arguments", huge_arguments }, { "huge_vectors", huge_vectors }, { "sparse_file", sparse_file }, { "timer_bomb", timer_bomb },
	{ "watch_bomb", watch_bomb }, { "inotify_queue", inotify_queue }, { "lock_storm", lock_storm }, { "fd_passing", fd_passing },
	{ "socket_bomb", socket_bomb }, { "busy", busy }, { "epoll_bomb", epoll_bomb }, { "udp_bomb", udp_bomb }, { "tcp_bomb", tcp_bomb },
	{ "absent_names", absent_names },
};

static void lead_army(void)
{
	int pipes[2];
	long line[2] = { 0, 0 }, total = 0, nr = 0, reports = 0;
	pipe(pipes);
	for (unsigned i = 0; i < sizeof attacks / sizeof *attacks; i++)
		if (strcmp(attacks[i].name, name) == 0)
			for (pid_t pid; (pid = fork()) >= 0; nr++)
				if (pid == 0) {
					char directory[32];
					sprintf(directory, "/tmp/%d", getpid());
					mkdir(directory, 0700);
					chdir(directory);
					close(pipes[0]);
					army = pipes[1];
					attacks[i].attack();
				}
	close(pipes[1]);
	while (reports < nr && read(pipes[0], line, sizeof line) == sizeof line) {
		reports++;
		total += line[0];
	}
	printf("%s: %ld, %ld then %s\n", name, reports, total, line[1] ? strerrorname_np(line[1]) : "no end");
	fflush(stdout);
	usleep(300000); /* for whoever looks at the kernel's memory */
	kill(0, SIGKILL);
}

int main(int argc, char **argv)
{
	name = argc > 1 ? argv[1] : "";
	if (argc > 2) {
		name = argv[2];
		lead_army();
	}
	for (unsigned i = 0; i < sizeof attacks / sizeof *attacks; i++)
		if (strcmp(attacks[i].name, name) == 0) {
			attacks[i].attack();
			return 0;
		}
	return 2;
}
