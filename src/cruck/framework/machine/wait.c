/* SPDX-License-Identifier: MPL-2.0 */
/* The machine as a whole, and waiting: which contexts have stopped, which host descriptors are ready.
 *
 * Running contexts are few (the scheduler sees to it), so a turn looks at each one's state word. Before the kernel
 * sleeps it says so in the machine page and looks again; a context that stops stores its state first and reads that
 * word second, so one of the two notices. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"

#define TAG(event) ((event).data.u64 >> 56)
enum { TAG_STUB, TAG_PRISTINE, TAG_DOORBELL, TAG_HOST };

unsigned machine_generation;
void machine_setup_fpu(void);

static void after_fork_in_child(void) { machine_generation++; }

void machine_setup(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
    machine_setup_fpu();
}

int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000l + now.tv_nsec;
}

/* Guests may have 65,530 mappings by default; keep away from the limit, for an order can need a few at once. */
static uint32_t read_max_maps(void)
{
    unsigned long limit = 65530;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file) {
        if (fscanf(file, "%lu", &limit) != 1)
            limit = 65530;
        fclose(file);
    }
    limit = limit > 1000000 ? 1000000 : limit;
    return (uint32_t)(limit > 4096 ? limit - 2048 : limit / 2);
}

int machine_new(machine **out, const char *stub_path, uint64_t ram_bytes, bool hidden, const char **what)
{
    struct epoll_event bell = {.events = EPOLLIN, .data.u64 = (uint64_t)TAG_DOORBELL << 56};
    machine *m = calloc(1, sizeof *m);
    *what = "malloc";
    if (!m)
        return -ENOMEM;
    pthread_mutex_init(&m->lock, NULL);
    m->generation = machine_generation;
    m->control_fd = m->doorbell = m->epoll = m->warden_sock = m->pristine.sock = -1;
    m->tsc_start = __builtin_ia32_rdtsc();
    m->ns_start = monotonic_ns();
    m->max_host_maps = read_max_maps();
    m->free_slots = malloc(MAX_SLOTS * sizeof *m->free_slots);
    int result = m->free_slots ? ram_init(&m->ram, ram_bytes, what) : -ENOMEM;
    if (result == 0) {
        *what = "AT_MINSIGSTKSZ";               /* the host's signal frame must fit into a context area */
        result = getauxval(51) > CONTEXT_BYTES - ALTSTACK_OFFSET - 4096 ? -EOVERFLOW : 0;
    }
    if (result == 0) {
        *what = "eventfd";
        m->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);   /* a guest may fill it; nobody may hang on it */
        m->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (m->doorbell < 0 || m->epoll < 0 || epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->doorbell, &bell) < 0)
            result = -errno;
    }
    if (result == 0)
        result = stubs_init(m, stub_path, hidden, what);
    if (result < 0) {
        machine_close(m);
        machine_free(m);
        return result;
    }
    m->page->has_fsgsbase = getauxval(AT_HWCAP2) >> 1 & 1;
    processors_init(m);
    *out = m;
    return 0;
}

/* Objects of a closed machine stay valid, but what they hold goes back to the host at once, not when the last of them is
 * collected: RAM and shared pages become private zeros under the same addresses, so that no late access can raise a signal. */
static void give_back(machine *m)
{
    int *fds[] = {&m->ram.fd, &m->control_fd, &m->doorbell, &m->epoll};
    struct { void *at; size_t size; } maps[] = {{m->ram.bytes, m->ram.nr_frames * PAGE}, {m->control, CONTROL_BYTES}};
    if (m->nr_sleepers)                         /* another thread is in wait(): it still needs them */
        return;
    for (unsigned i = 0; i < sizeof maps / sizeof *maps; i++)
        if (maps[i].at)
            mmap(maps[i].at, maps[i].size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++) {
        int fd = *fds[i];
        *fds[i] = -1;
        if (fd >= 0)
            close(fd);
    }
}

void machine_close(machine *m)
{
    if (m->is_closed || machine_is_foreign(m))
        return;
    m->is_closed = true;
    for (struct stub *stub = m->stubs; stub; stub = stub->next)     /* they die side by side; stub_kill() waits for one */
        if (!stub->is_gone)
            kill(stub->pid, SIGKILL);
    for (struct stub *stub = m->stubs, *next; stub; stub = next) {
        next = stub->next;                      /* closing its space may free the stub, but no other */
        if (stub->space)
            space_close(stub->space);
    }
    stubs_destroy(m);
    machine_wake(m);
    give_back(m);
}

void machine_free(machine *m)
{
    int fds[] = {m->control_fd, m->doorbell, m->epoll};
    if (machine_is_foreign(m))
        return;
    if (m->control)
        munmap(m->control, CONTROL_BYTES);
    for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    for (uint32_t i = 0; i < m->nr_files; i++)
        if (m->files[i].nr_refs)
            close(m->files[i].fd);
    ram_destroy(&m->ram);
    pthread_mutex_destroy(&m->lock);
    free(m->files);
    free(m->free_slots);
    free(m->host_events);
    free(m->fd_tags);
    free(m);
}

bool machine_is_closed(const machine *m) { return m->is_closed; }
bool machine_is_foreign(const machine *m) { return m->generation != machine_generation; }
bool machine_try_enter(machine *m) { return pthread_mutex_trylock(&m->lock) == 0; }
void machine_enter(machine *m) { pthread_mutex_lock(&m->lock); }

/* A thread that sleeps in machine_sleep() has looked at everything; what others change since then it has to be told. */
void machine_leave(machine *m)
{
    const uint64_t one = 1;
    if (m->has_news && m->nr_sleepers) {
        m->has_news = false;
        (void)!write(m->doorbell, &one, sizeof one);
    }
    pthread_mutex_unlock(&m->lock);
}

uint64_t machine_nr_frames(const machine *m) { return m->ram.nr_frames; }
uint64_t machine_nr_free_frames(const machine *m) { return m->ram.nr_free; }
uint32_t machine_nr_stubs(const machine *m) { return m->nr_stubs; }

/* ---- host events ---- */

static void push_host_event(machine *m, int fd, uint32_t events)
{
    if (m->nr_host_events == m->max_host_events) {
        uint32_t size = m->max_host_events ? 2 * m->max_host_events : 16;
        struct host_event *list = realloc(m->host_events, size * sizeof *list);
        if (!list)
            return;
        m->host_events = list;
        m->max_host_events = size;
    }
    m->host_events[m->nr_host_events++] = (struct host_event){fd, events, m->fd_tags[fd]};
    m->has_news = true;
}

/* The host bounds descriptors (RLIMIT_NOFILE), and this is only called for one that it knows. */
static bool set_fd_tag(machine *m, int fd, int64_t tag)
{
    if (fd >= m->nr_fd_tags) {
        int size = fd < 32 ? 64 : 2 * fd;
        int64_t *tags = realloc(m->fd_tags, (size_t)size * sizeof *tags);
        if (!tags)
            return false;
        memset(tags + m->nr_fd_tags, 0, (size_t)(size - m->nr_fd_tags) * sizeof *tags);
        m->fd_tags = tags;
        m->nr_fd_tags = size;
    }
    m->fd_tags[fd] = tag;
    return true;
}

int machine_watch(machine *m, int fd, uint32_t events, int64_t tag)
{
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = (uint64_t)TAG_HOST << 56 | (uint32_t)fd};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->nr_host_events; i++)        /* an older report would be about an older question */
        if (m->host_events[i].fd != fd)
            m->host_events[kept++] = m->host_events[i];
    m->nr_host_events = kept;
    if (events == 0) {
        epoll_ctl(m->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (fcntl(fd, F_GETFD) < 0)
        return -errno;
    if (!set_fd_tag(m, fd, tag))
        return -ENOMEM;
    if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    if (errno != EPERM)
        return -errno;
    push_host_event(m, fd, events & (POLLIN | POLLOUT));    /* regular files are always ready */
    return 0;
}

static void stub_hung_up(machine *m, struct stub *gone)
{
    struct stub *stub = m->stubs;
    while (stub && stub != gone)                /* it may have been freed since the host reported it, */
        stub = stub->next;
    struct pollfd hangup = {stub ? stub->sock : -1, 0, 0};
    if (!stub || poll(&hangup, 1, 0) <= 0)      /* and its place taken by another */
        return;
    if (stub->space)
        space_die(stub->space);
    else
        stub_kill(stub);
}

static void take_host_events(machine *m, const struct epoll_event *events, int nr)
{
    uint64_t count;
    for (int i = 0; i < nr; i++) {
        if (TAG(events[i]) == TAG_STUB) {
            stub_hung_up(m, events[i].data.ptr);
        } else if (TAG(events[i]) == TAG_DOORBELL) {
            (void)!read(m->doorbell, &count, sizeof count);
        } else if (TAG(events[i]) == TAG_PRISTINE) {
            m->pristine.is_gone = true;
            epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->pristine.sock, NULL);
        } else {
            push_host_event(m, (int)(uint32_t)events[i].data.u64, events[i].events & 0xffff);
        }
    }
}

/* ---- waiting ---- */

int machine_poll(machine *m, bool look_at_host)
{
    if (look_at_host || ++m->turns % 32 == 0) {
        struct epoll_event events[16];
        int nr = epoll_wait(m->epoll, events, 16, 0);
        take_host_events(m, events, nr);
        context_check_interrupts(m);
    }
    for (context *c = m->running_head, *next; c; c = next) {
        next = c->next;
        context_collect(c);
        if (next && next->list != LIST_RUNNING)
            next = m->running_head;             /* a space died and took its contexts off the list */
    }
    return m->ready_head != NULL || m->nr_host_events != 0;
}

static int sleep_for(machine *m, struct epoll_event *events, int64_t ns, const sigset_t *signals)
{
    struct timespec timeout = {ns / 1000000000, ns % 1000000000};
    static bool has_pwait2 = true;
    if (has_pwait2) {
        long n = syscall(441 /* epoll_pwait2 */, m->epoll, events, 16, ns < 0 ? NULL : &timeout, signals, 8);
        if (n >= 0 || errno == EINTR)
            return (int)n;
        has_pwait2 = false;                     /* Linux < 5.11, or a filter that does not know it */
    }
    ns = ns > 3600000000000 ? 3600000000000 : ns;   /* an early return is allowed, an int that overflows is not */
    return epoll_pwait(m->epoll, events, 16, ns < 0 ? -1 : (int)((ns + 999999) / 1000000), signals);
}

int machine_sleep(machine *m, int64_t deadline_ns, const void *signals)
{
    struct epoll_event events[16];
    machine_enter(m);
    __atomic_store_n(&m->page->kernel_sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    int nr = 0, ready = m->is_closed || m->is_woken || machine_poll(m, false);
    if (!ready) {
        int64_t now = monotonic_ns(), left = deadline_ns < 0 ? -1 : deadline_ns > now ? deadline_ns - now : 0;
        if (m->nr_interrupts && (left < 0 || left > 100000000))
            left = 100000000;                   /* look after unanswered interrupts */
        m->has_news = false;
        m->nr_sleepers++;
        machine_leave(m);
        nr = sleep_for(m, events, left, signals);
        nr = nr < 0 ? -errno : nr;
        machine_enter(m);
        m->nr_sleepers--;
    }
    m->page->kernel_sleeping = m->nr_sleepers != 0;     /* another thread may still sleep */
    if (nr > 0)
        take_host_events(m, events, nr);
    context_check_interrupts(m);
    machine_leave(m);
    return nr < 0 ? nr : 0;
}

bool machine_next_stop(machine *m, void **owner, int64_t stop[8])
{
    context *c = m->ready_head;
    if (c) {
        context_list(c, LIST_NONE);
        *owner = c->owner;
        memcpy(stop, c->stop, sizeof c->stop);
        return true;
    }
    if (m->nr_host_events == 0)
        return false;
    int64_t report[8] = {STOP_HOST, m->host_events[0].tag, m->host_events[0].events};
    memmove(m->host_events, m->host_events + 1, --m->nr_host_events * sizeof *m->host_events);
    memcpy(stop, report, sizeof report);
    *owner = NULL;
    return true;
}

bool machine_take_wake(machine *m)
{
    return __atomic_exchange_n(&m->is_woken, false, __ATOMIC_SEQ_CST);
}

void machine_wake(machine *m)
{
    const uint64_t one = 1;
    int saved = errno;
    __atomic_store_n(&m->is_woken, true, __ATOMIC_SEQ_CST);
    if (m->doorbell >= 0)
        (void)!write(m->doorbell, &one, sizeof one);
    errno = saved;
}

/* ---- what the host offers ---- */

int machine_feature(machine *m, int index, const char **name, int64_t *value)
{
    bool is_open = !m->is_closed;
    struct { const char *name; int64_t value; } features[] = {
        {"sud", is_open ? (int64_t)m->pristine.scratch->has_sud : 0},
        {"mseal", is_open ? (int64_t)m->pristine.scratch->has_mseal : 0},
        {"fsgsbase", is_open ? m->page->has_fsgsbase : 0},
        {"vdso", machine_vdso(m) != 0},
        {"openat2", syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 && errno != ENOSYS && errno != EPERM},
        {"cpus", m->nr_cpus},
        {"max_host_maps", m->max_host_maps},
        {"warden_pid", m->warden_pid},
        {"shield_pid", m->shield_pid},
        {"fpu_bytes", machine_fpu_bytes()},
    };
    if (index >= (int)(sizeof features / sizeof *features))
        return -ENOENT;
    *name = features[index].name;
    *value = features[index].value;
    return 0;
}

uint64_t machine_vdso(machine *m) { return m->is_closed ? 0 : m->pristine.scratch->vdso; }

bool machine_reserved(machine *m, unsigned index, uint64_t *start, uint64_t *end)
{
    if (m->is_closed || index >= 16 || index >= m->pristine.scratch->nr_reserved)
        return false;
    *start = m->pristine.scratch->reserved[index][0];
    *end = m->pristine.scratch->reserved[index][1];
    return true;
}
