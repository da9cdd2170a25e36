# SPDX-License-Identifier: MPL-2.0
"""mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr. Queues: fs/mqueue."""

from typing import Final

from cruck.abi.errno import EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EMSGSIZE, ENAMETOOLONG, ENOENT, ENOTSOCK, ETIMEDOUT
from cruck.abi.fcntl import O_ACCMODE, O_CREAT, O_EXCL, O_LARGEFILE, O_NONBLOCK
from cruck.abi.limits import NAME_MAX
from cruck.abi.mqueue import MQ_ATTR, MQ_PRIO_MAX, NOTIFY_COOKIE_LEN
from cruck.abi.resource import RLIMIT_NOFILE
from cruck.abi.signal import SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD
from cruck.abi.stat import S_IFREG
from cruck.abi.time import CLOCK_REALTIME
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.mqueue.fs_type import MqDirectory, MqueueFs
from cruck.kernel.fs.mqueue.queue import MqFile, MqInode, Notification
from cruck.kernel.net.netlink.socket import NetlinkSocket
from cruck.kernel.net.socket import Socket
from cruck.kernel.poll.wait_queue import ALL_EVENTS, WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.time import SIGEVENT
from cruck.kernel.syscalls.timespec import monotonic_deadline, read_timespec
from cruck.kernel.syscalls.types import CUInt, Fd, Mode, OpenFlags, Size, UserAddr, UserString
from cruck.kernel.vfs import dcache, names
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.fsnotify import notify_create
from cruck.kernel.vfs.open import attach
from cruck.kernel.vfs.permission import MAY_READ, MAY_WRITE, check_access, check_create, new_inode_owner

PATH_MAX: Final = 4096
NSIG: Final = 64
ACCESS: Final = (MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE)


def sys_mq_open(task: Task, name: UserString, flags: OpenFlags, mode: Mode, attributes: UserAddr) -> int:
    """A descriptor, close-on-exec. Errors: EFAULT, ENOENT, EACCES (permission, a slash in the name), EEXIST, EINVAL (attributes, access
    mode), EMFILE (also RLIMIT_MSGQUEUE), ENOSPC, ENAMETOOLONG."""
    size = (0, 0)
    if attributes:
        values = MQ_ATTR.unpack(task.user.read(attributes, MQ_ATTR.size))
        size = (values[1], values[2])
    text = _read_name(task, name)
    limit = task.process.rlimit(RLIMIT_NOFILE)
    task.files.reserve_check(1, limit)
    fs = task.ipc.mqueue()
    place = _place(fs, text)
    inode = place.dentry.inode
    if inode is None:
        if not flags & O_CREAT:
            return -ENOENT
        inode = _create(task, fs, place, text, mode, size if attributes else (fs.default_messages, fs.default_bytes))
    else:
        if flags & O_CREAT and flags & O_EXCL:
            return -EEXIST
        if flags & O_ACCMODE == O_ACCMODE:
            return -EINVAL
        check_access(task.creds, inode, ACCESS[flags & O_ACCMODE])
    assert isinstance(inode, MqInode)
    file = attach(MqFile(inode, flags & (O_ACCMODE | O_NONBLOCK) | O_LARGEFILE), place)
    return task.files.install(file, limit, True)


def _read_name(task: Task, addr: int) -> bytes:
    text = task.user.read_cstring(addr, PATH_MAX)
    if text is None or len(text) > NAME_MAX:
        raise LinuxError(ENAMETOOLONG)
    if not text:
        raise LinuxError(ENOENT)
    if b"/" in text or text in (b".", b".."):
        raise LinuxError(EACCES)
    return text


def _place(fs: MqueueFs, name: bytes) -> Path:
    """The dentry's inode is None if there is no such queue."""
    root = fs.place
    return Path(root.mount, dcache.lookup(root.dentry, name))


def _create(task: Task, fs: MqueueFs, place: Path, name: bytes, mode: int, size: tuple[int, int]) -> MqInode:
    creds = task.creds
    check_create(creds, fs.place, False)
    fs.check_size(size[0], size[1])
    root = fs.root
    assert isinstance(root, MqDirectory)
    new_mode, uid, gid = new_inode_owner(creds, root, S_IFREG | mode & 0o7777, task.fs.umask)
    inode = root.create_queue(name, new_mode, uid, gid, size[0], size[1])
    dcache.instantiate(place.dentry, inode)
    notify_create(place.dentry)
    return inode


def sys_mq_unlink(task: Task, name: UserString) -> int:
    """Errors: EFAULT, ENOENT, EACCES, EPERM, ENAMETOOLONG."""
    text = _read_name(task, name)
    fs = task.ipc.mqueue()
    if _place(fs, text).dentry.inode is None:
        return -ENOENT
    names.unlink(task, fs.place, text, False)
    return 0


def sys_mq_timedsend(task: Task, mqdes: Fd, text: UserAddr, length: Size, priority: CUInt, timeout: UserAddr) -> int:
    """0. Errors: EINVAL (priority, timeout), EFAULT, EBADF, EMSGSIZE, EAGAIN, ETIMEDOUT, ERESTARTSYS."""
    if priority >= MQ_PRIO_MAX:
        return -EINVAL
    deadline_ns = _deadline(task, timeout)
    file = _file(task, mqdes)
    queue = file.queue
    if not file.is_writable():
        return -EBADF
    if length > queue.max_bytes:
        return -EMSGSIZE
    data = task.user.read(text, length)
    if queue.is_full():
        return _wait(task, file, queue.writers, deadline_ns)
    queue.send(task, priority, data)
    return 0


def sys_mq_timedreceive(task: Task, mqdes: Fd, text: UserAddr, length: Size, priority: UserAddr, timeout: UserAddr) -> int:
    """Bytes. Errors: EINVAL (timeout), EFAULT (the message is lost), EBADF, EMSGSIZE (`length` < mq_msgsize), EAGAIN, ETIMEDOUT,
    ERESTARTSYS."""
    deadline_ns = _deadline(task, timeout)
    file = _file(task, mqdes)
    queue = file.queue
    if not file.is_readable():
        return -EBADF
    if length < queue.max_bytes:
        return -EMSGSIZE
    if not queue.messages:
        return _wait(task, file, queue.readers, deadline_ns)
    message = queue.messages[0]
    queue.take()
    task.user.write(text, message.text)
    if priority:
        task.user.write_u32(priority, message.priority)
    return len(message.text)


def _deadline(task: Task, timeout: int) -> int:
    """An absolute time on CLOCK_REALTIME, as a monotonic deadline: kept from the call's first run."""
    if not timeout:
        return blocking.NO_DEADLINE
    if task.wait is not None:
        return task.wait.deadline_ns
    return monotonic_deadline(task.kernel, CLOCK_REALTIME, read_timespec(task, timeout))


def _file(task: Task, mqdes: int) -> MqFile:
    file = task.files.get(mqdes)
    if not isinstance(file, MqFile):
        raise LinuxError(EBADF)
    return file


def _wait(task: Task, file: MqFile, queue: WaitQueue, deadline_ns: int) -> int:
    if file.flags & O_NONBLOCK:
        return -EAGAIN
    if blocking.is_past(task, deadline_ns):
        return -ETIMEDOUT
    return blocking.wait_on(task, queue, ALL_EVENTS, deadline_ns)


def sys_mq_notify(task: Task, mqdes: Fd, event: UserAddr) -> int:
    """Errors: EFAULT, EINVAL (kind, signal), EBADF (either descriptor), ENOTSOCK, EBUSY (another is registered)."""
    wanted: Notification | None = None
    if event:
        value, signo, kind, _ = SIGEVENT.unpack(task.user.read(event, SIGEVENT.size))
        if kind not in (SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD):
            return -EINVAL
        if kind == SIGEV_SIGNAL and not 0 <= signo <= NSIG:
            return -EINVAL
        wanted = Notification(task.process, kind, signo, value)
        if kind == SIGEV_THREAD:
            wanted.cookie = task.user.read(value, NOTIFY_COOKIE_LEN)
            socket = task.files.get(signo)
            if not isinstance(socket, Socket):
                return -ENOTSOCK
            if not isinstance(socket, NetlinkSocket):
                return -EINVAL
            wanted.socket = socket
    queue = _file(task, mqdes).queue
    current = queue.notification
    if wanted is None:
        if current is not None and current.process is task.process:
            queue.forget_notification()
        return 0
    if current is not None:
        return -EBUSY
    queue.notification = wanted
    return 0


def sys_mq_getsetattr(task: Task, mqdes: Fd, new: UserAddr, old: UserAddr) -> int:
    """Only O_NONBLOCK can be changed. Errors: EFAULT, EINVAL (another flag), EBADF."""
    flags = -1
    if new:
        flags = MQ_ATTR.unpack(task.user.read(new, MQ_ATTR.size))[0]
        if flags & ~O_NONBLOCK:
            return -EINVAL
    file = _file(task, mqdes)
    queue = file.queue
    if old:
        task.user.write(old, MQ_ATTR.pack(file.flags & O_NONBLOCK, queue.max_messages, queue.max_bytes, len(queue.messages)))
    if flags >= 0:
        file.flags = file.flags & ~O_NONBLOCK | flags
    return 0
