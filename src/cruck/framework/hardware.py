# SPDX-License-Identifier: MPL-2.0
"""What the kernel knows of the hardware: RAM, address spaces, contexts and their stops.

`HostMachine` (host_machine.py) runs real guests in stub processes; `cruck.testing.fake_machine.FakeMachine` plays
scripted ones in plain Python. Both pass the same contract tests (tests/machine/test_contract.py). The full contract of
each method is in `_machine.pyi`; the docstrings here say what a service needs to know.

Safety: every method may be called with any argument of the declared type at any time. Out-of-range values raise
ValueError; a dead address space answers −ESRCH or a short count. Untyped memory (what guests or devices may change) is
reached only by the copying methods: nothing here ever returns a view of it.
"""

from typing import Final

from cruck.framework.io.host_file import HostFile

PAGE_SIZE: Final = 4096
PAGE_MASK: Final = 4095

PROT_READ: Final = 1
PROT_WRITE: Final = 2
PROT_EXEC: Final = 4

STOP_SYSCALL: Final = 1
STOP_FAULT: Final = 2
STOP_EXCEPTION: Final = 3
STOP_INTERRUPTED: Final = 4
STOP_DEAD: Final = 5
STOP_HOST: Final = 6

# AddressSpace.lookup() bits beside PROT_*.
PTE_COW: Final = 8
PTE_HOST: Final = 16
PTE_SEGMENT: Final = 32

# Register indices: the order of `struct user_regs_struct` (sys/user.h).
R15: Final = 0
R14: Final = 1
R13: Final = 2
R12: Final = 3
RBP: Final = 4
RBX: Final = 5
R11: Final = 6
R10: Final = 7
R9: Final = 8
R8: Final = 9
RAX: Final = 10
RCX: Final = 11
RDX: Final = 12
RSI: Final = 13
RDI: Final = 14
ORIG_RAX: Final = 15
RIP: Final = 16
CS: Final = 17
EFLAGS: Final = 18
RSP: Final = 19
SS: Final = 20
FS_BASE: Final = 21
GS_BASE: Final = 22
NR_REGS: Final = 27


class Segment:
    """Untyped memory with byte offsets: the contents of a tmpfs file, shared anonymous memory. Sparse; holes read as zeros."""

    def read(self, offset: int, length: int) -> bytes:
        raise NotImplementedError

    def write(self, offset: int, data: bytes) -> int:
        """Bytes written; short when RAM is exhausted."""
        raise NotImplementedError

    def discard(self, offset: int, length: int) -> None:
        """Punches a hole: whole pages are freed, partial ones zeroed. Mapped frames live on until they are unmapped."""
        raise NotImplementedError

    def copy_from(self, source: "Segment", source_offset: int, offset: int, length: int) -> int:
        raise NotImplementedError

    def read_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        raise NotImplementedError

    def write_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        raise NotImplementedError

    def next_data(self, offset: int) -> int:
        """Smallest allocated offset ≥ offset, or −1."""
        raise NotImplementedError

    def next_hole(self, offset: int) -> int:
        raise NotImplementedError

    def nr_pages(self) -> int:
        raise NotImplementedError


class AddressSpace:
    """A guest address space. Mapping calls return 0 or −errno (−ENOMEM, −ESRCH: it is dead) and are complete for guests on return;
    data calls return short counts at the first byte without a translation that permits the access."""

    def close(self) -> None:
        raise NotImplementedError

    def is_dead(self) -> bool:
        raise NotImplementedError

    def nr_resident(self) -> int:
        raise NotImplementedError

    def settle(self) -> int:
        """Gives back now what operations only owe until guest code of this space runs again: frames that were unmapped, host mappings. 0; −errno of
        what the host refused (it is tried again when the guest touches it)."""
        raise NotImplementedError

    def new_context(self) -> "Context":
        """A stopped guest thread with zeroed registers. Errors: OSError."""
        raise NotImplementedError

    def map_anon(self, addr: int, length: int, prot: int) -> int:
        """Private zeroed pages where the range has none."""
        raise NotImplementedError

    def map_segment(self, addr: int, length: int, segment: Segment, offset: int, prot: int, private: bool) -> int:
        """The segment's pages where the range has none; private: copy-on-write."""
        raise NotImplementedError

    def map_host(self, addr: int, length: int, host: HostFile, offset: int, prot: int, shared: bool) -> int:
        raise NotImplementedError

    def unmap(self, addr: int, length: int) -> int:
        raise NotImplementedError

    def protect(self, addr: int, length: int, prot: int) -> int:
        raise NotImplementedError

    def move(self, old: int, new: int, length: int) -> int:
        raise NotImplementedError

    def break_cow(self, addr: int, prot: int) -> int:
        """Makes the page a private writable one."""
        raise NotImplementedError

    def clone_range(self, source: "AddressSpace", addr: int, length: int, share: bool) -> int:
        """fork of a range: shared, or copy-on-write on both sides."""
        raise NotImplementedError

    def touch(self, addr: int) -> int:
        """A guest of this space is about to access `addr`: saves it the fault if the page is there. Only speed."""
        raise NotImplementedError

    def lookup(self, addr: int) -> int:
        """0 absent, else PROT_* | PTE_*."""
        raise NotImplementedError

    def resident(self, addr: int, length: int) -> bytes:
        raise NotImplementedError

    def read(self, addr: int, length: int) -> bytes:
        raise NotImplementedError

    def write(self, addr: int, data: bytes) -> int:
        raise NotImplementedError

    def read_cstring(self, addr: int, limit: int) -> tuple[bytes, int]:
        """(bytes before the NUL, status): status 0 NUL found, 1 limit reached, 2 fault after these bytes."""
        raise NotImplementedError

    def zero(self, addr: int, length: int) -> int:
        raise NotImplementedError

    def read_force(self, addr: int, length: int) -> bytes:
        raise NotImplementedError

    def copy_to_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        raise NotImplementedError

    def copy_from_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        raise NotImplementedError

    def read_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        raise NotImplementedError

    def write_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        raise NotImplementedError

    def load_u32(self, addr: int) -> int:
        """Atomic; −1 on fault. addr is a multiple of 4."""
        raise NotImplementedError

    def cas_u32(self, addr: int, old: int, new: int) -> int:
        """Atomic compare-and-swap; the value found, −1 on fault."""
        raise NotImplementedError


class Context:
    """One guest thread on the machine."""

    tag: int  # free for the kernel, reported with each stop; written by set_tag() only

    def set_tag(self, tag: int) -> None:
        self.tag = tag

    def run(self) -> None:
        raise NotImplementedError

    def resume(self, value: int) -> None:
        """set_result() and run() in one step: the end of most calls."""
        raise NotImplementedError

    def park(self) -> None:
        """The guest thread blocks: its host task sleeps at once."""
        raise NotImplementedError

    def interrupt(self) -> None:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def is_running(self) -> bool:
        raise NotImplementedError

    def get_reg(self, index: int) -> int:
        raise NotImplementedError

    def set_reg(self, index: int, value: int) -> None:
        raise NotImplementedError

    def registers(self) -> tuple[int, ...]:
        raise NotImplementedError

    def set_registers(self, values: tuple[int, ...]) -> None:
        raise NotImplementedError

    def set_result(self, value: int) -> None:
        raise NotImplementedError

    def fpu(self) -> bytes:
        raise NotImplementedError

    def set_fpu(self, data: bytes) -> bool:
        raise NotImplementedError

    def reset_fpu(self) -> None:
        raise NotImplementedError

    def cpu_time_ns(self) -> int:
        raise NotImplementedError


# (tag of the context or −1, reason, six to seven values by reason); see _machine.pyi.
Stop = tuple[int, int, int, int, int, int, int, int, int]


class Machine:
    """Makes spaces and segments, and reports stops. One per kernel."""

    user_end: int  # first address a guest may not use
    fpu_bytes: int

    def new_space(self) -> AddressSpace:
        raise NotImplementedError

    def new_segment(self) -> Segment:
        raise NotImplementedError

    def wait(self, deadline_ns: int, spin_ns: int) -> list[Stop]:
        """Ready stops, oldest first. deadline_ns: monotonic; 0 do not wait; −1 none."""
        raise NotImplementedError

    def wake(self) -> None:
        """Ends a wait() early; any thread."""
        raise NotImplementedError

    def watch(self, host: HostFile, events: int) -> None:
        """Reports STOP_HOST once when poll(2) `events` hold for the descriptor."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def nr_free_frames(self) -> int:
        raise NotImplementedError

    def nr_frames(self) -> int:
        raise NotImplementedError

    def vdso_symbols(self) -> dict[str, int]:
        """Addresses, valid in every space, of the host vDSO's functions; empty if it has none."""
        raise NotImplementedError

    def reserved_ranges(self) -> list[tuple[int, int]]:
        raise NotImplementedError
