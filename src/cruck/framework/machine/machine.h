/* SPDX-License-Identifier: MPL-2.0 */
/* The machine: RAM, address spaces, contexts, stops. This page is the whole boundary; `_machine.pyi` has the
 * contract of each operation, module.c converts arguments and nothing else.
 *
 * Safety, for every function below unless it says otherwise:
 *  caller owes   live pointers from the matching *_new; page-aligned ranges below MACHINE_USER_END where the contract
 *                says so; machine_enter() held (a mutex: any thread may call, one at a time).
 *  hostile guest nothing a stub can write is trusted: it is read once, checked, and an impossible value ends that
 *                space alone. Guest addresses are looked up in our own table; the guest's mappings are never touched.
 *  memory        objects belong to the caller, who frees them with *_free in the order context, space/segment,
 *                machine. Buffers are copied, never kept.
 *  GIL           not needed. Functions marked [waits] may block on the stub: call them without the GIL.
 *  results       0 or a count, or −errno. */
#ifndef CRUCK_MACHINE_H
#define CRUCK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

#define MACHINE_USER_END 0x7ff000000000ul
#define MACHINE_NR_REGS 27
#define MACHINE_READ 1u
#define MACHINE_WRITE 2u
#define MACHINE_EXEC 4u
enum { STOP_SYSCALL = 1, STOP_FAULT, STOP_EXCEPTION, STOP_INTERRUPTED, STOP_DEAD, STOP_HOST };

typedef struct machine machine;
typedef struct space space;
typedef struct segment segment;
typedef struct context context;

/* Once, before anything else. fpu_bytes: size of an XSAVE area. */
void machine_setup(void);
uint32_t machine_fpu_bytes(void);

/* [waits] *what names the host call that failed. */
int machine_new(machine **out, const char *stub_path, uint64_t ram_bytes, bool hidden, const char **what);
/* [waits] Ends all processes; objects stay valid and answer −ESRCH. Idempotent. Safe in a forked copy: does nothing. */
void machine_close(machine *m);
void machine_free(machine *m);              /* closed before; no object of it is left */
bool machine_is_closed(const machine *m);
bool machine_is_foreign(const machine *m);  /* we are a forked copy of its process: touch nothing */
bool machine_try_enter(machine *m);
void machine_enter(machine *m);             /* [waits] never with the GIL */
void machine_leave(machine *m);
/* [waits] Moves contexts that stopped to the ready list; returns how many reports are ready. Serves re-mappings. */
int machine_poll(machine *m, bool look_at_host);
/* [waits, enters by itself] Polls for spin_ns, if that is a good idea; as machine_poll(). */
int machine_spin(machine *m, int64_t spin_ns, int64_t deadline_ns);
/* [waits, enters by itself] Sleeps until something happens; signals: mask while asleep. −EINTR. */
int machine_sleep(machine *m, int64_t deadline_ns, const void *signals);
/* Takes the next report. owner: what context_new was given; NULL for a host event. */
bool machine_next_stop(machine *m, void **owner, int64_t stop[8]);
bool machine_take_wake(machine *m);
void machine_wake(machine *m);              /* without machine_enter; async-signal-safe */
int machine_watch(machine *m, int fd, uint32_t events, int64_t tag);
void machine_set_spin(machine *m, uint64_t ns);
/* The calling thread runs the kernel until it calls again with false: it may be kept on one processor meanwhile. */
void machine_settle(machine *m, bool settles);
uint64_t machine_nr_frames(const machine *m);
uint64_t machine_nr_free_frames(const machine *m);
uint32_t machine_nr_stubs(const machine *m);
int machine_feature(machine *m, int index, const char **name, int64_t *value);   /* −ENOENT after the last */
uint64_t machine_vdso(machine *m);
bool machine_reserved(machine *m, unsigned index, uint64_t *start, uint64_t *end);

int segment_new(segment **out, machine *m);
void segment_free(segment *g);
uint64_t segment_read(segment *g, uint64_t offset, uint8_t *to, uint64_t length);
uint64_t segment_write(segment *g, uint64_t offset, const uint8_t *from, uint64_t length);
int segment_discard(segment *g, uint64_t offset, uint64_t length);
uint64_t segment_copy(segment *g, uint64_t offset, segment *from, uint64_t from_offset, uint64_t length);
/* [waits] The frames are pinned and the machine is left while the host works. */
int64_t segment_host_io(segment *g, uint64_t offset, int fd, int64_t host_offset, uint64_t length, bool to_host);
int64_t segment_next(segment *g, uint64_t offset, bool data);
uint64_t segment_nr_pages(const segment *g);

int space_new(space **out, machine *m, const char **what);      /* [waits] */
void space_close(space *s);                                     /* [waits] */
void space_free(space *s);
bool space_is_dead(const space *s);
pid_t space_pid(const space *s);
uint64_t space_nr_resident(const space *s);
int space_settle(space *s);                                     /* [waits] Brings the stub's mappings in line with the table. */
/* All [waits]. */
int space_map_anon(space *s, uint64_t addr, uint64_t length, uint32_t prot);
int space_map_segment(space *s, uint64_t addr, uint64_t length, segment *g, uint64_t offset, uint32_t prot, bool private);
int space_map_host(space *s, uint64_t addr, uint64_t length, int fd, uint64_t offset, uint32_t prot, bool shared);
int space_unmap(space *s, uint64_t addr, uint64_t length);
int space_protect(space *s, uint64_t addr, uint64_t length, uint32_t prot);
int space_move(space *s, uint64_t from, uint64_t to, uint64_t length);
int space_break_cow(space *s, uint64_t addr, uint32_t prot);
int space_clone_range(space *s, space *from, uint64_t addr, uint64_t length, bool share);
int space_touch(space *s, uint64_t addr);
uint32_t space_lookup(space *s, uint64_t addr);
void space_resident(space *s, uint64_t addr, uint64_t nr_pages, uint8_t *out);
/* Any address and length; counts are short at the first fault. */
uint64_t space_readable(space *s, uint64_t addr, uint64_t length, bool force);
uint64_t space_read(space *s, uint64_t addr, uint8_t *to, uint64_t length, bool force);
uint64_t space_write(space *s, uint64_t addr, const uint8_t *from, uint64_t length);  /* from NULL: zeros */
uint64_t space_string_length(space *s, uint64_t addr, uint64_t limit, int *status);
int64_t space_segment_io(space *s, uint64_t addr, segment *g, uint64_t offset, uint64_t length, bool to_segment);
int64_t space_host_io(space *s, uint64_t addr, int fd, int64_t host_offset, uint64_t length, int flags, bool to_host); /* [waits] */
int64_t space_load_u32(space *s, uint64_t addr);
int64_t space_cas_u32(space *s, uint64_t addr, uint32_t old, uint32_t new);

int context_new(context **out, space *s, void *owner, const char **what);   /* [waits] */
void context_release(context *c);           /* idempotent */
void context_free(context *c);              /* released before */
bool context_must_wait(const context *c);    /* context_run will: orders of its space are waiting */
int context_run(context *c);                /* −EBUSY: runs already; −ESRCH: released */
int context_park(context *c);
void context_interrupt(context *c);
bool context_is_running(const context *c);
uint64_t context_get_reg(const context *c, unsigned index);
int context_set_reg(context *c, unsigned index, uint64_t value);   /* −EINVAL: a base outside user space */
int context_get_fpu(context *c, uint8_t *out);                     /* fpu_bytes */
int context_set_fpu(context *c, const uint8_t *data, size_t length); /* −EINVAL: the host would refuse it */
void context_reset_fpu(context *c);
uint64_t context_cpu_time(context *c);

/* Of the calling thread, for good; without machine_enter. ruleset: struct landlock_ruleset_attr, empty: asks the host's version. */
int confine_capabilities(uint64_t keep);
int confine_no_new_privs(void);
int confine_paths(const uint8_t *ruleset, size_t size, const uint8_t *rules, size_t rules_size);
int confine_calls(const uint8_t *program, size_t size);
#endif
