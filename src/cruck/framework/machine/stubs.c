/* SPDX-License-Identifier: MPL-2.0 */
/* The host processes: shield, warden, pristine stub, stubs, and the pool of those that are ready for a space. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "internal.h"
#include "stub/raw.h"

#define SHIELD_STACK 65536
#define NR_WARDEN_FDS 7
#define POOL_MAX 8
#define POOLED_SLOTS 64             /* a stub of the pool keeps its context areas until it is taken: at most so many */
#define MAX_LOOKS 100             /* at a stub of the pool that is not ready: then it is ended */

struct spawn {
    int fds[NR_WARDEN_FDS];
    uint8_t *stack;             /* of the warden until it has called exec */
    volatile pid_t pid;
};

/* From here to exec we share memory with the host program's threads: raw calls only, no errno, no allocation. */
static void close_from(unsigned first)
{
    if (raw3(SYS_close_range, first, ~0u, 0) == 0)
        return;
    for (unsigned fd = first; fd < 65536; fd++)
        raw1(SYS_close, fd);
}

static int warden_exec(void *argument)
{
    struct spawn *spawn = argument;
    static const char *const argv[] = {"w", NULL}, *const envp[] = {NULL};
    long high[NR_WARDEN_FDS];
    for (int i = 0; i < NR_WARDEN_FDS; i++)     /* out of the way first: source and target numbers may overlap */
        high[i] = raw3(SYS_fcntl, spawn->fds[i], F_DUPFD, NR_WARDEN_FDS);
    for (int i = 0; i < NR_WARDEN_FDS; i++)
        if (high[i] < 0 || raw3(SYS_dup3, high[i], i, 0) < 0)
            raw1(SYS_exit, 127);
    close_from(NR_WARDEN_FDS);
    raw5(SYS_execveat, FD_PROGRAM, "", argv, envp, AT_EMPTY_PATH);
    raw1(SYS_exit, 127);
    return 0;
}

static pid_t start_warden(struct spawn *spawn, int flags)
{
    return clone(warden_exec, spawn->stack + SHIELD_STACK, CLONE_VM | CLONE_VFORK | flags, spawn);
}

/* Stands between the host program and the warden, see machine.md. It shares our memory and nothing else: no
 * descriptors (it would keep the host program's pipes open), no directory. */
static int shield_main(void *argument)
{
    struct spawn *spawn = argument;
    pid_t pid = start_warden(spawn, SIGCHLD);
    spawn->pid = pid > 0 ? pid : -1;
    raw1(SYS_chdir, "/");
    close_from(0);
    while (pid > 0 && raw4(SYS_wait4, pid, 0, __WALL, 0) == -EINTR)
        ;
    raw1(SYS_exit, 0);
    return 0;
}

/* The program as a descriptor that can be exec'd. Installers and noexec mounts may have taken the right to: copy. */
static int open_program(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0))
        return fd;
    int copy = memfd_create("cruck-stub", MFD_CLOEXEC | 0x10);
    if (copy < 0)
        copy = memfd_create("cruck-stub", MFD_CLOEXEC);
    char buffer[16384];
    ssize_t n = fstat(fd, &status);
    while (copy >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0)
        if (write(copy, buffer, (size_t)n) != n)
            break;
    close(fd);
    if (copy >= 0 && n != 0) {
        close(copy);
        errno = EIO;
        return -1;
    }
    return copy;
}

static int spawn_warden(machine *m, struct spawn *spawn)
{
    sigset_t all, old;
    int result = 0, pid;
    m->shield_stack = mmap(NULL, 2 * SHIELD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->shield_stack == MAP_FAILED) {
        m->shield_stack = NULL;
        return -errno;
    }
    spawn->stack = m->shield_stack;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);   /* no handler of the host program may run in the children */
    if (m->is_hidden)
        pid = clone(shield_main, m->shield_stack + 2 * SHIELD_STACK, CLONE_VM, spawn);
    else
        pid = start_warden(spawn, SIGCHLD);
    if (pid < 0)
        result = -errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (result < 0)
        return result;
    if (!m->is_hidden) {
        m->warden_pid = pid;
        return 0;
    }
    m->shield_pid = pid;
    while (spawn->pid == 0)                     /* a few hundred microseconds: the warden's exec */
        sched_yield();
    m->warden_pid = spawn->pid;
    return m->warden_pid > 0 ? 0 : -EAGAIN;
}

static int socket_pair(int fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

static void stub_prepare(struct stub *stub, machine *m, uint32_t index)
{
    uint8_t *at = m->control + CONTROL_ORDERS + (uint64_t)index * ORDER_STRIDE;
    *stub = (struct stub){.m = m, .index = index, .sock = -1};
    stub->order = (struct order_page *)at;
    stub->scratch = (struct scratch_page *)(at + PAGE);
    m->order_used[index] = 1;
}

static int control_init(machine *m, const char **what)
{
    *what = "memfd_create";
    m->control_fd = memfd_create("cruck-control", MFD_CLOEXEC);
    if (m->control_fd < 0)
        return -errno;
    *what = "fallocate";                        /* touching a page that the host cannot give would be a SIGBUS for us */
    if (ftruncate(m->control_fd, CONTROL_BYTES) < 0
        || fallocate(m->control_fd, 0, 0, CONTROL_STACKS + STACKS_BYTES) < 0
        || fallocate(m->control_fd, 0, CONTROL_ORDERS, ORDER_STRIDE) < 0)
        return -errno;
    *what = "mmap";
    m->control = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->control_fd, 0);
    if (m->control == MAP_FAILED) {
        m->control = NULL;
        return -errno;
    }
    madvise(m->control, CONTROL_BYTES, MADV_DONTFORK);
    m->page = (struct machine_page *)m->control;
    return 0;
}

int stubs_init(machine *m, const char *stub_path, bool hidden, const char **what)
{
    struct spawn spawn = {.fds = {-1, -1, -1, -1, -1, -1, -1}};
    int warden[2] = {-1, -1}, pristine[2] = {-1, -1};
    struct epoll_event event = {.events = 0};
    int result = control_init(m, what);
    if (result < 0)
        return result;
    stub_prepare(&m->pristine, m, 0);
    m->is_hidden = hidden;
    *what = "open stub";
    if ((spawn.fds[FD_PROGRAM] = open_program(stub_path)) < 0)
        return -errno;
    *what = "socketpair";
    if ((result = socket_pair(warden)) < 0 || (result = socket_pair(pristine)) < 0)
        goto done;
    m->warden_sock = warden[0];
    m->pristine.sock = pristine[0];
    spawn.fds[FD_SOCKET] = warden[1];
    spawn.fds[FD_RAM] = m->ram.fd;
    spawn.fds[FD_CONTROL] = m->control_fd;
    spawn.fds[FD_DOORBELL] = m->doorbell;
    spawn.fds[FD_PRISTINE_SOCKET] = pristine[1];
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    spawn.fds[FD_KERNEL] = pidfd >= 0 ? pidfd : warden[1];  /* Linux < 5.3: the socket alone */
    *what = "clone";
    result = spawn_warden(m, &spawn);
    m->page->warden_pid = (uint32_t)m->warden_pid;
    close(spawn.fds[FD_PROGRAM]);
    if (pidfd >= 0)
        close(pidfd);
    spawn.fds[FD_PROGRAM] = -1;
    close(warden[1]);
    close(pristine[1]);
    warden[1] = pristine[1] = -1;
    if (result < 0)
        return result;
    *what = "stub start";
    struct pollfd ready = {pristine[0], POLLIN, 0};
    for (int i = 0; i < 100 && (result = poll(&ready, 1, 100)) <= 0; i++)
        ;
    if (result <= 0 || pager_answer(&m->pristine) != 0)
        return -ECHILD;
    *what = "stub of another build";           /* it would misread our pages: stops that nobody hears of */
    if (m->pristine.scratch->abi != STUB_ABI)
        return -ENOEXEC;
    *what = "epoll_ctl";
    event.data.u64 = 1ul << 56;
    return epoll_ctl(m->epoll, EPOLL_CTL_ADD, pristine[0], &event) < 0 ? -errno : 0;
done:
    close(spawn.fds[FD_PROGRAM]);
    for (int i = 0; i < 2; i++) {
        if (warden[i] >= 0)
            close(warden[i]);
        if (pristine[i] >= 0)
            close(pristine[i]);
    }
    return result;
}

/* Asks the pristine stub for one more; stub_finish() takes the answer. The work is done on another core meanwhile. */
static int stub_request(machine *m, const char **what)
{
    int pair[2], result;
    uint32_t index = 1;
    while (index < MAX_STUBS && m->order_used[index])
        index++;
    *what = "stub limit";
    struct stub *stub = index < MAX_STUBS ? malloc(sizeof *stub) : NULL;
    if (!stub)
        return -EAGAIN;
    *what = "fallocate";
    if (fallocate(m->control_fd, 0, (off_t)(CONTROL_ORDERS + (uint64_t)index * ORDER_STRIDE), ORDER_STRIDE) < 0) {
        result = -errno;
        free(stub);
        return result;
    }
    *what = "socketpair";
    if ((result = socket_pair(pair)) < 0) {
        free(stub);
        return result;
    }
    stub_prepare(stub, m, index);
    stub->sock = pair[0];
    struct stub *from = &m->pristine;
    from->order->stub_offset = CONTROL_ORDERS + (uint64_t)index * ORDER_STRIDE;
    pager_receive(from);
    pager_plain(from, SYS_clone, 0, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, 0,
                SCRATCH_ADDR + offsetof(struct scratch_page, new_tid), 0, 0, 0);
    from->order->entries[1].kind = ORDER_STUB;
    pager_plain(from, SYS_close, 0, FD_FILE, 0, 0, 0, 0, 0);
    *what = "pristine stub";
    result = pager_send(from, &pair[1], 1);
    close(pair[1]);
    if (result < 0) {
        m->order_used[index] = 0;
        close(pair[0]);
        free(stub);
        return result;
    }
    m->coming = stub;
    return 0;
}

static int stub_finish(machine *m, struct stub **out, const char **what)
{
    struct stub *stub = m->coming;
    struct epoll_event event = {.events = 0, .data.ptr = stub};
    m->coming = NULL;
    *what = "clone";
    int result = pager_answer(&m->pristine);
    stub->pid = (pid_t)m->pristine.scratch->new_tid;
    if (result == 0 && epoll_ctl(m->epoll, EPOLL_CTL_ADD, stub->sock, &event) < 0)
        result = -errno;
    if (result < 0) {
        close(stub->sock);
        m->order_used[stub->index] = 0;
        free(stub);
        return result;
    }
    stub->next = m->stubs;
    if (m->stubs)
        m->stubs->prev = stub;
    m->stubs = stub;
    m->nr_stubs++;
    *out = stub;
    return 0;
}

/* The host closes a process's descriptors after its memory: when the socket hangs up, no mapping is left. */
void stub_kill(struct stub *stub)
{
    struct pollfd hangup = {stub->sock, 0, 0};
    if (stub->is_gone)
        return;
    kill(stub->pid, SIGKILL);                   /* the warden has not reaped it: the number is still its own */
    for (int i = 0; i < 1000 && poll(&hangup, 1, 100) <= 0; i++)
        ;
    stub->is_gone = true;
    epoll_ctl(stub->m->epoll, EPOLL_CTL_DEL, stub->sock, NULL);     /* a hang-up is reported for ever */
    int pid = stub->pid;
    if (stub->m->warden_sock >= 0)
        (void)!send(stub->m->warden_sock, &pid, sizeof pid, MSG_NOSIGNAL);
}

void stub_free(struct stub *stub)
{
    machine *m = stub->m;
    stub_kill(stub);
    slots_drop(stub);
    close(stub->sock);
    m->order_used[stub->index] = 0;
    if (stub->prev)
        stub->prev->next = stub->next;
    else
        m->stubs = stub->next;
    if (stub->next)
        stub->next->prev = stub->prev;
    m->nr_stubs--;
    free(stub);
}

/* What follows the name in a stat file of /proc: "S ppid …"; empty if there is none. */
static const char *read_stat(pid_t pid, pid_t tid, char text[1024])
{
    snprintf(text, 1024, "/proc/%d/task/%d/stat", pid, tid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, 1023);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *end = strrchr(text, ')');
    return end && end[1] ? end + 2 : "";
}

char host_task_state(pid_t pid, pid_t tid)
{
    char text[1024];
    return *read_stat(pid, tid, text);
}

/* Only the host knows for sure how many tasks a process has; a guest may have forged any word of its shared pages. */
static bool has_only_pager(pid_t pid)
{
    char text[1024];
    const char *at = read_stat(pid, pid, text);
    for (int field = 3; at && field < 20; field++)
        at = (at = strchr(at, ' ')) ? at + 1 : NULL;
    return at && atol(at) == 1;
}

/* A stub of the pool as it was at first: no task but the pager, no context area. False: not yet. The tasks of its last guest may still be
 * leaving, and they do so on the stacks in their areas; a task that a guest has made run on its own stops for ever and gives itself away. */
static bool scrub(struct stub *stub)
{
    if (!has_only_pager(stub->pid))
        return false;
    pager_plain(stub, SYS_munmap, 0, CONTEXT_ADDR, HOST_TASK_END - CONTEXT_ADDR, 0, 0, 0, 0);
    if (pager_flush(stub) < 0)
        return false;
    slots_drop(stub);
    memset(stub->scratch, 0, PAGE);             /* the previous guest may have left a message for the next */
    return true;
}

static struct stub *take_pooled(machine *m)
{
    struct stub **link = &m->pool;
    while (*link) {
        struct stub *stub = *link;
        bool is_ready = !stub->is_gone && scrub(stub);
        if (!is_ready && !stub->is_gone && ++stub->nr_looks < MAX_LOOKS) {
            link = &stub->pool_next;
            continue;
        }
        *link = stub->pool_next;
        m->nr_pooled--;
        if (is_ready)
            return stub;
        stub_free(stub);
    }
    return NULL;
}

int stub_take(machine *m, struct stub **out, const char **what)
{
    int result = 0;
    const char *ignored;
    *out = take_pooled(m);
    if (!*out) {
        if (!m->coming)
            result = stub_request(m, what);
        if (result == 0)
            result = stub_finish(m, out, what);
    }
    if (result == 0 && !m->pool && !m->coming)
        stub_request(m, &ignored);              /* for the next one; a failure shows up there */
    return result;
}

/* Into the pool, without anything of the guest's that could hold a frame. */
void stub_return(struct stub *stub)
{
    machine *m = stub->m;
    uint64_t start, end;
    bool is_clean = !stub->is_gone && !stub->awaits_answer && m->nr_pooled < POOL_MAX && stub->nr_slots <= POOLED_SLOTS
        && !m->is_closed && !machine_reserved(m, 0, &start, &end);
    if (is_clean) {
        pager_forget(stub);
        pager_plain(stub, SYS_munmap, 0, 0, STUB_BASE, 0, 0, 0, 0);
        is_clean = pager_flush(stub) == 0;
    }
    if (!is_clean) {
        stub_free(stub);
        return;
    }
    stub->space = NULL;
    stub->nr_host_maps = stub->nr_looks = 0;
    stub->pool_next = m->pool;
    m->pool = stub;
    m->nr_pooled++;
}

void stubs_destroy(machine *m)
{
    struct stub *stub;
    const char *what;
    if (m->coming && stub_finish(m, &stub, &what) < 0)
        m->coming = NULL;
    while (m->stubs)
        stub_free(m->stubs);
    m->pool = NULL;
    m->nr_pooled = 0;
    if (m->pristine.sock >= 0)
        close(m->pristine.sock);                /* end of file: it leaves */
    if (m->warden_sock >= 0)
        close(m->warden_sock);
    m->pristine.sock = m->warden_sock = -1;
    pid_t pid = m->is_hidden ? m->shield_pid : m->warden_pid;
    while (pid > 0 && waitpid(pid, NULL, m->is_hidden ? __WCLONE : 0) < 0 && errno == EINTR)
        ;                                       /* ECHILD: the host program has reaped it, or ignores SIGCHLD */
    m->shield_pid = m->warden_pid = 0;
    if (m->shield_stack)
        munmap(m->shield_stack, 2 * SHIELD_STACK);
    m->shield_stack = NULL;
}

/* ---- context slots: areas in the control memfd ---- */

uint8_t *context_slot(machine *m, uint32_t slot)
{
    return m->control + CONTROL_CONTEXTS + (uint64_t)slot * CONTEXT_BYTES;
}

/* A context number of the stub and its slot. A number is used again once its task has said it is leaving (it touches
 * nothing after that word); if the word is forged, siblings of one address space disturb each other. */
int slot_take(struct stub *stub, uint32_t *number, uint32_t *slot, bool *is_mapped)
{
    machine *m = stub->m;
    for (uint32_t i = 0; i < stub->nr_slots; i++) {
        struct context_area *area = (struct context_area *)context_slot(m, stub->slots[i]);
        if (stub->slot_states[i] == SLOT_LEAVING && __atomic_load_n(&area->exited, __ATOMIC_ACQUIRE))
            stub->slot_states[i] = SLOT_FREE;
        if (stub->slot_states[i] != SLOT_FREE)
            continue;
        *number = i;
        *slot = stub->slots[i];
        *is_mapped = true;
        return 0;
    }
    if (stub->nr_slots == MAX_CONTEXTS)
        return -EAGAIN;
    if ((stub->nr_slots & (stub->nr_slots - 1)) == 0) {     /* full at each power of two */
        uint32_t size = stub->nr_slots ? 2 * stub->nr_slots : 1;
        uint32_t *slots = realloc(stub->slots, size * sizeof *slots);
        if (slots)
            stub->slots = slots;
        uint8_t *states = realloc(stub->slot_states, size);
        if (states)
            stub->slot_states = states;
        if (!slots || !states)
            return -ENOMEM;
    }
    if (m->nr_free_slots) {
        *slot = m->free_slots[--m->nr_free_slots];
    } else {
        if (m->next_slot == MAX_SLOTS)
            return -EAGAIN;
        if (fallocate(m->control_fd, 0, (off_t)(CONTROL_CONTEXTS + (uint64_t)m->next_slot * CONTEXT_BYTES), CONTEXT_BYTES) < 0)
            return -errno;
        *slot = m->next_slot++;
    }
    *number = stub->nr_slots++;
    stub->slots[*number] = *slot;
    stub->slot_states[*number] = SLOT_FREE;
    *is_mapped = false;
    return 0;
}

/* The stub has no mapping of its areas any more: they may go to other stubs, without the old contents. */
void slots_drop(struct stub *stub)
{
    machine *m = stub->m;
    for (uint32_t i = 0; i < stub->nr_slots; i++) {
        memset(context_slot(m, stub->slots[i]), 0, CONTEXT_BYTES);
        m->free_slots[m->nr_free_slots++] = stub->slots[i];
    }
    free(stub->slots);
    free(stub->slot_states);
    stub->slots = NULL;
    stub->slot_states = NULL;
    stub->nr_slots = stub->nr_spares = 0;
}

uint64_t host_cpu_time(pid_t pid, pid_t tid)
{
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    return strtoull(text, NULL, 10);
}
