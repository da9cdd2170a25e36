# SPDX-License-Identifier: MPL-2.0
"""Mm: the memory of a process (Linux: mm_struct): its areas, its machine address space, and the numbers kept about both.

This file owns the state and the primitive changes (attach, detach, split, merge); the calls are built on them in map_memory.py (mmap,
munmap, brk), protect.py, remap.py, advise.py and lock.py, faults in fault.py, address choice in placement.py. `Mm` is also the
`FaultResolver` through which the kernel's own accesses to guest memory bring pages in.

Not here: what exec puts into it (process/exec.py, process/elf.py) and guest structures (syscalls/memory.py).
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EAGAIN, ENOMEM
from cruck.abi.mman import PROT_READ
from cruck.abi.resource import RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, AddressSpace, Machine
from cruck.framework.mm.user_memory import FaultResolver, UserFault, UserMemory
from cruck.kernel.errors import LinuxError
from cruck.kernel.ledger import AREA
from cruck.kernel.memory import fault, fork, map_memory, placement
from cruck.kernel.memory.vma import Vma
from cruck.kernel.memory.vma_list import VmaList
from cruck.kernel.process.process import default_rlimits

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.aio import AioContext
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.mapping import Mapping


class Mm(FaultResolver):
    kernel: "Kernel"
    machine: Machine
    space: AddressSpace
    user: UserMemory
    areas: VmaList
    vmas: list[Vma]  # areas.vmas, sorted: for readers
    refs: int  # tasks that share it; 0 → everything was released
    rlimits: list[tuple[int, int]]  # of the process that used it last (shared with it)
    user_end: int
    stack_top: int
    reserved: list[tuple[int, int]]  # the machine's
    # Set by execve, shown in /proc.
    exe: "File | None"  # holds a reference
    auxv: bytes
    start_code: int
    end_code: int
    start_data: int
    end_data: int
    start_brk: int
    brk: int
    start_stack: int
    arg_start: int
    arg_end: int
    env_start: int
    env_end: int
    vdso_base: int  # 0: none
    # Pages, of areas (not of resident memory).
    total_pages: int
    data_pages: int
    stack_pages: int
    locked_pages: int
    peak_total_pages: int
    peak_rss_pages: int
    default_flags: int  # mlockall(MCL_FUTURE): MAP_LOCKED, VM_LOCKONFAULT
    aio: "dict[int, AioContext]"  # by their ring's address
    membarrier_commands: int  # MEMBARRIER_CMD_REGISTER_* that were given
    is_oom: bool  # a fault found no free frame
    spurious_addr: int  # fault.py: last page whose fault changed nothing

    def __init__(self, kernel: "Kernel") -> None:
        """An empty address space with one reference. Errors: LinuxError(EAGAIN: the machine has no room for one more)."""
        self.machine = kernel.machine
        try:
            self.space = kernel.machine.new_space()
        except OSError as error:
            raise LinuxError(EAGAIN, "no address space") from error
        self.user_end = kernel.machine.user_end
        self.user = UserMemory(self.space, self, self.user_end)
        self.rlimits = default_rlimits()
        self.stack_top = placement.stack_top(self.user_end)
        self.areas = VmaList(placement.mmap_base(self.user_end, self.rlimits[RLIMIT_STACK][0]), kernel.ledger)
        self.vmas = self.areas.vmas
        self.reserved = kernel.machine.reserved_ranges()
        self.refs = 1
        self.exe = None
        self.auxv = b""
        self.start_code = self.end_code = self.start_data = self.end_data = 0
        self.start_brk = self.brk = self.start_stack = 0
        self.arg_start = self.arg_end = self.env_start = self.env_end = 0
        self.vdso_base = 0
        self.total_pages = self.data_pages = self.stack_pages = self.locked_pages = 0
        self.peak_total_pages = self.peak_rss_pages = 0
        self.default_flags = 0
        self.aio = {}
        self.kernel = kernel
        self.membarrier_commands = 0
        self.is_oom = False
        self.spurious_addr = -1

    # Life.
    def get(self) -> "Mm":
        self.refs += 1
        return self

    def put(self) -> None:
        """A task leaves. The last one gives back pages, files and the machine's address space (contexts of it must be
        released by then)."""
        self.refs -= 1
        if self.refs:
            return
        for context in list(self.aio.values()):
            self.end_aio(context)
        self.max_rss_pages()
        self.space.close()
        for vma in self.vmas:
            if vma.mapping is not None:
                vma.mapping.regions.pop(vma, None)
            if vma.file is not None:
                vma.file.put()
        self.areas.clear()
        self.set_exe(None)

    def end_aio(self, context: "AioContext") -> None:
        """An asynchronous I/O context goes."""
        del self.aio[context.id]
        self.kernel.nr_aio_events -= context.max_events
        context.destroy()

    def nr_users(self) -> int:
        return self.refs

    def fork(self, kernel: "Kernel") -> "Mm":
        """The child's memory: private areas copy-on-write, shared ones shared. Errors: LinuxError(ENOMEM, EAGAIN)."""
        return fork.fork(self, kernel)

    def set_exe(self, file: "File | None") -> None:
        """Takes a reference."""
        if file is not None:
            file.get()
        old, self.exe = self.exe, file
        if old is not None:
            old.put()

    # Faults.
    def handle_fault(self, addr: int, access: int, stack_pointer: int = 0) -> tuple[int, int]:
        """A guest's page fault: (0, 0) if it may go on, else (signo, si_code) for it.

        Args: access: the PROT_* bit that was wanted. Errors: LinuxError(ENOMEM): no free frame is left."""
        return fault.handle_fault(self, addr, access)

    def resolve_fault(self, addr: int, access: int) -> bool:
        """The kernel's own access to guest memory found no page. When RAM is exhausted: False, and `is_oom` is set."""
        return fault.resolve_fault(self, addr, access)

    # Mapping calls for the rest of the kernel (exec, System V shared memory).
    def mmap(self, addr: int, length: int, prot: int, flags: int, file: "File | None", offset: int) -> int:
        """mmap(2): the address. Errors: LinuxError."""
        return map_memory.mmap(self, addr, length, prot, flags, file, offset)

    def mmap_object(self, addr: int, length: int, prot: int, flags: int, mapping: "Mapping | None", offset: int,
                    name: bytes) -> int:  # fmt: skip
        """As mmap, of a mapping without a file (the vDSO, System V shared memory). Errors: LinuxError."""
        return map_memory.mmap_object(self, addr, length, prot, flags, mapping, offset, name)

    def munmap(self, addr: int, length: int) -> None:
        """Errors: LinuxError(EINVAL, ENOMEM)."""
        map_memory.munmap(self, addr, length)

    # Questions.
    def find(self, addr: int) -> Vma | None:
        return self.areas.find(addr)

    def nr_resident(self) -> int:
        return self.space.nr_resident() if self.refs else 0

    def max_rss_pages(self) -> int:
        """High-water mark of resident pages, as far as it was sampled (here, and before unmapping)."""
        self.peak_rss_pages = max(self.peak_rss_pages, self.nr_resident())
        return self.peak_rss_pages

    def futex_key(self, addr: int) -> "tuple[object, int]":
        """Identity of the memory at addr that all who share it agree on. Errors: UserFault."""
        vma = self.areas.find(addr)
        if vma is None:
            # A stack may still have to grow there.
            if not self.resolve_fault(addr, PROT_READ):
                raise UserFault
            vma = self.areas.find(addr)
            if vma is None:
                raise UserFault
        if not self.space.lookup(addr & ~PAGE_MASK) & PROT_READ and not self.resolve_fault(addr, PROT_READ):
            raise UserFault  # no permission, or beyond the end of the file
        if vma.mapping is not None and vma.is_shared():
            return (vma.mapping, vma.offset_at(addr))
        return (self, addr)

    def limit(self, resource: int) -> int:
        """A soft limit."""
        return self.rlimits[resource][0]

    def may_expand(self, nr_pages: int, counts_as_data: bool) -> bool:
        """RLIMIT_AS, and RLIMIT_DATA for private writable memory."""
        if (self.total_pages + nr_pages) * PAGE_SIZE > self.limit(RLIMIT_AS) & ~PAGE_MASK:
            return False
        return not counts_as_data or (self.data_pages + nr_pages) * PAGE_SIZE <= self.data_limit()

    def data_limit(self) -> int:
        """RLIMIT_DATA; a soft limit of 0 is no limit (mm/mmap.c `may_expand_vm`: "Workaround for Valgrind")."""
        soft, hard = self.rlimits[RLIMIT_DATA]
        return soft or hard

    def is_obvious_overcommit(self, nr_pages: int) -> bool:
        """vm.overcommit_memory = 0: refuses only what can never fit."""
        return nr_pages > self.machine.nr_frames()

    # Primitive changes. None of them touches the machine's mappings.
    def attach(self, vma: Vma) -> None:
        """Enters a new area: list, numbers, references."""
        self.areas.insert(vma)
        self.account(vma, vma.nr_pages())
        if vma.mapping is not None:
            vma.mapping.regions[vma] = None
        if vma.file is not None:
            vma.file.get()

    def detach(self, vma: Vma) -> None:
        """Takes an area out. Its pages must be gone: this may be the file's last reference."""
        self.areas.remove(vma)
        self.account(vma, -vma.nr_pages())
        if vma.mapping is not None:
            vma.mapping.regions.pop(vma, None)
        if vma.file is not None:
            vma.file.put()

    def account(self, vma: Vma, nr_pages: int) -> None:
        self.total_pages += nr_pages
        if vma.is_stack():
            self.stack_pages += nr_pages
        elif vma.is_data():
            self.data_pages += nr_pages
        if vma.is_locked():
            self.locked_pages += nr_pages
        if self.total_pages > self.peak_total_pages:
            self.peak_total_pages = self.total_pages

    def split(self, vma: Vma, addr: int) -> Vma:
        """Cuts an area in two at addr (inside it); returns the upper part."""
        assert vma.start < addr < vma.end
        upper = vma.copy(self)
        upper.start = addr
        if vma.mapping is not None:
            upper.offset = vma.offset_at(addr)
        self.account(vma, -upper.nr_pages())
        vma.end = addr
        self.attach(upper)
        return upper

    def isolate(self, start: int, end: int) -> list[Vma]:
        """The areas within [start, end), cut so that none sticks out; none of an empty range."""
        if start >= end:
            return []
        vmas = self.areas.overlapping(start, end)
        if vmas and vmas[0].start < start:
            vmas[0] = self.split(vmas[0], start)
        if vmas and vmas[-1].end > end:
            self.split(vmas[-1], end)
        return vmas

    def has_area_room(self, count: int) -> bool:
        """May it have `count` more areas (vm.max_map_count, kernel memory)?"""
        return len(self.vmas) + count <= self.kernel.settings.max_map_count and self.kernel.ledger.has_room(count * AREA)

    def check_split_room(self, start: int, end: int) -> None:
        """Errors: LinuxError(ENOMEM) if isolate() would exceed the number of areas."""
        if not self.has_area_room(2):
            extra = 0
            for addr in (start, end):
                vma = self.areas.find(addr)
                if vma is not None and vma.start < addr:
                    extra += 1
            if extra and not self.has_area_room(extra):
                raise LinuxError(ENOMEM, "vm.max_map_count")

    def merge(self, start: int, end: int) -> None:
        """Joins equal neighbours from the area before `start` to the one after `end`."""
        vmas = self.vmas
        index = max(0, self.areas.index_from(start) - 1)
        while index + 1 < len(vmas):
            vma, following = vmas[index], vmas[index + 1]
            if vma.start >= end:
                return
            if vma.can_merge(following):
                self._absorb(vma, following)
            else:
                index += 1

    def _absorb(self, vma: Vma, following: Vma) -> None:
        end = following.end
        if vma.fault_end < 0:
            vma.fault_start, vma.fault_end, vma.fault_pages = (
                following.fault_start,
                following.fault_end,
                following.fault_pages,
            )
        self.detach(following)
        self.account(vma, (end - vma.end) // PAGE_SIZE)
        vma.end = end
