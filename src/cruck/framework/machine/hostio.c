/* SPDX-License-Identifier: MPL-2.0 */
/* Three host calls that Python's library does not offer, or not in one step. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "machine.h"

struct how { uint64_t flags, mode, resolve; };      /* struct open_how; not every libc has it */

int hostio_openat2(int dir_fd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct how how = {flags | O_CLOEXEC, mode, resolve};
    long fd;
    do
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : (int)fd;
}

long hostio_getdents(int fd, uint8_t *buffer, size_t size)
{
    long n = syscall(SYS_getdents64, fd, buffer, size);
    return n < 0 ? -errno : n;
}

static int64_t nanoseconds(const struct statx_timestamp *time)
{
    return time->tv_sec * 1000000000ll + time->tv_nsec;
}

int hostio_statx(int dir_fd, const char *path, int flags, int64_t out[17])
{
    struct statx x;
    if (statx(dir_fd, path, flags, STATX_BASIC_STATS | STATX_BTIME | 0x1000 /* STATX_MNT_ID */, &x) < 0)
        return -errno;
    int64_t values[17] = {
        x.stx_mode, x.stx_nlink, x.stx_uid, x.stx_gid, (int64_t)x.stx_ino, (int64_t)x.stx_size, (int64_t)x.stx_blocks,
        x.stx_blksize, nanoseconds(&x.stx_atime), nanoseconds(&x.stx_mtime), nanoseconds(&x.stx_ctime),
        nanoseconds(&x.stx_btime), x.stx_dev_major, x.stx_dev_minor, x.stx_rdev_major, x.stx_rdev_minor,
        0};
    uint64_t mnt_id;
    __builtin_memcpy(&mnt_id, (const char *)&x + 0x90, 8);  /* stx_mnt_id; absent from older headers */
    values[16] = x.stx_mask & 0x1000 ? (int64_t)mnt_id : 0;
    for (int i = 0; i < 17; i++)
        out[i] = values[i];
    return 0;
}
