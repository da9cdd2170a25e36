# SPDX-License-Identifier: MPL-2.0
"""Another process's memory for those who may have it whole (ptrace, /proc/[pid]/mem): reads what is mapped whatever its protection, and
writes to private memory that the process itself cannot write, as a debugger does for breakpoints (mm/gup.c FOLL_FORCE)."""

from typing import TYPE_CHECKING

from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, PROT_READ, PROT_WRITE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.vma import hw_prot

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm


def read(mm: "Mm", addr: int, length: int) -> bytes:
    """Up to `length` bytes, short at the first page that does not exist; pages not yet touched are made present if the
    process could read them."""
    data = b""
    while len(data) < length:
        part = mm.space.read_force(addr + len(data), length - len(data))
        if not part:
            if not mm.resolve_fault(addr + len(data), PROT_READ):
                break
            part = mm.space.read_force(addr + len(data), length - len(data))
            if not part:
                break
        data += part
    return data


def write(mm: "Mm", addr: int, data: bytes) -> int:
    """Bytes written. A page that is not writable becomes a private copy with its old protection; shared mappings are written only
    as far as they are writable."""
    done = 0
    while done < len(data):
        part = mm.user.write_some(addr + done, data[done:])
        done += part
        if done < len(data):
            part = _write_protected(mm, addr + done, data[done:])
            done += part
            if part == 0:
                break
    return done


def _write_protected(mm: "Mm", addr: int, data: bytes) -> int:
    """Within one page."""
    page = addr & ~PAGE_MASK
    vma = mm.find(page) if 0 <= addr < mm.user_end else None
    if vma is None or vma.is_shared():
        return 0
    prot = hw_prot(vma.prot)
    if prot & PROT_WRITE:
        return 0  # it had its chance
    space = mm.space
    try:
        if not space.lookup(page) and (not prot or mm.handle_fault(page, PROT_READ if prot & PROT_READ else prot)[0]):
            return 0
    except LinuxError:
        return 0
    if space.break_cow(page, prot | PROT_WRITE) < 0:
        return 0
    count = space.write(addr, data[: page + PAGE_SIZE - addr])
    space.protect(page, PAGE_SIZE, prot)
    return count
