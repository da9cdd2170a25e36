# SPDX-License-Identifier: MPL-2.0
"""Memory policies (set_mempolicy(2), mbind(2), Linux mm/mempolicy.c, mm/migrate.c) on a machine of one memory node.

Policies are checked, kept and shown as Linux does; where pages go is no question with one node.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFAULT, EINVAL, ENODEV, ENOENT, EPERM, ESRCH
from cruck.framework.hardware import PAGE_MASK, PROT_READ
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.access import may_access_as_user
from cruck.kernel.process.credentials import CAP_SYS_NICE
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, Pid, ULong, UserAddr

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

MPOL_DEFAULT: Final = 0
MPOL_PREFERRED: Final = 1
MPOL_BIND: Final = 2
MPOL_INTERLEAVE: Final = 3
MPOL_LOCAL: Final = 4
MPOL_PREFERRED_MANY: Final = 5
MODE_FLAGS: Final = 7 << 13  # MPOL_F_NUMA_BALANCING, RELATIVE_NODES, STATIC_NODES
NODE_FLAGS: Final = 3 << 14
NUMA_BALANCING: Final = 1 << 13

MPOL_F_NODE: Final = 1
MPOL_F_ADDR: Final = 2
MPOL_F_MEMS_ALLOWED: Final = 4

MPOL_MF_STRICT: Final = 1
MPOL_MF_MOVE: Final = 2
MPOL_MF_MOVE_ALL: Final = 4

THE_NODE: Final = 1  # as a mask
MAX_NODES: Final = 1024
MAX_MASK_BITS: Final = 4096 * 8
MAX_PAGES: Final = 1 << 20


def _read_nodes(task: Task, addr: int, maxnode: int) -> int:
    """A mask of nodes. Errors: LinuxError(EINVAL): too long, or nodes that cannot be; UserFault."""
    nr_bits = maxnode - 1
    if addr == 0 or nr_bits <= 0:
        return 0
    if nr_bits > MAX_MASK_BITS:
        raise LinuxError(EINVAL)
    data = task.user.read(addr, (nr_bits + 63) // 64 * 8)
    nodes = int.from_bytes(data, "little") & ((1 << nr_bits) - 1)
    if nodes >> MAX_NODES:
        raise LinuxError(EINVAL)
    return nodes


def _new_policy(mode: int, nodes: int) -> tuple[int, int]:
    """(mode with its flags, nodes); (MPOL_DEFAULT, 0) for none. Errors: LinuxError(EINVAL)."""
    flags = mode & MODE_FLAGS
    kind = mode & ~MODE_FLAGS
    if not 0 <= kind <= MPOL_PREFERRED_MANY or flags & NODE_FLAGS == NODE_FLAGS or flags & NUMA_BALANCING and kind != MPOL_BIND:
        raise LinuxError(EINVAL)
    if kind == MPOL_DEFAULT:
        if nodes:
            raise LinuxError(EINVAL)
        return MPOL_DEFAULT, 0
    if kind == MPOL_PREFERRED and not nodes:
        if flags & NODE_FLAGS:
            raise LinuxError(EINVAL)
        return MPOL_LOCAL, 0
    if kind == MPOL_LOCAL:
        if nodes or flags & NODE_FLAGS:
            raise LinuxError(EINVAL)
        return MPOL_LOCAL, 0
    if not nodes & THE_NODE:
        raise LinuxError(EINVAL)
    return mode, THE_NODE


def sys_set_mempolicy(task: Task, mode: CInt, nodemask: UserAddr, maxnode: ULong) -> int:
    """Errors: EINVAL, EFAULT."""
    task.mempolicy = _new_policy(mode, _read_nodes(task, nodemask, maxnode))
    return 0


def sys_get_mempolicy(task: Task, mode: UserAddr, nodemask: UserAddr, maxnode: ULong, addr: UserAddr, flags: ULong) -> int:
    """Errors: EINVAL (flags; an address without MPOL_F_ADDR; a mask too short), EFAULT."""
    if nodemask and maxnode < 1 or flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED):
        return -EINVAL
    if flags & MPOL_F_MEMS_ALLOWED:
        if flags & (MPOL_F_NODE | MPOL_F_ADDR):
            return -EINVAL
        return _answer(task, mode, nodemask, maxnode, MPOL_DEFAULT, THE_NODE)
    policy = task.mempolicy
    if flags & MPOL_F_ADDR:
        vma = task.mm.find(addr)
        if vma is None:
            return -EFAULT
        policy = vma.policy
    elif addr:
        return -EINVAL
    if flags & MPOL_F_NODE:
        if flags & MPOL_F_ADDR:
            task.user.read(addr, 1)
        elif policy[0] & ~MODE_FLAGS != MPOL_INTERLEAVE:
            return -EINVAL
        return _answer(task, mode, nodemask, maxnode, 0, policy[1])
    return _answer(task, mode, nodemask, maxnode, policy[0], policy[1])


def _answer(task: Task, mode_addr: int, nodemask: int, maxnode: int, mode: int, nodes: int) -> int:
    if mode_addr:
        task.user.write_u32(mode_addr, mode)
    if nodemask:
        nr_bytes = (maxnode - 1 + 63) // 64 * 8
        if nr_bytes > 4096:
            return -EINVAL
        task.user.write(nodemask, nodes.to_bytes(max(8, nr_bytes), "little")[:nr_bytes])
    return 0


def sys_mbind(task: Task, start: UserAddr, length: ULong, mode: ULong, nodemask: UserAddr, maxnode: ULong, flags: CInt) -> int:
    """Errors: EINVAL, EFAULT (the mask; a hole in the range), EPERM (MPOL_MF_MOVE_ALL without CAP_SYS_NICE)."""
    if flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL):
        return -EINVAL
    nodes = _read_nodes(task, nodemask, maxnode)
    if flags & MPOL_MF_MOVE_ALL and not task.creds.has(CAP_SYS_NICE):
        return -EPERM
    end = (start + length + PAGE_MASK) & ~PAGE_MASK
    if start & PAGE_MASK or end > 1 << 64:
        return -EINVAL
    if end == start:
        return 0
    policy = _new_policy(mode & 0xFFFF_FFFF, nodes)
    mm = task.mm
    _check_mapped(mm, start, end)
    mm.check_split_room(start, end)
    for vma in mm.isolate(start, end):
        vma.policy = policy
    mm.merge(start, end)
    return 0


def _check_mapped(mm: "Mm", start: int, end: int) -> None:
    """Errors: LinuxError(EFAULT): a hole."""
    position = start
    for vma in mm.areas.overlapping(start, end):
        if vma.start > position:
            raise LinuxError(EFAULT)
        position = vma.end
    if position < end:
        raise LinuxError(EFAULT)


def sys_set_mempolicy_home_node(task: Task, start: ULong, length: ULong, home_node: ULong, flags: ULong) -> int:
    """Errors: EINVAL (alignment, flags, no such node), ENOENT (the range has no policy that has a home)."""
    end = start + ((length + PAGE_MASK) & ~PAGE_MASK)
    if start & PAGE_MASK or flags or home_node != 0 or end > 1 << 64:
        return -EINVAL
    for vma in task.mm.areas.overlapping(start, end):
        if vma.policy[0] & ~MODE_FLAGS in (MPOL_BIND, MPOL_PREFERRED_MANY):
            return 0
    return -ENOENT if end > start else 0


def _other(task: Task, pid: int) -> Task:
    """Errors: LinuxError(ESRCH, EPERM)."""
    found = task if pid == 0 else task.kernel.tasks.get(pid)
    if found is None:
        raise LinuxError(ESRCH)
    if found is not task and not may_access_as_user(task, found.process):
        raise LinuxError(EPERM)
    return found


def sys_migrate_pages(task: Task, pid: Pid, maxnode: ULong, old_nodes: UserAddr, new_nodes: UserAddr) -> int:
    """0: every page is where it should be. Errors: EINVAL (no usable target), EFAULT, ESRCH, EPERM."""
    _read_nodes(task, old_nodes, maxnode)
    new = _read_nodes(task, new_nodes, maxnode)
    _other(task, pid)
    if new & ~THE_NODE and not task.creds.has(CAP_SYS_NICE):
        return -EPERM
    return 0 if new & THE_NODE else -EINVAL


def sys_move_pages(task: Task, pid: Pid, count: ULong, pages: UserAddr, nodes: UserAddr, status: UserAddr, flags: CInt) -> int:
    """0, the node of each page in `status`, or a negative number: not there, or no address. Errors: EINVAL, EPERM, ESRCH, EFAULT, ENODEV (no such node)."""
    if flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL):
        return -EINVAL
    if flags & MPOL_MF_MOVE_ALL and not task.creds.has(CAP_SYS_NICE):
        return -EPERM
    mm = _other(task, pid).mm
    if count > MAX_PAGES:
        return -EINVAL
    for index in range(count):
        addr = task.user.read_u64(pages + 8 * index)
        if nodes and task.user.read_s32(nodes + 4 * index) != 0:
            return -ENODEV
        entry = mm.space.lookup(addr & ~PAGE_MASK) if addr < mm.user_end else 0
        if mm.find(addr) is None:
            result = -EFAULT
        elif not entry & PROT_READ:
            result = -ENOENT
        else:
            result = 0
        task.user.write_u32(status + 4 * index, result & 0xFFFF_FFFF)
    return 0
