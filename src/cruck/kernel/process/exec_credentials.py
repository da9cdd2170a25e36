# SPDX-License-Identifier: MPL-2.0
"""What execve makes of credentials: set-user-ID, set-group-ID and the capability transformation.

Sources: capabilities(7) "Transformation of capabilities during execve()"; security/commoncap.c cap_bprm_creds_from_file().
File capabilities (the security.capability attribute) are not looked at.
"""

from typing import Final

from cruck.abi.mount import MS_NOSUID
from cruck.abi.stat import S_ISGID, S_ISUID, S_IXGRP
from cruck.kernel.process.credentials import ALL_CAPABILITIES, Credentials
from cruck.kernel.vfs.dentry import Path

SECBIT_NOROOT: Final = 1
SECBIT_KEEP_CAPS: Final = 1 << 4


def after_exec(old: Credentials, path: Path) -> tuple[Credentials, bool]:
    """(credentials of the new program, AT_SECURE) when `path` is executed by `old`."""
    inode = path.inode()
    new = old.copy()
    if not path.mount.flags & MS_NOSUID and not old.no_new_privs:
        if inode.mode & S_ISUID and old.knows(inode.uid, inode.gid):
            new.euid = inode.uid
        if inode.mode & S_ISGID and inode.mode & S_IXGRP and old.knows(inode.uid, inode.gid):
            new.egid = inode.gid
    is_setid = new.euid != old.uid or new.egid != old.gid
    is_changed = new.euid != old.euid or new.egid != old.egid
    ambient = 0 if is_changed else old.cap_ambient
    file_permitted = file_inheritable = 0
    is_effective = False
    if not old.securebits & SECBIT_NOROOT:
        root = old.kernel_uid(0)
        if root in (new.euid, new.uid):
            file_permitted = file_inheritable = ALL_CAPABILITIES
        is_effective = new.euid == root
    permitted = (old.cap_inheritable & file_inheritable) | (old.cap_bounding & file_permitted) | ambient
    if (is_setid or permitted & ~old.cap_permitted) and old.no_new_privs:
        # No more than it had, maybe less.
        new.euid, new.egid = new.uid, new.gid
        permitted &= old.cap_permitted
    new.suid = new.fsuid = new.euid
    new.sgid = new.fsgid = new.egid
    new.cap_permitted = permitted
    new.cap_effective = permitted if is_effective else ambient & permitted
    new.cap_ambient = ambient
    new.securebits = old.securebits & ~SECBIT_KEEP_CAPS
    return new, is_setid
