# SPDX-License-Identifier: MPL-2.0
"""execve(2) and execveat(2) at the edge: the argument vectors come out of guest memory here, the rest is process/exec.py."""

import struct
from typing import Final

from cruck.abi.errno import E2BIG, EINVAL
from cruck.abi.fcntl import AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
from cruck.abi.limits import MAX_ARG_STRLEN
from cruck.abi.resource import RLIMIT_STACK
from cruck.framework.hardware import ORIG_RAX, PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.process import exec as process_exec
from cruck.kernel.process import ptrace
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.types import CInt, DirFd, UserAddr, UserPath
from cruck.kernel.vfs.walk import read_path

POINTER: Final = struct.Struct("<Q")


def sys_execve(task: Task, path: UserPath, argv: UserAddr, envp: UserAddr) -> int:
    """0 in the new program. Errors: the path's (EACCES also: no regular file, not executable), E2BIG (arguments beyond a quarter of
    RLIMIT_STACK), ENOEXEC (no known format), ELIBBAD and EIO (the interpreter is no program), ENOMEM, ETXTBSY (open for writing)."""
    if blocking.is_rerun(task):
        return 0  # after the tracer's stop
    name = read_path(task, path)
    arguments, environment = _read_vectors(task, argv, envp)
    tid = task.tid
    return _finish(task, tid, process_exec.execve(task, name, arguments, environment))


def sys_execveat(task: Task, dirfd: DirFd, path: UserPath, argv: UserAddr, envp: UserAddr, flags: CInt) -> int:
    """As execve. Errors: also EBADF (dirfd), EINVAL (flags)."""
    if blocking.is_rerun(task):
        return 0
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW):
        return -EINVAL
    name = read_path(task, path)
    arguments, environment = _read_vectors(task, argv, envp)
    tid = task.tid
    return _finish(task, tid, process_exec.execveat(task, dirfd, name, arguments, environment, flags))


def _finish(task: Task, old_tid: int, result: int) -> int:
    """A tracer may want to see the new program before it runs: then the call ends at its second run."""
    if result == 0 and task.ptrace is not None:
        task.context.set_reg(ORIG_RAX, task.call_nr)
        if ptrace.after_exec(task, ptrace.shown_to_tracer(task, old_tid)):
            blocking.record(task)
            return blocking.BLOCKED
    return result


def _read_vectors(task: Task, argv: int, envp: int) -> tuple[list[bytes], list[bytes]]:
    """Errors: UserFault; LinuxError(E2BIG): more than the limit for both together."""
    limit = process_exec.args_limit(task.process.rlimit(RLIMIT_STACK))
    arguments, used = _read_strings(task, argv, limit)
    environment, _ = _read_strings(task, envp, limit - used)
    return arguments, environment


def _read_strings(task: Task, vector: int, limit: int) -> tuple[list[bytes], int]:
    """The strings of a NULL-terminated vector (NULL itself: none), and the bytes they take with their pointers."""
    strings: list[bytes] = []
    used = 0
    if vector == 0:
        return strings, used
    user = task.user
    while True:
        # As many pointers as lie on this page; one that crosses its end by itself.
        room = min((PAGE_SIZE - (vector & PAGE_MASK)) & ~7, 512) or 8
        chunk = user.read(vector, room)
        for (pointer,) in POINTER.iter_unpack(chunk):
            if pointer == 0:
                return strings, used
            left = limit - used - 8
            if left <= 0:
                raise LinuxError(E2BIG)
            string = user.read_cstring(pointer, min(left, MAX_ARG_STRLEN))
            if string is None:
                raise LinuxError(E2BIG)
            strings.append(string)
            used += len(string) + 9
        vector += room
