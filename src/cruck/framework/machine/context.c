/* SPDX-License-Identifier: MPL-2.0 */
/* Contexts: a guest thread's registers, FPU state, and the host task that runs it.
 *
 * The registers live in the signal frame that the host pushed in the context area. At a stop they are copied once
 * into our own memory, after the frame's offset was checked; all decisions are made on the copy. */
#include <cpuid.h>
#include <linux/sched.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"

#define UCONTEXT_BYTES 304u
#define UCONTEXT_MCONTEXT 40u
#define FLAGS_OF_RING3 0x50dd5ul    /* what the host's FIX_EFLAGS lets through */
#define FLAGS_ALWAYS 0x202ul
#define FP_MAGIC1 0x46505853u
#define FP_MAGIC2 0x46505845u

struct mcontext {                   /* struct sigcontext */
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate;
};

static uint32_t fpu_bytes, mxcsr_mask;
static uint64_t fpu_features;

/* The layout of the XSAVE area, from the processor. The tile registers (17, 18) need a permission nobody asks for. */
void machine_setup_fpu(void)
{
    uint32_t low, high, a, b, c, d;
    uint8_t area[512] __attribute__((aligned(16)));
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    fpu_features = ((uint64_t)high << 32 | low) & ~(3ul << 17);
    fpu_bytes = 576;
    for (unsigned i = 2; i < 63; i++)
        if (fpu_features >> i & 1) {
            __cpuid_count(0xd, i, a, b, c, d);
            if (a + b > fpu_bytes)
                fpu_bytes = a + b;
        }
    __asm__("fxsave %0" : "=m"(area));
    memcpy(&mxcsr_mask, area + 28, 4);
    if (mxcsr_mask == 0)
        mxcsr_mask = 0xffbf;
}

uint32_t machine_fpu_bytes(void) { return fpu_bytes; }

/* ---- lists ---- */

void context_list(context *c, enum list list)
{
    machine *m = c->s->m;
    context **head = c->list == LIST_RUNNING ? &m->running_head : &m->ready_head;
    context **tail = c->list == LIST_RUNNING ? &m->running_tail : &m->ready_tail;
    if (c->list == LIST_RUNNING)
        c->s->nr_running--;
    if (c->list != LIST_NONE) {
        *(c->prev ? &c->prev->next : head) = c->next;
        *(c->next ? &c->next->prev : tail) = c->prev;
    }
    c->prev = c->next = NULL;
    c->list = list;
    if (list == LIST_NONE)
        return;
    if (list == LIST_RUNNING)
        c->s->nr_running++;
    head = list == LIST_RUNNING ? &m->running_head : &m->ready_head;
    tail = list == LIST_RUNNING ? &m->running_tail : &m->ready_tail;
    m->has_news = true;
    c->prev = *tail;
    *(*tail ? &(*tail)->next : head) = c;
    *tail = c;
}

static void clear_interrupt(context *c)
{
    if (c->wants_interrupt)
        c->s->m->nr_interrupts--;
    c->wants_interrupt = false;
}

static void report(context *c, int reason, int64_t a, int64_t b, int64_t d, int64_t e)
{
    int64_t stop[8] = {reason, a, b, d, e, 0, 0, 0};
    memcpy(c->stop, stop, sizeof stop);
    clear_interrupt(c);
    context_list(c, LIST_READY);
}

void context_report_dead(context *c)
{
    if (c->has_died)
        return;
    c->has_died = true;
    report(c, STOP_DEAD, 0, 0, 0, 0);
}

/* ---- life ---- */

/* A new task for the context. It becomes `fresh`: it stops by itself once, in the stub's text. */
static int start_task(context *c, struct stub *stub, const char **what)
{
    bool is_mapped;
    uint32_t number, slot;
    *what = "context area";
    int result = slot_take(stub, &number, &slot, &is_mapped);
    if (result < 0)
        return result;
    struct context_area *area = (struct context_area *)context_slot(stub->m, slot);
    uint64_t home = CONTEXT_ADDR + (uint64_t)number * CONTEXT_BYTES;
    uint64_t stack[3] = {home + ALTSTACK_OFFSET, 0, CONTEXT_BYTES - ALTSTACK_OFFSET};
    memcpy(stub->m->control + CONTROL_STACKS + number * sizeof stack, stack, sizeof stack);
    memset(area, 0, sizeof *area);
    area->state = STATE_RUN;                    /* until the task has made its first frame */
    result = pager_make_room(stub);
    if (result == 0 && !is_mapped)
        pager_plain(stub, SYS_mmap, home, home, CONTEXT_BYTES, 3, 0x8011 /* SHARED|FIXED|POPULATE */, FD_CONTROL,
                    CONTROL_CONTEXTS + (uint64_t)slot * CONTEXT_BYTES);
    if (result == 0)
        pager_plain(stub, SYS_clone, number, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
                | CLONE_PARENT_SETTID, 0, SCRATCH_ADDR + offsetof(struct scratch_page, new_tid), 0, 0, 0);
    if (result == 0)
        stub->order->entries[stub->nr_orders - 1].kind = ORDER_TASK;
    *what = "clone";
    result = result < 0 ? result : space_settle(stub->space);
    if (result < 0) {
        stub->slot_states[number] = SLOT_LEAVING;   /* never used again: it may not be mapped */
        return result;
    }
    stub->slot_states[number] = SLOT_USED;
    stub->nr_host_maps++;
    c->number = number;
    c->area = area;
    c->tid = (pid_t)stub->scratch->new_tid;     /* an allegation; the host checks that it is a task of this process */
    c->is_fresh = true;
    return 0;
}

/* The task of a context that is gone, if one sleeps: it stands at a stop, as those of other contexts do, and trusts nothing of the old one. */
static bool take_spare(context *c, struct stub *stub)
{
    if (stub->nr_spares == 0)
        return false;
    const struct spare *spare = &stub->spares[--stub->nr_spares];
    c->number = spare->number;
    c->area = (struct context_area *)context_slot(stub->m, stub->slots[spare->number]);
    c->tid = spare->tid;
    c->frame = spare->frame;
    c->fpu = spare->fpu;
    c->cpu_base_ns = spare->cpu_ns;
    return true;
}

/* The other way. Not the last of its space: that is about to end, and the host ends its tasks while we do other things. A task whose state a
 * sibling has forged leaves as it would have. */
static bool leave_spare(context *c)
{
    struct stub *stub = c->s->stub;
    uint32_t stopped = STATE_STOPPED;
    if (c->is_fresh || c->list == LIST_RUNNING || stub->nr_spares == MAX_SPARES || !(c->space_next || c->space_prev)
        || !__atomic_compare_exchange_n(&c->area->state, &stopped, STATE_PARKED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return false;
    uint64_t cpu_ns = c->cpu_seen_ns == UNSEEN_NS ? host_cpu_time(stub->pid, c->tid) : c->cpu_seen_ns;
    stub->spares[stub->nr_spares++] = (struct spare){c->number, c->frame, c->fpu, c->tid, cpu_ns};
    return true;
}

int context_new(context **out, space *s, void *owner, const char **what)
{
    *what = "stub is dead";
    if (s->is_dead || !s->stub)
        return -ESRCH;
    context *c = calloc(1, sizeof *c);
    *what = "malloc";
    if (!c)
        return -ENOMEM;
    c->s = s;
    int result = 0;
    if (take_spare(c, s->stub))
        context_reset_fpu(c);
    else
        result = start_task(c, s->stub, what);
    if (result < 0) {
        free(c);
        return result;
    }
    c->owner = owner;
    c->is_dirty = c->bases_dirty = true;
    c->cpu_seen_ns = UNSEEN_NS;
    c->regs[USER_ORIG] = ~0ul;
    c->regs[USER_EFLAGS] = FLAGS_ALWAYS;
    c->regs[USER_CS] = 0x33;
    c->regs[USER_SS] = 0x2b;
    c->space_next = s->contexts;
    if (s->contexts)
        s->contexts->space_prev = c;
    s->contexts = c;
    *out = c;
    return 0;
}

static void set_state(context *c, uint32_t state)
{
    __atomic_exchange_n(&c->area->state, state, __ATOMIC_SEQ_CST);
    if (c->area->sleeping)
        syscall(SYS_futex, &c->area->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int signal_task(context *c)
{
    return syscall(SYS_tgkill, c->s->stub->pid, c->tid, INTERRUPT_SIGNAL) < 0 ? -errno : 0;
}

static void end_task(context *c)
{
    uint32_t stopped = STATE_STOPPED;
    __atomic_store_n(&c->area->exit_wish, 1, __ATOMIC_SEQ_CST);
    if (c->list == LIST_RUNNING && !c->is_fresh     /* either it has stopped unseen, or its next stop sees the wish */
        && !__atomic_compare_exchange_n(&c->area->state, &stopped, STATE_EXIT, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        signal_task(c);
    else
        set_state(c, STATE_EXIT);
    c->s->stub->slot_states[c->number] = SLOT_LEAVING;
}

void context_release(context *c)
{
    space *s = c->s;
    if (!s)
        return;
    if (!s->is_dead && !leave_spare(c))
        end_task(c);
    clear_interrupt(c);
    context_list(c, LIST_NONE);
    *(c->space_prev ? &c->space_prev->space_next : &s->contexts) = c->space_next;
    if (c->space_next)
        c->space_next->space_prev = c->space_prev;
    c->s = NULL;
    context spare = {.s = s};
    while (!s->contexts && !s->is_dead && take_spare(&spare, s->stub))
        end_task(&spare);
}

void context_free(context *c)
{
    free(c->fpu_pending);
    free(c);
}

/* ---- stops ---- */

/* What wrfsbase takes; a guest may load the kernel's half itself, and no access through it gets anywhere. Wider bases (LA57) are refused. */
static bool is_canonical(uint64_t base) { return (uint64_t)((int64_t)(base << 16) >> 16) == base; }
static bool is_stub_text(uint64_t rip) { return rip >= STUB_BASE && rip <= STUB_BASE + STUB_TEXT_MAX; }

static bool read_frame(context *c, struct mcontext *mc)
{
    uint32_t frame = c->area->frame;
    if (frame % 8 || frame < ALTSTACK_OFFSET || frame > CONTEXT_BYTES - UCONTEXT_BYTES)
        return false;
    memcpy(mc, (const uint8_t *)c->area + frame + UCONTEXT_MCONTEXT, sizeof *mc);
    uint64_t fpu = mc->fpstate - (CONTEXT_ADDR + (uint64_t)c->number * CONTEXT_BYTES);
    if (fpu % 64 || fpu < ALTSTACK_OFFSET || fpu > CONTEXT_BYTES - fpu_bytes - 4)
        return false;
    c->frame = frame;
    c->fpu = (uint32_t)fpu;
    return true;
}

static void take_registers(context *c, const struct mcontext *mc)
{
    uint64_t regs[MACHINE_NR_REGS] = {
        mc->r15, mc->r14, mc->r13, mc->r12, mc->rbp, mc->rbx, mc->r11, mc->r10, mc->r9, mc->r8, mc->rax, mc->rcx,
        mc->rdx, mc->rsi, mc->rdi, ~0ul, mc->rip, 0x33, mc->eflags, mc->rsp, 0x2b,
        c->regs[USER_FS_BASE], c->regs[USER_GS_BASE], 0, 0, 0, 0};
    if (c->s->m->page->has_fsgsbase) {
        regs[USER_FS_BASE] = c->area->fs_base;
        regs[USER_GS_BASE] = c->area->gs_base;
    }
    memcpy(c->regs, regs, sizeof regs);
}

static void give_registers(context *c)
{
    const uint64_t *r = c->regs;
    struct mcontext *mc = (struct mcontext *)((uint8_t *)c->area + c->frame + UCONTEXT_MCONTEXT);
    mc->r8 = r[USER_R8], mc->r9 = r[USER_R9], mc->r10 = r[USER_R10], mc->r11 = r[USER_R11], mc->r12 = r[USER_R12];
    mc->r13 = r[USER_R13], mc->r14 = r[USER_R14], mc->r15 = r[USER_R15], mc->rdi = r[USER_RDI], mc->rsi = r[USER_RSI];
    mc->rbp = r[USER_RBP], mc->rbx = r[USER_RBX], mc->rdx = r[USER_RDX], mc->rax = r[USER_RAX], mc->rcx = r[USER_RCX];
    mc->rsp = r[USER_RSP], mc->rip = r[USER_RIP];
    mc->eflags = (r[USER_EFLAGS] & FLAGS_OF_RING3) | FLAGS_ALWAYS;
    mc->cs = 0x33, mc->ss = 0x2b, mc->fs = mc->gs = 0;
}

static void resume(context *c)
{
    if (!space_is_settled(c->s)) {
        space_settle(c->s);                     /* refused: the mappings come back by faults */
        if (c->s->is_dead)
            return;
    }
    c->s->has_run = true;
    if (c->is_dirty)
        give_registers(c);
    if (c->bases_dirty) {
        c->area->new_fs_base = c->regs[USER_FS_BASE];
        c->area->new_gs_base = c->regs[USER_GS_BASE];
        c->area->load_bases = 1;
    }
    c->is_dirty = c->bases_dirty = false;
    c->cpu_seen_ns = UNSEEN_NS;
    set_state(c, STATE_RUN);
}

static void write_fpu(context *c, const uint8_t *data);

/* The first stop, at the task's own ud2: its frame becomes the context's initial state. */
static void start(context *c)
{
    uint32_t size;
    memcpy(&size, (const uint8_t *)c->area + c->fpu + 464 + 16, 4);     /* xstate_size */
    if (size != fpu_bytes) {
        space_die(c->s);
        return;
    }
    c->is_fresh = false;
    if (c->fpu_pending)
        write_fpu(c, c->fpu_pending);
    free(c->fpu_pending);
    c->fpu_pending = NULL;
    if (c->wants_interrupt)
        report(c, STOP_INTERRUPTED, 0, 0, 0, 0);
    else
        resume(c);
}

static void stop_syscall(context *c, uint32_t arch)
{
    const uint64_t *r = c->regs;
    uint64_t nr = r[USER_RAX];
    c->regs[USER_ORIG] = nr;
    c->regs[USER_RAX] = (uint64_t)-ENOSYS;      /* as tracers see it on Linux */
    c->is_dirty = true;
    bool is_foreign = arch != AUDIT_ARCH_X86_64 || (uint32_t)nr >= 0x40000000u;     /* int 0x80, x32 */
    report(c, STOP_SYSCALL, is_foreign ? -1 : (int64_t)(int32_t)nr, (int64_t)r[USER_RDI], (int64_t)r[USER_RSI], (int64_t)r[USER_RDX]);
    c->stop[5] = (int64_t)r[USER_R10];
    c->stop[6] = (int64_t)r[USER_R8];
    c->stop[7] = (int64_t)r[USER_R9];
}

static void stop_fault(context *c, const struct mcontext *mc)
{
    uint32_t access = mc->err & 2 ? MACHINE_WRITE : mc->err & 16 ? MACHINE_EXEC : MACHINE_READ;
    c->nr_same_fault = c->last_fault == mc->cr2 ? c->nr_same_fault + 1 : 0;
    c->last_fault = mc->cr2;
    /* Present and permitted, yet it faults again and again: let the kernel see it rather than spin. */
    if (c->nr_same_fault < 100 && space_serve_fault(c->s, mc->cr2, access)) {
        if (!c->s->is_dead && !c->wants_interrupt)
            resume(c);
        else if (!c->s->is_dead)
            report(c, STOP_INTERRUPTED, 0, 0, 0, 0);
        return;
    }
    if (!c->has_died)
        report(c, STOP_FAULT, (int64_t)mc->cr2, access, (int64_t)mc->err, (int64_t)mc->trapno);
}

/* A signal that the stub's handler takes for an exception, and a vector that processors have. */
static bool is_exception(int signo, uint64_t vector)
{
    return vector <= 32 && (signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL || signo == SIGTRAP);
}

/* Looks whether a running context has stopped, and moves it on. Everything in the area is read once. */
void context_collect(context *c)
{
    struct mcontext mc;
    if (__atomic_load_n(&c->area->state, __ATOMIC_ACQUIRE) != STATE_STOPPED)
        return;
    int signo = c->area->signo, code = c->area->code;
    uint32_t arch = c->area->arch;
    uint64_t address = c->area->address;
    if (!read_frame(c, &mc) || is_stub_text(mc.rip) != c->is_fresh || (c->is_fresh && signo != SIGILL)) {
        space_die(c->s);                        /* within the stub's text there is only one legitimate stop: the first */
        return;
    }
    if (c->is_fresh) {
        start(c);
        return;
    }
    take_registers(c, &mc);
    if (!is_canonical(c->regs[USER_FS_BASE]) || !is_canonical(c->regs[USER_GS_BASE])) {
        space_die(c->s);
        return;
    }
    if (signo == INTERRUPT_SIGNAL) {
        if (c->wants_interrupt)
            report(c, STOP_INTERRUPTED, 0, 0, 0, 0);
        else
            resume(c);                          /* of an interrupt that another stop has overtaken */
    } else if (signo == SIGSYS) {
        stop_syscall(c, arch);
    } else if (signo == SIGSEGV && mc.trapno == 14) {
        stop_fault(c, &mc);
    } else if (!is_exception(signo, mc.trapno)) {
        space_die(c->s);                        /* our handler has no other: the number is a sibling's */
    } else {
        report(c, STOP_EXCEPTION, signo, code, code == 0x80 ? 0 : (int64_t)address, (int64_t)mc.trapno);
        c->stop[5] = (int64_t)mc.err;
    }
}

bool context_must_wait(const context *c) { return c->s && !space_is_settled(c->s); }

int context_run(context *c)
{
    if (!c->s)
        return -ESRCH;
    if (c->list != LIST_NONE && !c->has_died)
        return -EBUSY;
    if (c->s->is_dead)
        return 0;                               /* STOP_DEAD has been or will be reported */
    context_list(c, LIST_RUNNING);
    if (!c->is_fresh)
        resume(c);
    return 0;
}

int context_park(context *c)
{
    uint32_t stopped = STATE_STOPPED;
    if (c->s && !c->s->is_dead && !c->is_fresh && c->list != LIST_RUNNING)
        __atomic_compare_exchange_n(&c->area->state, &stopped, STATE_PARKED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return 0;
}

/* ---- interrupts ---- */

void context_interrupt(context *c)
{
    if (!c->s || c->list != LIST_RUNNING || c->wants_interrupt || c->s->is_dead)
        return;
    c->wants_interrupt = true;
    c->s->m->nr_interrupts++;
    c->s->m->has_news = true;
    c->interrupt_since_ns = monotonic_ns();
    c->interrupt_cpu_ns = ~0ul;
    if (!c->is_fresh && signal_task(c) == -ESRCH)
        space_die(c->s);                        /* the task has left without a word */
}

void context_nudge(context *c)
{
    if (!c->is_fresh && !c->wants_interrupt)
        signal_task(c);
}

/* A guest that has masked our signal (by a forged frame) must not run for ever, nor sleep in a futex of the stub's: guest code never sleeps,
 * and our signal would have ended that. A loaded host is not its fault, so within ten seconds only CPU time counts otherwise. */
static bool is_stuck(context *c, int64_t now)
{
    int64_t waited = now - c->interrupt_since_ns;
    if (!c->wants_interrupt || waited < 100000000 || __atomic_load_n(&c->area->state, __ATOMIC_ACQUIRE) == STATE_STOPPED)
        return false;
    char state = host_task_state(c->s->stub->pid, c->tid);
    if (state == 'S' || !state || waited > 10000000000)
        return true;
    uint64_t used = waited < 1000000000 ? ~0ul : context_cpu_time(c);
    if (c->interrupt_cpu_ns == ~0ul)
        c->interrupt_cpu_ns = used;
    return used - c->interrupt_cpu_ns > 20000000;
}

void context_check_interrupts(machine *m)
{
    int64_t now = m->nr_interrupts ? monotonic_ns() : 0;
    context *c = m->nr_interrupts ? m->running_head : NULL;
    while (c && !is_stuck(c, now))
        c = c->next;
    if (c)
        space_die(c->s);
}

bool context_is_running(const context *c) { return c->list != LIST_NONE && !c->has_died; }

uint64_t context_cpu_time(context *c)
{
    uint64_t now = c->s && c->s->stub ? host_cpu_time(c->s->stub->pid, c->tid) : 0;
    if (c->list != LIST_RUNNING && now)
        c->cpu_seen_ns = now;
    return now > c->cpu_base_ns ? now - c->cpu_base_ns : 0;
}

/* ---- registers and FPU ---- */

uint64_t context_get_reg(const context *c, unsigned index) { return c->regs[index]; }

int context_set_reg(context *c, unsigned index, uint64_t value)
{
    if (index == USER_CS || index == USER_SS || (index >= USER_DS && index <= USER_GS))
        return 0;
    if ((index == USER_FS_BASE || index == USER_GS_BASE) && !is_canonical(value))
        return -EINVAL;                         /* loading it would fault in our own handler */
    if (index == USER_FS_BASE || index == USER_GS_BASE)
        c->bases_dirty = true;
    if (index == USER_EFLAGS)
        value = (value & FLAGS_OF_RING3) | FLAGS_ALWAYS;
    c->regs[index] = value;
    c->is_dirty = true;
    return 0;
}

/* What marks the area as a full XSAVE area in a signal frame; without it the host restores only the legacy part. */
static void stamp(uint8_t *area)
{
    uint32_t head[2] = {FP_MAGIC1, fpu_bytes + 4}, size = fpu_bytes;
    memset(area + 464, 0, 48);
    memcpy(area + 464, head, 8);
    memcpy(area + 472, &fpu_features, 8);
    memcpy(area + 480, &size, 4);
}

static void initial_fpu(uint8_t *area)
{
    const uint16_t control = 0x37f;
    const uint32_t mxcsr[2] = {0x1f80, mxcsr_mask};
    memset(area, 0, fpu_bytes);
    memcpy(area, &control, 2);
    memcpy(area + 24, mxcsr, 8);
    stamp(area);
}

static void write_fpu(context *c, const uint8_t *data)
{
    const uint32_t magic2 = FP_MAGIC2;
    uint8_t *area = (uint8_t *)c->area + c->fpu;
    memcpy(area, data, fpu_bytes);
    stamp(area);
    memcpy(area + fpu_bytes, &magic2, 4);
}

int context_get_fpu(context *c, uint8_t *out)
{
    if (!c->s || c->s->is_dead)
        initial_fpu(out);
    else if (!c->is_fresh)
        memcpy(out, (const uint8_t *)c->area + c->fpu, fpu_bytes);
    else if (c->fpu_pending)
        memcpy(out, c->fpu_pending, fpu_bytes);
    else
        initial_fpu(out);
    stamp(out);
    return 0;
}

static int put_fpu(context *c, const uint8_t *data)
{
    if (!c->s || c->s->is_dead)
        return 0;
    if (!c->is_fresh) {
        write_fpu(c, data);
        return 0;
    }
    if (!c->fpu_pending && !(c->fpu_pending = malloc(fpu_bytes)))
        return -ENOMEM;
    memcpy(c->fpu_pending, data, fpu_bytes);
    return 0;
}

int context_set_fpu(context *c, const uint8_t *data, size_t length)
{
    uint32_t mxcsr, magic;
    uint64_t header[8];
    if (length != fpu_bytes)
        return -EINVAL;
    memcpy(&mxcsr, data + 24, 4);
    memcpy(&magic, data + 464, 4);
    memcpy(header, data + 512, 64);
    if (magic != FP_MAGIC1 || mxcsr & ~mxcsr_mask || header[0] & ~fpu_features || header[1])
        return -EINVAL;
    for (int i = 2; i < 8; i++)
        if (header[i])
            return -EINVAL;
    return put_fpu(c, data);
}

void context_reset_fpu(context *c)
{
    uint8_t area[fpu_bytes];
    initial_fpu(area);
    put_fpu(c, area);
}
