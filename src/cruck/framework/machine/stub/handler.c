/* SPDX-License-Identifier: MPL-2.0 */
/* The signal handler in which a stopped guest task waits. Every guest trap arrives here.
 *
 * It runs on the context's alternate stack with all signals masked, without TLS (FS and GS are the guest's)
 * and without vector registers (they hold the guest's values; the host has saved them in the frame). A
 * hostile sibling may write to all memory used here; it gains nothing, for this task has no right that guest
 * code has not (filter.c). */
#include <asm/unistd_64.h>
#include "abi.h"
#include "raw.h"
#include "stub.h"

static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void task_exit(volatile struct context_area *area)
{
    __asm__ volatile("movl $1, %0\n\t" /* after this the area belongs to somebody else */
                     "xor %%edi, %%edi\n\t"
                     "syscall" : "=m"(area->exited) : "a"(__NR_exit) : "rcx", "r11", "rdi", "memory");
    __builtin_unreachable();
}

static void load_bases(volatile struct context_area *area, const volatile struct machine_page *machine)
{
    uint64_t fs = area->new_fs_base, gs = area->new_gs_base;
    area->load_bases = 0;
    if (machine->has_fsgsbase) {
        __asm__ volatile("wrfsbase %0" : : "r"(fs));
        __asm__ volatile("wrgsbase %0" : : "r"(gs));
    } else {
        raw2(__NR_arch_prctl, 0x1002, fs);
        raw2(__NR_arch_prctl, 0x1001, gs);
    }
}

/* The host tells nobody else's tasks apart from ours by a number that a guest could forge: each moves itself. */
static void place(volatile struct context_area *area, const volatile struct machine_page *machine)
{
    area->placement = machine->placement;
    raw3(__NR_sched_setaffinity, 0, sizeof machine->guest_cpus, &machine->guest_cpus);
}

/* Sleeping is announced before the last look at the state, and the kernel process stores the state before it
 * looks whether we sleep: one of the two sees the other. */
static void wait_for_resume(volatile struct context_area *area, const volatile struct machine_page *machine)
{
    uint64_t start = ticks();
    for (;;) {
        uint32_t state = area->state;
        if (state == STATE_EXIT || area->exit_wish)
            task_exit(area);
        if (state == STATE_RUN)
            return;
        if (state == STATE_STOPPED && ticks() - start < machine->spin_ticks) {
            __asm__ volatile("pause");
            continue;
        }
        area->sleeping = 1;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!area->exit_wish)
            raw4(__NR_futex, &area->state, 0 /* FUTEX_WAIT */, state, 0);
        area->sleeping = 0;
    }
}

void stub_handler(int signo, const struct stub_siginfo *info, const void *ucontext)
{
    const volatile struct machine_page *machine = (void *)MACHINE_ADDR;
    volatile struct context_area *area = (void *)((uintptr_t)__builtin_frame_address(0) & ~(CONTEXT_BYTES - 1ul));
    area->frame = (uint32_t)((uintptr_t)ucontext - (uintptr_t)area);
    area->signo = signo;
    area->code = info->code;
    area->address = info->address;
    area->syscall = info->syscall;
    area->arch = info->arch;
    if (machine->has_fsgsbase) {
        uint64_t base;
        __asm__ volatile("rdfsbase %0" : "=r"(base));
        area->fs_base = base;
        __asm__ volatile("rdgsbase %0" : "=r"(base));
        area->gs_base = base;
    }
    __atomic_store_n(&area->state, STATE_STOPPED, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (machine->kernel_sleeping)
        raw3(__NR_write, FD_DOORBELL, &stub_one, 8);
    wait_for_resume(area, machine);
    if (area->placement != machine->placement)
        place(area, machine);
    if (area->load_bases)
        load_bases(area, machine);
}
