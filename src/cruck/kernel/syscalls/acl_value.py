# SPDX-License-Identifier: MPL-2.0
"""Access control lists as values of the extended attributes system.posix_acl_access and system.posix_acl_default: a version, then
8 bytes an entry (include/uapi/linux/posix_acl_xattr.h)."""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, EOPNOTSUPP
from cruck.abi.xattr import XATTR_NAME_POSIX_ACL_ACCESS, XATTR_NAME_POSIX_ACL_DEFAULT
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.vfs.acl import GROUP, NO_ID, USER, Acl, Entry, is_valid

NAMES: Final = (XATTR_NAME_POSIX_ACL_ACCESS, XATTR_NAME_POSIX_ACL_DEFAULT)
VERSION: Final = 2
UNDEFINED_ID: Final = 0xFFFF_FFFF
_ENTRY: Final = struct.Struct("<HHI")


def parse(creds: Credentials, value: bytes) -> Acl | None:
    """None: an empty list. Errors: LinuxError(EOPNOTSUPP: version; EINVAL)."""
    if not value:
        return None
    if len(value) < 4 or (len(value) - 4) % _ENTRY.size:
        raise LinuxError(EINVAL)
    if int.from_bytes(value[:4], "little") != VERSION:
        raise LinuxError(EOPNOTSUPP)
    entries: list[Entry] = []
    for at in range(4, len(value), _ENTRY.size):
        tag, bits, number = _ENTRY.unpack_from(value, at)
        if tag == USER:
            number = creds.kernel_uid(number)
        elif tag == GROUP:
            number = creds.kernel_gid(number)
        else:
            number = NO_ID
        if tag in (USER, GROUP) and number < 0:
            raise LinuxError(EINVAL)
        entries.append(Entry(tag, bits, number))
    if not entries:
        return None
    acl = tuple(entries)
    if not is_valid(acl):
        raise LinuxError(EINVAL)
    return acl


def pack(creds: Credentials, acl: Acl) -> bytes:
    parts = [VERSION.to_bytes(4, "little")]
    for entry in acl:
        number = UNDEFINED_ID
        if entry.tag == USER:
            number = creds.shown_uid(entry.number)
        elif entry.tag == GROUP:
            number = creds.shown_gid(entry.number)
        parts.append(_ENTRY.pack(entry.tag, entry.bits, number))
    return b"".join(parts)
