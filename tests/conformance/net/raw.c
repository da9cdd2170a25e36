// SPDX-License-Identifier: MPL-2.0
// Raw sockets on loopback: copies of packets, echo, a hand-made UDP datagram. Prints nothing but its skip where it may not.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r_ = (call); printf("%-66s %ld %s\n", #call, r_, r_ < 0 ? strerror(errno) : ""); } while (0)

static struct sockaddr_in loopback = { .sin_family = AF_INET };

static unsigned short sum(const void *data, int length)
{
    const unsigned short *words = data;
    unsigned total = 0;
    for (; length > 1; length -= 2) total += *words++;
    if (length) total += *(const unsigned char *)words;
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return ~total;
}

static void receive(int fd)
{
    unsigned char data[200];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t count = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (void *)&from, &length);
    if (count < 0) { printf("  %s\n", strerror(errno)); return; }
    printf("  %zd bytes, header %d, protocol %d, ttl %d, payload begins %d, from %s port %d\n", count, data[0], data[9], data[8], data[20],
           inet_ntoa(from.sin_addr), ntohs(from.sin_port));
}

int main(void)
{
    struct timeval second = { 1, 0 };
    char packet[64] = { 0 };
    struct icmphdr *echo = (void *)packet;
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SHOW(socket(AF_INET, SOCK_RAW, 0));
    int icmp = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), other = socket(AF_INET, SOCK_RAW, 253), udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (icmp < 0) return 0;
    setsockopt(icmp, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    echo->type = ICMP_ECHO;
    echo->un.echo.id = 7;
    echo->checksum = sum(packet, 20);
    SHOW(sendto(icmp, packet, 20, 0, (void *)&loopback, sizeof loopback));
    usleep(2000);
    receive(icmp);
    receive(icmp);
    receive(icmp);
    getsockname(icmp, (void *)&name, &length);
    printf("name %s %d\n", inet_ntoa(name.sin_addr), ntohs(name.sin_port));
    SHOW(bind(icmp, (void *)&loopback, sizeof loopback));
    SHOW(sendto(other, "unknown protocol", 16, 0, (void *)&loopback, sizeof loopback));
    usleep(2000);
    receive(other);
    SHOW(send(other, "x", 1, 0));
    SHOW(connect(other, (void *)&loopback, sizeof loopback));
    SHOW(send(other, "connected", 9, 0));
    usleep(2000);
    receive(other);

    bind(udp, (void *)&loopback, sizeof loopback);
    getsockname(udp, (void *)&name, &length);
    int maker = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    struct iphdr *ip = (void *)packet;
    memset(packet, 0, sizeof packet);
    ip->version = 4, ip->ihl = 5, ip->tot_len = htons(28 + 4), ip->ttl = 9, ip->protocol = IPPROTO_UDP;
    ip->saddr = ip->daddr = loopback.sin_addr.s_addr;
    struct udphdr *header = (void *)(packet + 20);
    header->source = htons(4321), header->dest = name.sin_port, header->len = htons(12);
    memcpy(packet + 28, "hand", 4);
    SHOW(sendto(maker, packet, 32, 0, (void *)&loopback, sizeof loopback));
    usleep(2000);
    char data[20] = { 0 };
    struct sockaddr_in from;
    length = sizeof from;
    SHOW(recvfrom(udp, data, sizeof data, MSG_DONTWAIT, (void *)&from, &length));
    printf("%s from port %d\n", data, ntohs(from.sin_port));
    SHOW(sendto(maker, packet, 10, 0, (void *)&loopback, sizeof loopback));
    return 0;
}
