/* SPDX-License-Identifier: MPL-2.0
 *
 * Orders to a pager, as pager.c batches and merges them, and answers that may be anything. A small pager here carries the orders out on an
 * array of pages: after each flush it must look as if every order had been carried out by itself.
 *
 * Input: 4 bytes an operation. */
#include "harness.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags);
static ssize_t fake_recv(int fd, void *buffer, size_t size, int flags);
#define sendmsg fake_sendmsg
#define recv fake_recv
#include "pager.c"
#undef sendmsg
#undef recv

#define NR_PAGES 256u

struct shadow { uint64_t backing; uint32_t prot; };     /* backing: 0 none, else frame or file page + 1, tagged */
static struct shadow wanted[NR_PAGES], real[NR_PAGES];
static struct order_page *order;
static uint8_t answer;
static int nr_sent, received_files[MAX_BATCH_FILES], nr_received;
static bool is_cut;                                     /* an answer was an error: what follows need not agree */

uint32_t effective_prot(uint64_t entry) { return entry & PTE_COW ? (uint32_t)(entry & PTE_PROT & ~MACHINE_WRITE) : (uint32_t)(entry & PTE_PROT); }
void processors_place_pager(struct stub *stub) { (void)stub; }

void file_put(machine *m, uint32_t slot) { CHECK(m->files[slot].nr_refs-- > 1); }

static uint64_t tagged(uint64_t offset, int file) { return file ? offset + 1 + (1ul << 60) + ((uint64_t)file << 50) : offset + 1; }
static int file_of(uint64_t fd) { return fd == FD_RAM ? 0 : received_files[fd - FD_FILE]; }

static void carry_out(void)
{
    CHECK(order->count > 0 && order->count <= MAX_ORDERS);
    bool has_files = false;
    int nr_closed = 0;
    for (uint32_t i = 0; i < order->count; i++) {
        const struct order_entry *e = &order->entries[i];
        uint64_t page = e->args[0] / PAGE, count = e->args[1] / PAGE;
        CHECK(e->kind == (e->nr == SYS_recvmsg ? ORDER_RECEIVE : ORDER_PLAIN));
        if (e->nr == SYS_recvmsg) {
            CHECK(i == 0 && e->args[0] == FD_SOCKET && nr_received);
            has_files = true;
            continue;
        }
        if (e->nr == SYS_close) {
            CHECK(has_files && e->args[0] == (uint64_t)(FD_FILE + nr_closed++));
            continue;
        }
        CHECK(nr_closed == 0);
        CHECK(e->nr == SYS_mmap || e->nr == SYS_munmap || e->nr == SYS_mprotect);
        CHECK(e->args[0] % PAGE == 0 && e->args[1] % PAGE == 0 && page + count <= NR_PAGES && count);
        if (e->nr == SYS_mmap)
            CHECK(e->argument == e->args[0] && e->args[3] & MAP_FIXED && (e->args[4] == FD_RAM || (has_files && e->args[4] >= FD_FILE && e->args[4] < (uint64_t)(FD_FILE + nr_received))));
        for (uint64_t at = page; at < page + count; at++) {
            if (e->nr == SYS_mmap)
                real[at] = (struct shadow){tagged(e->args[5] / PAGE + at - page, file_of(e->args[4])), (uint32_t)e->args[2]};
            else if (e->nr == SYS_munmap)
                real[at] = (struct shadow){0, 0};
            else if (real[at].backing)
                real[at].prot = (uint32_t)e->args[2];
        }
    }
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
    (void)fd, (void)flags;
    if (nr_sent++ == 0)
        nr_received = 0;
    if (message->msg_controllen) {
        const struct cmsghdr *header = CMSG_FIRSTHDR(message);
        CHECK(nr_sent == 2 && header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof received_files));
        nr_received = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(received_files, CMSG_DATA(header), (size_t)nr_received * sizeof(int));
    }
    return 1;
}

static ssize_t fake_recv(int fd, void *buffer, size_t size, int flags)
{
    (void)fd, (void)flags;
    CHECK(size == 1);
    carry_out();
    nr_sent = 0;
    if (answer == 255)
        return 0;
    *(uint8_t *)buffer = answer;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file files[8] = {0};
    machine m = {.files = files, .nr_files = 8};
    for (int i = 0; i < 8; i++)
        files[i] = (struct file){.fd = 10 + i, .nr_refs = 1};
    struct scratch_page *scratch = calloc(1, PAGE);
    order = calloc(1, PAGE);
    struct stub stub = {.m = &m, .sock = 3, .order = order, .scratch = scratch};
    memset(wanted, 0, sizeof wanted);
    memset(real, 0, sizeof real);
    is_cut = false;
    answer = 0;
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t kind = data[at] % 8, page = data[at + 1], count = 1 + data[at + 2] % 16, prot = data[at + 3] & 7, more = data[at + 3] >> 3;
        uint32_t end = page + count < NR_PAGES ? page + count : NR_PAGES;
        int result = 0;
        if (kind < 4) {                                 /* a run of pages of RAM or of a file */
            bool is_file = kind & 1;
            for (uint32_t p = page; p < end && result == 0; p++) {
                uint64_t backing = kind < 2 ? p + more : 7 * p + more, slot = more % 8;
                uint64_t entry = prot | PTE_PRESENT | (is_file ? PTE_FILE | backing << 12 | slot << 44 : backing << 12) | (more & 16 ? PTE_COW : 0);
                result = pager_map(&stub, p, entry);
                wanted[p] = (struct shadow){tagged(backing, is_file ? files[slot].fd : 0), effective_prot(entry)};
            }
        } else if (kind == 4) {
            result = pager_unmap(&stub, page, end);
            for (uint32_t p = page; p < end; p++)
                wanted[p] = (struct shadow){0, 0};
        } else if (kind == 5) {
            result = pager_protect(&stub, page, end, prot);
            for (uint32_t p = page; p < end; p++)
                wanted[p].prot = wanted[p].backing ? prot : 0;
        } else {
            answer = kind == 7 && data[at + 2] > 250 ? data[at + 1] : 0;
            result = pager_flush(&stub);
            CHECK(result == (answer == 255 ? -ESRCH : -answer) || stub.nr_orders == 0);
        }
        is_cut = is_cut || result < 0;
        CHECK(stub.nr_orders < MAX_ORDERS && result <= 0 && result > -256);
    }
    answer = 0;
    pager_flush(&stub);
    CHECK(stub.nr_orders == 0 && stub.nr_batch_files == 0);
    for (int i = 0; i < 8; i++)
        CHECK(files[i].nr_refs == 1);
    if (!is_cut)
        CHECK(memcmp(wanted, real, sizeof wanted) == 0);
    free(scratch);
    free(order);
    return 0;
}

static size_t make_seed(unsigned index, uint8_t *out)
{
    if (index >= 6)
        return 0;
    for (unsigned i = 0; i < 400; i++)                  /* kind, page, count, what */
        out[i] = (uint8_t)(i % 4 == 0 ? (i / 4 * (index + 1)) % 7 : i % 4 == 1 ? i * (3 + index) : i % 4 == 2 ? i / 7 : i * index);
    return 400;
}
