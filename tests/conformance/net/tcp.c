/* SPDX-License-Identifier: MPL-2.0 */
/* TCP on loopback: connections, their end, errors, readiness. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int events(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static int so_error(int fd) {
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
    return value;
}

static struct sockaddr_in in4(const char *text, int port) {
    struct sockaddr_in a = {AF_INET, htons(port)};
    inet_pton(AF_INET, text, &a.sin_addr);
    return a;
}

static int port_of(int fd) {
    struct sockaddr_in6 a;
    socklen_t size = sizeof a;
    getsockname(fd, (void *)&a, &size);
    return ntohs(a.sin6_port);
}

static int listener(int backlog) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = in4("127.0.0.1", 0);
    if (bind(fd, (void *)&a, sizeof a) || listen(fd, backlog))
        perror("listener");
    return fd;
}

static void pair(int out[2]) {
    int l = listener(1);
    struct sockaddr_in a = in4("127.0.0.1", port_of(l));
    out[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(out[0], (void *)&a, sizeof a))
        perror("connect");
    out[1] = accept(l, 0, 0);
    close(l);
}

static void settle(void) { usleep(20000); }

static void test_fresh(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char c;
    printf("fresh %x\n", events(fd));
    say("recv", recv(fd, &c, 1, MSG_DONTWAIT));
    say("send", send(fd, "x", 1, MSG_NOSIGNAL));
    say("shutdown", shutdown(fd, SHUT_WR));
    say("accept", accept(fd, 0, 0));
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    say("getpeername", getpeername(fd, (void *)&a, &size));
    say("getsockname", getsockname(fd, (void *)&a, &size));
    printf("%s %d\n", inet_ntoa(a.sin_addr), a.sin_port);
    a.sin_family = AF_INET6;
    say("connect other family", connect(fd, (void *)&a, sizeof a));
    say("connect short", connect(fd, (void *)&a, 4));
    say("bind short", bind(fd, (void *)&a, 4));
    say("bind other family", bind(fd, (void *)&a, sizeof a));
    a = in4("1.2.3.4", 0);
    say("bind foreign", bind(fd, (void *)&a, sizeof a));
    a = in4("127.0.0.9", 0);
    say("bind", bind(fd, (void *)&a, sizeof a));
    say("bind again", bind(fd, (void *)&a, sizeof a));
    close(fd);
    say("protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    say("type", socket(AF_INET, SOCK_SEQPACKET, 0));
    say("raw 0", socket(AF_INET, SOCK_RAW, 0));
    say("protocol -1", socket(AF_INET, SOCK_STREAM, -1));
}

static void test_refused(void) {
    int l = listener(1), port = port_of(l);
    close(l);
    struct sockaddr_in a = in4("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    say("refused", connect(fd, (void *)&a, sizeof a));
    printf("%x %d\n", events(fd), so_error(fd));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    say("refused nonblocking", connect(fd, (void *)&a, sizeof a));
    settle();
    printf("%x", events(fd));
    printf(" %d", so_error(fd));
    printf(" %x\n", events(fd));
    say("again", connect(fd, (void *)&a, sizeof a));
    close(fd);
}

static void test_nonblocking(void) {
    int l = listener(1);
    struct sockaddr_in a = in4("127.0.0.1", port_of(l));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fcntl(l, F_SETFL, O_NONBLOCK);
    say("accept none", accept(l, 0, 0));
    printf("listener %x\n", events(l));
    say("connect", connect(fd, (void *)&a, sizeof a));
    settle();
    printf("connected %x listener %x\n", events(fd), events(l));
    say("connect 2", connect(fd, (void *)&a, sizeof a));
    say("connect 3", connect(fd, (void *)&a, sizeof a));
    say("listen", listen(fd, 1));
    struct sockaddr_in b;
    socklen_t size = sizeof b;
    int s = accept4(l, (void *)&b, &size, SOCK_NONBLOCK);
    printf("%d %s %d\n", size, inet_ntoa(b.sin_addr), ntohs(b.sin_port) == port_of(fd));
    char c;
    say("nothing", recv(s, &c, 1, 0));
    say("connect listener", connect(l, (void *)&a, sizeof a));
    say("recv listener", recv(l, &c, 1, 0));
    int n;
    say("FIONREAD listener", ioctl(l, FIONREAD, &n));
    say("OOB none", recv(s, &c, 1, MSG_OOB));
    close(fd);
    close(s);
    close(l);
}

static void test_half_close(void) {
    int p[2];
    char buf[100];
    pair(p);
    say("send", send(p[0], "hello", 5, 0));
    say("shutdown", shutdown(p[0], SHUT_WR));
    settle();
    printf("%x %x\n", events(p[0]), events(p[1]));
    say("send after", send(p[0], "x", 1, MSG_NOSIGNAL));
    say("peek", recv(p[1], buf, 3, MSG_PEEK));
    say("trunc", recv(p[1], buf, 2, MSG_TRUNC));
    say("waitall", recv(p[1], buf, 100, MSG_WAITALL));
    say("end", recv(p[1], buf, 100, 0));
    say("back", send(p[1], "abc", 3, 0));
    say("got", recv(p[0], buf, 100, 0));
    say("shutdown", shutdown(p[1], SHUT_WR));
    settle();
    printf("%x %x\n", events(p[0]), events(p[1]));
    say("end", recv(p[0], buf, 100, 0));
    say("shutdown", shutdown(p[0], SHUT_RDWR));
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    say("peer", getpeername(p[0], (void *)&a, &size));
    close(p[0]);
    close(p[1]);

    pair(p);
    say("shutdown rd", shutdown(p[0], SHUT_RD));
    printf("%x %x\n", events(p[0]), events(p[1]));
    say("end", recv(p[0], buf, 100, 0));
    say("send", send(p[1], "abc", 3, 0));
    settle();
    say("got", recv(p[0], buf, 100, 0));
    say("send", send(p[0], "abcd", 4, 0));
    say("got", recv(p[1], buf, 100, 0));
    close(p[0]);
    close(p[1]);
}

static void test_reset(void) {
    int p[2];
    char buf[100];
    pair(p);
    send(p[0], "unread", 6, 0);
    send(p[1], "data", 4, 0);
    settle();
    close(p[1]);
    settle();
    printf("reset %x\n", events(p[0]));
    say("data", recv(p[0], buf, 100, 0));
    say("error", recv(p[0], buf, 100, 0));
    say("then", recv(p[0], buf, 100, 0));
    say("send", send(p[0], "x", 1, MSG_NOSIGNAL));
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    say("peer", getpeername(p[0], (void *)&a, &size));
    close(p[0]);

    pair(p);
    close(p[1]);
    settle();
    printf("closed %x\n", events(p[0]));
    say("send", send(p[0], "x", 1, MSG_NOSIGNAL));
    settle();
    printf("then %x\n", events(p[0]));
    say("send", send(p[0], "x", 1, MSG_NOSIGNAL));
    say("recv", recv(p[0], buf, 1, 0));
    printf("%x %d\n", events(p[0]), so_error(p[0]));
    close(p[0]);

    pair(p);
    struct linger linger = {1, 0};
    setsockopt(p[1], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(p[1]);
    settle();
    printf("linger %x %d\n", events(p[0]), so_error(p[0]));
    say("recv", recv(p[0], buf, 1, 0));
    close(p[0]);

    pair(p);
    signal(SIGPIPE, SIG_IGN);
    shutdown(p[1], SHUT_RDWR);
    settle();
    printf("both shut %x %x\n", events(p[0]), events(p[1]));
    say("send", send(p[0], "x", 1, 0));
    settle();
    printf("%x %x\n", events(p[0]), events(p[1]));
    say("send", send(p[0], "x", 1, 0));
    say("recv", recv(p[1], buf, 1, 0));
    close(p[0]);
    close(p[1]);

    pair(p);
    struct sockaddr unspec = {AF_UNSPEC};
    say("disconnect", connect(p[0], &unspec, sizeof unspec));
    settle();
    printf("%x", events(p[0]));
    printf(" %x\n", events(p[1]));
    say("recv", recv(p[1], buf, 1, 0));
    printf("port kept: %d\n", port_of(p[0]) != 0);
    close(p[0]);
    close(p[1]);
}

static void test_flow(void) {
    int p[2];
    static char buf[65536];
    pair(p);
    long sent = 0, got = 0, n;
    while ((n = send(p[0], buf, sizeof buf, MSG_DONTWAIT)) > 0)
        sent += n;
    say("full", n);
    printf("%x\n", events(p[0]));
    while (got < sent && (n = recv(p[1], buf, sizeof buf, 0)) > 0)
        got += n;
    settle();
    printf("all %d %x\n", got == sent, events(p[0]));
    struct timeval tv = {0, 30000};
    setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    say("timeout", recv(p[1], buf, 1, 0));
    if (fork() == 0) {
        for (int i = 0; i < 100; i++)
            send(p[0], buf, 50000, 0);
        _exit(0);
    }
    close(p[0]);
    for (got = 0; (n = recv(p[1], buf, sizeof buf, MSG_WAITALL)) > 0;)
        got += n;
    printf("%ld\n", got);
    close(p[1]);
}

static void test_bind(void) {
    int one = 1, l = listener(1);
    struct sockaddr_in a = in4("127.0.0.1", port_of(l));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    say("in use", bind(fd, (void *)&a, sizeof a));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    say("in use, reuse", bind(fd, (void *)&a, sizeof a));
    a.sin_addr.s_addr = 0;
    say("any", bind(fd, (void *)&a, sizeof a));
    a = in4("127.0.0.2", port_of(l));
    say("other address", bind(fd, (void *)&a, sizeof a));
    say("listen", listen(fd, 1));
    close(fd);
    a = in4("127.0.0.1", port_of(l));
    int c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (void *)&a, sizeof a);
    int s = accept(l, 0, 0);
    close(l);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    say("live connection", bind(fd, (void *)&a, sizeof a));
    close(s);
    settle();
    close(c);
    settle();
    say("time wait", bind(fd, (void *)&a, sizeof a));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    say("time wait, only one reuses", bind(fd, (void *)&a, sizeof a));
    close(fd);

    int x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(x, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(y, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    a = in4("127.0.0.1", 0);
    bind(x, (void *)&a, sizeof a);
    a.sin_port = htons(port_of(x));
    say("two bound", bind(y, (void *)&a, sizeof a));
    say("listen", listen(x, 1));
    say("listen", listen(y, 1));
    close(x);
    close(y);
    x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(x, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    a = in4("127.0.0.1", 0);
    bind(x, (void *)&a, sizeof a);
    a.sin_port = htons(port_of(x));
    say("one reuseport", bind(y, (void *)&a, sizeof a));
    setsockopt(y, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    say("two reuseport", bind(y, (void *)&a, sizeof a));
    say("listen", listen(x, 1));
    say("listen", listen(y, 1));
    close(x);
    close(y);
    l = listener(1);
    shutdown(l, SHUT_RD);
    say("accept after shutdown", accept(l, 0, 0));
    close(l);
    l = socket(AF_INET, SOCK_STREAM, 0);
    say("listen unbound", listen(l, 1));
    printf("%d\n", port_of(l) != 0);
    close(l);
}

static void test_backlog(void) {
    int l = listener(0), fds[3];
    struct sockaddr_in a = in4("127.0.0.1", port_of(l));
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fds[i], (void *)&a, sizeof a);
        settle();
        printf("%x ", events(fds[i]));
    }
    say("pending", connect(fds[2], (void *)&a, sizeof a));
    close(l);
    settle();
    printf("%x %d\n", events(fds[0]), so_error(fds[0]));
}

static void test_v6(void) {
    int l = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in6 a = {AF_INET6}, b;
    socklen_t size = sizeof b;
    char text[60];
    say("bind", bind(l, (void *)&a, sizeof a));
    say("v6only after", setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
    listen(l, 5);
    int port = port_of(l);
    struct sockaddr_in v4 = in4("127.0.0.1", port);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    say("v4 to v6", connect(c, (void *)&v4, sizeof v4));
    int s = accept(l, (void *)&b, &size);
    printf("%d %s\n", size, inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    close(s);
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
    a.sin6_port = htons(port);
    say("mapped", connect(c, (void *)&a, sizeof a));
    getsockname(c, (void *)&b, &size);
    printf("%s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    a.sin6_addr = in6addr_loopback;
    say("loopback", connect(c, (void *)&a, sizeof a));
    getsockname(c, (void *)&b, &size);
    printf("%s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    close(c);
    c = socket(AF_INET, SOCK_STREAM, 0);
    v4.sin_addr.s_addr = 0;
    say("v4 any in use", bind(c, (void *)&v4, sizeof v4));
    close(c);
    close(l);
    l = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    memset(&a, 0, sizeof a);
    a.sin6_family = AF_INET6;
    bind(l, (void *)&a, sizeof a);
    listen(l, 5);
    v4 = in4("127.0.0.1", port_of(l));
    c = socket(AF_INET, SOCK_STREAM, 0);
    say("v4 to v6 only", connect(c, (void *)&v4, sizeof v4));
    say("v4 any beside", bind(c, (void *)&v4, sizeof v4));
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    say("short", bind(c, (void *)&a, 20));
    inet_pton(AF_INET6, "fe80::1", &a.sin6_addr);
    say("link local", connect(c, (void *)&a, sizeof a));
    inet_pton(AF_INET6, "2001:db8::1", &a.sin6_addr);
    say("foreign", bind(c, (void *)&a, sizeof a));
    inet_pton(AF_INET6, "ff02::1", &a.sin6_addr);
    say("multicast", bind(c, (void *)&a, sizeof a));
}

static void option(int fd, const char *what, int level, int name, int value) {
    int now = -1;
    socklen_t size = sizeof now;
    char text[60];
    snprintf(text, sizeof text, "set %s %d", what, value);
    say(text, setsockopt(fd, level, name, &value, sizeof value));
    snprintf(text, sizeof text, "get %s", what);
    say(text, getsockopt(fd, level, name, &now, &size));
    printf("%d\n", now);
}

static void test_options(void) {
    int p[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    option(fd, "nodelay", IPPROTO_TCP, TCP_NODELAY, 1);
    option(fd, "cork", IPPROTO_TCP, TCP_CORK, 1);
    option(fd, "idle", IPPROTO_TCP, TCP_KEEPIDLE, 60);
    option(fd, "idle", IPPROTO_TCP, TCP_KEEPIDLE, 0);
    option(fd, "intvl", IPPROTO_TCP, TCP_KEEPINTVL, 40000);
    option(fd, "cnt", IPPROTO_TCP, TCP_KEEPCNT, 5);
    option(fd, "syncnt", IPPROTO_TCP, TCP_SYNCNT, 3);
    option(fd, "user timeout", IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
    option(fd, "maxseg", IPPROTO_TCP, TCP_MAXSEG, 10);
    option(fd, "unknown", IPPROTO_TCP, 99, 1);
    option(fd, "ttl", IPPROTO_IP, IP_TTL, 12);
    option(fd, "ttl", IPPROTO_IP, IP_TTL, 256);
    option(fd, "unknown", IPPROTO_IP, 250, 1);
    option(fd, "v6 on v4", IPPROTO_IPV6, IPV6_V6ONLY, 1);
    option(fd, "level", 77, 1, 1);
    option(fd, "keepalive", SOL_SOCKET, SO_KEEPALIVE, 7);
    option(fd, "oobinline", SOL_SOCKET, SO_OOBINLINE, 7);
    option(fd, "sndbuf", SOL_SOCKET, SO_SNDBUF, 10000);
    option(fd, "rcvbuf", SOL_SOCKET, SO_RCVBUF, 10000);
    for (int name = 1; name < 40; name++) {
        if (name == SO_TYPE || name == SO_ACCEPTCONN || name == SO_DOMAIN || name == SO_PROTOCOL || name == SO_ERROR) {
            int value = -1;
            socklen_t size = sizeof value;
            getsockopt(fd, SOL_SOCKET, name, &value, &size);
            printf("option %d: %d\n", name, value);
        }
    }
    char algorithm[16] = "";
    socklen_t size = sizeof algorithm;
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, &size);
    printf("%d\n", size);
    say("congestion", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonesuch", 8));
    pair(p);
    struct tcp_info info;
    size = sizeof info;
    getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &size);
    printf("state %d\n", info.tcpi_state);
    shutdown(p[0], SHUT_WR);
    settle();
    getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &size);
    printf("state %d\n", info.tcpi_state);
    getsockopt(p[1], IPPROTO_TCP, TCP_INFO, &info, &size);
    printf("state %d\n", info.tcpi_state);
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    test_fresh();
    test_refused();
    test_nonblocking();
    test_half_close();
    test_reset();
    test_flow();
    test_bind();
    test_backlog();
    test_v6();
    test_options();
    return 0;
}
