/* SPDX-License-Identifier: MPL-2.0 */
/* Segments: sparse arrays of frames with byte offsets. An entry of the table is a frame with PTE_PRESENT. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

int segment_new(segment **out, machine *m)
{
    segment *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    g->m = m;
    *out = g;
    return 0;
}

void segment_free(segment *g)
{
    for (uint64_t page = 0; (page = table_next(&g->table, page, MAX_PAGE)) < MAX_PAGE; page++)
        ram_put(&g->m->ram, PTE_FRAME(table_get(&g->table, page)));
    table_destroy(&g->table);
    free(g);
}

int segment_frame(segment *g, uint64_t page, uint32_t *frame)
{
    uint64_t entry = table_get(&g->table, page);
    if (entry) {
        *frame = PTE_FRAME(entry);
        return 0;
    }
    if (!ram_alloc(&g->m->ram, 1, frame, true))
        return -ENOMEM;
    int result = table_set(&g->table, page, (uint64_t)*frame << 12 | PTE_PRESENT);
    if (result < 0)
        ram_put(&g->m->ram, *frame);
    return result;
}

static uint64_t piece(uint64_t offset, uint64_t length)
{
    uint64_t left = PAGE - offset % PAGE;
    return length < left ? length : left;
}

uint64_t segment_read(segment *g, uint64_t offset, uint8_t *to, uint64_t length)
{
    for (uint64_t done = 0, size; done < length; done += size) {
        uint64_t entry = table_get(&g->table, (offset + done) / PAGE);
        size = piece(offset + done, length - done);
        if (entry)
            memcpy(to + done, ram_ptr(&g->m->ram, PTE_FRAME(entry)) + (offset + done) % PAGE, size);
        else
            memset(to + done, 0, size);
    }
    return length;
}

uint64_t segment_write(segment *g, uint64_t offset, const uint8_t *from, uint64_t length)
{
    uint64_t done = 0;
    uint32_t frame;
    while (done < length && segment_frame(g, (offset + done) / PAGE, &frame) == 0) {
        uint64_t size = piece(offset + done, length - done);
        memcpy(ram_ptr(&g->m->ram, frame) + (offset + done) % PAGE, from + done, size);
        done += size;
    }
    return done;
}

int segment_discard(segment *g, uint64_t offset, uint64_t length)
{
    uint64_t end = offset + length;
    for (uint64_t page = offset / PAGE; (page = table_next(&g->table, page, (end + PAGE - 1) / PAGE)) < (end + PAGE - 1) / PAGE; page++) {
        uint64_t start = page * PAGE < offset ? offset : page * PAGE;
        uint64_t stop = (page + 1) * PAGE > end ? end : (page + 1) * PAGE;
        uint32_t frame = PTE_FRAME(table_get(&g->table, page));
        if (stop - start < PAGE) {
            memset(ram_ptr(&g->m->ram, frame) + start % PAGE, 0, stop - start);
            continue;
        }
        table_set(&g->table, page, 0);
        ram_put(&g->m->ram, frame);             /* spaces that map it have references of their own */
    }
    return 0;
}

uint64_t segment_copy(segment *g, uint64_t offset, segment *from, uint64_t from_offset, uint64_t length)
{
    uint8_t buffer[PAGE];
    uint64_t done = 0;
    while (done < length) {
        uint64_t size = piece(from_offset + done, length - done);
        segment_read(from, from_offset + done, buffer, size);
        uint64_t n = segment_write(g, offset + done, buffer, size);
        done += n;
        if (n < size)
            break;
    }
    return done;
}

/* Through a bounce buffer: simple, and no frame has to be pinned. */
int64_t segment_host_io(segment *g, uint64_t offset, int fd, int64_t host_offset, uint64_t length, bool to_host)
{
    uint64_t size = length < 65536 ? length : 65536, done = 0;
    uint8_t *buffer = malloc(size ? size : 1);
    int64_t n = buffer ? 0 : -ENOMEM;
    while (buffer && (done < length || length == 0)) {
        uint64_t want = length - done < size ? length - done : size;
        int64_t at = host_offset < 0 ? -1 : host_offset + (int64_t)done;
        if (to_host)
            segment_read(g, offset + done, buffer, want);
        machine_leave(g->m);
        if (to_host)
            n = at < 0 ? write(fd, buffer, want) : pwrite(fd, buffer, want, at);
        else
            n = at < 0 ? read(fd, buffer, want) : pread(fd, buffer, want, at);
        n = n < 0 ? -errno : n;
        machine_enter(g->m);
        if (n > 0 && !to_host) {
            uint64_t kept = segment_write(g, offset + done, buffer, (uint64_t)n);
            if (kept < (uint64_t)n)
                n = kept || done ? (int64_t)kept : -ENOMEM;
        }
        if (n > 0)
            done += (uint64_t)n;
        if (n < (int64_t)want || host_offset < 0 || want == 0)
            break;                              /* a stream: never wait for more once we have some */
    }
    free(buffer);
    return n < 0 && !done ? n : (int64_t)done;
}

int64_t segment_next(segment *g, uint64_t offset, bool data)
{
    uint64_t page = offset / PAGE;
    if (data)
        page = table_next(&g->table, page, MAX_PAGE);
    else
        while (page < MAX_PAGE && table_get(&g->table, page))
            page++;
    if (page >= MAX_PAGE)
        return -1;
    return (int64_t)(page * PAGE > offset ? page * PAGE : offset);
}

uint64_t segment_nr_pages(const segment *g) { return g->table.nr_present; }
