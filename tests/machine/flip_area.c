/* SPDX-License-Identifier: MPL-2.0
 *
 * A sibling that changes the whole context area right after the kernel process has touched it for the k-th time, for every k: whatever was
 * checked before is then something else. context.c runs one instruction at a time: the area is inaccessible, each access faults, is let
 * through with the single-step flag, and after it the area is filled with other bytes and closed again.
 *
 * Prints how many accesses the longest stop made, and how many stops were disturbed. Exit status 0: everything held each time. */
#include "harness.h"
#include "context_fakes.h"
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

static uint8_t *memory;                 /* one inaccessible page, the area, one more */
static volatile unsigned nr_accesses, disturbed_at;   /* the handler counts */
static volatile int poison;

static void set_access(int prot) { CHECK(mprotect(area, CONTEXT_BYTES, prot) == 0); }

static void scribble(void)
{
    static unsigned state = 12345;
    struct context_area forged = {.state = STATE_STOPPED, .frame = 0x7ff8, .signo = SIGSYS, .fs_base = ~0ul << 48 ^ 1, .gs_base = 1ul << 62};
    for (uint64_t *word = (uint64_t *)area; word < (uint64_t *)((uint8_t *)area + CONTEXT_BYTES); word++)
        switch (poison) {
        case 0: *word = ~0ul; break;
        case 1: *word = 0; break;
        case 2: *word = 0x7fff8; break;
        case 3: *word = CONTEXT_ADDR + CONTEXT_BYTES - 64; break;
        default: *word = (uint64_t)rand_r(&state) << 33 ^ (uint64_t)rand_r(&state);
        }
    if (poison == 4)
        memcpy(area, &forged, sizeof forged);
}

static void on_fault(int signo, siginfo_t *info, void *frame)
{
    ucontext_t *u = frame;
    if (signo == SIGSEGV) {
        CHECK((uint8_t *)info->si_addr >= (uint8_t *)area && (uint8_t *)info->si_addr < (uint8_t *)area + CONTEXT_BYTES);
        set_access(PROT_READ | PROT_WRITE);
        u->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
        return;
    }
    u->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    if (++nr_accesses == disturbed_at)
        scribble();
    set_access(PROT_NONE);
}

/* One stop, disturbed after its `at`-th access (0: never). Returns how many there were. */
static unsigned one_stop(const uint8_t *data, size_t size, unsigned at, int kind)
{
    struct machine_page page = {0};
    machine m = {.page = &page};
    uint32_t slots[4] = {0};
    uint8_t states[4] = {0};
    struct stub stub = {.m = &m, .pid = 1, .slots = slots, .slot_states = states, .nr_slots = 4};
    space s = {.m = &m, .stub = &stub};
    set_access(PROT_READ | PROT_WRITE);
    fill_area(data + 8, size - 8);
    context *c = start_context(&s, data[0]);
    nr_accesses = 0, disturbed_at = at, poison = kind;
    set_access(PROT_NONE);
    context_collect(c);
    set_access(PROT_READ | PROT_WRITE);
    unsigned count = nr_accesses;
    if (c->list == LIST_READY)
        check_stop(c);
    if (!has_died && c->frame)
        check_offsets(c);
    if (!has_died && c->list == LIST_READY) {
        context_list(c, LIST_NONE);
        CHECK(context_run(c) == 0);
    }
    CHECK(c->tid == 1 && c->s == &s && c->area == area);
    context_release(c);
    CHECK(m.nr_interrupts == 0 && !m.running_head && !m.ready_head);
    context_free(c);
    return count;
}

static size_t make_seed(unsigned index, uint8_t *out) { return stop_of_kind(index, out); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned longest, nr_disturbed;
    if (!memory) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        memory = mmap(NULL, 3 * CONTEXT_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        area = (void *)(memory + CONTEXT_BYTES - (uintptr_t)memory % CONTEXT_BYTES);
        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGTRAP, &action, NULL);
    }
    if (data[0] & 16)
        return 0;                       /* that only writes more, byte by byte */
    unsigned count = one_stop(data, size, 0, 0);
    for (unsigned at = 1; at <= count; at++)
        for (int kind = 0; kind < 6; kind++, nr_disturbed++)
            one_stop(data, size, at, kind);
    longest = count > longest ? count : longest;
    fprintf(stderr, "%u accesses at most, %u stops disturbed\n", longest, nr_disturbed);
    return 0;
}
