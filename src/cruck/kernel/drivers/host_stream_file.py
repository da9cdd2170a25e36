# SPDX-License-Identifier: MPL-2.0
"""HostStreamFile: the guest's standard input, output and error when they are pipes, sockets, files or devices of the host.

The guest sees the host's kind of file in st_mode, but no terminal ioctls: a terminal that is to be one comes as HostTerminal (host_tty.py).
A regular file is seekable, and its offset is the host's: whoever shares it, before and after the run, goes on where we are.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EAGAIN, EINVAL, ENOTDIR, ENOTTY, ESPIPE
from cruck.abi.fcntl import O_ACCMODE, O_APPEND, O_RDONLY, O_RDWR
from cruck.abi.stat import S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK
from cruck.framework.hardware import AddressSpace
from cruck.framework.io.host_stream import PIPE_BUF, HostStream
from cruck.framework.mm.user_memory import UserFault, VmReader, VmWriter
from cruck.kernel.drivers.host_watch import HostWatch
from cruck.kernel.drivers.ioctl import stream_ioctl
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonInode
from cruck.kernel.vfs.file import DEFAULT_POLL, DirEntry, File
from cruck.kernel.vfs.mapping import Mapping
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.inode import FileSystem, Inode

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010
POLLRDNORM: Final = 0x040
POLLWRNORM: Final = 0x100

READ_CHUNK: Final = 65536  # of a stream, per call: as much as a pipe usually holds
WRITE_BURST: Final = 65536
MAX_FILE_CHUNK: Final = 1 << 20
SEEK_SET: Final = 0
SEEK_CUR: Final = 1


class HostStreamFile(File):
    kernel: "Kernel"
    stream: HostStream
    stream_inode: "HostStreamInode"
    # Regular files only. The host's offset is where our last transfer left it, unless somebody else moved it.
    host_pos: int
    drift: int  # host's offset minus ours, after such a move

    def __init__(self, kernel: "Kernel", stream: HostStream, inode: "HostStreamInode", flags: int) -> None:
        super().__init__(flags)
        self.kernel = kernel
        self.stream = stream
        self.stream_inode = inode
        inode.nr_files += 1
        self.host_pos = 0
        self.drift = 0
        if stream.mode & S_IFMT == S_IFREG:
            self.is_seekable = True
            self.pos = self.host_pos = max(0, stream.seek(0, SEEK_CUR))

    def release(self) -> None:
        inode = self.stream_inode
        inode.nr_files -= 1
        if inode.nr_files == 0:
            if inode.unsent:
                self.stream.write_nowait(inode.unsent)
            inode.watch.stop()
            self.stream.close()

    # Reading.
    def read(self, out: VmWriter, offset: int) -> int:
        if self.is_seekable:
            return self._read_file(out, offset)
        if self.stream_inode.unread:
            data = self.stream_inode.unread
        elif self.stream.is_nonblocking:
            return self._read_straight(out)
        else:
            answer = self.stream.read_nowait(min(out.remaining, READ_CHUNK))
            if isinstance(answer, int):
                if answer != -EAGAIN:
                    return answer
                # It may have become ready between the two looks; then the queue would not be woken.
                if self.stream_inode.watch.arm(POLLIN) & (POLLIN | POLLERR | POLLHUP):
                    answer = self.stream.read_nowait(min(out.remaining, READ_CHUNK))
                    if isinstance(answer, int):
                        if answer != -EAGAIN:
                            return answer
                        self.stream_inode.watch.arm(POLLIN)
                        return WOULD_BLOCK
                else:
                    return WOULD_BLOCK
            data = answer
        self.stream_inode.unread = data
        if not data:
            return 0
        count = out.write(data)
        self.stream_inode.unread = data[count:]
        return count

    def _read_straight(self, out: VmWriter) -> int:
        """From the host into the guest's memory, without a copy in between."""
        length = min(out.remaining, READ_CHUNK)
        count = out.read_from_host(self.stream, -1, length, 0)
        if count == -EAGAIN:
            # It may have become ready between the two looks; then the queue would not be woken.
            if self.stream_inode.watch.arm(POLLIN) & (POLLIN | POLLERR | POLLHUP):
                count = out.read_from_host(self.stream, -1, length, 0)
                if count == -EAGAIN:
                    self.stream_inode.watch.arm(POLLIN)
        return WOULD_BLOCK if count == -EAGAIN else count

    def _read_file(self, out: VmWriter, offset: int) -> int:
        length = min(out.remaining, MAX_FILE_CHUNK)
        if offset != self.pos:
            answer = self.stream.pread(length, offset)
            return answer if isinstance(answer, int) else out.write(answer)
        start = self._seek_host(offset)
        if start < 0:
            return start
        answer = self.stream.read_nowait(length)
        if isinstance(answer, int):
            return answer
        count = 0
        try:
            count = out.write(answer) if answer else 0
        finally:
            self.host_pos = start + len(answer)
            if count != len(answer):
                self.host_pos = self.stream.seek(start + count, SEEK_SET)
        return count

    def _seek_host(self, offset: int) -> int:
        """Puts the host's offset where our `offset` is; where it is now, or −errno. If somebody else has moved it meanwhile, theirs counts,
        as it would if the guest used the description directly."""
        now = self.stream.seek(0, SEEK_CUR)
        if now < 0:
            return now
        if now != self.host_pos:
            self.drift = now - offset
            return now
        target = offset + self.drift
        return now if now == target else self.stream.seek(target, SEEK_SET)

    # Writing.
    def write(self, data: VmReader, offset: int) -> int:
        if self.is_seekable:
            return self._write_file(data, offset)
        stream = self.stream
        if stream.is_nonblocking and not stream.is_terminal:
            return self._write_straight(data)
        chunk_bytes = stream.write_chunk()
        done = 0
        while data.remaining > 0 and done < WRITE_BURST:
            # Looked at first, so that nothing is taken from the guest that cannot go on.
            ready = self.stream_inode.watch.arm(POLLOUT) if done == 0 else stream.poll_now(POLLOUT)
            if not ready & (POLLOUT | POLLERR | POLLHUP):
                break
            if self.stream_inode.unsent and not self._send_rest():
                break
            try:
                chunk = data.read(chunk_bytes)
            except UserFault:
                if done == 0:
                    raise
                break
            count = stream.write_nowait(chunk)
            if count == -EAGAIN:
                count = 0
            if count < 0:
                return done if done else count
            self.stream_inode.unsent = chunk[count:]
            done += len(chunk)
            if self.stream_inode.unsent or data.is_faulted:
                break
        return done if done or data.remaining == 0 else WOULD_BLOCK

    def _write_straight(self, data: VmReader) -> int:
        """To a pipe. What is atomic on Linux goes in one piece, the rest without a copy in between."""
        if data.remaining == 0:
            return 0
        chunk = data.read(PIPE_BUF) if data.remaining <= PIPE_BUF else None
        for _ in range(2):
            if chunk is not None:
                count = self.stream.write_nowait(chunk)
            else:
                count = data.write_to_host(self.stream, -1, min(data.remaining, WRITE_BURST), 0)
            if count != -EAGAIN:
                return count
            # It may have become ready between the two looks; then the queue would not be woken.
            if not self.stream_inode.watch.arm(POLLOUT) & (POLLOUT | POLLERR | POLLHUP):
                return WOULD_BLOCK
        self.stream_inode.watch.arm(POLLOUT)
        return WOULD_BLOCK

    def _send_rest(self) -> bool:
        count = self.stream.write_nowait(self.stream_inode.unsent)
        if count == -EAGAIN:
            return False
        self.stream_inode.unsent = self.stream_inode.unsent[count:] if count > 0 else b""  # an error comes again with the next bytes
        return not self.stream_inode.unsent

    def _write_file(self, data: VmReader, offset: int) -> int:
        chunk = data.read(min(data.remaining, MAX_FILE_CHUNK))
        stream = self.stream
        if not self.flags & O_APPEND and offset != self.pos:
            return stream.pwrite(chunk, offset)
        if self.flags & O_APPEND:
            start = stream.seek(0, 2)
        else:
            start = self._seek_host(offset)
        if start < 0:
            return start
        count = stream.write_nowait(chunk)
        if count > 0:
            self.host_pos = stream.seek(0, SEEK_CUR)
        return count

    def lseek(self, offset: int, whence: int) -> int:
        if not self.is_seekable:
            return -ESPIPE
        position = self.stream.seek(offset, whence)
        if position >= 0:
            self.pos = self.host_pos = position
            self.drift = 0
        return position

    # Readiness.
    def poll(self) -> int:
        stream = self.stream
        if stream.is_always_ready:
            return DEFAULT_POLL
        mode = self.flags & O_ACCMODE
        events = POLLIN if mode == O_RDONLY else POLLIN | POLLOUT if mode == O_RDWR else POLLOUT
        ready = self.stream_inode.watch.arm(events)
        mask = ready & (POLLIN | POLLOUT | POLLERR | POLLHUP)
        if self.stream_inode.unread:
            mask |= POLLIN
        if self.stream_inode.unsent:
            mask &= ~POLLOUT
        if mask & POLLIN:
            mask |= POLLRDNORM
        if mask & POLLOUT:
            mask |= POLLWRNORM
        return mask

    def wait_queue(self) -> WaitQueue | None:
        return None if self.stream.is_always_ready else self.stream_inode.queue

    # The rest.
    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        if self.stream.mode & S_IFMT not in (S_IFIFO, S_IFSOCK):
            return -ENOTTY
        return stream_ioctl(task, self.stream, len(self.stream_inode.unread), command, argument)

    def truncate(self, length: int) -> int:
        if not self.is_seekable:
            return -EINVAL
        return self.stream.truncate(length)

    def fsync(self, data_only: bool) -> int:
        return self.stream.fsync(data_only) if self.is_seekable else -EINVAL

    def mapping(self) -> Mapping | None:
        inode = self.stream_inode
        if not self.is_seekable:
            return None
        if inode.mapping is None:
            inode.mapping = HostStreamMapping(self.stream)
        return inode.mapping

    def readdir(self, cookie: int) -> list[DirEntry]:
        # A directory given as standard input is not shared by that: only its kind shows.
        raise LinuxError(EACCES if self.stream.mode & S_IFMT == S_IFDIR else ENOTDIR)

    def inode(self) -> "Inode | None":
        return self.stream_inode

    def stat(self) -> Stat:
        return self.stream_inode.stat()

    def link_path(self) -> "Path | None":
        return self.stream_inode.make_path(self.describe().encode())

    def describe(self) -> str:
        ino = self.stream_inode.ino
        kind = self.stream.mode & S_IFMT
        if kind == S_IFIFO:
            return f"pipe:[{ino}]"
        if kind == S_IFSOCK:
            return f"socket:[{ino}]"
        return f"host:[{self.stream.number}]"


class HostStreamMapping(Mapping):
    """A regular file's pages: the host's page cache. Where the host cannot map it, a fault fails."""

    stream: HostStream

    def __init__(self, stream: HostStream) -> None:
        super().__init__()
        self.stream = stream

    def length(self) -> int:
        return max(0, self.stream.size())

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        return space.map_host(addr, length, self.stream, offset, prot, not private)

    def sync(self, offset: int, length: int) -> int:
        return self.stream.fsync(True)


class HostStreamInode(AnonInode):
    """What fstat(2) says of a stream: the host's words. Opened again through /proc/self/fd or /dev/stdout it is the same stream."""

    kernel: "Kernel"
    stream: HostStream
    nr_files: int  # open on it; the last one closes the stream
    queue: WaitQueue
    watch: HostWatch
    mapping: HostStreamMapping | None
    unread: bytes  # taken from the host but refused by the guest's memory: comes first at the next read
    unsent: bytes  # taken from the guest but only in part by the host (sockets): goes first at the next write

    def __init__(self, kernel: "Kernel", stream: HostStream, fs: "FileSystem", ino: int, uid: int, gid: int) -> None:
        super().__init__(fs, ino, stream.mode, uid, gid, kernel.clock.realtime_ns())
        self.kernel = kernel
        self.stream = stream
        self.nr_files = 0
        self.queue = WaitQueue()
        self.watch = HostWatch(kernel, stream, self.queue)
        self.mapping = None
        self.unread = b""
        self.unsent = b""

    def stat(self) -> Stat:
        answer = self.stream.stat()
        stat = Stat()
        if isinstance(answer, int):
            stat.mode = self.mode
            return stat
        (stat.mode, stat.nlink, stat.uid, stat.gid, stat.ino, stat.size, stat.blocks, stat.blksize,
         stat.atime_ns, stat.mtime_ns, stat.ctime_ns, stat.btime_ns, stat.dev, stat.rdev) = answer  # fmt: skip
        return stat

    def open_special(self, task: "Task", path: "Path", flags: int) -> "File | int | None":
        """The offset is shared, O_TRUNC does nothing: `echo x > /dev/stderr` must not cut the user's log.
        −EACCES: the stream is not open for that."""
        mode = flags & O_ACCMODE
        if self.stream.access not in (mode, O_RDWR):
            return -EACCES
        if self.stream.is_append:
            flags |= O_APPEND
        return HostStreamFile(self.kernel, self.stream, self, flags)
