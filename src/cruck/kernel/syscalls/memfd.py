# SPDX-License-Identifier: MPL-2.0
"""memfd_create(2) (Linux mm/memfd.c): a file of tmpfs that never had a name."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENODEV
from cruck.abi.fcntl import O_LARGEFILE, O_RDWR
from cruck.abi.mman import MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_HUGE_MASK, MFD_HUGE_SHIFT, MFD_HUGETLB
from cruck.abi.stat import S_IFREG
from cruck.kernel.fs.tmpfs.regular import TmpRegular
from cruck.kernel.fs.tmpfs.shmem import shmem_fs, shmem_mount
from cruck.kernel.syscalls.types import CUInt, UserString
from cruck.kernel.vfs.dentry import Dentry, Path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.open import attach

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

MAX_NAME: Final = 249  # NAME_MAX without "memfd:"
RLIMIT_NOFILE: Final = 7


def sys_memfd_create(task: "Task", name: UserString, flags: CUInt) -> int:
    """Errors: EINVAL (unknown flags; a longer name than 249 bytes), ENODEV (MFD_HUGETLB: no size of huge pages is offered), EFAULT, EMFILE."""
    if flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | (MFD_HUGETLB | MFD_HUGE_MASK << MFD_HUGE_SHIFT if flags & MFD_HUGETLB else 0)):
        return -EINVAL
    text = task.user.read_cstring(name, MAX_NAME + 1)
    if text is None:
        return -EINVAL
    limit = task.process.rlimit(RLIMIT_NOFILE)
    task.files.reserve_check(1, limit)
    if flags & MFD_HUGETLB:
        return -ENODEV
    creds = task.creds
    file = make_memory_file(task.kernel, b"memfd:" + text, creds.fsuid, creds.fsgid, bool(flags & MFD_ALLOW_SEALING))
    return task.files.install(file, limit, bool(flags & MFD_CLOEXEC))


def make_memory_file(kernel: "Kernel", name: bytes, uid: int, gid: int, can_seal: bool) -> File:
    """A new open file of size 0, readable and writable. Errors: LinuxError(ENOSPC)."""
    mount = shmem_mount(kernel)
    fs = shmem_fs(kernel)
    inode = fs.new_inode(S_IFREG | 0o777, uid, gid, 0)
    assert isinstance(inode, TmpRegular)
    if can_seal:
        inode.seals = 0
    dentry = Dentry(mount.root, name, inode)
    dentry.is_unlinked = True
    place = Path(mount, dentry)
    return attach(inode.open(place, O_RDWR | O_LARGEFILE), place)
