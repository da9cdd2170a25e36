/* SPDX-License-Identifier: MPL-2.0 */
/* Processors: which of them the kernel and its guests use, and when either side polls instead of sleeping.
 *
 * A stop is handed over in 0.2 µs while both sides poll on processors of their own, in 10 µs by sleeping on the same one, and in 30 to 60 µs
 * by sleeping on two, for an idle processor has to be woken. Where the host puts both sides on one processor while one of them polls, it
 * is worse than all of these. So once a thread has said that it will do nothing but run the kernel (machine_settle) both sides are
 *
 *   apart     the thread on one processor, which it keeps, all guest tasks on the others, pagers (which work while the
 *             kernel waits for them) on the kernel's; both sides poll
 *   together  anywhere, nobody polls: while more guests compute than fit beside the kernel, or others want our processor
 *             (a poller finds itself off it). For 4 ms, doubled up to 512 ms while that goes on.
 *
 * A guest task sets its own affinity (handler.c, entry.S): its number, which a guest could have forged, is not needed. */
#include <sched.h>
#include <string.h>
#include "internal.h"

#define GAP_NS 500000.                  /* longer than this between two looks: somebody else had a time slice on our processor */
#define BACKOFF_NS 4e6
#define BACKOFF_MAX_NS 512e6
#define CROWDED_NS 1000000              /* more guests than processors without a stop for so long: they compute */
#define CROWDED_SPIN_NS 5000.           /* of a stub while another guest could use its processor */

_Static_assert(sizeof(cpu_set_t) == sizeof ((struct machine_page *)0)->guest_cpus, "as sched_setaffinity takes it");

static inline uint64_t ticks(void) { return __builtin_ia32_rdtsc(); }
static uint64_t in_ticks(const machine *m, double ns) { return (uint64_t)(ns * m->ticks_per_ns); }

void processors_init(machine *m)
{
    if (sched_getaffinity(0, sizeof m->cpus, &m->cpus) < 0)
        CPU_ZERO(&m->cpus);
    m->nr_cpus = CPU_COUNT(&m->cpus) ? CPU_COUNT(&m->cpus) : 1;
    m->pager_cpus = m->cpus;
    m->kernel_cpu = -1;
    memcpy(m->page->guest_cpus, &m->cpus, sizeof m->cpus);
    m->ticks_per_ns = (double)(ticks() - m->tsc_start) / (double)(monotonic_ns() - m->ns_start);
}

void machine_set_spin(machine *m, uint64_t ns) { m->stub_spin = in_ticks(m, (double)ns); }

static void set_stub_spin(machine *m, uint64_t ticks)
{
    if (!m->is_closed && m->page->spin_ticks != ticks)
        m->page->spin_ticks = ticks;
}

static bool is_settler(const machine *m) { return m->has_settler && pthread_equal(m->settler, pthread_self()); }

/* New masks for everybody: for us now, for pagers before their next order, for guests at their next stop. */
static void place(machine *m, int kernel_cpu)
{
    cpu_set_t ours = m->cpus, guests = m->cpus;
    if (kernel_cpu >= 0) {
        CPU_ZERO(&ours);
        CPU_SET(kernel_cpu, &ours);
        CPU_CLR(kernel_cpu, &guests);
    }
    if (is_settler(m))
        sched_setaffinity(0, sizeof ours, &ours);
    m->kernel_cpu = kernel_cpu;
    m->pager_cpus = ours;
    if (m->is_closed)
        return;
    memcpy(m->page->guest_cpus, &guests, sizeof guests);
    __atomic_store_n(&m->page->placement, ++m->placement, __ATOMIC_RELEASE);
}

static void part(machine *m)
{
    int cpu = sched_getcpu();
    if (cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &m->cpus))
        place(m, cpu);
}

/* Guests that compute are told by a signal: they would stay where they are. */
static void join(machine *m, uint64_t now)
{
    uint64_t shortest = in_ticks(m, BACKOFF_NS), longest = in_ticks(m, BACKOFF_MAX_NS);
    bool goes_on = m->backoff && now - m->apart_again < 2 * m->backoff;
    m->backoff = !goes_on ? shortest : m->backoff < longest ? 2 * m->backoff : longest;
    m->apart_again = now + m->backoff;
    set_stub_spin(m, 0);
    place(m, -1);
    for (context *c = m->running_head; c; c = c->next)
        context_nudge(c);
}

void machine_settle(machine *m, bool settles)
{
    if (settles && m->nr_cpus > 1 && !m->has_settler) {
        m->has_settler = true;
        m->settler = pthread_self();
        sched_getaffinity(0, sizeof m->settled_cpus, &m->settled_cpus);
    } else if (!settles && is_settler(m)) {
        set_stub_spin(m, 0);
        place(m, -1);
        sched_setaffinity(0, sizeof m->settled_cpus, &m->settled_cpus);
        m->has_settler = false;
    }
}

/* The pager of `stub` where it serves us best; its number is ours (the pristine stub made it, which runs no guest). */
void processors_place_pager(struct stub *stub)
{
    machine *m = stub->m;
    if (stub->placement != m->placement && stub->pid > 0)
        sched_setaffinity(stub->pid, sizeof m->pager_cpus, &m->pager_cpus);
    stub->placement = m->placement;
}

static int nr_running(const machine *m, int at_most)
{
    int nr = 0;
    for (context *c = m->running_head; c && nr < at_most; c = c->next)
        nr++;
    return nr;
}

/* Whether to poll; afterwards both sides are apart. */
static bool may_spin(machine *m, uint64_t now)
{
    int nr = nr_running(m, m->nr_cpus);
    if (nr == 0 || now < m->apart_again)
        return false;
    if (m->kernel_cpu < 0)
        part(m);
    set_stub_spin(m, nr < m->nr_cpus ? m->stub_spin : in_ticks(m, CROWDED_SPIN_NS));
    return m->kernel_cpu >= 0;
}

int machine_spin(machine *m, int64_t spin_ns, int64_t deadline_ns)
{
    int ready = 0;
    uint64_t start = ticks(), last = start, now, gap = in_ticks(m, GAP_NS);
    if (!is_settler(m))
        return 0;
    machine_enter(m);
    bool done = !may_spin(m, start);
    machine_leave(m);
    if (done)
        return 0;
    bool is_crowded = nr_running(m, m->nr_cpus) >= m->nr_cpus;
    int64_t left = deadline_ns < 0 ? spin_ns : deadline_ns - monotonic_ns();
    left = left < spin_ns ? left : spin_ns;
    if (is_crowded && spin_ns < CROWDED_NS && (deadline_ns < 0 || left == spin_ns))
        left = CROWDED_NS;
    uint64_t limit = left > 0 ? in_ticks(m, (double)left) : 0;
    while ((now = ticks()) - start < limit) {
        machine_enter(m);
        ready = machine_poll(m, false);
        done = ready || m->is_woken || m->is_closed || !m->running_head;
        if (now - last > gap) {
            join(m, now);
            done = true;
        }
        machine_leave(m);
        if (done)
            return ready;
        last = ticks();
        for (int i = 0; i < 4; i++)
            __builtin_ia32_pause();
    }
    machine_enter(m);
    if (is_crowded)
        join(m, now);                           /* they compute, and one of them could do so here */
    machine_leave(m);
    return 0;
}
