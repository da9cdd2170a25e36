/* SPDX-License-Identifier: MPL-2.0 */
/* RAM: one sparse memfd, mapped once, cut into frames with reference counts.
 *
 * Frames come from 2 MiB chunks (of the first one a part is enough for many a short run). A chunk is allocated on the host before its first frame is handed out, so that no
 * later access can fail (a full tmpfs or memory cgroup would raise SIGBUS in the host program). A chunk without
 * owners is punched out, except for a few that are kept for the next request. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "internal.h"

#define CHUNK_BYTES (CHUNK_FRAMES * PAGE)
#define KEEP_EMPTY 8
#define FIRST_FRAMES 128u       /* half a millisecond less than a whole chunk */

static void *map_memory(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static uint32_t chunk_frames(const struct ram *ram, uint32_t chunk)
{
    uint32_t left = ram->nr_frames - chunk * CHUNK_FRAMES;
    return left < CHUNK_FRAMES ? left : CHUNK_FRAMES;
}

int ram_init(struct ram *ram, uint64_t bytes, const char **what)
{
    struct rlimit limit;
    ram->fd = -1;
    *what = "ram_bytes";
    if (bytes == 0 || bytes % PAGE || bytes / PAGE > 0xfffffff0u)
        return -EINVAL;
    ram->nr_frames = ram->nr_free = (uint32_t)(bytes / PAGE);
    ram->nr_chunks = (ram->nr_frames + CHUNK_FRAMES - 1) / CHUNK_FRAMES;
    *what = "RLIMIT_FSIZE";                     /* beyond it, ftruncate would send SIGXFSZ to the host program */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes)
        return -EFBIG;
    *what = "memfd_create";
    ram->fd = memfd_create("cruck-ram", MFD_CLOEXEC | 0x10 /* MFD_EXEC, Linux 6.3 */);
    if (ram->fd < 0)
        ram->fd = memfd_create("cruck-ram", MFD_CLOEXEC);
    if (ram->fd < 0)
        return -errno;
    *what = "ftruncate";
    if (ftruncate(ram->fd, (off_t)bytes) < 0)
        return -errno;
    *what = "mmap";
    ram->bytes = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, ram->fd, 0);
    if (ram->bytes == MAP_FAILED) {
        ram->bytes = NULL;
        return -errno;
    }
    madvise(ram->bytes, bytes, MADV_DONTFORK);  /* a forked copy of the host program has no business here */
    ram->refs = map_memory(ram->nr_frames * sizeof *ram->refs);
    ram->chunks = map_memory(ram->nr_chunks * sizeof *ram->chunks);
    return ram->refs && ram->chunks ? 0 : -ENOMEM;
}

void ram_destroy(struct ram *ram)
{
    if (ram->bytes)
        munmap(ram->bytes, ram->nr_frames * PAGE);
    if (ram->refs)
        munmap(ram->refs, ram->nr_frames * sizeof *ram->refs);
    if (ram->chunks)
        munmap(ram->chunks, ram->nr_chunks * sizeof *ram->chunks);
    if (ram->fd >= 0)
        close(ram->fd);
    memset(ram, 0, sizeof *ram);
    ram->fd = -1;
}

/* All of the chunk, or what it lacks. */
static bool back_chunk(struct ram *ram, uint32_t index)
{
    struct chunk *chunk = &ram->chunks[index];
    uint32_t from = chunk->nr_backed, to = chunk_frames(ram, index);
    if (index == 0 && from == 0 && to > FIRST_FRAMES)
        to = FIRST_FRAMES;
    uint64_t offset = (uint64_t)index * CHUNK_BYTES + from * PAGE, bytes = (to - from) * PAGE;
    int result;
    do
        result = fallocate(ram->fd, 0, (off_t)offset, (off_t)bytes);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return false;
    /* Our own page-table entries too: one call instead of a fault for each frame. Older hosts: faults. */
    madvise(ram->bytes + offset, bytes, 23 /* MADV_POPULATE_WRITE */);
    for (uint32_t i = from; i < to; i++) {
        chunk->free[i / 64] |= 1ul << i % 64;
        chunk->zero[i / 64] |= 1ul << i % 64;
    }
    chunk->nr_free += to - from;
    chunk->nr_backed = to;
    if (from == 0)
        ram->nr_empty_backed++;
    return true;
}

/* A chunk with a free frame: near the last one, else any backed one, else a new one. */
static struct chunk *find_chunk(struct ram *ram)
{
    uint32_t unbacked = ram->nr_chunks;
    if (ram->nr_free == 0)
        return NULL;
    for (uint32_t n = 0; n < ram->nr_chunks; n++) {
        uint32_t index = (ram->hint + n) % ram->nr_chunks;
        struct chunk *chunk = &ram->chunks[index];
        if (chunk->nr_free) {
            ram->hint = index;
            return chunk;
        }
        if (chunk->nr_backed < chunk_frames(ram, index) && unbacked == ram->nr_chunks)
            unbacked = index;
        if (unbacked != ram->nr_chunks && n >= 64 && !ram->nr_empty_backed)
            break;                              /* do not search all of a big RAM each time, unless kept chunks are left */
    }
    if (unbacked == ram->nr_chunks || !back_chunk(ram, unbacked))
        return NULL;
    ram->hint = unbacked;
    return &ram->chunks[unbacked];
}

static inline bool test(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> i % 64 & 1; }

uint32_t ram_alloc(struct ram *ram, uint32_t want, uint32_t *first, bool zeroed)
{
    struct chunk *chunk = find_chunk(ram);
    if (!chunk)
        return 0;
    uint32_t start = 0, count = 0, base = (uint32_t)(chunk - ram->chunks) * CHUNK_FRAMES;
    while (!chunk->free[start / 64])
        start += 64;
    start += (uint32_t)__builtin_ctzl(chunk->free[start / 64]);
    if (chunk->nr_free == chunk->nr_backed)
        ram->nr_empty_backed--;
    for (; count < want && start + count < CHUNK_FRAMES && test(chunk->free, start + count); count++) {
        uint32_t i = start + count;
        chunk->free[i / 64] &= ~(1ul << i % 64);
        if (zeroed && !test(chunk->zero, i))
            memset(ram_ptr(ram, base + i), 0, PAGE);
        chunk->zero[i / 64] &= ~(1ul << i % 64);
        ram->refs[base + i] = 1;
    }
    chunk->nr_free -= count;
    ram->nr_free -= count;
    *first = base + start;
    return count;
}

void ram_put(struct ram *ram, uint32_t frame)
{
    uint32_t index = frame / CHUNK_FRAMES, i = frame % CHUNK_FRAMES;
    struct chunk *chunk = &ram->chunks[index];
    if (--ram->refs[frame])
        return;
    chunk->free[i / 64] |= 1ul << i % 64;
    ram->nr_free++;
    if (++chunk->nr_free < chunk->nr_backed)
        return;
    if (ram->nr_empty_backed < KEEP_EMPTY) {
        ram->nr_empty_backed++;
        return;
    }
    if (fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)((uint64_t)index * CHUNK_BYTES),
                  (off_t)(chunk_frames(ram, index) * PAGE)) == 0)
        memset(chunk, 0, sizeof *chunk);
    else
        ram->nr_empty_backed++;
}
