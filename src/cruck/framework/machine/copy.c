/* SPDX-License-Identifier: MPL-2.0 */
/* Guest data: copied page by page through the page table and our own mapping of RAM. Pages of host files are read
 * and written with pread and pwrite, so that a file that shrinks is a short count and not a signal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "internal.h"

#define NR_VECTORS 512

/* The entry that lets `access` at addr through, or 0. Reading needs any permission, as on the hardware. */
static uint64_t entry_for(space *s, uint64_t addr, uint32_t access)
{
    uint64_t entry = addr < MACHINE_USER_END ? table_get(&s->table, addr / PAGE) : 0;
    uint32_t prot = effective_prot(entry);
    return access == 0 || (access == MACHINE_READ ? prot != 0 : prot & access) ? entry : 0;
}

static uint64_t piece(uint64_t addr, uint64_t length)
{
    uint64_t left = PAGE - addr % PAGE;
    return length < left ? length : left;
}

static uint8_t *ram_at(space *s, uint64_t entry, uint64_t addr)
{
    return ram_ptr(&s->m->ram, PTE_FRAME(entry)) + addr % PAGE;
}

/* How much of a file's page exists: beyond its last page there is nothing, within it the rest is zero. */
static uint64_t file_page_bytes(space *s, uint64_t entry)
{
    struct stat status;
    uint64_t start = PTE_FILE_PAGE(entry) * PAGE;
    if (fstat(s->m->files[PTE_FILE_SLOT(entry)].fd, &status) < 0 || (uint64_t)status.st_size <= start)
        return 0;
    return (uint64_t)status.st_size - start < PAGE ? (uint64_t)status.st_size - start : PAGE;
}

static uint64_t file_read(space *s, uint64_t entry, uint64_t addr, uint8_t *to, uint64_t size)
{
    int fd = s->m->files[PTE_FILE_SLOT(entry)].fd;
    ssize_t n = pread(fd, to, size, (off_t)(PTE_FILE_PAGE(entry) * PAGE + addr % PAGE));
    if (n < 0 || (uint64_t)n == size)
        return n < 0 ? 0 : size;
    if (!file_page_bytes(s, entry))
        return 0;
    memset(to + n, 0, size - (uint64_t)n);
    return size;
}

/* Bytes beyond the end of the file are dropped, as a mapping drops them. */
static uint64_t file_write(space *s, uint64_t entry, uint64_t addr, const uint8_t *from, uint64_t size)
{
    static const uint8_t zeros[PAGE];
    uint64_t exists = file_page_bytes(s, entry), start = addr % PAGE;
    if (!exists)
        return 0;
    uint64_t n = start >= exists ? 0 : size < exists - start ? size : exists - start;
    int fd = s->m->files[PTE_FILE_SLOT(entry)].fd;
    if (n && pwrite(fd, from ? from : zeros, n, (off_t)(PTE_FILE_PAGE(entry) * PAGE + start)) != (ssize_t)n)
        return 0;
    return size;
}

uint64_t space_readable(space *s, uint64_t addr, uint64_t length, bool force)
{
    uint64_t done = 0;
    while (done < length && entry_for(s, addr + done, force ? 0 : MACHINE_READ))
        done += piece(addr + done, length - done);
    return done;
}

uint64_t space_read(space *s, uint64_t addr, uint8_t *to, uint64_t length, bool force)
{
    uint64_t done = 0;
    while (done < length) {
        uint64_t size = piece(addr + done, length - done);
        uint64_t entry = entry_for(s, addr + done, force ? 0 : MACHINE_READ);
        if (!entry)
            break;
        if (!(entry & PTE_FILE))
            memcpy(to + done, ram_at(s, entry, addr + done), size);
        else if (!file_read(s, entry, addr + done, to + done, size))
            break;
        done += size;
    }
    return done;
}

uint64_t space_write(space *s, uint64_t addr, const uint8_t *from, uint64_t length)
{
    uint64_t done = 0;
    while (done < length) {
        uint64_t size = piece(addr + done, length - done);
        uint64_t entry = entry_for(s, addr + done, MACHINE_WRITE);
        if (!entry)
            break;
        if (entry & PTE_FILE) {
            if (!file_write(s, entry, addr + done, from ? from + done : NULL, size))
                break;
        } else if (from) {
            memcpy(ram_at(s, entry, addr + done), from + done, size);
        } else {
            memset(ram_at(s, entry, addr + done), 0, size);
        }
        done += size;
    }
    return done;
}

/* Only a bound: guests may change the bytes until they are copied. status: 0 NUL, 1 limit, 2 fault. */
uint64_t space_string_length(space *s, uint64_t addr, uint64_t limit, int *status)
{
    uint64_t done = 0;
    uint8_t buffer[PAGE];
    *status = 1;
    while (done < limit) {
        uint64_t size = piece(addr + done, limit - done);
        uint64_t entry = entry_for(s, addr + done, MACHINE_READ);
        const uint8_t *at = buffer;
        if (!entry || (entry & PTE_FILE && !file_read(s, entry, addr + done, buffer, size))) {
            *status = 2;
            break;
        }
        if (!(entry & PTE_FILE))
            at = ram_at(s, entry, addr + done);
        const uint8_t *end = memchr(at, 0, size);
        if (end) {
            *status = 0;
            return done + (uint64_t)(end - at);
        }
        done += size;
    }
    return done;
}

int64_t space_segment_io(space *s, uint64_t addr, segment *g, uint64_t offset, uint64_t length, bool to_segment)
{
    uint8_t buffer[PAGE];
    uint64_t done = 0;
    while (done < length) {
        uint64_t size = piece(addr + done, length - done), n;
        uint64_t entry = entry_for(s, addr + done, to_segment ? MACHINE_READ : MACHINE_WRITE);
        if (!entry)
            break;
        uint8_t *at = entry & PTE_FILE ? buffer : ram_at(s, entry, addr + done);
        if (to_segment) {
            if (entry & PTE_FILE && !file_read(s, entry, addr + done, buffer, size))
                break;
            n = segment_write(g, offset + done, at, size);
            if (n == 0 && done == 0)
                return -ENOMEM;
        } else {
            n = segment_read(g, offset + done, at, size);
            if (entry & PTE_FILE)
                n = file_write(s, entry, addr + done, buffer, size);
        }
        done += n;
        if (n < size)
            break;
    }
    return (int64_t)done;
}

/* ---- host input and output, straight from and to guest pages ---- */

/* Vectors for the RAM pages at addr; neighbours are merged. The frames are pinned. */
static int gather(space *s, uint64_t addr, uint64_t length, uint32_t access, struct iovec *vectors, uint64_t *total)
{
    int nr = 0;
    *total = 0;
    while (*total < length) {
        uint64_t size = piece(addr + *total, length - *total), entry = entry_for(s, addr + *total, access);
        if (!entry || entry & PTE_FILE)
            break;
        uint8_t *at = ram_at(s, entry, addr + *total);
        if (nr && (uint8_t *)vectors[nr - 1].iov_base + vectors[nr - 1].iov_len == at)
            vectors[nr - 1].iov_len += size;
        else if (nr == NR_VECTORS)
            break;
        else
            vectors[nr++] = (struct iovec){at, size};
        ram_get(&s->m->ram, PTE_FRAME(entry));
        *total += size;
    }
    return nr;
}

static void unpin(machine *m, const struct iovec *vectors, int nr)
{
    for (int i = 0; i < nr; i++) {
        uint64_t start = (uint64_t)((uint8_t *)vectors[i].iov_base - m->ram.bytes);
        for (uint64_t frame = start / PAGE; frame <= (start + vectors[i].iov_len - 1) / PAGE; frame++)
            ram_put(&m->ram, (uint32_t)frame);
    }
}

static int64_t transfer(machine *m, const struct iovec *vectors, int nr, int fd, int64_t host_offset, int flags, bool to_host)
{
    machine_leave(m);                           /* a pipe or a terminal may keep the host busy for long */
    ssize_t n = to_host ? pwritev2(fd, vectors, nr, host_offset, flags) : preadv2(fd, vectors, nr, host_offset, flags);
    int64_t result = n < 0 ? -errno : n;
    machine_enter(m);
    return result;
}

int64_t space_host_io(space *s, uint64_t addr, int fd, int64_t host_offset, uint64_t length, int flags, bool to_host)
{
    struct iovec vectors[NR_VECTORS];
    uint64_t done = 0, total;
    int64_t n = 0;
    struct stat status;
    bool goes_on = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);  /* never wait for more once we have some */
    uint8_t *bounce = NULL;
    do {
        int64_t at = host_offset < 0 ? -1 : host_offset + (int64_t)done;
        int nr = gather(s, addr + done, length - done, to_host ? MACHINE_READ : MACHINE_WRITE, vectors, &total);
        if (nr || length == 0) {
            n = transfer(s->m, vectors, nr, fd, at, flags, to_host);
            unpin(s->m, vectors, nr);
        } else if (to_host && (bounce || (bounce = malloc(16 * PAGE)))) {   /* pages of a host file */
            uint64_t want = length - done < 16 * PAGE ? length - done : 16 * PAGE;
            total = space_read(s, addr + done, bounce, want, false);
            if (!total)
                n = done ? 0 : -EFAULT;
            else
                n = transfer(s->m, &(struct iovec){bounce, total}, 1, fd, at, flags, true);
        } else {
            n = done ? 0 : -EFAULT;
        }
        if (n > 0)
            done += (uint64_t)n;
    } while (goes_on && n > 0 && (uint64_t)n == total && done < length);
    free(bounce);
    return n < 0 && !done ? n : (int64_t)done;
}

static uint32_t *word_at(space *s, uint64_t addr, uint32_t access)
{
    uint64_t entry = addr % 4 ? 0 : entry_for(s, addr, access);
    return entry && !(entry & PTE_FILE) ? (uint32_t *)ram_at(s, entry, addr) : NULL;
}

int64_t space_load_u32(space *s, uint64_t addr)
{
    uint32_t *word = word_at(s, addr, MACHINE_READ), value;
    if (word)
        return __atomic_load_n(word, __ATOMIC_SEQ_CST);
    return addr % 4 == 0 && space_read(s, addr, (uint8_t *)&value, 4, false) == 4 ? (int64_t)value : -1;
}

int64_t space_cas_u32(space *s, uint64_t addr, uint32_t old, uint32_t new)
{
    uint32_t *word = word_at(s, addr, MACHINE_WRITE);
    if (!word)
        return -1;
    __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return old;
}
