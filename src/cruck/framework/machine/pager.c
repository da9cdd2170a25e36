/* SPDX-License-Identifier: MPL-2.0 */
/* Orders to a stub's pager, and its answers.
 *
 * Orders are collected in the stub's order page (which it sees read-only) and executed together: a datagram says go, one byte
 * comes back. The byte is taken by the host from the stub's constants, so "unmapped" cannot be forged; the only values
 * that come from memory a guest can write are the number of a new task and nothing else. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "internal.h"

void pager_plain(struct stub *stub, uint32_t nr, uint64_t result, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e, uint64_t f)
{
    stub->order->entries[stub->nr_orders++] = (struct order_entry){nr, ORDER_PLAIN, result, {a, b, c, d, e, f}};
}

/* The pager receives all files of a batch at once, before anything else can fail, into the scratch page. A guest may alter the message
 * header meanwhile: then a descriptor does not arrive and the mmap that needs it is refused, or no message does and the stub ends (entry.S). */
void pager_receive(struct stub *stub)
{
    struct order_entry *first = &stub->order->entries[0];
    memmove(first + 1, first, stub->nr_orders++ * sizeof *first);
    *first = (struct order_entry){SYS_recvmsg, ORDER_RECEIVE, 1,
                                  {FD_SOCKET, SCRATCH_ADDR + offsetof(struct scratch_page, message), 0, 0, 0, 0}};
}

/* Room for two orders more, whatever files they need. */
int pager_make_room(struct stub *stub)
{
    return stub->nr_orders + 2 + MAX_BATCH_FILES < MAX_ORDERS ? 0 : pager_flush(stub);
}

/* The descriptor that the file will have in the pager. */
static int batch_file(struct stub *stub, int slot, uint64_t *fd)
{
    uint32_t index = 0;
    while (index < stub->nr_batch_files && stub->batch_files[index] != slot)
        index++;
    int result = index == MAX_BATCH_FILES ? pager_flush(stub) : 0;
    if (result < 0)
        return result;
    if (stub->nr_batch_files == 0)
        pager_receive(stub);
    index = index == MAX_BATCH_FILES ? 0 : index;
    if (index == stub->nr_batch_files) {
        stub->batch_files[stub->nr_batch_files++] = slot;
        stub->m->files[slot].nr_refs++;         /* the table may forget the page before the batch is sent */
    }
    *fd = FD_FILE + index;
    return 0;
}

/* Extends the last order if the page continues it. */
static bool extend_map(struct stub *stub, uint64_t addr, uint64_t prot, uint64_t fd, uint64_t offset)
{
    if (stub->nr_orders == 0)
        return false;
    struct order_entry *last = &stub->order->entries[stub->nr_orders - 1];
    if (last->nr != SYS_mmap || last->args[4] != fd || last->args[2] != prot || last->args[0] + last->args[1] != addr
        || last->args[5] + last->args[1] != offset)
        return false;
    last->args[1] += PAGE;
    return true;
}

int pager_map(struct stub *stub, uint64_t page, uint64_t entry)
{
    bool is_file = entry & PTE_FILE;
    uint64_t prot = effective_prot(entry), addr = page * PAGE;
    uint64_t offset = (is_file ? PTE_FILE_PAGE(entry) : PTE_FRAME(entry)) * PAGE;
    uint64_t fd = FD_RAM;
    int result = pager_make_room(stub);
    if (result == 0 && is_file)
        result = batch_file(stub, (int)PTE_FILE_SLOT(entry), &fd);
    if (result < 0)
        return result;
    if (extend_map(stub, addr, prot, fd, offset))
        return 0;
    pager_plain(stub, SYS_mmap, addr, addr, PAGE, prot, MAP_SHARED | MAP_FIXED | (is_file ? 0 : MAP_POPULATE), fd, offset);
    stub->nr_host_maps += 2;
    return 0;
}

int pager_unmap(struct stub *stub, uint64_t page, uint64_t end)
{
    int result = pager_make_room(stub);
    if (result == 0)
        pager_plain(stub, SYS_munmap, 0, page * PAGE, (end - page) * PAGE, 0, 0, 0, 0);
    stub->nr_host_maps += 1;
    return result;
}

int pager_protect(struct stub *stub, uint64_t page, uint64_t end, uint32_t prot)
{
    int result = pager_make_room(stub);
    if (result == 0)
        pager_plain(stub, SYS_mprotect, 0, page * PAGE, (end - page) * PAGE, prot, 0, 0, 0);
    stub->nr_host_maps += 2;
    return result;
}

static int send_byte(struct stub *stub, const int *fds, uint32_t nr_fds)
{
    char byte = 0, control[CMSG_SPACE(MAX_BATCH_FILES * sizeof(int))] = {0};
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (nr_fds) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(nr_fds * sizeof *fds);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(nr_fds * sizeof *fds);
        memcpy(CMSG_DATA(header), fds, nr_fds * sizeof *fds);
    }
    ssize_t n;
    do
        n = sendmsg(stub->sock, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : -errno;
}

/* Sends the batch; the files (if any) follow the word "go", for the order that receives them. */
int pager_send(struct stub *stub, const int *fds, uint32_t nr_fds)
{
    struct scratch_page *scratch = stub->scratch;
    stub->order->count = stub->nr_orders;
    stub->nr_orders = 0;
    if (nr_fds) {
        uint64_t at = SCRATCH_ADDR;
        scratch->vector[0] = at + offsetof(struct scratch_page, byte);
        scratch->vector[1] = 1;
        memset(scratch->message, 0, sizeof scratch->message);
        scratch->message[2] = at + offsetof(struct scratch_page, vector);
        scratch->message[3] = 1;
        scratch->message[4] = at + offsetof(struct scratch_page, control);
        scratch->message[5] = sizeof scratch->control;
    }
    processors_place_pager(stub);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    int result = stub->is_gone ? -EPIPE : send_byte(stub, NULL, 0);
    if (result == 0 && nr_fds)
        result = send_byte(stub, fds, nr_fds);
    if (result == -EPIPE || result == -ECONNRESET)
        return -ESRCH;
    stub->awaits_answer = result == 0;
    return result;
}

int pager_answer(struct stub *stub)
{
    uint8_t code;
    ssize_t n;
    stub->awaits_answer = false;
    do
        n = recv(stub->sock, &code, 1, 0);
    while (n < 0 && errno == EINTR);
    return n == 1 ? -(int)code : -ESRCH;
}

/* The batch is over, or dropped. */
void pager_forget(struct stub *stub)
{
    for (uint32_t i = 0; i < stub->nr_batch_files; i++)
        file_put(stub->m, (uint32_t)stub->batch_files[i]);
    stub->nr_orders = stub->nr_batch_files = 0;
}

int pager_flush(struct stub *stub)
{
    int fds[MAX_BATCH_FILES];
    if (stub->nr_orders == 0)
        return 0;
    for (uint32_t i = 0; i < stub->nr_batch_files; i++) {
        fds[i] = stub->m->files[stub->batch_files[i]].fd;
        pager_plain(stub, SYS_close, 0, FD_FILE + i, 0, 0, 0, 0, 0);
    }
    int result = pager_send(stub, fds, stub->nr_batch_files);
    pager_forget(stub);
    return result == 0 ? pager_answer(stub) : result;
}
