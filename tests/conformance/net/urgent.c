// SPDX-License-Identifier: MPL-2.0
// Urgent data: MSG_OOB, SO_OOBINLINE, the mark, POLLPRI, SIGURG; TCP_DEFER_ACCEPT.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

static int client, server;
static volatile int nr_sigurg;
static void on_urgent(int signo) { nr_sigurg++; }

static int listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (void *)address, sizeof *address);
    listen(fd, 5);
    getsockname(fd, (void *)address, &length);
    return fd;
}

static void pair(void)
{
    struct sockaddr_in address;
    int fd = listener(&address);
    client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (void *)&address, sizeof address);
    server = accept(fd, 0, 0);
    close(fd);
}

static void get(const char *what, int flags)
{
    char data[64] = {0};
    int count = recv(server, data, sizeof data - 1, flags | MSG_DONTWAIT);
    if (count < 0) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: %d \"%s\"\n", what, count, data);
}

static void show(const char *what)
{
    struct pollfd poller = {server, POLLIN | POLLPRI, 0};
    int count = -1, mark = -1;
    usleep(2000);
    poll(&poller, 1, 0);
    ioctl(server, FIONREAD, &count);
    ioctl(server, SIOCATMARK, &mark);
    printf("%s: poll %x, FIONREAD %d, at mark %d\n", what, poller.revents, count, mark);
}

int main(void)
{
    int one = 1, value = 7;
    socklen_t length = sizeof value;
    struct sockaddr_in address;
    pair();
    signal(SIGURG, on_urgent);
    fcntl(server, F_SETOWN, getpid());
    get("oob without any", MSG_OOB);
    send(client, "abc!", 4, MSG_OOB);
    show("abc and urgent !");
    printf("sigurg %d\n", nr_sigurg);
    get("peek oob", MSG_OOB | MSG_PEEK);
    get("oob", MSG_OOB);
    get("oob again", MSG_OOB);
    send(client, "def", 3, 0);
    show("def after the mark");
    get("up to the mark", 0);
    show("at the mark");
    get("after the mark", 0);
    show("empty");
    send(client, "x", 1, MSG_OOB);
    show("only urgent");
    get("read", 0);
    get("oob", MSG_OOB);
    send(client, "12", 2, MSG_OOB);
    send(client, "34", 2, MSG_OOB);
    show("two marks");
    get("read", 0);
    get("oob", MSG_OOB);
    get("read", 0);
    setsockopt(server, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one);
    send(client, "uvw", 3, MSG_OOB);
    send(client, "xyz", 3, 0);
    show("in line");
    get("oob", MSG_OOB);
    get("read", 0);
    show("at the mark");
    get("read", 0);
    show("end");
    close(client);
    close(server);

    int fd = listener(&address);
    value = 4;
    printf("defer %d\n", setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, sizeof value));
    getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, &length);
    printf("deferred by %d s\n", value);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    client = socket(AF_INET, SOCK_STREAM, 0);
    printf("connect %d\n", connect(client, (void *)&address, sizeof address));
    printf("accept %d\n", accept(fd, 0, 0) >= 0);
    send(client, "now", 3, 0);
    usleep(2000);
    server = accept(fd, 0, 0);
    printf("accept %d\n", server >= 0);
    get("read", 0);
    return 0;
}
