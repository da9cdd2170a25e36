/* SPDX-License-Identifier: MPL-2.0
 *
 * A context area of a hostile guest, as context.c reads it: any bytes. The real source with fakes around it.
 *
 * Input: 8 bytes of choices, then struct context_area, then what lies at the frame it names. Checked: offsets stay in the area (and the
 * sanitizers' red zones around it), a report is one of the documented, what goes back into the frame is ring 3's. */
#include "harness.h"
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long fake_syscall(long nr, ...) { return nr == SYS_tgkill || nr == SYS_futex ? 0 : -1; }
#define syscall(...) fake_syscall(__VA_ARGS__)
#include "context.c"
#undef syscall

static struct context_area *area;
static bool has_died, serves_faults;

uint8_t *context_slot(machine *m, uint32_t slot) { (void)m, (void)slot; return (uint8_t *)area; }
uint64_t host_cpu_time(pid_t pid, pid_t tid) { (void)pid, (void)tid; return 5; }
char host_task_state(pid_t pid, pid_t tid) { (void)pid, (void)tid; return 'R'; }
int64_t monotonic_ns(void) { return 1; }
int pager_flush(struct stub *stub) { (void)stub; return 0; }
void pager_plain(struct stub *stub, uint32_t nr, uint64_t r, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    (void)stub, (void)nr, (void)r, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
}
int slot_take(struct stub *stub, uint32_t *number, uint32_t *slot, bool *is_mapped)
{
    (void)stub, (void)number, (void)slot, (void)is_mapped;
    return -1;
}
void space_die(space *s)
{
    has_died = s->is_dead = true;
    for (context *c = s->contexts; c; c = c->space_next)
        context_report_dead(c);
}
int space_serve_fault(space *s, uint64_t address, uint32_t access) { (void)s, (void)address, (void)access; return serves_faults; }


static void check_stop(const context *c)
{
    const int64_t *stop = c->stop;
    CHECK(c->list == LIST_READY && stop[0] >= STOP_SYSCALL && stop[0] <= STOP_DEAD);
    if (stop[0] == STOP_SYSCALL)
        CHECK(stop[1] >= -1 && stop[1] < 0x40000000);
    if (stop[0] == STOP_FAULT)
        CHECK(stop[2] == MACHINE_READ || stop[2] == MACHINE_WRITE || stop[2] == MACHINE_EXEC);
}

static void check_offsets(const context *c)
{
    CHECK(c->frame % 8 == 0 && c->frame >= ALTSTACK_OFFSET && c->frame + UCONTEXT_BYTES <= CONTEXT_BYTES);
    CHECK(c->fpu % 64 == 0 && c->fpu >= ALTSTACK_OFFSET && c->fpu + fpu_bytes + 4 <= CONTEXT_BYTES);
    CHECK(c->regs[USER_CS] == 0x33 && c->regs[USER_SS] == 0x2b);
}

static void check_frame(const context *c)
{
    struct mcontext mc;
    memcpy(&mc, (uint8_t *)area + c->frame + UCONTEXT_MCONTEXT, sizeof mc);
    CHECK(mc.cs == 0x33 && mc.ss == 0x2b && mc.fs == 0 && mc.gs == 0 && !(mc.eflags & ~(FLAGS_OF_RING3 | FLAGS_ALWAYS)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set_up;
    struct machine_page page = {.has_fsgsbase = 1};
    machine m = {.page = &page};
    uint32_t slots[4] = {0};
    uint8_t states[4] = {0};
    struct stub stub = {.m = &m, .pid = 1, .slots = slots, .slot_states = states, .nr_slots = 4};
    space s = {.m = &m, .stub = &stub};
    if (!is_set_up)
        machine_setup_fpu();
    is_set_up = true;
    if (size < 8 + sizeof *area)
        return 0;
    const uint8_t choices[8] = {data[0], data[1], data[2], data[3], data[4], data[5], data[6], data[7]};
    area = aligned_alloc(CONTEXT_BYTES, CONTEXT_BYTES);
    memset(area, 0, CONTEXT_BYTES);
    memcpy(area, data + 8, sizeof *area);
    size_t at = area->frame >= ALTSTACK_OFFSET && area->frame < CONTEXT_BYTES ? area->frame : ALTSTACK_OFFSET, left = size - 8 - sizeof *area;
    memcpy((uint8_t *)area + at, data + 8 + sizeof *area, left < CONTEXT_BYTES - at ? left : CONTEXT_BYTES - at);
    context *c = calloc(1, sizeof *c);
    c->s = &s, c->area = area, c->number = choices[1] % 4, c->tid = 1;
    c->regs[USER_CS] = 0x33, c->regs[USER_SS] = 0x2b;   /* as context_new does */
    c->is_fresh = choices[0] & 1;
    page.has_fsgsbase = !(choices[0] & 2);
    serves_faults = choices[0] & 4;
    s.contexts = c;
    has_died = false;
    context_list(c, LIST_RUNNING);
    if (choices[0] & 8)
        context_interrupt(c);
    if (choices[0] & 16)
        CHECK(c->fpu_pending = calloc(1, fpu_bytes));

    context_collect(c);
    if (c->list == LIST_READY)
        check_stop(c);
    else
        CHECK(c->list == LIST_RUNNING);
    if (!has_died && !c->is_fresh && c->frame) {
        uint8_t *fpu = malloc(fpu_bytes);
        check_offsets(c);
        context_get_fpu(c, fpu);
        context_set_fpu(c, fpu, fpu_bytes);
        free(fpu);
        fpu = malloc(left ? left : 1);
        memcpy(fpu, data + 8 + sizeof *area, left);
        context_set_fpu(c, fpu, left);
        free(fpu);
        uint64_t value;
        memcpy(&value, choices, 8);
        for (unsigned i = 0; i < MACHINE_NR_REGS; i++)
            context_set_reg(c, i, value);
        if (c->list == LIST_READY) {
            context_list(c, LIST_NONE);
            CHECK(context_run(c) == 0);
            check_frame(c);
            CHECK(context_run(c) == -EBUSY);
        }
    }
    CHECK(m.nr_interrupts <= 1);
    context_release(c);
    CHECK(m.nr_interrupts == 0 && !m.running_head && !m.ready_head);
    context_free(c);
    free(area);
    return 0;
}

/* A stop of each kind, with registers and an FPU area where the host puts them. */
static size_t make_seed(unsigned index, uint8_t *out)
{
    static const struct { uint8_t choices; int signo; uint64_t trapno, err; uint32_t arch; uint64_t rax, rip; } seeds[] = {
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 39, 0x400000}, {8, SIGSYS, 0, 0, 0x40000003, 1, 0x400000},
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 0x40000001, 0x400000}, {0, SIGSEGV, 14, 6, 0, 0, 0x400000}, {4, SIGSEGV, 14, 20, 0, 0, 0x400000},
        {12, SIGSEGV, 14, 4, 0, 0, 0x400000}, {0, SIGSEGV, 13, 0, 0, 0, 0x400000}, {0, SIGFPE, 0, 0, 0, 0, 0x400000},
        {0, INTERRUPT_SIGNAL, 0, 0, 0, 0, 0x400000}, {8, INTERRUPT_SIGNAL, 0, 0, 0, 0, 0x400000}, {1, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100},
        {17, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100}, {25, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100}, {2, SIGTRAP, 1, 0, 0, 0, 0x400000},
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 39, STUB_BASE + 0x100}};
    if (index >= sizeof seeds / sizeof *seeds)
        return 0;
    machine_setup_fpu();
    memset(out, 0, MAX_INPUT);
    out[0] = seeds[index].choices;
    struct context_area a = {.state = STATE_STOPPED, .frame = 0x2000, .signo = seeds[index].signo, .code = 1, .syscall = 39,
                             .arch = seeds[index].arch, .address = 0x400000, .fs_base = 0x7f0000000000, .gs_base = 0};
    uint64_t fpu = 0x2000 + 320;
    struct mcontext mc = {.rax = seeds[index].rax, .rip = seeds[index].rip, .eflags = 0x246, .cs = 0x33, .ss = 0x2b, .err = seeds[index].err,
                          .trapno = seeds[index].trapno, .cr2 = 0x500123, .fpstate = CONTEXT_ADDR + fpu};
    memcpy(out + 8, &a, sizeof a);
    memcpy(out + 8 + sizeof a + UCONTEXT_MCONTEXT, &mc, sizeof mc);
    initial_fpu(out + 8 + sizeof a + 320);
    return 8 + sizeof a + 320 + fpu_bytes + 4;
}
