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

/* The pager receives into the scratch page. A guest may alter the message header meanwhile: then no descriptor
 * arrives and the mmap that follows is refused, or no message does and the stub ends (entry.S). */
static void order_receive(struct stub *stub, int slot)
{
    stub->file_slot = slot;
    pager_plain(stub, SYS_recvmsg, 1, FD_SOCKET, SCRATCH_ADDR + offsetof(struct scratch_page, message), 0, 0, 0, 0);
    stub->order->entries[stub->nr_orders - 1].kind = ORDER_RECEIVE;
}

static int make_room(struct stub *stub)
{
    return stub->nr_orders + 2 < MAX_ORDERS ? 0 : pager_flush(stub);
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
    uint64_t fd = is_file ? FD_FILE : FD_RAM;
    int result = 0;
    if (is_file && stub->file_slot >= 0 && stub->file_slot != (int)PTE_FILE_SLOT(entry))
        result = pager_flush(stub);
    if (result == 0 && extend_map(stub, addr, prot, fd, offset))
        return 0;
    if (result == 0)
        result = make_room(stub);
    if (result < 0)
        return result;
    if (is_file && stub->file_slot < 0)
        order_receive(stub, (int)PTE_FILE_SLOT(entry));
    pager_plain(stub, SYS_mmap, addr, addr, PAGE, prot, MAP_SHARED | MAP_FIXED | (is_file ? 0 : MAP_POPULATE), fd, offset);
    stub->nr_host_maps += 2;
    return 0;
}

int pager_unmap(struct stub *stub, uint64_t page, uint64_t end)
{
    int result = make_room(stub);
    if (result == 0)
        pager_plain(stub, SYS_munmap, 0, page * PAGE, (end - page) * PAGE, 0, 0, 0, 0);
    stub->nr_host_maps += 1;
    return result;
}

int pager_protect(struct stub *stub, uint64_t page, uint64_t end, uint32_t prot)
{
    int result = make_room(stub);
    if (result == 0)
        pager_plain(stub, SYS_mprotect, 0, page * PAGE, (end - page) * PAGE, prot, 0, 0, 0);
    stub->nr_host_maps += 2;
    return result;
}

static int send_byte(struct stub *stub, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(stub->sock, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : -errno;
}

/* Sends the batch; `fd` (if any) follows the word "go", for the order that receives it. */
int pager_send(struct stub *stub, int fd)
{
    struct scratch_page *scratch = stub->scratch;
    stub->order->count = stub->nr_orders;
    stub->nr_orders = 0;
    stub->file_slot = -1;
    if (fd >= 0) {
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
    int result = stub->is_gone ? -EPIPE : send_byte(stub, -1);
    if (result == 0 && fd >= 0)
        result = send_byte(stub, fd);
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

int pager_flush(struct stub *stub)
{
    int fd = -1;
    if (stub->nr_orders == 0)
        return 0;
    if (stub->file_slot >= 0) {
        fd = stub->m->files[stub->file_slot].fd;
        pager_plain(stub, SYS_close, 0, FD_FILE, 0, 0, 0, 0, 0);
    }
    int result = pager_send(stub, fd);
    return result == 0 ? pager_answer(stub) : result;
}
