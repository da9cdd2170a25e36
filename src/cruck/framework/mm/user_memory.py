# SPDX-License-Identifier: MPL-2.0
"""Guest memory as services reach it: by copying, with faults resolved by the memory service.

`UserMemory` reads and writes at guest addresses; `VmReader`/`VmWriter` are cursors over a list of guest ranges (one
buffer or an iovec) that a file consumes or fills without knowing addresses. `BytesReader`/`BytesWriter` are the
same cursors over kernel bytes, for the kernel's own I/O and for tests.

Safety: everything that comes out is a copy; the guest may change the original at any time, so check the copy and never
read twice. Errors: `UserFault` where Linux says EFAULT.
"""

from cruck.framework.hardware import PROT_READ, PROT_WRITE, AddressSpace, Segment
from cruck.framework.io.host_file import HostFile


class UserFault(Exception):
    """A guest address cannot be accessed: EFAULT."""


class FaultResolver:
    """The memory service's side: makes the page at an address present."""

    def resolve_fault(self, addr: int, access: int) -> bool:
        """True: the access may be tried again. False: the guest has no right to it (or RAM is exhausted)."""
        raise NotImplementedError


class UserMemory:
    space: AddressSpace
    resolver: FaultResolver
    user_end: int

    def __init__(self, space: AddressSpace, resolver: FaultResolver, user_end: int) -> None:
        self.space = space
        self.resolver = resolver
        self.user_end = user_end

    def read(self, addr: int, length: int) -> bytes:
        """Exactly `length` bytes. Errors: UserFault."""
        data = self._read_some(addr, length)
        if len(data) != length:
            raise UserFault
        return data

    def read_some(self, addr: int, length: int) -> bytes:
        """Up to `length` bytes: short at the first inaccessible one. Errors: UserFault if there is not even one."""
        data = self._read_some(addr, length)
        if not data and length:
            raise UserFault
        return data

    def _read_some(self, addr: int, length: int) -> bytes:
        if length <= 0:
            return b""
        if addr < 0 or addr >= self.user_end:
            return b""
        length = min(length, self.user_end - addr)
        data = self.space.read(addr, length)
        while len(data) < length:
            if not self.resolver.resolve_fault(addr + len(data), PROT_READ):
                return data
            data += self.space.read(addr + len(data), length - len(data))
        return data

    def write(self, addr: int, data: bytes) -> None:
        """Errors: UserFault (a prefix may have been written)."""
        if self.write_some(addr, data) != len(data):
            raise UserFault

    def write_some(self, addr: int, data: bytes) -> int:
        """Bytes written before the first inaccessible one."""
        length = len(data)
        if length == 0:
            return 0
        if addr < 0 or addr >= self.user_end:
            return 0
        if addr + length > self.user_end:
            data = data[: self.user_end - addr]
            length = len(data)
        done = self.space.write(addr, data)
        while done < length:
            if not self.resolver.resolve_fault(addr + done, PROT_WRITE):
                return done
            done += self.space.write(addr + done, data[done:])
        return done

    def zero(self, addr: int, length: int) -> None:
        """Errors: UserFault."""
        if addr < 0 or addr + length > self.user_end:
            raise UserFault
        done = 0
        while True:
            done += self.space.zero(addr + done, length - done)
            if done >= length:
                return
            if not self.resolver.resolve_fault(addr + done, PROT_WRITE):
                raise UserFault

    def read_cstring(self, addr: int, limit: int) -> bytes | None:
        """The bytes before the first NUL; None: no NUL within `limit` bytes. Errors: UserFault."""
        text, has_end = self._read_text(addr, limit)
        return text if has_end else None

    def read_cstring_prefix(self, addr: int, limit: int) -> bytes:
        """The bytes before the first NUL, at most `limit`. Errors: UserFault."""
        return self._read_text(addr, limit)[0]

    def _read_text(self, addr: int, limit: int) -> tuple[bytes, bool]:
        text = b""
        while True:
            if addr < 0 or addr >= self.user_end:
                raise UserFault
            part, status = self.space.read_cstring(addr, limit - len(text))
            text += part
            if status < 2:
                return text, status == 0
            addr += len(part)
            if not self.resolver.resolve_fault(addr, PROT_READ):
                raise UserFault

    def read_u32(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 4), "little")

    def read_u64(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 8), "little")

    def read_s32(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 4), "little", signed=True)

    def read_s64(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 8), "little", signed=True)

    def write_u32(self, addr: int, value: int) -> None:
        self.write(addr, (value & 0xFFFF_FFFF).to_bytes(4, "little"))

    def write_u64(self, addr: int, value: int) -> None:
        self.write(addr, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    def load_u32(self, addr: int) -> int:
        """Atomic load of an aligned word. Errors: UserFault."""
        if addr < 0 or addr >= self.user_end:
            raise UserFault
        while True:
            value = self.space.load_u32(addr)
            if value >= 0:
                return value
            if not self.resolver.resolve_fault(addr, PROT_READ):
                raise UserFault

    def cas_u32(self, addr: int, old: int, new: int) -> int:
        """Atomic compare-and-swap of an aligned word: the value found. Errors: UserFault."""
        if addr < 0 or addr >= self.user_end:
            raise UserFault
        while True:
            value = self.space.cas_u32(addr, old & 0xFFFF_FFFF, new & 0xFFFF_FFFF)
            if value >= 0:
                return value
            if not self.resolver.resolve_fault(addr, PROT_WRITE):
                raise UserFault


class VmReader:
    """Bytes on their way into the kernel (write, send): a cursor. Errors: UserFault when the first byte cannot be read;
    later faults end the data early (`remaining` then stays > 0 and `is_faulted` is set)."""

    remaining: int
    is_faulted: bool

    def read(self, length: int) -> bytes:
        """Takes up to `length` bytes (as many as remain); short only at a fault."""
        raise NotImplementedError

    def read_to_segment(self, segment: Segment, offset: int, length: int) -> int:
        """Copies into untyped memory; bytes copied, −ENOMEM when RAM is exhausted before the first."""
        raise NotImplementedError

    def write_to_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        """pwritev2(2) straight from guest memory, at most the current range; bytes or −errno."""
        raise NotImplementedError


class VmWriter:
    """Room for bytes on their way to the guest (read, recv): a cursor, as VmReader."""

    remaining: int
    is_faulted: bool

    def write(self, data: bytes) -> int:
        """Copies as much of `data` as fits in `remaining`; short only there or at a fault."""
        raise NotImplementedError

    def write_from_segment(self, segment: Segment, offset: int, length: int) -> int:
        raise NotImplementedError

    def write_zeros(self, length: int) -> int:
        raise NotImplementedError

    def read_from_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        """preadv2(2) straight into guest memory; bytes or −errno."""
        raise NotImplementedError


class UserReader(VmReader):
    def __init__(self, memory: UserMemory, ranges: list[tuple[int, int]]) -> None:
        self._memory = memory
        self._ranges = ranges
        self._index = 0
        self._offset = 0  # within the current range
        self.is_faulted = False
        remaining = 0
        for entry in ranges:
            remaining += entry[1]
        self.remaining = remaining

    def _advance(self, count: int) -> None:
        self.remaining -= count
        self._offset += count

    def _current(self) -> tuple[int, int]:
        """(address, length) of what is left of the current range; skips exhausted ones."""
        while self._offset >= self._ranges[self._index][1]:
            self._index += 1
            self._offset = 0
        base, length = self._ranges[self._index]
        return base + self._offset, length - self._offset

    def _fault(self, nr_done: int) -> None:
        self.is_faulted = True
        if nr_done == 0:
            raise UserFault

    def read(self, length: int) -> bytes:
        length = min(length, self.remaining)
        parts: list[bytes] = []
        done = 0
        while done < length and not self.is_faulted:
            addr, room = self._current()
            want = min(room, length - done)
            data = self._memory._read_some(addr, want)
            self._advance(len(data))
            done += len(data)
            parts.append(data)
            if len(data) < want:
                self._fault(done)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_to_segment(self, segment: Segment, offset: int, length: int) -> int:
        length = min(length, self.remaining)
        memory = self._memory
        done = 0
        while done < length and not self.is_faulted:
            addr, room = self._current()
            if addr < 0 or addr >= memory.user_end:
                self._fault(done)
                break
            want = min(room, length - done, memory.user_end - addr)
            count = memory.space.copy_to_segment(addr, segment, offset + done, want)
            if count < 0:
                return done if done else count
            self._advance(count)
            done += count
            if count < want and not memory.resolver.resolve_fault(addr + count, PROT_READ):
                self._fault(done)
        return done

    def write_to_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        if self.remaining == 0:
            return 0
        memory = self._memory
        while True:
            addr, room = self._current()
            if addr < 0 or addr >= memory.user_end:
                raise UserFault
            want = min(room, length, memory.user_end - addr)
            if memory.space.lookup(addr) & PROT_READ or memory.resolver.resolve_fault(addr, PROT_READ):
                count = memory.space.write_host(addr, host, host_offset, want, flags)
                if count > 0:
                    self._advance(count)
                return count
            raise UserFault


class UserWriter(VmWriter):
    def __init__(self, memory: UserMemory, ranges: list[tuple[int, int]]) -> None:
        self._memory = memory
        self._ranges = ranges
        self._index = 0
        self._offset = 0
        self.is_faulted = False
        remaining = 0
        for entry in ranges:
            remaining += entry[1]
        self.remaining = remaining

    def _advance(self, count: int) -> None:
        self.remaining -= count
        self._offset += count

    def _current(self) -> tuple[int, int]:
        while self._offset >= self._ranges[self._index][1]:
            self._index += 1
            self._offset = 0
        base, length = self._ranges[self._index]
        return base + self._offset, length - self._offset

    def _fault(self, nr_done: int) -> None:
        self.is_faulted = True
        if nr_done == 0:
            raise UserFault

    def write(self, data: bytes) -> int:
        length = min(len(data), self.remaining)
        done = 0
        while done < length and not self.is_faulted:
            addr, room = self._current()
            want = min(room, length - done)
            part = data if want == len(data) else data[done : done + want]
            count = self._memory.write_some(addr, part)
            self._advance(count)
            done += count
            if count < want:
                self._fault(done)
        return done

    def write_zeros(self, length: int) -> int:
        length = min(length, self.remaining)
        memory = self._memory
        done = 0
        while done < length and not self.is_faulted:
            addr, room = self._current()
            if addr < 0 or addr >= memory.user_end:
                self._fault(done)
                break
            want = min(room, length - done, memory.user_end - addr)
            count = memory.space.zero(addr, want)
            self._advance(count)
            done += count
            if count < want and not memory.resolver.resolve_fault(addr + count, PROT_WRITE):
                self._fault(done)
        return done

    def write_from_segment(self, segment: Segment, offset: int, length: int) -> int:
        length = min(length, self.remaining)
        memory = self._memory
        done = 0
        while done < length and not self.is_faulted:
            addr, room = self._current()
            if addr < 0 or addr >= memory.user_end:
                self._fault(done)
                break
            want = min(room, length - done, memory.user_end - addr)
            count = memory.space.copy_from_segment(addr, segment, offset + done, want)
            self._advance(count)
            done += count
            if count < want and not memory.resolver.resolve_fault(addr + count, PROT_WRITE):
                self._fault(done)
        return done

    def read_from_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        if self.remaining == 0:
            return 0
        memory = self._memory
        addr, room = self._current()
        if addr < 0 or addr >= memory.user_end:
            raise UserFault
        want = min(room, length, memory.user_end - addr)
        if not memory.space.lookup(addr) & PROT_WRITE and not memory.resolver.resolve_fault(addr, PROT_WRITE):
            raise UserFault
        count = memory.space.read_host(addr, host, host_offset, want, flags)
        if count > 0:
            self._advance(count)
        return count


class BytesReader(VmReader):
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0
        self.remaining = len(data)
        self.is_faulted = False

    def read(self, length: int) -> bytes:
        part = self._data[self._pos : self._pos + length]
        self._pos += len(part)
        self.remaining -= len(part)
        return part

    def read_to_segment(self, segment: Segment, offset: int, length: int) -> int:
        part = self._data[self._pos : self._pos + length]
        count = segment.write(offset, part)
        self._pos += count
        self.remaining -= count
        return count

    def write_to_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        """RWF_APPEND (16) is the one flag that counts here."""
        part = self._data[self._pos : self._pos + length]
        if flags & 16:
            host_offset = host.size()
            if host_offset < 0:
                return host_offset
        count = host.pwrite(part, host_offset)
        if count > 0:
            self._pos += count
            self.remaining -= count
        return count


class BytesWriter(VmWriter):
    def __init__(self, capacity: int) -> None:
        self.parts: list[bytes] = []
        self.remaining = capacity
        self.is_faulted = False

    def getvalue(self) -> bytes:
        return b"".join(self.parts)

    def write(self, data: bytes) -> int:
        if len(data) > self.remaining:
            data = data[: self.remaining]
        self.parts.append(data)
        self.remaining -= len(data)
        return len(data)

    def write_zeros(self, length: int) -> int:
        return self.write(bytes(min(length, self.remaining)))

    def write_from_segment(self, segment: Segment, offset: int, length: int) -> int:
        return self.write(segment.read(offset, min(length, self.remaining)))

    def read_from_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        data = host.pread(min(length, self.remaining), host_offset)
        return data if isinstance(data, int) else self.write(data)
