/* SPDX-License-Identifier: MPL-2.0 */
/* UDP on loopback. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int events(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
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

static int bound(const char *text) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = in4(text, 0);
    bind(fd, (void *)&a, sizeof a);
    return fd;
}

static char buf[70000];

static void test_send(void) {
    int a = bound("127.0.0.1"), b = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in to = in4("127.0.0.1", port_of(a)), from;
    socklen_t size = sizeof from;
    say("nowhere", send(b, "x", 1, 0));
    say("send", sendto(b, "hello", 5, 0, (void *)&to, sizeof to));
    say("empty", sendto(b, "", 0, 0, (void *)&to, sizeof to));
    say("large", sendto(b, buf, 65507, 0, (void *)&to, sizeof to));
    say("too large", sendto(b, buf, 65508, 0, (void *)&to, sizeof to));
    say("far too large", sendto(b, buf, 65536, 0, (void *)&to, sizeof to));
    int n = -1;
    ioctl(a, FIONREAD, &n);
    printf("%x %d\n", events(a), n);
    say("recv", recvfrom(a, buf, 3, MSG_TRUNC, (void *)&from, &size));
    printf("%s %d\n", inet_ntoa(from.sin_addr), ntohs(from.sin_port) == port_of(b));
    say("recv empty", recv(a, buf, 10, 0));
    say("recv part", recv(a, buf, 10, 0));
    say("none", recv(a, buf, 10, 0));
    to.sin_port = 0;
    say("port 0", sendto(b, "x", 1, 0, (void *)&to, sizeof to));
    to.sin_family = AF_INET6;
    say("family", sendto(b, "x", 1, 0, (void *)&to, sizeof to));
    say("short", sendto(b, "x", 1, 0, (void *)&to, 8));
    say("oob", sendto(b, "x", 1, MSG_OOB, (void *)&to, sizeof to));
    say("listen", listen(b, 1));
    say("accept", accept(b, 0, 0));
    say("shutdown", shutdown(b, SHUT_WR));
    to = in4("127.255.255.255", port_of(a));
    int c = socket(AF_INET, SOCK_DGRAM, 0);
    say("broadcast", sendto(c, "x", 1, 0, (void *)&to, sizeof to));
    close(a);
    close(b);
    close(c);
}

static void test_connected(void) {
    int a = bound("127.0.0.1"), b = bound("127.0.0.1"), c = bound("127.0.0.1");
    struct sockaddr_in to = in4("127.0.0.1", port_of(a)), from;
    socklen_t size = sizeof from;
    say("connect", connect(b, (void *)&to, sizeof to));
    say("send", send(b, "abc", 3, 0));
    say("recv", recv(a, buf, 10, 0));
    to.sin_port = htons(port_of(b));
    say("stranger", sendto(c, "x", 1, 0, (void *)&to, sizeof to));
    say("not heard", recv(b, buf, 10, 0));
    say("friend", sendto(a, "xy", 2, 0, (void *)&to, sizeof to));
    say("heard", recv(b, buf, 10, 0));
    close(a);
    say("gone", send(b, "x", 1, 0));
    printf("%x\n", events(b));
    say("refused", send(b, "x", 1, 0));
    say("gone", send(b, "x", 1, 0));
    say("refused", recv(b, buf, 1, 0));
    say("none", recv(b, buf, 1, 0));
    say("peer", getpeername(b, (void *)&from, &size));
    struct sockaddr unspec = {AF_UNSPEC};
    say("disconnect", connect(b, &unspec, sizeof unspec));
    say("peer", getpeername(b, (void *)&from, &size));
    say("nowhere", send(b, "x", 1, 0));
    close(b);
    b = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    to = in4("127.0.0.1", port_of(c));
    connect(b, (void *)&to, sizeof to);
    say("shutdown", shutdown(b, SHUT_RDWR));
    printf("%x\n", events(b));
    say("send", send(b, "x", 1, 0));
    say("recv", recv(b, buf, 1, 0));
    getsockname(b, (void *)&from, &size);
    printf("%s\n", inet_ntoa(from.sin_addr));
    connect(b, &unspec, sizeof unspec);
    getsockname(b, (void *)&from, &size);
    printf("%s %d\n", inet_ntoa(from.sin_addr), from.sin_port);
    close(b);
    close(c);
}

static void test_errors_queue(void) {
    int a = bound("127.0.0.1"), one = 1;
    struct sockaddr_in to = in4("127.0.0.1", port_of(a)), from;
    close(a);
    a = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    say("recverr", setsockopt(a, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
    say("gone", sendto(a, "xyz", 3, 0, (void *)&to, sizeof to));
    printf("%x\n", events(a));
    char control[200], data[10];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {&from, sizeof from, &iov, 1, control, sizeof control};
    say("error queue", recvmsg(a, &m, MSG_ERRQUEUE));
    printf("%d %x\n", m.msg_namelen, m.msg_flags);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c) {
        unsigned char *e = CMSG_DATA(c);
        printf("%d %d %zu: %d %d %d %d\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, e[0], e[4], e[5], e[6]);
    }
    say("empty", recvmsg(a, &m, MSG_ERRQUEUE));
    printf("%x\n", events(a));
    close(a);
}

static void test_control(void) {
    int a = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), b = bound("127.0.0.1"), one = 1;
    struct sockaddr_in any = in4("0.0.0.0", 0), to, from;
    bind(a, (void *)&any, sizeof any);
    to = in4("127.0.0.5", port_of(a));
    setsockopt(a, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    setsockopt(a, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
    setsockopt(a, IPPROTO_IP, IP_RECVTOS, &one, sizeof one);
    int ttl = 9;
    setsockopt(b, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    say("send", sendto(b, "x", 1, 0, (void *)&to, sizeof to));
    char control[200], data[10];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {&from, sizeof from, &iov, 1, control, sizeof control};
    say("recvmsg", recvmsg(a, &m, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("%d %d %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *i = (void *)CMSG_DATA(c);
            printf(" %s", inet_ntoa(i->ipi_spec_dst));
            printf(" %s", inet_ntoa(i->ipi_addr));
        } else
            printf(" %d", CMSG_DATA(c)[0]);
        printf("\n");
    }
    struct mmsghdr many[3];
    char parts[3][4];
    struct iovec iovs[3];
    memset(many, 0, sizeof many);
    for (int i = 0; i < 3; i++) {
        iovs[i] = (struct iovec){parts[i], 4};
        many[i].msg_hdr = (struct msghdr){&to, sizeof to, &iovs[i], 1};
    }
    say("sendmmsg", sendmmsg(b, many, 3, 0));
    say("recvmmsg", recvmmsg(a, many, 3, 0, 0));
    say("recvmmsg", recvmmsg(a, many, 3, 0, 0));
    close(a);
    close(b);
}

static void test_bind(void) {
    int a = bound("127.0.0.1"), b = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    struct sockaddr_in at = in4("127.0.0.1", port_of(a));
    say("in use", bind(b, (void *)&at, sizeof at));
    setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    say("one reuses", bind(b, (void *)&at, sizeof at));
    setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    say("both reuse", bind(b, (void *)&at, sizeof at));
    at = in4("127.0.0.1", port_of(a));
    int c = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(c, "x", 1, 0, (void *)&at, sizeof at);
    printf("%x %x\n", events(a), events(b));
    int six = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in6 any = {AF_INET6}, from;
    bind(six, (void *)&any, sizeof any);
    at = in4("127.0.0.1", port_of(six));
    say("v4 to v6", sendto(c, "x", 1, 0, (void *)&at, sizeof at));
    socklen_t size = sizeof from;
    say("recv", recvfrom(six, buf, 10, 0, (void *)&from, &size));
    char text[60];
    printf("%d %s\n", size, inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
    say("back", sendto(six, "yy", 2, 0, (void *)&from, size));
    say("recv", recv(c, buf, 10, 0));
    close(a), close(b), close(c), close(six);
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    test_send();
    test_connected();
    test_errors_queue();
    test_control();
    test_bind();
    return 0;
}
