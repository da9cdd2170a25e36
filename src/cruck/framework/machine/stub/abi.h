/* SPDX-License-Identifier: MPL-2.0 */
/* What the kernel process and its stubs share: addresses in a stub, offsets in the control memfd, and
 * the structs in shared pages. Included by C on both sides and by the stub's assembly. */
#ifndef CRUCK_STUB_ABI_H
#define CRUCK_STUB_ABI_H

/* Where things lie in every stub. The stub is linked at STUB_BASE, so exec itself puts it there. */
#define STUB_BASE      0x7ff000000000
#define STUB_TEXT_MAX  0x10000        /* SUD range; much longer than the text: see stub-notes, "Seen here" */
#define VDSO_ADDR      0x7ff000100000 /* the host's vvar and vdso, moved here */
#define VDSO_MAX       0x80000
#define VDSO_DETOUR    0x7ff080000000 /* used when the host had put them across VDSO_ADDR */
#define MACHINE_ADDR   0x7ff000200000 /* read-only */
#define ORDER_ADDR     0x7ff000201000 /* read-only */
#define SCRATCH_ADDR   0x7ff000202000 /* read-write, never trusted */
#define STACKS_ADDR    0x7ff000300000 /* read-only: one stack_t for each context number */
#define CONTEXT_ADDR   0x7ff040000000 /* read-write, never trusted */
#define CONTEXT_BYTES  0x8000
#define MAX_CONTEXTS   16384
#define ALTSTACK_OFFSET 1024          /* within a context area; below it lies struct context_area */
#define HOST_TASK_END  0x7ffffffff000

/* Offsets in the control memfd. */
#define CONTROL_MACHINE  0
#define CONTROL_STACKS   0x1000
#define STACKS_BYTES     0x60000      /* 24 * MAX_CONTEXTS */
#define CONTROL_ORDERS   0x100000     /* per stub: order page, scratch page */
#define ORDER_STRIDE     0x2000
#define MAX_STUBS        16384
#define CONTROL_CONTEXTS 0x10000000
#define MAX_SLOTS        65536
#define CONTROL_BYTES    (CONTROL_CONTEXTS + (unsigned long)MAX_SLOTS * CONTEXT_BYTES)

/* context_area.state */
#define STATE_STOPPED 0
#define STATE_RUN     1
#define STATE_EXIT    2
#define STATE_PARKED  3               /* stopped, and told to sleep rather than spin */

#define INTERRUPT_SIGNAL 23           /* SIGURG: nothing else sends it to a stub */

/* Descriptors of the stub program. Received files land at 4 and above (the lowest free ones). */
#define FD_SOCKET   0
#define FD_RAM      1
#define FD_CONTROL  2
#define FD_DOORBELL 3
#define FD_FILE     4
#define MAX_BATCH_FILES 4             /* received files of one batch: 4 to 7 */
#define FD_PRISTINE_SOCKET 4          /* the next three only in the warden */
#define FD_KERNEL   5
#define FD_PROGRAM  6

#define ORDER_PLAIN 0                 /* result must equal `argument` */
#define ORDER_TASK  1                 /* clone: the child becomes a guest task, number = `argument` */
#define ORDER_STUB  2                 /* clone: the child becomes a stub of its own */
#define ORDER_RECEIVE 3               /* as ORDER_PLAIN, but another result ends the stub */
#define ORDER_HEADER 64
#define MAX_ORDERS  63

#define MACHINE_WARDEN_PID 16         /* offset of machine_page.warden_pid */
#define MACHINE_GUEST_CPUS 24         /* … .guest_cpus */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct machine_page {                 /* kernel writes, stubs read */
    uint32_t kernel_sleeping;         /* a stub that stops must ring the doorbell */
    uint32_t has_fsgsbase;
    uint64_t spin_ticks;              /* TSC ticks a stopped context polls before it sleeps */
    uint32_t warden_pid;
    uint32_t placement;               /* counts changes of guest_cpus */
    uint64_t guest_cpus[16];          /* where guest tasks run, as for sched_setaffinity */
};

struct order_entry {
    uint32_t nr;
    uint32_t kind;
    uint64_t argument;
    uint64_t args[6];
};

struct order_page {                   /* kernel writes, the pager reads */
    uint32_t count;
    uint32_t unused;
    uint64_t stub_offset;             /* for ORDER_STUB: where the new stub's order page is */
    uint64_t fill[6];
    struct order_entry entries[MAX_ORDERS];
};

struct scratch_page {                 /* anybody in the stub writes: the pager's recvmsg, clone; a hostile guest */
    uint32_t new_tid;                 /* result of clone */
    uint32_t unused;
    uint64_t message[7];              /* struct msghdr */
    uint64_t vector[2];               /* struct iovec */
    uint64_t control[8];
    uint64_t byte;
    /* The pristine stub's report (trusted: it never runs a guest). */
    uint64_t vdso;
    uint64_t has_sud, has_mseal, nr_reserved;
    uint64_t reserved[16][2];
    uint64_t abi;                     /* STUB_ABI of its build */
};

struct context_area {                 /* the stub writes unless said otherwise */
    uint32_t state;                   /* both */
    uint32_t sleeping;                /* a futex wake is needed */
    uint32_t exit_wish;               /* kernel: the task shall end at its next stop */
    uint32_t exited;                  /* the last thing a task writes */
    uint32_t frame;                   /* offset of the ucontext that the host pushed */
    int32_t signo;
    int32_t code;
    uint32_t syscall;
    uint32_t arch;
    uint32_t load_bases;              /* kernel: load the two below before resuming */
    uint64_t address;
    uint64_t fs_base, gs_base;
    uint64_t new_fs_base, new_gs_base;
    uint32_t placement;               /* the stub's: machine_page.placement when it last set its affinity */
};

_Static_assert(sizeof(struct order_entry) == 64, "entry.S counts on it");
_Static_assert(sizeof(struct order_page) == 4096, "one page");
_Static_assert(sizeof(struct scratch_page) <= 4096, "one page");
_Static_assert(sizeof(struct context_area) <= ALTSTACK_OFFSET, "below the alternate stack");
_Static_assert(__builtin_offsetof(struct machine_page, warden_pid) == MACHINE_WARDEN_PID, "entry.S counts on it");
_Static_assert(__builtin_offsetof(struct machine_page, guest_cpus) == MACHINE_GUEST_CPUS, "entry.S counts on it");
_Static_assert(MAX_CONTEXTS * 24 == STACKS_BYTES, "one stack_t each");
_Static_assert(CONTROL_ORDERS + MAX_STUBS * ORDER_STRIDE <= CONTROL_CONTEXTS, "orders end before contexts");
#endif
#endif
