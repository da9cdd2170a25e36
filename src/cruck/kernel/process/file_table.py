# SPDX-License-Identifier: MPL-2.0
"""FileTable: descriptors of a process (Linux: files_struct). Shared by tasks cloned with CLONE_FILES."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EBADF, EMFILE, ENFILE
from cruck.kernel import oops
from cruck.kernel.errors import LinuxError
from cruck.kernel.ledger import DESCRIPTOR, Ledger

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task, WaitRecord
    from cruck.kernel.vfs.file import File

O_PATH = 0o10000000


class FileTable:
    files: "list[File | None]"  # by descriptor; shorter than the limit
    cloexec: set[int]  # descriptors that execve closes
    first_free: int  # no free descriptor below it
    ledger: Ledger
    nr_open: int  # descriptors in use
    refs: int  # tasks that share it
    lock_waits: "dict[Task, WaitRecord]"  # tasks in F_SETLKW: `extra` is the owner they wait for (vfs/locks.py)

    def __init__(self, ledger: Ledger) -> None:
        self.files = []
        self.ledger = ledger
        self.nr_open = 0
        self.cloexec = set()
        self.first_free = 0
        self.refs = 1
        self.lock_waits = {}

    def get(self, fd: int) -> "File":
        """Errors: LinuxError(EBADF), also for O_PATH descriptors."""
        if 0 <= fd < len(self.files):
            file = self.files[fd]
            if file is not None and not file.flags & O_PATH:
                return file
        raise LinuxError(EBADF)

    def get_any(self, fd: int) -> "File":
        """As get(), O_PATH descriptors included."""
        if 0 <= fd < len(self.files):
            file = self.files[fd]
            if file is not None:
                return file
        raise LinuxError(EBADF)

    def lookup(self, fd: int) -> "File | None":
        return self.files[fd] if 0 <= fd < len(self.files) else None

    def install(self, file: "File", limit: int, is_cloexec: bool, lowest: int = 0) -> int:
        """Puts `file` (takes a reference) at the lowest free descriptor ≥ lowest and < limit (RLIMIT_NOFILE).
        Errors: LinuxError(EMFILE, ENFILE), then no reference is taken."""
        fd = max(lowest, self.first_free)
        files = self.files
        nr = len(files)
        while fd < nr and files[fd] is not None:
            fd += 1
        if fd >= limit:
            raise LinuxError(EMFILE)
        self.check_ledger(1)
        self._grow(fd)
        files[fd] = file.get()
        self.enter_open(1)
        if lowest <= self.first_free:
            self.first_free = fd + 1
        if is_cloexec:
            self.cloexec.add(fd)
        else:
            self.cloexec.discard(fd)
        return fd

    def reserve_check(self, count: int, limit: int) -> None:
        """Errors: LinuxError(EMFILE) if `count` more descriptors do not fit under `limit`; LinuxError(ENFILE)."""
        self.check_ledger(count)
        free = 0
        for fd in range(self.first_free, min(limit, len(self.files))):
            if self.files[fd] is None:
                free += 1
                if free >= count:
                    break
        if free + max(0, limit - len(self.files)) < count:
            raise LinuxError(EMFILE)

    def install_at(self, fd: int, file: "File", is_cloexec: bool) -> "File | None":
        """dup2: puts `file` (takes a reference) at fd; returns the file that was there, still referenced. Errors: LinuxError(ENFILE)."""
        old = self.lookup(fd)
        if old is None:
            self.check_ledger(1)
            self.enter_open(1)
        self._grow(fd)
        self.files[fd] = file.get()
        if is_cloexec:
            self.cloexec.add(fd)
        else:
            self.cloexec.discard(fd)
        return old

    def remove(self, fd: int) -> "File":
        """Takes the descriptor away; the caller flushes and puts the file. Errors: LinuxError(EBADF)."""
        if not 0 <= fd < len(self.files) or self.files[fd] is None:
            raise LinuxError(EBADF)
        file = self.files[fd]
        assert file is not None
        self.files[fd] = None
        self.enter_open(-1)
        self.cloexec.discard(fd)
        self.first_free = min(self.first_free, fd)
        return file

    def check_ledger(self, count: int) -> None:
        """Errors: LinuxError(ENFILE): the run has too many open files (Linux: fs.file-max)."""
        if not self.ledger.has_room(count * DESCRIPTOR):
            raise LinuxError(ENFILE, "kernel memory")

    def enter_open(self, count: int) -> None:
        """`count` more descriptors are open."""
        self.nr_open += count
        self.ledger.used += count * DESCRIPTOR

    def _grow(self, fd: int) -> None:
        while len(self.files) <= fd:
            self.files.append(None)

    def open_fds(self) -> list[int]:
        return [fd for fd, file in enumerate(self.files) if file is not None]

    def copy(self) -> "FileTable":
        """fork without CLONE_FILES. The caller has asked the ledger."""
        other = FileTable(self.ledger)
        other.enter_open(self.nr_open)
        other.files = [file.get() if file is not None else None for file in self.files]
        other.cloexec = set(self.cloexec)
        other.first_free = self.first_free
        return other

    def close_on_exec(self, task: "Task") -> None:
        for fd in sorted(self.cloexec):
            self.close(fd, task)
        self.cloexec.clear()

    def release(self, task: "Task") -> None:
        """A task leaves; the last one closes everything."""
        self.refs -= 1
        if self.refs == 0:
            for fd in self.open_fds():
                try:
                    self.close(fd, task)
                except Exception:  # the task must be able to end whatever one file does
                    oops.report(task.kernel, "close", task)

    def close(self, fd: int, task: "Task") -> int:
        """0 or what flush said; the descriptor is gone in any case. Errors: LinuxError(EBADF)."""
        return self.drop(self.remove(fd), task)

    def drop(self, file: "File", task: "Task") -> int:
        """What closing a descriptor does to the file it referred to (the descriptor is already gone): flush, the
        table's POSIX locks on the file (fcntl(2): any close of the file by the process releases them), put."""
        result = file.flush(task)
        inode = file.inode()
        if inode is not None and inode.locks is not None and not file.flags & O_PATH:
            inode.locks.release_table(self)
        file.put()
        return result


class FsContext:
    """Root, working directory and umask (Linux: fs_struct). Shared by tasks cloned with CLONE_FS."""

    def __init__(self, root: "Path", cwd: "Path", umask: int) -> None:
        self.root = root
        self.cwd = cwd
        self.umask = umask
        self.refs = 1

    def copy(self) -> "FsContext":
        return FsContext(self.root, self.cwd, self.umask)


if TYPE_CHECKING:
    from cruck.kernel.vfs.dentry import Path
