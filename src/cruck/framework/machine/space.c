/* SPDX-License-Identifier: MPL-2.0 */
/* Address spaces: the page table is the truth, the stub's mappings are a cache of it.
 *
 * Every operation changes the table first and queues orders. While no task of the space runs guest code they may wait until one
 * is about to (space_settle): a system call or an execve costs one batch then. Frames are freed only after the pager has answered.
 * An entry without PTE_HOST is mapped when the guest faults on it (space_serve_fault). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "internal.h"

#define AROUND 64u              /* pages mapped around a fault that needs no decision of the kernel */

uint32_t effective_prot(uint64_t entry)
{
    return (uint32_t)(entry & (entry & PTE_COW ? PTE_PROT & ~(uint64_t)MACHINE_WRITE : PTE_PROT));
}

/* ---- host files ---- */

/* The slot of a descriptor's file with one more reference, or −errno. Equal files share one duplicate. */
static int file_get(machine *m, int fd)
{
    struct stat status;
    int mode = fcntl(fd, F_GETFL), spare = -1;
    if (mode < 0 || fstat(fd, &status) < 0)
        return -errno;
    mode &= O_ACCMODE;
    for (uint32_t i = 0; i < m->nr_files; i++) {
        struct file *file = &m->files[i];
        if (file->nr_refs == 0) {
            spare = (int)i;
        } else if (file->ino == status.st_ino && file->dev == status.st_dev && file->mode == mode) {
            file->nr_refs++;
            return (int)i;
        }
    }
    if (spare < 0) {
        if (m->nr_files == MAX_FILES)
            return -ENFILE;
        if ((m->nr_files & (m->nr_files - 1)) == 0) {
            struct file *files = realloc(m->files, (m->nr_files ? 2 * m->nr_files : 1) * sizeof *files);
            if (!files)
                return -ENOMEM;
            m->files = files;
        }
        spare = (int)m->nr_files;
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 16);
    if (copy < 0)
        return -errno;
    m->files[spare] = (struct file){copy, status.st_dev, status.st_ino, mode, 1};
    if (spare == (int)m->nr_files)
        m->nr_files++;
    return spare;
}

void file_put(machine *m, uint32_t slot)
{
    if (--m->files[slot].nr_refs == 0)
        close(m->files[slot].fd);
}

/* ---- operations: begin, change, finish ---- */

static int begin(space *s)
{
    s->error = 0;
    return s->is_dead || !s->stub ? -ESRCH : 0;
}

static void note(space *s, int result)
{
    if (result < 0 && s->error == 0)
        s->error = result;
}

static void entry_get(space *s, uint64_t entry)
{
    if (entry & PTE_FILE)
        s->m->files[PTE_FILE_SLOT(entry)].nr_refs++;
    else
        ram_get(&s->m->ram, PTE_FRAME(entry));
}

/* Drops the reference of an entry that has left the table. If the stub may still map the frame, that has to wait. */
static void entry_put(space *s, uint64_t entry)
{
    if (entry & PTE_FILE) {
        file_put(s->m, PTE_FILE_SLOT(entry));
        return;
    }
    if (!(entry & PTE_HOST)) {
        ram_put(&s->m->ram, PTE_FRAME(entry));
        return;
    }
    if (s->nr_doomed == s->max_doomed) {
        uint32_t size = s->max_doomed ? 2 * s->max_doomed : 256;
        uint32_t *doomed = realloc(s->doomed, size * sizeof *doomed);
        if (!doomed)
            return;                             /* the frame leaks: never free what may be mapped */
        s->doomed = doomed;
        s->max_doomed = size;
    }
    s->doomed[s->nr_doomed++] = PTE_FRAME(entry);
}

/* Our own bound is never lowered by unmapping; counting the runs of the table gives a better one. */
static bool has_too_many_maps(space *s)
{
    uint64_t next = 0, runs = 0, last = 0;
    if (s->stub->nr_host_maps < s->m->max_host_maps)
        return false;
    for (uint64_t page = 0; (page = table_next(&s->table, page, MAX_PAGE)) < MAX_PAGE; page++) {
        uint64_t entry = table_get(&s->table, page);
        if (page != next || entry != last + (1ul << 12))
            runs++;
        next = page + 1;
        last = entry;
    }
    s->stub->nr_host_maps = (uint32_t)runs + 64 + s->stub->nr_slots;
    return s->stub->nr_host_maps > s->m->max_host_maps / 2;
}

static void forget_host(space *s, uint64_t page, uint64_t end)
{
    for (; (page = table_next(&s->table, page, end)) < end; page++)
        table_set(&s->table, page, table_get(&s->table, page) & ~PTE_HOST);
}

static void drop_all_host(space *s)
{
    pager_forget(s->stub);
    note(s, pager_unmap(s->stub, 0, MACHINE_USER_END / PAGE));
    forget_host(s, 0, MAX_PAGE);
    s->stub->nr_host_maps = 64 + s->stub->nr_slots;
}

static void free_doomed(space *s)
{
    for (uint32_t i = 0; i < s->nr_doomed; i++)
        ram_put(&s->m->ram, s->doomed[i]);
    s->nr_doomed = 0;
}

/* Sends what is queued. After a refused order nobody knows what the stub has: everything is unmapped there and comes back by faults; the
 * table stays as it is, and the caller decides whether to keep new entries. */
static int send_orders(space *s)
{
    int refused = pager_flush(s->stub), result = refused;
    if (refused == 0 ? has_too_many_maps(s) : refused != -ESRCH) {
        drop_all_host(s);
        result = pager_flush(s->stub) < 0 ? -ESRCH : 0;
    }
    if (result < 0)
        space_die(s);
    free_doomed(s);
    return result < 0 ? result : refused;
}

/* The end of an operation: now, if a task could see the difference, else before the next one runs. */
static int finish(space *s)
{
    if (s->nr_running)
        note(s, send_orders(s));
    return s->error;
}

/* The end of an operation that the host may refuse for reasons of its own, which the caller wants to know. */
static int finish_now(space *s)
{
    if (s->has_run)
        note(s, send_orders(s));
    return s->error;
}

bool space_is_settled(const space *s) { return !s->stub || (s->stub->nr_orders == 0 && s->nr_doomed == 0); }

int space_settle(space *s)
{
    if (s->is_dead || !s->stub)
        return -ESRCH;
    return space_is_settled(s) ? 0 : send_orders(s);
}

/* Writes an entry and queues its host mapping. */
static void set_mapped(space *s, uint64_t page, uint64_t entry)
{
    if (effective_prot(entry) && s->error == 0) {
        entry |= PTE_HOST;
        note(s, pager_map(s->stub, page, entry));
    }
    if (table_set(&s->table, page, entry | PTE_PRESENT) < 0) {
        note(s, -ENOMEM);
        entry_put(s, entry);
    }
}

static uint64_t frame_entry(uint32_t frame, uint64_t flags) { return (uint64_t)frame << 12 | flags; }

static uint64_t count_absent(space *s, uint64_t page, uint64_t end)
{
    uint64_t absent = end - page;
    for (; (page = table_next(&s->table, page, end)) < end; page++)
        absent--;
    return absent;
}

/* ---- life ---- */

int space_new(space **out, machine *m, const char **what)
{
    space *s = calloc(1, sizeof *s);
    int result = s ? 0 : -ENOMEM;
    *what = "malloc";
    if (result == 0 && machine_is_closed(m)) {
        *what = "machine is closed";
        result = -ESRCH;
    }
    if (result == 0)
        result = stub_take(m, &s->stub, what);
    if (result < 0) {
        free(s);
        return result;
    }
    s->m = m;
    s->stub->space = s;
    *out = s;
    return 0;
}

void space_die(space *s)
{
    if (s->is_dead || !s->stub)
        return;
    s->is_dead = true;
    stub_kill(s->stub);
    for (context *c = s->contexts; c; c = c->space_next)
        context_report_dead(c);
}

static void drop_entries(space *s)
{
    for (uint64_t page = 0; (page = table_next(&s->table, page, MAX_PAGE)) < MAX_PAGE; page++)
        entry_put(s, table_get(&s->table, page) & ~PTE_HOST);
    table_destroy(&s->table);
}

void space_close(space *s)
{
    struct stub *stub = s->stub;
    if (!stub)
        return;
    while (s->contexts)
        context_release(s->contexts);
    s->stub = NULL;
    stub->space = NULL;
    if (s->is_dead)
        stub_free(stub);
    else
        stub_return(stub);                      /* acknowledged, or the process is gone: frames are ours again */
    s->is_dead = true;
    free_doomed(s);
    drop_entries(s);
}

void space_free(space *s)
{
    free(s->doomed);
    free(s);
}

bool space_is_dead(const space *s) { return s->is_dead; }
pid_t space_pid(const space *s) { return s->stub ? s->stub->pid : 0; }
uint64_t space_nr_resident(const space *s) { return s->table.nr_present; }

/* ---- mapping ---- */

int space_map_anon(space *s, uint64_t addr, uint64_t length, uint32_t prot)
{
    uint64_t page = addr / PAGE, end = page + length / PAGE;
    int result = begin(s);
    if (result < 0)
        return result;
    if (count_absent(s, page, end) > s->m->ram.nr_free && (space_settle(s) < 0 || count_absent(s, page, end) > s->m->ram.nr_free))
        return -ENOMEM;
    while (page < end && s->error == 0) {
        uint64_t stop = table_next(&s->table, page, end);
        while (page < stop && s->error == 0) {
            uint32_t frame, want = stop - page > CHUNK_FRAMES ? CHUNK_FRAMES : (uint32_t)(stop - page);
            uint32_t count = ram_alloc(&s->m->ram, want, &frame, true);
            if (count == 0)
                note(s, -ENOMEM);
            for (uint32_t i = 0; i < count; i++)
                set_mapped(s, page++, frame_entry(frame + i, prot));
        }
        page = page < end ? stop + 1 : end;
    }
    return finish(s);
}

int space_map_segment(space *s, uint64_t addr, uint64_t length, segment *g, uint64_t offset, uint32_t prot, bool private)
{
    uint64_t first = addr / PAGE, end = first + length / PAGE;
    int result = begin(s);
    uint64_t flags = PTE_SEGMENT | (private ? (prot & ~MACHINE_WRITE) | PTE_COW : prot);
    if (result < 0)
        return result;
    for (uint64_t page = first; page < end && s->error == 0; page++) {
        uint32_t frame;
        if (table_get(&s->table, page))
            continue;
        result = segment_frame(g, offset / PAGE + page - first, &frame);
        note(s, result);
        if (result < 0)
            break;
        ram_get(&s->m->ram, frame);
        set_mapped(s, page, frame_entry(frame, flags));
    }
    return finish(s);
}

int space_map_host(space *s, uint64_t addr, uint64_t length, int fd, uint64_t offset, uint32_t prot, bool shared)
{
    uint64_t first = addr / PAGE, end = first + length / PAGE;
    int result = begin(s), slot = result < 0 ? result : file_get(s->m, fd);
    if (slot < 0)
        return slot;
    if ((offset + length) / PAGE > 0xffffffffu) {
        file_put(s->m, (uint32_t)slot);
        return -EOVERFLOW;
    }
    uint64_t flags = PTE_FILE | PTE_PRESENT | (shared ? prot : (prot & ~MACHINE_WRITE) | PTE_COW);
    uint64_t *added = calloc((size_t)(length / PAGE + 63) / 64, sizeof *added);
    if (!added)
        note(s, -ENOMEM);
    for (uint64_t page = first; page < end && s->error == 0; page++) {
        if (table_get(&s->table, page))
            continue;
        s->m->files[slot].nr_refs++;
        added[(page - first) / 64] |= 1ul << (page - first) % 64;
        set_mapped(s, page, (uint64_t)slot << 44 | (offset / PAGE + page - first) << 12 | flags);
    }
    result = finish_now(s);
    if (result < 0 && !s->is_dead) {            /* refused: as if never called */
        note(s, pager_unmap(s->stub, first, end));
        forget_host(s, first, end);
    }
    for (uint64_t page = first; result < 0 && added && page < end; page++) {
        uint64_t entry = table_get(&s->table, page);
        if (entry && added[(page - first) / 64] >> (page - first) % 64 & 1) {
            table_set(&s->table, page, 0);
            entry_put(s, entry & ~PTE_HOST);
        }
    }
    free(added);
    file_put(s->m, (uint32_t)slot);
    return result;
}

int space_unmap(space *s, uint64_t addr, uint64_t length)
{
    uint64_t first = addr / PAGE, end = first + length / PAGE, host = 0;
    int result = begin(s);
    if (result < 0)
        return result;
    for (uint64_t page = first; (page = table_next(&s->table, page, end)) < end; page++) {
        uint64_t entry = table_get(&s->table, page);
        host |= entry & PTE_HOST;
        table_set(&s->table, page, 0);
        entry_put(s, entry);
    }
    if (host)
        note(s, pager_unmap(s->stub, first, end));
    return finish(s);
}

/* Changes the mappings of a run of host-mapped pages, all of which now want `prot`. */
static void change_run(space *s, uint64_t page, uint64_t end, uint32_t prot)
{
    if (page == end)
        return;
    note(s, prot ? pager_protect(s->stub, page, end, prot) : pager_unmap(s->stub, page, end));
    if (!prot)
        forget_host(s, page, end);
}

/* Rewrites entries of [first, end) by `change` and brings the host's mappings in line, in as few runs as possible. */
static void rewrite(space *s, uint64_t first, uint64_t end, uint64_t (*change)(uint64_t entry, uint64_t with), uint64_t with)
{
    uint64_t run = first, run_end = first;
    uint32_t run_prot = 0;
    for (uint64_t page = first; (page = table_next(&s->table, page, end)) < end; page++) {
        uint64_t old = table_get(&s->table, page), entry = change(old, with);
        table_set(&s->table, page, entry);
        if (!(old & PTE_HOST) || effective_prot(old) == effective_prot(entry))
            continue;
        if (page != run_end || effective_prot(entry) != run_prot) {
            change_run(s, run, run_end, run_prot);
            run = page;
            run_prot = effective_prot(entry);
        }
        run_end = page + 1;
    }
    change_run(s, run, run_end, run_prot);
}

static uint64_t with_prot(uint64_t entry, uint64_t prot)
{
    if (entry & PTE_COW)
        prot &= ~(uint64_t)MACHINE_WRITE;
    return (entry & ~PTE_PROT) | prot;
}

static uint64_t with_cow(uint64_t entry, uint64_t unused)
{
    (void)unused;
    return (entry | PTE_COW) & ~(uint64_t)MACHINE_WRITE;
}

int space_protect(space *s, uint64_t addr, uint64_t length, uint32_t prot)
{
    uint64_t first = addr / PAGE, end = first + length / PAGE;
    int result = begin(s);
    if (result < 0)
        return result;
    rewrite(s, first, end, with_prot, prot);
    return prot & MACHINE_EXEC ? finish_now(s) : finish(s);
}

int space_move(space *s, uint64_t from, uint64_t to, uint64_t length)
{
    uint64_t first = from / PAGE, end = first + length / PAGE, target = to / PAGE, host = 0;
    int result = begin(s);
    if (result < 0)
        return result;
    if (table_next(&s->table, target, target + length / PAGE) < target + length / PAGE
        || (target < end && first < target + length / PAGE))
        return -EINVAL;
    for (uint64_t page = first; (page = table_next(&s->table, page, end)) < end; page++)
        host |= table_get(&s->table, page) & PTE_HOST;
    if (host && (note(s, pager_unmap(s->stub, first, end)), finish(s)) < 0)
        return s->error;                        /* refused: nothing has moved */
    for (uint64_t page = first; (page = table_next(&s->table, page, end)) < end; page++) {
        uint64_t entry = table_get(&s->table, page) & ~PTE_HOST;
        table_set(&s->table, page, 0);
        set_mapped(s, page - first + target, entry);
    }
    return finish(s);
}

/* Fills a frame from a host file's page; the rest after its end is zero, as in a mapping. */
static int read_file_page(machine *m, uint64_t entry, uint8_t *to)
{
    int fd = m->files[PTE_FILE_SLOT(entry)].fd;
    size_t done = 0;
    while (done < PAGE) {
        ssize_t n = pread(fd, to + done, PAGE - done, (off_t)(PTE_FILE_PAGE(entry) * PAGE + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    memset(to + done, 0, PAGE - done);
    return done ? 0 : -EFAULT;
}

int space_break_cow(space *s, uint64_t addr, uint32_t prot)
{
    struct ram *ram = &s->m->ram;
    uint64_t page = addr / PAGE, old = table_get(&s->table, page);
    uint32_t frame;
    int result = begin(s);
    if (result < 0)
        return result;
    if (!old)
        return -EFAULT;
    if (!(old & PTE_FILE) && ram->refs[PTE_FRAME(old)] == 1) {
        set_mapped(s, page, (old & ~(PTE_PROT | PTE_COW | PTE_SEGMENT | PTE_HOST)) | prot);
        if (!prot && old & PTE_HOST)
            note(s, pager_unmap(s->stub, page, page + 1));
        return finish(s);
    }
    if (!ram_alloc(ram, 1, &frame, false))
        return -ENOMEM;
    if (!(old & PTE_FILE))
        memcpy(ram_ptr(ram, frame), ram_ptr(ram, PTE_FRAME(old)), PAGE);
    else if ((result = read_file_page(s->m, old, ram_ptr(ram, frame))) < 0) {
        ram_put(ram, frame);
        return result;
    }
    set_mapped(s, page, frame_entry(frame, prot));  /* MAP_FIXED: the old page is replaced in one step */
    if (!prot && old & PTE_HOST)
        note(s, pager_unmap(s->stub, page, page + 1));
    entry_put(s, old);
    return finish(s);
}

int space_clone_range(space *s, space *from, uint64_t addr, uint64_t length, bool share)
{
    uint64_t first = addr / PAGE, end = first + length / PAGE;
    int result = begin(s);
    if (result == 0)
        result = begin(from);
    if (result < 0 || s == from)
        return result < 0 ? result : -EINVAL;
    if (!share) {                               /* first, so that no write of the source can slip in between */
        rewrite(from, first, end, with_cow, 0);
        result = finish(from);
    }
    for (uint64_t page = first; result == 0 && (page = table_next(&from->table, page, end)) < end; page++) {
        uint64_t entry = table_get(&from->table, page) & ~PTE_HOST;
        if (table_get(&s->table, page))
            continue;
        result = table_set(&s->table, page, entry);
        if (result == 0)
            entry_get(s, entry);
    }
    return result;
}

uint32_t space_lookup(space *s, uint64_t addr)
{
    uint64_t entry = table_get(&s->table, addr / PAGE);
    uint32_t bits = (uint32_t)(entry & (PTE_PROT | PTE_COW | PTE_FILE | PTE_SEGMENT));
    return entry && !bits ? 64 : bits;
}

void space_resident(space *s, uint64_t addr, uint64_t nr_pages, uint8_t *out)
{
    uint64_t first = addr / PAGE, end = first + nr_pages;
    memset(out, 0, nr_pages);
    for (uint64_t page = first; (page = table_next(&s->table, page, end)) < end; page++)
        out[page - first] = 1;
}

/* Maps in the stub what the table has at `page`, and neighbours with it. */
static void map_around(space *s, uint64_t page)
{
    uint64_t first = page & ~(uint64_t)(AROUND - 1), end = first + AROUND, entry = table_get(&s->table, page);
    for (uint64_t at = first; (at = table_next(&s->table, at, end)) < end; at++) {
        uint64_t other = table_get(&s->table, at);
        if (at == page || (!(other & (PTE_HOST | PTE_FILE)) && !(entry & PTE_FILE))
            || ((other & entry & PTE_FILE) && PTE_FILE_SLOT(other) == PTE_FILE_SLOT(entry) && !(other & PTE_HOST)))
            set_mapped(s, at, other);
    }
}

int space_touch(space *s, uint64_t address)
{
    uint64_t entry = address < MACHINE_USER_END ? table_get(&s->table, address / PAGE) : 0;
    int result = begin(s);
    if (result < 0 || !effective_prot(entry) || entry & PTE_HOST)
        return result;
    map_around(s, address / PAGE);
    return finish(s);
}

/* A fault that the table can answer: 1 = resume, 0 = the kernel's business. */
int space_serve_fault(space *s, uint64_t address, uint32_t access)
{
    uint64_t page = address / PAGE, entry = address < MACHINE_USER_END ? table_get(&s->table, page) : 0;
    uint32_t prot = effective_prot(entry);
    if (!entry || !(access == MACHINE_READ ? prot != 0 : prot & access) || begin(s) < 0)
        return 0;
    if (entry & PTE_HOST)
        return 1;                               /* a sibling's fault has brought it meanwhile */
    map_around(s, page);
    note(s, send_orders(s));
    if (s->error < 0 && !s->is_dead) {          /* everything is unmapped: the host may have room for the page alone */
        s->error = 0;
        set_mapped(s, page, table_get(&s->table, page));
        note(s, send_orders(s));
        if (s->error < 0)
            space_die(s);
    }
    return s->error == 0;
}
