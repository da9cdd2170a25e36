/* SPDX-License-Identifier: MPL-2.0 */
/* Structures shared by the files of the machine; module.c sees only machine.h. */
#ifndef CRUCK_MACHINE_INTERNAL_H
#define CRUCK_MACHINE_INTERNAL_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/types.h>
#include "machine.h"
#include "stub/abi.h"

#define PAGE 4096ul
#define CHUNK_FRAMES 512u

/* ---- ram.c: frames ---- */
struct chunk {
    uint64_t free[8];           /* bit = 1: nobody owns the frame */
    uint64_t zero[8];           /* bit = 1: a free frame that still holds zeros */
    uint32_t nr_free;
    uint32_t nr_backed;         /* the host has allocated the first so many pages: touching them cannot raise SIGBUS */
};

struct ram {
    int fd;
    uint8_t *bytes;             /* all of RAM, mapped once */
    uint32_t nr_frames, nr_free, nr_chunks;
    uint32_t *refs;             /* 0 = free */
    struct chunk *chunks;
    uint32_t hint;              /* where the last frame was found */
    uint32_t nr_empty_backed;
};

int ram_init(struct ram *ram, uint64_t bytes, const char **what);
void ram_destroy(struct ram *ram);
/* Up to `want` contiguous zeroed (or not) frames with one reference each; 0 = exhausted. */
uint32_t ram_alloc(struct ram *ram, uint32_t want, uint32_t *first, bool zeroed);
void ram_put(struct ram *ram, uint32_t frame);
static inline void ram_get(struct ram *ram, uint32_t frame) { ram->refs[frame]++; }
static inline uint8_t *ram_ptr(struct ram *ram, uint32_t frame) { return ram->bytes + (uint64_t)frame * PAGE; }

/* ---- pagetable.c: a sparse array of 2^36 64-bit entries; 0 = absent ---- */
#define PTE_PROT    7ul
#define PTE_COW     8ul
#define PTE_FILE    16ul        /* index of the page in bits 12..43, slot of the file in 44..63 */
#define PTE_SEGMENT 32ul
#define PTE_HOST    64ul        /* the stub has the mapping */
#define PTE_PRESENT 128ul
#define PTE_FRAME(e) ((uint32_t)((e) >> 12))
#define PTE_FILE_PAGE(e) (((e) >> 12) & 0xfffffffful)
#define PTE_FILE_SLOT(e) ((uint32_t)((e) >> 44))
#define MAX_FILES (1u << 20)
#define MAX_PAGE (1ul << 36)

struct node { uint64_t entries[512]; uint32_t live; };
struct table { struct node *root; int height; uint64_t nr_present; struct node *leaf; uint64_t leaf_key; };

uint64_t table_get(struct table *table, uint64_t page);
int table_set(struct table *table, uint64_t page, uint64_t entry);   /* −ENOMEM; never fails for a present page */
uint64_t table_next(struct table *table, uint64_t page, uint64_t end); /* first present page ≥ page, or end */
void table_destroy(struct table *table);

/* ---- stubs.c, pager.c ---- */
#define MAX_SPARES 16u
struct stub {
    struct stub *next, *prev;   /* all stubs of the machine */
    struct stub *pool_next;
    machine *m;
    struct space *space;
    uint32_t index;             /* of its order page */
    int sock;
    pid_t pid;
    bool is_gone;               /* the process has ended: no mapping of it exists any more */
    bool awaits_answer;
    uint32_t nr_host_maps;      /* upper bound */
    struct order_page *order;
    struct scratch_page *scratch;
    uint32_t nr_orders;         /* in the batch being built */
    int batch_files[MAX_BATCH_FILES];   /* slots of the files that the batch receives */
    uint32_t nr_batch_files;
    uint32_t *slots;            /* context number → slot in the control memfd, or NO_SLOT */
    uint8_t *slot_states;       /* SLOT_* */
    uint32_t nr_slots;          /* context numbers that have a slot */
    uint32_t placement;         /* machine.placement when its pager was last placed */
    struct spare {              /* tasks of contexts that were released at a stop: they sleep in their handler */
        uint32_t number, frame, fpu;
        pid_t tid;
        uint64_t cpu_ns;        /* of earlier contexts */
    } spares[MAX_SPARES];
    uint32_t nr_spares;
    uint32_t nr_looks;          /* in the pool: how often it was not ready */
};
#define NO_SLOT 0xffffffffu
enum { SLOT_FREE, SLOT_USED, SLOT_LEAVING };

int stubs_init(machine *m, const char *stub_path, bool hidden, const char **what);
void stubs_destroy(machine *m);
int stub_take(machine *m, struct stub **out, const char **what);
void stub_return(struct stub *stub);            /* scrubbed into the pool, or ended */
void stub_kill(struct stub *stub);              /* returns when no host mapping of it is left */
void stub_free(struct stub *stub);

void pager_plain(struct stub *stub, uint32_t nr, uint64_t result, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e, uint64_t f);
int pager_map(struct stub *stub, uint64_t page, uint64_t entry);
int pager_unmap(struct stub *stub, uint64_t page, uint64_t end);
int pager_protect(struct stub *stub, uint64_t page, uint64_t end, uint32_t prot);
int pager_flush(struct stub *stub);             /* 0, or the −errno of the first order that failed; −ESRCH */
int pager_make_room(struct stub *stub);
void pager_forget(struct stub *stub);
void pager_receive(struct stub *stub);
int pager_send(struct stub *stub, const int *fds, uint32_t nr_fds);
int pager_answer(struct stub *stub);

/* ---- space.c ---- */
struct file { int fd; dev_t dev; ino_t ino; int mode; uint64_t nr_refs; };

struct space {
    machine *m;
    struct stub *stub;          /* NULL after close */
    struct table table;
    bool is_dead;
    bool has_run;               /* a task of it has run guest code */
    uint32_t nr_running;        /* contexts on the running list */
    context *contexts;
    uint32_t *doomed;           /* frames that are freed once the pager has answered */
    uint32_t nr_doomed, max_doomed;
    int error;                  /* first failure of the operation in progress */
};

void file_put(machine *m, uint32_t slot);

struct segment { machine *m; struct table table; };

void space_die(space *s);
bool space_is_settled(const space *s);          /* no orders wait */
int space_serve_fault(space *s, uint64_t address, uint32_t access);
uint32_t effective_prot(uint64_t entry);
int segment_frame(segment *g, uint64_t page, uint32_t *frame); /* allocates holes */

/* ---- context.c ---- */
enum { USER_R15, USER_R14, USER_R13, USER_R12, USER_RBP, USER_RBX, USER_R11, USER_R10, USER_R9, USER_R8, USER_RAX, USER_RCX,
       USER_RDX, USER_RSI, USER_RDI, USER_ORIG, USER_RIP, USER_CS, USER_EFLAGS, USER_RSP, USER_SS, USER_FS_BASE, USER_GS_BASE,
       USER_DS, USER_ES, USER_FS, USER_GS };

#define UNSEEN_NS (~0ul)

enum list { LIST_NONE, LIST_RUNNING, LIST_READY };

struct context {
    context *next, *prev;       /* of the list it is on */
    enum list list;
    context *space_next, *space_prev;
    space *s;                   /* NULL after release */
    void *owner;
    uint32_t number;
    volatile struct context_area *area;
    bool is_fresh;              /* the task has not made its first frame yet */
    bool wants_interrupt, has_died, is_dirty, bases_dirty;
    int64_t interrupt_since_ns;
    uint64_t interrupt_cpu_ns;
    pid_t tid;
    uint32_t frame, fpu;        /* offsets, checked at the stop */
    uint64_t cpu_base_ns;       /* the task's time when it began to run this context */
    uint64_t cpu_seen_ns;       /* the task's time at the stop it is at; UNSEEN_NS: nobody has asked */
    uint64_t regs[MACHINE_NR_REGS];
    uint8_t *fpu_pending;       /* set before the first frame exists */
    int64_t stop[8];            /* reason and details, for the report */
    uint64_t last_fault;
    uint32_t nr_same_fault;
};

struct machine {
    pthread_mutex_t lock;
    bool is_closed, is_woken, is_hidden;
    bool has_news;              /* something to look at since the last sleeper looked */
    uint32_t nr_sleepers;       /* threads in machine_sleep() */
    unsigned generation;        /* of forks of the host program */
    struct ram ram;
    int control_fd, doorbell, epoll, warden_sock, nr_cpus;
    pid_t warden_pid, shield_pid;
    uint8_t *control;
    struct machine_page *page;
    uint8_t *shield_stack;
    struct stub pristine;
    struct stub *stubs, *pool;
    struct stub *coming;        /* asked of the pristine stub, not yet answered */
    uint32_t nr_stubs, nr_pooled;
    uint8_t order_used[MAX_STUBS];
    uint32_t *free_slots, nr_free_slots, next_slot;
    uint32_t max_host_maps;
    struct file *files;
    uint32_t nr_files;
    context *running_head, *running_tail, *ready_head, *ready_tail;
    uint32_t nr_interrupts;
    uint32_t turns;
    struct host_event { int fd; uint32_t events; int64_t tag; } *host_events;
    uint32_t nr_host_events, max_host_events;
    int64_t *fd_tags;           /* what machine_watch was given, by descriptor */
    int nr_fd_tags;
    /* See processors.c. Times in ticks. */
    cpu_set_t cpus;             /* all that we may use */
    cpu_set_t pager_cpus;
    cpu_set_t settled_cpus;     /* what the settled thread had before */
    bool has_settler;
    pthread_t settler;          /* the thread that runs the kernel */
    int kernel_cpu;             /* -1: together */
    uint32_t placement;         /* counts changes of the masks */
    uint64_t stub_spin;         /* what machine_set_spin asked for */
    uint64_t apart_again;       /* not before: processors are wanted by others */
    uint64_t backoff;           /* how long that lasts the next time */
    uint64_t tsc_start;
    int64_t ns_start;
    double ticks_per_ns;
};

void context_list(context *c, enum list list);
void context_collect(context *c);
void context_report_dead(context *c);
void context_check_interrupts(machine *m);
void context_nudge(context *c);                 /* makes a running task stop for a moment, unseen by the kernel */
void processors_init(machine *m);
void processors_place_pager(struct stub *stub);
uint8_t *context_slot(machine *m, uint32_t slot);
int slot_take(struct stub *stub, uint32_t *number, uint32_t *slot, bool *is_mapped);
void slots_drop(struct stub *stub);
uint64_t host_cpu_time(pid_t pid, pid_t tid);
char host_task_state(pid_t pid, pid_t tid);     /* as in /proc: R, S, D, T, …; 0: there is none */
int64_t monotonic_ns(void);
extern unsigned machine_generation;

#endif
