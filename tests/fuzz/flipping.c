/* SPDX-License-Identifier: MPL-2.0
 *
 * A thread flips what another one hands to the kernel, as fast as it can. Each value it alternates between is valid, so every answer must be that
 * of one of the two (or, for what is two words long, of a mixture of them): checked here, on Linux and on cruck alike. What a kernel that reads
 * twice gives instead is a third answer, a wrong count, or its end.
 *
 *     flipping ROUNDS        prints "ok" and the number of flips seen by each kind */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) failed(#condition, __LINE__); } while (0)

static _Alignas(4096) volatile unsigned char shared[4096];
static unsigned char first[512], second[512];
static volatile size_t length;          /* 0: the flipper rests */
static volatile int stops, rests;
static long rounds;

static void failed(const char *what, int line)
{
    fprintf(stderr, "line %d: not %s (errno %d)\n", line, what, errno);
    exit(1);
}

static void put(const unsigned char *from, size_t size)
{
    size_t at = 0;
    for (; at + 8 <= size; at += 8)
        *(volatile unsigned long *)(shared + at) = *(const unsigned long *)(from + at);
    for (; at < size; at++)
        shared[at] = from[at];
}

static void *flip(void *unused)
{
    (void)unused;
    while (!stops) {
        size_t size = length;
        rests = size == 0;
        put(first, size);
        put(second, size);
    }
    return NULL;
}

/* From now on `size` bytes at `shared` alternate between a and b. */
static void alternate(const void *a, const void *b, size_t size)
{
    length = 0;
    rests = 0;
    while (!rests)
        ;
    memcpy(first, a, size);
    memcpy(second, b, size);
    put(first, size);
    length = size;
}

static void *const at = (void *)shared;

static void paths(void)
{
    char a[16] = "file-a", b[16] = "file-b", content[8];
    struct stat st;
    for (int i = 0; i < 2; i++) {
        int fd = open(i ? b : a, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        CHECK(write(fd, i ? "bbbb" : "a", i ? 4 : 1) == (i ? 4 : 1) && close(fd) == 0);
    }
    alternate(a, b, 8);
    for (long i = 0; i < rounds; i++) {
        int fd = open(at, O_RDONLY);
        CHECK(fd >= 0);
        ssize_t n = read(fd, content, 8);
        CHECK((n == 1 && content[0] == 'a') || (n == 4 && content[0] == 'b'));
        close(fd);
        CHECK(stat(at, &st) == 0 && (st.st_size == 1 || st.st_size == 4));
        CHECK(access(at, R_OK) == 0);
    }
    char long_a[512], long_b[512];
    memset(long_a, 'x', 255), strcpy(long_a + 255, "");
    memset(long_b, 'x', 300), strcpy(long_b + 300, "");
    alternate(long_a, long_b, 400);
    for (long i = 0; i < rounds / 4; i++)
        CHECK(open(at, O_RDONLY) == -1 && (errno == ENOENT || errno == ENAMETOOLONG));
}

static void vectors(void)
{
    static char a[64], b[64], got[256];
    int ends[2];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    CHECK(pipe(ends) == 0);
    struct iovec one[2] = {{a, 3}, {b, 5}}, two[2] = {{b, 7}, {a, 11}};
    alternate(one, two, sizeof one);
    for (long i = 0; i < rounds; i++) {
        ssize_t n = writev(ends[1], at, 2), m = read(ends[0], got, sizeof got);
        CHECK(n == m && (n == 8 || n == 18 || n == 14 || n == 12));
        int turns = 0;
        for (ssize_t j = 0; j < n; j++) {
            CHECK(got[j] == 'a' || got[j] == 'b');
            turns += j && got[j] != got[j - 1];
        }
        CHECK(turns <= 1);
    }
    struct iovec good = {a, 8}, bad = {a, -1ul};
    alternate(&good, &bad, sizeof good);
    for (long i = 0; i < rounds; i++) {
        ssize_t n = writev(ends[1], at, 1);
        CHECK(n == 8 || (n == -1 && errno == EINVAL));
        CHECK(n < 0 || read(ends[0], got, sizeof got) == n);
    }
    close(ends[0]);
    close(ends[1]);
}

static int listener(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(name->sun_path);
    CHECK(bind(fd, (void *)name, sizeof *name) == 0);
    return fd;
}

static void addresses(void)
{
    struct sockaddr_un a = {AF_UNIX, "sock-a"}, b = {AF_UNIX, "sock-b"};
    int fds[2] = {listener(&a), listener(&b)}, from = socket(AF_UNIX, SOCK_DGRAM, 0);
    char got;
    alternate(&a, &b, sizeof a);
    for (long i = 0; i < rounds; i++) {
        CHECK(sendto(from, "x", 1, 0, at, sizeof a) == 1);
        int n = (recv(fds[0], &got, 1, MSG_DONTWAIT) == 1) + (recv(fds[1], &got, 1, MSG_DONTWAIT) == 1);
        CHECK(n == 1);
    }
    /* The family, and with it the meaning of the rest. */
    struct sockaddr_un other = {AF_INET, "sock-a"};
    alternate(&a, &other, sizeof a);
    for (long i = 0; i < rounds; i++) {
        ssize_t n = sendto(from, "x", 1, 0, at, sizeof a);
        CHECK(n == 1 || (n == -1 && errno == EINVAL));
        CHECK(n != 1 || recv(fds[0], &got, 1, MSG_DONTWAIT) == 1);
    }
    close(fds[0]), close(fds[1]), close(from);
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 200; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void messages(void)
{
    int pair[2], before;
    static char data[16], control[256];
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } good = {{0}}, bad;
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    good.header.cmsg_len = CMSG_LEN(sizeof(int));
    good.header.cmsg_level = SOL_SOCKET;
    good.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&good.header), &pair[0], sizeof(int));
    bad = good;
    bad.header.cmsg_len = 1ul << 40;
    struct iovec vector = {data, 1}, into = {data, 16};
    before = count_descriptors();
    for (int kind = 0; kind < 3; kind++) {
        int none = 999;
        bad.header.cmsg_len = kind == 0 ? 1ul << 40 : CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&bad.header), kind == 1 ? &none : &pair[1], sizeof(int));
        alternate(&good, &bad, sizeof good);
        for (long i = 0; i < rounds; i++) {
            struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = at, .msg_controllen = sizeof good};
            struct msghdr answer = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
            ssize_t n = sendmsg(pair[0], &message, 0);
            CHECK(n == 1 || (n == -1 && kind < 2 && (errno == EINVAL || errno == EBADF)));
            if (n < 0)
                continue;
            CHECK(recvmsg(pair[1], &answer, 0) == 1);
            struct cmsghdr *header = CMSG_FIRSTHDR(&answer);
            CHECK(header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)));
            CHECK(close(*(int *)CMSG_DATA(header)) == 0);
        }
        CHECK(count_descriptors() == before);
    }
    /* The header itself: where the vector is, and how long. */
    struct iovec other = {data + 8, 3};
    struct msghdr one = {.msg_iov = &vector, .msg_iovlen = 1}, two = {.msg_iov = &other, .msg_iovlen = 1}, three = {.msg_iov = &vector, .msg_iovlen = 1ul << 50};
    alternate(&one, &two, sizeof one);
    for (long i = 0; i < rounds; i++) {
        ssize_t n = sendmsg(pair[0], at, 0);
        CHECK(n == 1 || n == 3);
        CHECK(recv(pair[1], control, sizeof control, 0) == n);
    }
    alternate(&one, &three, sizeof one);
    for (long i = 0; i < rounds; i++) {
        ssize_t n = sendmsg(pair[0], at, 0);
        CHECK(n == 1 || (n == -1 && errno == EMSGSIZE));
        CHECK(n < 0 || recv(pair[1], control, sizeof control, 0) == n);
    }
    close(pair[0]), close(pair[1]);
}

static void events(void)
{
    int epoll = epoll_create1(0), ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    struct epoll_event a = {EPOLLIN, {.u64 = 0x1111111111111111}}, b = {EPOLLOUT, {.u64 = 0x2222222222222222}}, got[2];
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &a) == 0);
    alternate(&a, &b, sizeof a);
    for (long i = 0; i < rounds; i++) {
        CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], at) == 0);
        int n = epoll_wait(epoll, got, 2, 0);
        CHECK(n == 0 || (n == 1 && got[0].events == EPOLLIN && ((got[0].data.u64 & 0xff) == 0x11 || (got[0].data.u64 & 0xff) == 0x22)));
    }
    struct pollfd p = {ends[0], POLLIN, 0}, q = {-1, POLLIN, 0};
    alternate(&p, &q, sizeof p);
    for (long i = 0; i < rounds; i++)
        CHECK(poll(at, 1, 0) <= 1);
    close(epoll), close(ends[0]), close(ends[1]);
}

static void handler_a(int signo) { (void)signo; }
static void handler_b(int signo) { (void)signo; }

/* The kernel's struct sigaction, so that libc copies nothing in between. */
struct kernel_action { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; };

static void signals(void)
{
    struct kernel_action old, a, b;
    signal(SIGUSR1, handler_a);
    CHECK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &a, 8) == 0);
    b = a;
    b.handler = handler_b;
    alternate(&a, &b, sizeof a);
    for (long i = 0; i < rounds; i++) {
        CHECK(syscall(SYS_rt_sigaction, SIGUSR1, at, &old, 8) == 0);
        CHECK(old.handler == handler_a || old.handler == handler_b);
        raise(SIGUSR1);
    }
    unsigned long none = 0, some = 1ul << (SIGUSR2 - 1), was;
    alternate(&none, &some, 8);
    for (long i = 0; i < rounds; i++) {
        CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, at, &was, 8) == 0);
        CHECK(was == none || was == some);
    }
    length = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

static void times(void)
{
    struct timespec good = {0, 1000}, bad = {0, 2000000000};
    alternate(&good, &bad, sizeof good);
    for (long i = 0; i < rounds; i++)
        CHECK(syscall(SYS_nanosleep, at, NULL) == 0 || errno == EINVAL);
    struct itimerval on = {{0, 0}, {1000, 0}}, off = {{0, 0}, {0, 0}}, was;
    alternate(&on, &off, sizeof on);
    for (long i = 0; i < rounds; i++) {
        CHECK(syscall(SYS_setitimer, ITIMER_REAL, at, &was) == 0);
        CHECK(was.it_value.tv_sec == 0 || was.it_value.tv_sec >= 999);
    }
    syscall(SYS_setitimer, ITIMER_REAL, &off, NULL);
}

static void words(void)
{
    unsigned a = 1, b = 2;
    struct timespec patience = {0, 20000};
    alternate(&a, &b, 4);
    for (long i = 0; i < rounds; i++) {
        long n = syscall(SYS_futex, at, FUTEX_WAIT, 1, &patience, NULL, 0);
        CHECK(n == -1 && (errno == EAGAIN || errno == ETIMEDOUT));
        n = syscall(SYS_futex, at, FUTEX_CMP_REQUEUE, 1, 1, shared + 64, 1);
        CHECK(n == 0 || (n == -1 && errno == EAGAIN));
    }
    int one = 1, zero = 0, ends[2];
    char got;
    CHECK(pipe(ends) == 0);
    alternate(&one, &zero, 4);
    for (long i = 0; i < rounds; i++)
        CHECK(ioctl(ends[0], FIONBIO, at) == 0);
    length = 0;
    CHECK(ioctl(ends[0], FIONBIO, &one) == 0 && read(ends[0], &got, 1) == -1 && errno == EAGAIN);
    struct flock lock_a = {F_WRLCK, SEEK_SET, 0, 10, 0}, lock_b = {F_UNLCK, SEEK_SET, 0, 10, 0};
    int file = open("file-a", O_RDWR);
    alternate(&lock_a, &lock_b, sizeof lock_a);
    for (long i = 0; i < rounds; i++)
        CHECK(fcntl(file, F_SETLK, at) == 0);
    close(file), close(ends[0]), close(ends[1]);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    rounds = argc > 1 ? atol(argv[1]) : 1000;
    CHECK(pthread_create(&thread, NULL, flip, NULL) == 0);
    void (*const kinds[])(void) = {paths, vectors, addresses, messages, events, signals, times, words};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        kinds[i]();
    length = 0;
    stops = 1;
    pthread_join(thread, NULL);
    puts("ok");
    return 0;
}
