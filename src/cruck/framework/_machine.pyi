# SPDX-License-Identifier: MPL-2.0
"""The typed face of the native part (`machine/*.c`), the only native code of cruck.

It plays the hardware: RAM, address spaces, contexts, stops. It has no Linux semantics, never calls
back into Python and keeps no Python object but its own types. Every function may be called with any
argument of the declared type: out-of-range values raise `ValueError`, an object whose machine is closed
or whose stub has died behaves as documented per method; nothing here can corrupt the kernel process.

Addresses and lengths of mappings are multiples of 4096 and lie below `USER_END`, else `ValueError`.
Functions named `*_fault-able*` below return short counts at the first byte that has no translation
with the needed permission; they never raise a signal and never touch a host mapping of the guest.
"""

from typing import Final

USER_END: Final[int]  # first address a guest may not use
PROT_READ: Final[int]  # 1
PROT_WRITE: Final[int]  # 2
PROT_EXEC: Final[int]  # 4
FPU_BYTES: Final[int]  # size of the XSAVE area of a context on this host

# Stop reasons (Stop[1]). tag: the `Context.tag` when the stop is taken.
STOP_SYSCALL: Final[int]  # 1: (tag, 1, nr, a0, a1, a2, a3, a4, a5)
STOP_FAULT: Final[int]  # 2: page fault: (tag, 2, address, access, error_code, trapno, 0, 0, 0); access = PROT_* bit wanted
STOP_EXCEPTION: Final[int]  # 3: any other synchronous signal: (tag, 3, signo, si_code, address, trapno, error_code, 0, 0)
STOP_INTERRUPTED: Final[int]  # 4: Context.interrupt() took effect
STOP_DEAD: Final[int]  # 5: the stub died or its shared pages are corrupt; every context of the space reports it once
STOP_HOST: Final[int]  # 6: (−1, 6, tag of the watch, poll events, 0, …): a watched host descriptor is ready

# Register numbers for Context.get_reg/set_reg and positions in registers(): the order of
# `struct user_regs_struct` (sys/user.h): r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
# orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs; 27 values.
NR_REGS: Final[int]

Stop = tuple[int, int, int, int, int, int, int, int, int]

class Machine:
    """RAM, a pool of stubs and the doorbell. One per kernel; several may live in one process."""

    def __init__(self, stub_path: bytes, ram_bytes: int, hidden: bool, /) -> None:
        """Starts the warden and the pristine stub.

        Args: ram_bytes: capacity (a multiple of 4096); host memory is committed as it is used. hidden: the host
        program must not see the warden in wait()/SIGCHLD (costs a second process that shares our memory).
        Errors: OSError naming the host call that failed."""
    def close(self) -> None:
        """Ends every stub, waits until all host processes of this machine are gone. Idempotent; releases the GIL."""
    def wait(self, deadline_ns: int, spin_ns: int, /) -> list[Stop]:
        """All stops that are ready, oldest first; waits until there is one, `wake()`, or the deadline.

        Args: deadline_ns: CLOCK_MONOTONIC, 0 = do not wait, −1 = no deadline. spin_ns: how long to
        poll shared memory before sleeping. Releases the GIL while it waits. Empty list: deadline or wake().
        A Python signal handler that is due makes it return early (empty)."""
    def wake(self) -> None:
        """Makes a wait() in another thread return. Async-signal-safe in C; callable from any thread."""
    def watch(self, host_fd: int, events: int, tag: int, /) -> None:
        """Reports STOP_HOST with `tag` when `host_fd` has one of poll(2) `events`, once (one-shot); 0 events: forget it.
        Errors: OSError (no such descriptor, out of memory).
        Regular files (which epoll refuses) are reported as ready at once."""
    def settle(self, settles: bool, /) -> None:
        """The calling thread does nothing but run the kernel from now on (True), or no longer (False). Meanwhile it may be kept on one
        processor and guests on the others, and both sides may poll (wait's spin_ns, set_spin); without it nobody polls. Its affinity
        is restored. A second thread that settles while one has is ignored. Safety: none owed; only speed."""
    def set_spin(self, stub_spin_ns: int, /) -> None:
        """How long a stopped context polls for its resume before it sleeps in a futex; 0 = never spins."""
    @property
    def nr_free_frames(self) -> int: ...
    @property
    def nr_frames(self) -> int: ...
    @property
    def nr_stubs(self) -> int:
        """Live stub processes, pooled ones included."""
    @property
    def features(self) -> dict[str, int]:
        """What was detected: 'sud', 'fsgsbase', 'openat2', 'vdso', 'mseal', 'warden_pid', … (for `cruck doctor`)."""
    @property
    def vdso(self) -> tuple[int, bytes] | None:
        """(address of the host's vDSO in every stub, its image); None if the host has none. Code only; it lies above USER_END."""
    @property
    def reserved_ranges(self) -> list[tuple[int, int]]:
        """(start, end) below USER_END that guests cannot have (sealed host mappings); normally empty."""

class Segment:
    """Untyped memory with byte offsets: a sparse, refcounted array of frames (contents of a tmpfs file, shared
    anonymous memory). Holes read as zeros. Max offset 2**47. No buffer of it ever leaves."""

    def __init__(self, machine: Machine, /) -> None: ...
    def read(self, offset: int, length: int, /) -> bytes: ...
    def write(self, offset: int, data: bytes, /) -> int:
        """Bytes written: short (or 0) when RAM is exhausted."""
    def discard(self, offset: int, length: int, /) -> None:
        """Makes whole pages within the range holes and zeroes partial ones; mapped frames live on in their spaces
        until those unmap them."""
    def copy_from(self, source: Segment, source_offset: int, offset: int, length: int, /) -> int: ...
    def read_host(self, offset: int, host_fd: int, host_offset: int, length: int, /) -> int:
        """pread(2) into the segment (host_offset −1: read(2)); bytes or −errno."""
    def write_host(self, offset: int, host_fd: int, host_offset: int, length: int, /) -> int: ...
    def next_data(self, offset: int, /) -> int:
        """Smallest allocated byte offset ≥ offset, or −1. (SEEK_DATA)"""
    def next_hole(self, offset: int, /) -> int: ...
    @property
    def nr_pages(self) -> int:
        """Allocated pages."""

class Space:
    """A guest address space: a software page table and the stub that mirrors it. All memory operations are complete
    (the stub acknowledged over a channel guests cannot forge) when they return, and keep host mappings few."""

    def __init__(self, machine: Machine, /) -> None:
        """Takes a stub from the pool. Errors: OSError."""
    def close(self) -> None:
        """Drops all mappings and frames, returns or ends the stub; contexts of it are released first."""
    @property
    def is_dead(self) -> bool: ...
    @property
    def host_pid(self) -> int: ...
    @property
    def nr_resident(self) -> int:
        """Pages with a translation."""
    # mappings: 0 or −errno (−ENOMEM: RAM exhausted, nothing half done beyond pages already present; −ESRCH: stub dead)
    def settle(self) -> int:
        """Brings the stub's mappings in line with the page table now. Needs never be called: it happens before guest code of the space
        runs; the operations themselves only wait for it while some does. Returns 0; −errno of the first order that the host refused (then all
        pages come back by faults); −ESRCH."""
    def map_anon(self, addr: int, length: int, prot: int, /) -> int:
        """Gives every absent page of the range a private zeroed frame; present pages stay as they are."""
    def map_segment(self, addr: int, length: int, segment: Segment, offset: int, prot: int, private: bool, /) -> int:
        """Maps the segment's frames at absent pages (present pages stay), allocating holes. private: mapped without
        PROT_WRITE and marked copy-on-write."""
    def map_host(self, addr: int, length: int, host_fd: int, offset: int, prot: int, shared: bool, /) -> int:
        """Maps a host file's page cache at absent pages. not shared: no PROT_WRITE, marked copy-on-write. The
        descriptor is duplicated as needed; reads by the kernel go through pread(2), so a truncated file is a fault
        for the guest and a short count for us, never a signal. −EACCES/−EPERM where the host refuses (noexec)."""
    def unmap(self, addr: int, length: int, /) -> int: ...
    def protect(self, addr: int, length: int, prot: int, /) -> int:
        """New permission for the present pages; copy-on-write pages keep being read-only underneath."""
    def move(self, old: int, new: int, length: int, /) -> int:
        """Moves translations (mremap); target pages must be absent."""
    def break_cow(self, addr: int, prot: int, /) -> int:
        """Makes the page at addr a writable private page with `prot`: reuses the frame if it is the only owner, else copies."""
    def clone_range(self, source: Space, addr: int, length: int, share: bool, /) -> int:
        """fork: gives this space the source's translations of the range. share: same frames, same permission.
        else both sides become copy-on-write (the source's host mappings are downgraded)."""
    def touch(self, addr: int, /) -> int:
        """Maps in the stub what the table has at `addr`, and neighbours with it, so that the guest's first access is no fault. Nothing happens
        where the table has nothing. 0; −ESRCH."""
    def lookup(self, addr: int, /) -> int:
        """0 absent, else PROT_* bits of the translation | 8 copy-on-write | 16 host file | 32 segment page;
        64 for a present page that has none of these bits (private and without permission)."""
    def resident(self, addr: int, length: int, /) -> bytes:
        """One byte per page: 1 present (mincore)."""
    # data: counts are short at the first fault; access is checked against the page table's permission
    def read(self, addr: int, length: int, /) -> bytes: ...
    def write(self, addr: int, data: bytes, /) -> int: ...
    def read_cstring(self, addr: int, limit: int, /) -> tuple[bytes, int]:
        """(bytes up to, without, NUL; status): 0 NUL found, 1 limit reached, 2 fault after these bytes."""
    def zero(self, addr: int, length: int, /) -> int: ...
    def read_force(self, addr: int, length: int, /) -> bytes:
        """As read, whatever the permission (ptrace, core dumps, /proc/pid/mem)."""
    def copy_to_segment(self, addr: int, segment: Segment, offset: int, length: int, /) -> int:
        """Guest → segment. −ENOMEM if RAM ran out before the first byte."""
    def copy_from_segment(self, addr: int, segment: Segment, offset: int, length: int, /) -> int:
        """Segment → guest (holes as zeros)."""
    def read_host(self, addr: int, host_fd: int, host_offset: int, length: int, flags: int, /) -> int:
        """preadv2(2) straight into guest pages (host_offset −1: current position). −errno; short at a fault."""
    def write_host(self, addr: int, host_fd: int, host_offset: int, length: int, flags: int, /) -> int: ...
    def load_u32(self, addr: int, /) -> int:
        """Atomic load of an aligned word; −1 on fault."""
    def cas_u32(self, addr: int, old: int, new: int, /) -> int:
        """Atomic compare-and-swap: the value found; −1 on fault (needs PROT_WRITE)."""

class Context:
    """One guest thread: registers, FPU state, and the host task that runs it. Created stopped, with zeroed registers
    and a clean FPU state."""

    def __init__(self, space: Space, /) -> None:
        """Errors: OSError (stub dead, too many host tasks)."""
    tag: int  # free for the kernel (its thread id); reported with each stop
    def run(self) -> None:
        """Resumes the guest. Only legal while stopped (RuntimeError otherwise)."""
    def resume(self, value: int, /) -> None:
        """set_result() and run() in one step; a context that is not stopped keeps its registers."""
    def park(self) -> None:
        """Tells the stopped host task to sleep at once rather than spin (the guest thread blocks in a call)."""
    def interrupt(self) -> None:
        """Asks a running context to stop; a STOP_INTERRUPTED (or any other stop) follows. No-op if stopped."""
    def release(self) -> None:
        """Ends the host task. The object is dead afterwards. Idempotent."""
    @property
    def is_running(self) -> bool: ...
    def get_reg(self, index: int, /) -> int: ...
    def set_reg(self, index: int, value: int, /) -> None:
        """64-bit value. cs, ss, ds, es, fs, gs are ignored, eflags is masked to what ring 3 may set."""
    def registers(self) -> tuple[int, ...]: ...
    def set_registers(self, values: tuple[int, ...], /) -> None: ...
    def set_result(self, value: int, /) -> None:
        """rax = value (two's complement): the result of a system call."""
    def fpu(self) -> bytes:
        """XSAVE area in the standard format, FPU_BYTES long, with the software bytes of a signal frame."""
    def set_fpu(self, data: bytes, /) -> bool:
        """False if the host would refuse it (wrong size, bad header, reserved MXCSR bits); then nothing changed."""
    def reset_fpu(self) -> None: ...
    @property
    def cpu_time_ns(self) -> int:
        """CPU time the host task has used (guest and stub together)."""

def confine(ruleset: bytes, rules: bytes, program: bytes, capabilities: int, /) -> tuple[int, int, int, int] | int:
    """Gives up rights of the calling thread and of the threads it makes later, for good, in this order.

    capabilities: a mask; others leave the permitted and effective sets, all leave the inheritable one. Then no_new_privs. ruleset, rules:
    struct landlock_ruleset_attr (empty: no Landlock) and packed struct landlock_path_beneath_attr, 12 bytes each. program: struct
    sock_filter, 8 bytes each; empty: nothing is given up, and the answer is the host's Landlock version or −errno.
    Returns: (capabilities, no_new_privs, Landlock, seccomp), 0 or −errno each. Errors: TypeError, ValueError: nothing was given up.
    Safety: can only take rights away; the host checks ruleset and program. A filter that forbids what is needed ends in EPERM, not here.
    """
