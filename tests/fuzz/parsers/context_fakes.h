/* SPDX-License-Identifier: MPL-2.0 */
/* context.c with fakes around it, for harnesses that play the guest in its context area. */
#ifndef CONTEXT_FAKES_H
#define CONTEXT_FAKES_H
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
int pager_make_room(struct stub *stub) { (void)stub; return 0; }
bool space_is_settled(const space *s) { (void)s; return true; }
int space_settle(space *s) { (void)s; return 0; }
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
    if (stop[0] == STOP_EXCEPTION)
        CHECK(stop[1] > 0 && stop[1] < 32 && stop[1] != SIGSYS && stop[4] >= 0 && stop[4] <= 32);
}

static void check_offsets(const context *c)
{
    CHECK(c->frame % 8 == 0 && c->frame >= ALTSTACK_OFFSET && c->frame + UCONTEXT_BYTES <= CONTEXT_BYTES);
    CHECK(c->fpu % 64 == 0 && c->fpu >= ALTSTACK_OFFSET && c->fpu + fpu_bytes + 4 <= CONTEXT_BYTES);
    CHECK(c->regs[USER_CS] == 0x33 && c->regs[USER_SS] == 0x2b);
    CHECK(is_canonical(c->regs[USER_FS_BASE]) && is_canonical(c->regs[USER_GS_BASE]));
}

/* A stop of each kind, with registers and an FPU area where the host puts them; 8 bytes of choices in front. 0: there are no more. */
static size_t stop_of_kind(unsigned index, uint8_t *out)
{
    static const struct { uint8_t choices; int signo; uint64_t trapno, err; uint32_t arch; uint64_t rax, rip; } seeds[] = {
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 39, 0x400000}, {8, SIGSYS, 0, 0, 0x40000003, 1, 0x400000},
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 0x40000001, 0x400000}, {0, SIGSEGV, 14, 6, 0, 0, 0x400000}, {4, SIGSEGV, 14, 20, 0, 0, 0x400000},
        {12, SIGSEGV, 14, 4, 0, 0, 0x400000}, {0, SIGSEGV, 13, 0, 0, 0, 0x400000}, {0, SIGFPE, 0, 0, 0, 0, 0x400000},
        {0, INTERRUPT_SIGNAL, 0, 0, 0, 0, 0x400000}, {8, INTERRUPT_SIGNAL, 0, 0, 0, 0, 0x400000}, {1, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100},
        {17, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100}, {25, SIGILL, 6, 0, 0, 0, STUB_BASE + 0x100}, {2, SIGTRAP, 1, 0, 0, 0, 0x400000},
        {0, SIGSYS, 0, 0, AUDIT_ARCH_X86_64, 39, STUB_BASE + 0x100}, {0, 0, 0, 0, 0, 0, 0x400000}, {0, -1, 14, 0, 0, 0, 0x400000},
        {0, SIGBUS, 33, 0, 0, 0, 0x400000}};
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

/* A running context whose area holds `data`; choices: 1 fresh, 2 no FSGSBASE, 4 faults are served, 8 an interrupt is due, 16 an FPU area waits. */
static context *start_context(space *s, uint8_t choices)
{
    context *c = calloc(1, sizeof *c);
    c->s = s, c->area = area, c->tid = 1;
    c->regs[USER_CS] = 0x33, c->regs[USER_SS] = 0x2b;   /* as context_new does */
    c->is_fresh = choices & 1;
    s->m->page->has_fsgsbase = !(choices & 2);
    serves_faults = choices & 4;
    s->contexts = c;
    s->is_dead = has_died = false;
    context_list(c, LIST_RUNNING);
    if (choices & 8)
        context_interrupt(c);
    if (choices & 16)
        CHECK(c->fpu_pending = calloc(1, fpu_bytes));
    return c;
}

/* The stop's frame and what follows it, where struct context_area in `data` says; both are in the area then. */
static void fill_area(const uint8_t *data, size_t size)
{
    memset(area, 0, CONTEXT_BYTES);
    memcpy(area, data, sizeof *area);
    size_t at = area->frame >= ALTSTACK_OFFSET && area->frame < CONTEXT_BYTES ? area->frame : ALTSTACK_OFFSET, left = size - sizeof *area;
    memcpy((uint8_t *)area + at, data + sizeof *area, left < CONTEXT_BYTES - at ? left : CONTEXT_BYTES - at);
}
#endif
