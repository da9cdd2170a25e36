# SPDX-License-Identifier: MPL-2.0
"""FileSystemType: what mount(2) and boot know a kind of file system by. One object per kind, listed in boot.py."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EINVAL, ENODEV
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.inode import FileSystem


class FileSystemType:
    name: bytes  # third argument of mount(2), /proc/filesystems
    is_for_user_namespaces: bool  # may be mounted by the root of one (FS_USERNS_MOUNT)
    is_nodev: bool  # "nodev" in /proc/filesystems: needs no block device

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.is_nodev = True
        self.is_for_user_namespaces = False

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        """A new instance. `options` is mount(2)'s data: b"size=1m,mode=700".
        Errors: LinuxError(EINVAL: bad option; ENODEV: not by mount(2))."""
        raise LinuxError(ENODEV)


def split_options(options: bytes) -> list[tuple[bytes, bytes | None]]:
    """b"size=1m,noswap" → [(b"size", b"1m"), (b"noswap", None)]."""
    result: list[tuple[bytes, bytes | None]] = []
    for part in options.split(b","):
        if not part:
            continue
        key, equals, value = part.partition(b"=")
        result.append((key, value if equals else None))
    return result


def parse_number(value: bytes | None, base: int) -> int:
    """A mount option's number ≥ 0. Errors: LinuxError(EINVAL)."""
    if value is None or not value.isdigit() or len(value) > 20:
        raise LinuxError(EINVAL)
    try:
        return int(value, base)
    except ValueError:
        raise LinuxError(EINVAL) from None


def parse_size(value: bytes | None) -> int:
    """A number with an optional suffix k, m, g (memparse). Errors: LinuxError(EINVAL)."""
    if not value:
        raise LinuxError(EINVAL)
    shift = b"kmgtpe".find(value[-1:].lower())
    if shift >= 0:
        return parse_number(value[:-1], 10) << 10 * (shift + 1)
    return parse_number(value, 10)
