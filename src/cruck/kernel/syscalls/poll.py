# SPDX-License-Identifier: MPL-2.0
"""poll(2), ppoll(2), select(2), pselect6(2). Source: Linux fs/select.c.

A call copies its descriptors once, looks at all of them, and waits on the queues of those that are not ready. What
it copied and its deadline stay in the wait record (`PollState`) for the runs after a wake-up.
"""

import struct
from typing import Final

from cruck.abi.errno import EBADF, EINTR, EINVAL, ENOMEM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ETIMEDOUT
from cruck.abi.personality import STICKY_TIMEOUTS
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED, NO_DEADLINE, record, wait_many
from cruck.kernel.syscalls.signal_mask import set_temporary_mask
from cruck.kernel.syscalls.timespec import (
    deadline_from_now,
    pack_timespec,
    pack_timeval,
    read_select_timeval,
    read_timespec,
)
from cruck.kernel.syscalls.types import CInt, CUInt, Millis, Size, UserAddr

POLLIN: Final = 0x001
POLLPRI: Final = 0x002
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010
POLLNVAL: Final = 0x020
POLLRDNORM: Final = 0x040
POLLRDBAND: Final = 0x080
POLLWRNORM: Final = 0x100
POLLWRBAND: Final = 0x200
ALWAYS: Final = POLLERR | POLLHUP  # reported whether asked for or not

# What makes a descriptor of each of select's sets ready.
SELECT_IN: Final = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR
SELECT_OUT: Final = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR
SELECT_EX: Final = POLLPRI

RLIMIT_NOFILE: Final = 7
_POLLFD_BYTES: Final = 8
_POLLFD: Final = struct.Struct("<ihh")  # fd, events, revents: read whole, many at once


class PollState:
    """What a poll or select has copied from the guest. Plain data of the wait record."""

    data: bytes
    deadline_ns: int

    def __init__(self, data: bytes, deadline_ns: int) -> None:
        self.data = data
        self.deadline_ns = deadline_ns


def sys_poll(task: Task, fds: UserAddr, nfds: CUInt, timeout: Millis) -> int:
    """Number of ready descriptors, 0 after `timeout` ms (< 0: none). Errors: EFAULT, EINVAL (more than RLIMIT_NOFILE), EINTR, ENOMEM."""
    state = _saved(task)
    if state is None:
        deadline = NO_DEADLINE if timeout < 0 else deadline_from_now(task.kernel, timeout * 1_000_000)
        state = PollState(_copy_pollfds(task, fds, nfds), deadline)
    return _poll(task, fds, state, timeout == 0, ERESTART_RESTARTBLOCK)


def sys_ppoll(task: Task, fds: UserAddr, nfds: CUInt, tmo_p: UserAddr, sigmask: UserAddr, sigsetsize: Size) -> int:
    """As poll, with a timespec (0: wait for ever), which is updated to the time left, and a signal mask. Errors: also EINVAL (time, size of
    the mask)."""
    state = _saved(task)
    timeout_ns = read_timespec(task, tmo_p) if tmo_p and state is None else -1
    is_immediate = timeout_ns == 0
    set_temporary_mask(task, sigmask, sigsetsize)
    if state is None:
        deadline = NO_DEADLINE if timeout_ns < 0 else deadline_from_now(task.kernel, timeout_ns)
        state = PollState(_copy_pollfds(task, fds, nfds), deadline)
    result = _poll(task, fds, state, is_immediate, ERESTARTNOHAND)
    if tmo_p and not is_immediate:
        return _write_time_left(task, tmo_p, state.deadline_ns, False, result)
    return result


def sys_select(task: Task, n: CInt, inp: UserAddr, outp: UserAddr, exp: UserAddr, tvp: UserAddr) -> int:
    """Number of bits set in the three sets, which say what is ready; the timeval is updated to the time left. Errors: EBADF (a set names a
    descriptor that is not open), EINVAL (n < 0, time), EFAULT, EINTR."""
    state = _saved(task)
    is_immediate = False
    if state is None:
        timeout_ns = read_select_timeval(task, tvp) if tvp else -1
        is_immediate = timeout_ns == 0
        state = _start_select(task, n, inp, outp, exp, timeout_ns)
    result = _select(task, inp, outp, exp, state, is_immediate)
    if tvp and not is_immediate:
        return _write_time_left(task, tvp, state.deadline_ns, True, result)
    return result


def sys_pselect6(task: Task, n: CInt, inp: UserAddr, outp: UserAddr, exp: UserAddr, tsp: UserAddr, sig: UserAddr) -> int:
    """As select, with a timespec; `sig` points to {sigset_t *mask; size_t size} (0: no mask). Errors: also EINVAL (size of the mask)."""
    state = _saved(task)
    mask = task.user.read_u64(sig) if sig else 0
    size = task.user.read_u64(sig + 8) if sig else 0
    timeout_ns = read_timespec(task, tsp) if tsp and state is None else -1
    is_immediate = timeout_ns == 0
    set_temporary_mask(task, mask, size)
    if state is None:
        state = _start_select(task, n, inp, outp, exp, timeout_ns)
    result = _select(task, inp, outp, exp, state, is_immediate)
    if tsp and not is_immediate:
        return _write_time_left(task, tsp, state.deadline_ns, False, result)
    return result


def _saved(task: Task) -> PollState | None:
    rec = task.wait
    if rec is not None and isinstance(rec.extra, PollState):
        return rec.extra
    return None


def _wait(task: Task, state: PollState, queues: list[tuple[WaitQueue, int]], restart: int) -> int:
    """0 when the deadline has passed."""
    result = wait_many(task, queues, state.deadline_ns, restart)
    if result == BLOCKED:
        record(task).extra = state
    return 0 if result == -ETIMEDOUT else result


def _write_time_left(task: Task, addr: UserAddr, deadline_ns: int, is_timeval: bool, result: int) -> int:
    """Linux's habit of updating the caller's timeout, whatever the result."""
    if result == BLOCKED:
        return result
    if task.personality & STICKY_TIMEOUTS:
        return -EINTR if result == -ERESTARTNOHAND else result
    left = max(0, deadline_ns - task.kernel.clock.monotonic_ns())
    try:
        task.user.write(addr, pack_timeval(left) if is_timeval else pack_timespec(left))
    except UserFault:
        # A timeout in read-only memory is not an error; but the call cannot be restarted, it would wait for too long.
        return -EINTR if result == -ERESTARTNOHAND else result
    return result


def _copy_pollfds(task: Task, fds: UserAddr, nfds: CUInt) -> bytes:
    from cruck.kernel.errors import LinuxError

    if nfds > task.process.rlimit(RLIMIT_NOFILE):
        raise LinuxError(EINVAL)
    if nfds > 1 << 24:  # an unlimited RLIMIT_NOFILE
        raise LinuxError(ENOMEM)
    return task.user.read(fds, nfds * _POLLFD_BYTES)


def _poll(task: Task, fds: UserAddr, state: PollState, is_immediate: bool, restart: int) -> int:
    files = task.files
    queues: list[tuple[WaitQueue, int]] = []
    parts: list[bytes] = []
    nr_ready = 0
    for fd, events, _ in _POLLFD.iter_unpack(state.data):
        found = 0
        if fd >= 0:
            file = files.lookup(fd)
            if file is None or file.flags & 0o10000000:  # O_PATH
                found = POLLNVAL
            else:
                wanted = events & 0xFFFF | ALWAYS
                found = file.poll() & wanted
                if found == 0 and nr_ready == 0 and not is_immediate:
                    queue = file.wait_queue()
                    if queue is not None:
                        queues.append((queue, wanted))
            if found:
                nr_ready += 1
        parts.append(_POLLFD.pack(fd, events, found if found < 0x8000 else found - 0x10000))
    if nr_ready == 0 and not is_immediate:
        result = _wait(task, state, queues, restart)
        if result != 0:
            return result
    # Linux writes `revents` only; the other fields are as they were read, so writing the whole array once is the same for
    # every program but one that changes its array during the call, and costs one copy.
    task.user.write(fds, b"".join(parts))
    return nr_ready


class _Sets:
    """The three fd_sets as bit masks of any width."""

    def __init__(self, in_bits: int, out_bits: int, ex_bits: int) -> None:
        self.in_bits = in_bits
        self.out_bits = out_bits
        self.ex_bits = ex_bits


def _start_select(task: Task, n: CInt, inp: UserAddr, outp: UserAddr, exp: UserAddr, timeout_ns: int) -> PollState:
    from cruck.kernel.errors import LinuxError

    if n < 0:
        raise LinuxError(EINVAL)
    nr_bits = min(n, _max_fds(len(task.files.files)))
    nr_bytes = (nr_bits + 63) // 64 * 8
    data = b""
    for addr in (inp, outp, exp):
        data += task.user.read(addr, nr_bytes) if addr else bytes(nr_bytes)
    # Bits at and above n do not count.
    mask = (1 << nr_bits) - 1
    sets = _split(data)
    data = b""
    named = 0
    for bits in (sets.in_bits, sets.out_bits, sets.ex_bits):
        data += (bits & mask).to_bytes(nr_bytes, "little")
        named |= bits & mask
    for fd in _bit_numbers(named):
        file = task.files.lookup(fd)
        if file is None or file.flags & 0o10000000:
            raise LinuxError(EBADF)
    deadline = NO_DEADLINE if timeout_ns < 0 else deadline_from_now(task.kernel, timeout_ns)
    return PollState(data, deadline)


def _max_fds(length: int) -> int:
    """The size of Linux's descriptor table: select ignores what lies above it."""
    size = 64
    while size < length:
        size = 256 if size == 64 else size * 2
    return size


def _split(data: bytes) -> _Sets:
    size = len(data) // 3
    return _Sets(
        int.from_bytes(data[:size], "little"),
        int.from_bytes(data[size : 2 * size], "little"),
        int.from_bytes(data[2 * size :], "little"),
    )


def _bit_numbers(bits: int) -> list[int]:
    """The numbers of the bits that are set, in order. Linear, where `bits & -bits` on a wide int would be quadratic."""
    numbers: list[int] = []
    base = 0
    for byte in bits.to_bytes((bits.bit_length() + 7) // 8, "little"):
        if byte:
            for bit in range(8):
                if byte >> bit & 1:
                    numbers.append(base + bit)
        base += 8
    return numbers


def _select(task: Task, inp: UserAddr, outp: UserAddr, exp: UserAddr, state: PollState, is_immediate: bool) -> int:
    sets = _split(state.data)
    nr_bytes = len(state.data) // 3
    in_ready = bytearray(nr_bytes)
    out_ready = bytearray(nr_bytes)
    ex_ready = bytearray(nr_bytes)
    queues: list[tuple[WaitQueue, int]] = []
    nr_ready = 0
    for fd in _bit_numbers(sets.in_bits | sets.out_bits | sets.ex_bits):
        index = fd >> 3
        bit = 1 << (fd & 7)
        wanted = 0
        if state.data[index] & bit:
            wanted |= SELECT_IN
        if state.data[nr_bytes + index] & bit:
            wanted |= SELECT_OUT
        if state.data[2 * nr_bytes + index] & bit:
            wanted |= SELECT_EX
        file = task.files.lookup(fd)
        if file is None:
            found = POLLIN | POLLOUT  # closed by another thread while we waited: reading will tell
        else:
            found = file.poll()
        if found & wanted & SELECT_IN and state.data[index] & bit:
            in_ready[index] |= bit
            nr_ready += 1
        if found & SELECT_OUT and state.data[nr_bytes + index] & bit:
            out_ready[index] |= bit
            nr_ready += 1
        if found & SELECT_EX and state.data[2 * nr_bytes + index] & bit:
            ex_ready[index] |= bit
            nr_ready += 1
        if nr_ready == 0 and not is_immediate and file is not None:
            queue = file.wait_queue()
            if queue is not None:
                queues.append((queue, wanted | ALWAYS))
    if nr_ready == 0 and not is_immediate:
        result = _wait(task, state, queues, ERESTARTNOHAND)
        if result != 0:
            return result
    if inp:
        task.user.write(inp, bytes(in_ready))
    if outp:
        task.user.write(outp, bytes(out_ready))
    if exp:
        task.user.write(exp, bytes(ex_ready))
    return nr_ready
