# SPDX-License-Identifier: MPL-2.0
"""The instance of tmpfs nobody sees (Linux: shm_mnt): memfd files and System V segments live in it."""

from typing import TYPE_CHECKING

from cruck.kernel.fs.tmpfs import TmpFs
from cruck.kernel.vfs.dentry import Dentry, Mount

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel


def shmem_mount(kernel: "Kernel") -> Mount:
    mount = kernel.anon.shmem_mount
    if mount is None:
        fs = TmpFs(kernel, kernel.next_anon_dev())
        mount = Mount(fs, Dentry(None, b"", fs.root), None, None, 0, b"tmpfs", 1)
        kernel.anon.shmem_mount = mount
    return mount


def shmem_fs(kernel: "Kernel") -> TmpFs:
    fs = shmem_mount(kernel).fs
    assert isinstance(fs, TmpFs)
    return fs
