// SPDX-License-Identifier: MPL-2.0
// sendfile(2) into sockets and pipes: what may be a source. (Go waits for the wrong end if a pipe may.)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r_ = (call); printf("%-40s %ld %s\n", #call, r_, r_ < 0 ? strerror(errno) : ""); } while (0)

int main(void)
{
    int first[2], second[2], pair[2], file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    pipe2(first, O_NONBLOCK);
    pipe2(second, O_NONBLOCK);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    write(first[1], "abc", 3);
    write(pair[1], "abc", 3);
    write(file, "0123456789", 10);
    int zero = open("/dev/zero", O_RDONLY), directory = open(".", O_RDONLY);
    off_t offset = 2;
    SHOW(sendfile(pair[1], first[0], 0, 10));
    SHOW(sendfile(second[1], first[0], 0, 10));
    SHOW(sendfile(pair[1], first[0], &offset, 10));
    SHOW(sendfile(pair[1], pair[0], 0, 10));
    SHOW(sendfile(second[1], zero, 0, 10));
    SHOW(sendfile(pair[1], zero, 0, 10));
    SHOW(sendfile(pair[1], directory, 0, 10));
    SHOW(sendfile(pair[1], file, &offset, 4));
    printf("offset %ld\n", (long)offset);
    SHOW(sendfile(pair[1], file, &offset, 100));
    SHOW(sendfile(pair[1], file, &offset, 100));
    SHOW(sendfile(file, zero, 0, 3));
    unlink("file");
    return 0;
}
