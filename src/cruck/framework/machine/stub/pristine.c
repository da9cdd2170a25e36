/* SPDX-License-Identifier: MPL-2.0 */
/* The pristine stub: the process image that all stubs are clones of. It never runs a guest. */
#include <asm/unistd_64.h>
#include "abi.h"
#include "raw.h"
#include "stub.h"

struct range { uint64_t start, end; };

static struct scratch_page *const scratch = (void *)SCRATCH_ADDR;

static void die(int why)
{
    raw1(__NR_exit_group, why);
}

static void map_control(uint64_t address, uint64_t length, int prot, uint64_t offset)
{
    if (raw6(__NR_mmap, (long)address, (long)length, prot, 0x11 /* MAP_SHARED|MAP_FIXED */, FD_CONTROL, (long)offset)
        != (long)address)
        die(2);
}

static void install_handlers(void)
{
    static const int signals[] = {31 /* SYS */, 11 /* SEGV */, 7 /* BUS */, 8 /* FPE */, 4 /* ILL */, 5 /* TRAP */,
                                  INTERRUPT_SIGNAL};
    struct { void *handler; uint64_t flags; void *restorer; uint64_t mask; } action = {
        (void *)stub_handler, 0x0c000004 /* SA_ONSTACK|SA_RESTORER|SA_SIGINFO */, (void *)stub_restorer, ~0ul};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        if (raw4(__NR_rt_sigaction, signals[i], &action, 0, 8) != 0)
            die(3);
}

static const char *parse_hex(const char *text, uint64_t *value)
{
    for (*value = 0;; text++) {
        if (*text >= '0' && *text <= '9')
            *value = *value << 4 | (uint64_t)(*text - '0');
        else if (*text >= 'a' && *text <= 'f')
            *value = *value << 4 | (uint64_t)(*text - 'a' + 10);
        else
            return text;
    }
}

static int starts_with(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

/* Each VMA of its own, as mremap wants it, keeping their distance. Via a detour if source and target overlap. */
static int move_vdso(const struct range *pieces, int nr, uint64_t target)
{
    uint64_t base = pieces[0].start, end = pieces[nr - 1].end;
    struct range moved[8];
    if (end - base > VDSO_MAX)
        return -1;
    if (target == VDSO_ADDR && base < target + VDSO_MAX && target < end) {
        if (move_vdso(pieces, nr, VDSO_DETOUR) < 0)
            return -1;
        for (int i = 0; i < nr; i++) {
            moved[i].start = pieces[i].start - base + VDSO_DETOUR;
            moved[i].end = pieces[i].end - base + VDSO_DETOUR;
        }
        return move_vdso(moved, nr, target);
    }
    for (int i = 0; i < nr; i++) {
        uint64_t size = pieces[i].end - pieces[i].start, to = pieces[i].start - base + target;
        if (raw5(__NR_mremap, pieces[i].start, size, size, 3 /* MAYMOVE|FIXED */, to) != (long)to)
            return -1;
    }
    return 0;
}

static int is_ours(uint64_t start)
{
    return (start >= STUB_BASE && start < STUB_BASE + STUB_TEXT_MAX) || start == SCRATCH_ADDR;
}

/* Reads our own map; moves the host's vdso, unmaps the rest, and returns the stack, which we still need. */
static struct range empty_address_space(void)
{
    static char *const text = (char *)VDSO_DETOUR + VDSO_MAX; /* scratch memory, unmapped below */
    struct range stack = {CONTEXT_ADDR, HOST_TASK_END}, vdso[8];
    int nr_vdso = 0, length = 0;
    uint64_t code = 0;
    long fd = raw4(__NR_openat, -100, "/proc/self/maps", 0, 0);
    if (fd < 0)                                 /* no /proc: guests do without the host's vdso */
        return stack;
    if (raw6(__NR_mmap, (long)text, 0x10000, 3, 0x100022 /* PRIVATE|ANONYMOUS|FIXED_NOREPLACE */, -1, 0) != (long)text)
        return stack;
    for (long n; (n = raw3(__NR_read, fd, text + length, 0xffff - length)) > 0;)
        length += (int)n;
    text[length] = 0;
    raw1(__NR_close, fd);
    for (const char *line = text; *line;) {
        struct range range;
        const char *at = parse_hex(parse_hex(line, &range.start) + 1, &range.end);
        for (line = at; *line && *line != '\n'; line++)
            if (*line == '[' || *line == '/')
                at = line;
        line += *line == '\n';
        if (starts_with(at, "[vvar") || starts_with(at, "[vdso]")) {
            if (nr_vdso < 8)
                vdso[nr_vdso++] = range;
            if (at[2] == 'd')
                code = range.start;
        } else if (starts_with(at, "[stack]")) {
            stack = range;
        } else if (!starts_with(at, "[vsyscall]") && !is_ours(range.start) && range.start != (uint64_t)text) {
            raw2(__NR_munmap, range.start, range.end - range.start);
        }
    }
    raw2(__NR_munmap, text, 0x10000);
    if (nr_vdso && move_vdso(vdso, nr_vdso, VDSO_ADDR) == 0) {
        scratch->vdso = code ? code - vdso[0].start + VDSO_ADDR : 0;
    } else if (nr_vdso) {                       /* sealed by the host: it stays, and guests must keep away from it */
        scratch->vdso = code;
        for (int i = 0; i < nr_vdso; i++, scratch->nr_reserved++) {
            scratch->reserved[i][0] = vdso[i].start;
            scratch->reserved[i][1] = vdso[i].end;
        }
    }
    return stack;
}

void pristine_main(void)
{
    raw5(__NR_prctl, 1 /* PR_SET_PDEATHSIG */, 9, 0, 0, 0);
    struct range stack = {0, 0};
    /* The scratch page is needed for the report; the host may have put its vdso right there, so look first. */
    raw6(__NR_mmap, SCRATCH_ADDR, 4096, 3, 0x11, FD_CONTROL, CONTROL_ORDERS + 4096);
    stack = empty_address_space();
    map_control(SCRATCH_ADDR, 4096, 3, CONTROL_ORDERS + 4096);
    map_control(MACHINE_ADDR, 4096, 1, CONTROL_MACHINE);
    map_control(STACKS_ADDR, STACKS_BYTES, 1, CONTROL_STACKS);
    map_control(ORDER_ADDR, 4096, 1, CONTROL_ORDERS);
    const volatile struct machine_page *machine = (void *)MACHINE_ADDR;
    const long pause_ns[2] = {0, 20000};
    while (machine->warden_pid == 0)            /* the kernel process may be slower than we are to learn it */
        raw2(__NR_nanosleep, pause_ns, 0);
    if (raw0(__NR_getppid) != (long)machine->warden_pid)
        die(4);
    install_handlers();
    scratch->abi = STUB_ABI;
    scratch->has_sud = raw5(__NR_prctl, 59, 1, STUB_BASE, STUB_TEXT_MAX, 0) == 0;
    if (scratch->has_sud)
        raw5(__NR_prctl, 59, 0, 0, 0, 0);
    scratch->has_mseal = raw3(462 /* mseal */, STUB_BASE, ((uint64_t)_end - STUB_BASE + 4095) & ~4095ul, 0) == 0;
    if (raw3(__NR_seccomp, 1, 4, &stub_program) != 0)
        die(5);
    pager_enter(stack.start, stack.end - stack.start);
}
