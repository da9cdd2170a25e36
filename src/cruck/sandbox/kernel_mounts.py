# SPDX-License-Identifier: MPL-2.0
"""/proc, /sys and /dev: the file systems every world has."""

from cruck.kernel.fs.devpts import DevPtsFs
from cruck.kernel.fs.devtmpfs import TTY_GID, DevTmpFs
from cruck.kernel.fs.procfs.fs import ProcFs
from cruck.kernel.fs.sysfs.cgroup2 import Cgroup2Fs
from cruck.kernel.fs.sysfs.fs import SysFs
from cruck.sandbox.mounter import MS_NODEV, MS_NOEXEC, MS_NOSUID, Mounter

MS_RDONLY = 1
PSEUDO_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC


def mount_kernel_file_systems(mounter: Mounter) -> None:
    """Errors: ConfigError (a --rootfs without these directories that is read-only)."""
    kernel = mounter.kernel
    mounter.mount(ProcFs(kernel, kernel.next_anon_dev()), "/proc", PSEUDO_FLAGS, b"proc")
    mounter.mount(SysFs(kernel, kernel.next_anon_dev()), "/sys", PSEUDO_FLAGS | MS_RDONLY, b"sysfs")
    mounter.mount(Cgroup2Fs(kernel, kernel.next_anon_dev()), "/sys/fs/cgroup", PSEUDO_FLAGS | MS_RDONLY, b"cgroup2")
    mounter.mount(DevTmpFs(kernel, kernel.next_anon_dev(), mounter.config.uid), "/dev", MS_NOSUID | MS_NOEXEC, b"devtmpfs")
    mounter.mount(DevPtsFs(kernel, kernel.next_anon_dev(), TTY_GID, 0o620), "/dev/pts", MS_NOSUID | MS_NOEXEC, b"devpts")
    mounter.mount(mounter.tmpfs(b"mode=1777"), "/dev/shm", MS_NOSUID | MS_NODEV, b"tmpfs")
