// SPDX-License-Identifier: MPL-2.0
// What comes with datagrams and how they are cut: time stamps, multicast on lo, corking, segmentation, UDP-Lite, ping sockets, devices.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static const char *what(long result) { return result < 0 ? strerror(errno) : "done"; }
#define SHOW(call) do { errno = 0; long r_ = (call); printf("%-60s %ld %s\n", #call, r_ < 0 ? -1 : r_, what(r_)); } while (0)

static struct sockaddr_in at(const char *address, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &a.sin_addr);
    return a;
}

static int bound(int protocol, const char *address, int *port)
{
    struct sockaddr_in a = at(address, *port);
    socklen_t length = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_DGRAM, protocol);
    struct timeval second = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    if (bind(fd, (void *)&a, sizeof a)) printf("bind %s\n", strerror(errno));
    getsockname(fd, (void *)&a, &length);
    *port = ntohs(a.sin_port);
    return fd;
}

static void receive(int fd)
{
    char data[4096], control[256];
    struct iovec part = {data, sizeof data};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(fd, &message, MSG_DONTWAIT);
    if (count < 0) { printf("  received: %s\n", strerror(errno)); return; }
    printf("  received %zd bytes \"%.*s\"", count, count > 20 ? 20 : (int)count, data);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        printf(" cmsg %d/%d len %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_level == SOL_SOCKET) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            printf(" %s", labs(stamp.tv_sec - time(0)) < 5 ? "now" : "not now");
        }
    }
    printf("\n");
}

static void options(void)
{
    int port = 0, value = 0, one = 1;
    socklen_t length = sizeof value;
    char device[IFNAMSIZ] = "";
    int fd = bound(0, "127.0.0.1", &port);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("127.0.0.1", port);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof one));
    sendto(out, "stamped", 7, 0, (void *)&to, sizeof to);
    receive(fd);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one));
    sendto(out, "stamped", 7, 0, (void *)&to, sizeof to);
    receive(fd);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &value, &length));
    printf("%d\n", value);
    value = 0;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &value, sizeof value);
    SHOW(setsockopt(out, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    length = sizeof device;
    SHOW(getsockopt(out, SOL_SOCKET, SO_BINDTODEVICE, device, &length));
    printf("%s %u\n", device, length);
    SHOW(setsockopt(out, SOL_SOCKET, SO_BINDTODEVICE, "nonesuch", 9));
    SHOW(setsockopt(out, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one));

    connect(out, (void *)&to, sizeof to);
    SHOW(setsockopt(out, IPPROTO_UDP, UDP_CORK, &one, sizeof one));
    SHOW(send(out, "one ", 4, 0));
    SHOW(send(out, "two ", 4, 0));
    receive(fd);
    value = 0;
    SHOW(setsockopt(out, IPPROTO_UDP, UDP_CORK, &value, sizeof value));
    receive(fd);
    SHOW(send(out, "more ", 5, MSG_MORE));
    SHOW(send(out, "and done", 8, 0));
    receive(fd);
    value = 4;
    SHOW(setsockopt(out, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof value));
    SHOW(send(out, "aaaabbbbcc", 10, 0));
    value = 0;
    SHOW(setsockopt(out, SOL_SOCKET, SO_NO_CHECK, &value, sizeof value));
    SHOW(send(out, "aaaabbbbcc", 10, 0));
    for (int i = 0; i < 4; i++) receive(fd);
    value = -1;
    SHOW(setsockopt(out, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof value));
    SHOW(setsockopt(out, IPPROTO_UDP, 55, &value, sizeof value));
    close(fd);
    close(out);
}

static void multicast(void)
{
    int port = 0, value = 1;
    int first = bound(0, "0.0.0.0", &port), second = bound(0, "239.1.2.3", &port), third = bound(0, "0.0.0.0", &port);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("239.1.2.3", port);
    struct ip_mreqn group = {.imr_ifindex = if_nametoindex("lo")};
    struct in_addr shown;
    socklen_t length = sizeof shown;
    inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
    SHOW(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    SHOW(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    value = 0;
    SHOW(setsockopt(third, IPPROTO_IP, IP_MULTICAST_ALL, &value, sizeof value));
    struct in_addr lo = {htonl(INADDR_LOOPBACK)}, none = {htonl(0x01020304)};
    SHOW(setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &none, sizeof none));
    SHOW(setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
    SHOW(getsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &shown, &length));
    printf("%s %u\n", inet_ntoa(shown), length);
    SHOW(sendto(out, "to all", 6, 0, (void *)&to, sizeof to));
    receive(first);
    receive(second);
    receive(third);
    struct ip_mreq old = {.imr_multiaddr = group.imr_multiaddr, .imr_interface = lo};
    SHOW(setsockopt(third, IPPROTO_IP, IP_ADD_MEMBERSHIP, &old, sizeof old));
    SHOW(sendto(out, "again", 5, 0, (void *)&to, sizeof to));
    receive(first);
    receive(third);
    SHOW(setsockopt(first, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
    SHOW(setsockopt(first, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
    SHOW(setsockopt(third, IPPROTO_IP, IP_DROP_MEMBERSHIP, &old, sizeof old));
    SHOW(sendto(out, "nobody", 6, 0, (void *)&to, sizeof to));
    receive(first);
    receive(third);
    inet_pton(AF_INET, "1.2.3.4", &group.imr_multiaddr);
    SHOW(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    SHOW(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, 3));
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(setsockopt(stream, IPPROTO_IP, IP_ADD_MEMBERSHIP, &old, sizeof old));
    close(first), close(second), close(third), close(out), close(stream);
}

static void ping(void)
{
    struct icmphdr request = {.type = ICMP_ECHO, .un.echo = {.id = 77, .sequence = htons(9)}};
    char packet[sizeof request + 5], data[100];
    struct sockaddr_in to = at("127.0.0.1", 0), from;
    socklen_t length = sizeof from;
    int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    memcpy(packet, &request, sizeof request);
    memcpy(packet + sizeof request, "hello", 5);
    SHOW(sendto(fd, packet, sizeof packet, 0, (void *)&to, sizeof to));
    ssize_t count = recvfrom(fd, data, sizeof data, 0, (void *)&from, &length);
    struct icmphdr *reply = (void *)data;
    printf("reply %zd type %d code %d sequence %d \"%.5s\" from %s\n", count, reply->type, reply->code, ntohs(reply->un.echo.sequence), data + 8,
           inet_ntoa(from.sin_addr));
    getsockname(fd, (void *)&from, &length);
    printf("identifier %s\n", reply->un.echo.id == from.sin_port ? "is the port" : "differs");
    SHOW(sendto(fd, packet, 4, 0, (void *)&to, sizeof to));
    packet[0] = ICMP_ECHOREPLY;
    SHOW(sendto(fd, packet, sizeof packet, 0, (void *)&to, sizeof to));
    close(fd);
}

int main(int argc, char **argv)
{
    options();
    multicast();
    if (argc > 1) ping();  // by hand: most hosts let nobody ping (net.ipv4.ping_group_range)
    return 0;
}
