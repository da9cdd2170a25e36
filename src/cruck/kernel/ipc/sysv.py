# SPDX-License-Identifier: MPL-2.0
"""What the three kinds of System V IPC share: keys, identifiers, owners and permission (Linux ipc/util.c).

`IpcObject` is a segment, set or queue; `IpcTable` holds the objects of one kind by index. An identifier is a sequence number and an
index, so that an old identifier does not name a new object. shm.py, sem.py and msg.py derive from both.
"""

from typing import Final

from cruck.abi.capability import CAP_IPC_OWNER, CAP_SYS_ADMIN
from cruck.abi.errno import EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM
from cruck.abi.ipc import IPC_CREAT, IPC_EXCL, IPC_PRIVATE
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import Credentials

INDEX_BITS: Final = 15
INDEX_MASK: Final = (1 << INDEX_BITS) - 1
MAX_SEQ: Final = 0xFFFF
MIN_CYCLE: Final = 64  # indices are not given again before so many others were


class IpcObject:
    key: int
    id: int
    uid: int
    gid: int
    creator_uid: int
    creator_gid: int
    mode: int  # permission bits, SHM_DEST and SHM_LOCKED
    seq: int
    changed_s: int  # *_ctime
    is_removed: bool  # whoever waited for it gets EIDRM

    def __init__(self, key: int, mode: int, creds: Credentials, now_s: int) -> None:
        self.key = key
        self.id = -1
        self.uid = self.creator_uid = creds.euid
        self.gid = self.creator_gid = creds.egid
        self.mode = mode & 0o777
        self.seq = 0
        self.changed_s = now_s
        self.is_removed = False

    def check(self, creds: Credentials, wanted: int) -> None:
        """Args: wanted: permission bits of any or all of the three classes. Errors: LinuxError(EACCES)."""
        requested = (wanted >> 6 | wanted >> 3 | wanted) & 7
        granted = self.mode
        if creds.euid in (self.creator_uid, self.uid):
            granted >>= 6
        elif _is_member(creds, self.creator_gid) or _is_member(creds, self.gid):
            granted >>= 3
        if requested & ~granted & 7 and not creds.has(CAP_IPC_OWNER):
            raise LinuxError(EACCES)

    def check_owner(self, creds: Credentials) -> None:
        """IPC_SET and IPC_RMID. Errors: LinuxError(EPERM)."""
        if creds.euid not in (self.creator_uid, self.uid) and not creds.has(CAP_SYS_ADMIN):
            raise LinuxError(EPERM)

    def set_owner(self, uid: int, gid: int, mode: int, now_s: int) -> None:
        """IPC_SET. Errors: LinuxError(EINVAL): no such user or group."""
        if uid == 0xFFFF_FFFF or gid == 0xFFFF_FFFF:
            raise LinuxError(EINVAL)
        self.uid, self.gid = uid, gid
        self.mode = self.mode & ~0o777 | mode & 0o777
        self.changed_s = now_s


class IpcTable:
    """The objects of one kind in an IPC namespace."""

    objects: dict[int, IpcObject]  # by index
    keys: dict[int, int]  # key → index; IPC_PRIVATE ones are not in it
    next_index: int
    last_index: int
    seq: int
    next_id: int  # kernel.*_next_id: the identifier the next object is to get, −1 any

    def __init__(self) -> None:
        self.objects = {}
        self.keys = {}
        self.next_index = 0
        self.last_index = -1
        self.seq = 0
        self.next_id = -1

    def find(self, identifier: int) -> IpcObject:
        """Errors: LinuxError(EINVAL)."""
        found = self.objects.get(identifier & INDEX_MASK) if identifier >= 0 else None
        if found is None or found.id != identifier:
            raise LinuxError(EINVAL)
        return found

    def at_index(self, index: int) -> IpcObject:
        """SHM_STAT and kin. Errors: LinuxError(EINVAL)."""
        found = self.objects.get(index & INDEX_MASK) if index >= 0 else None
        if found is None:
            raise LinuxError(EINVAL)
        return found

    def by_key(self, key: int, flags: int) -> IpcObject | None:
        """The existing object that *get() means; None: a new one is to be made. Errors: LinuxError(EEXIST, ENOENT)."""
        if key == IPC_PRIVATE:
            return None
        index = self.keys.get(key, -1)
        if index < 0:
            if not flags & IPC_CREAT:
                raise LinuxError(ENOENT)
            return None
        if flags & IPC_CREAT and flags & IPC_EXCL:
            raise LinuxError(EEXIST)
        return self.objects[index]

    def add(self, obj: IpcObject, limit: int) -> int:
        """Gives it an identifier, which is returned. Errors: LinuxError(ENOSPC): `limit` objects exist."""
        if len(self.objects) >= limit:
            raise LinuxError(ENOSPC)
        if self.next_id >= 0:
            index = self._free_index(self.next_id & INDEX_MASK, limit)
            obj.seq = self.next_id >> INDEX_BITS
            self.next_id = -1
        else:
            cycle = min(max(len(self.objects) * 3 // 2, MIN_CYCLE), limit)
            index = self._free_index(self.next_index if self.next_index < cycle else 0, limit)
            if index <= self.last_index:
                self.seq = (self.seq + 1) & MAX_SEQ
            self.last_index = index
            self.next_index = index + 1
            obj.seq = self.seq
        obj.id = obj.seq << INDEX_BITS | index
        self.objects[index] = obj
        if obj.key != IPC_PRIVATE:
            self.keys[obj.key] = index
        return obj.id

    def _free_index(self, start: int, limit: int) -> int:
        index = start
        while index in self.objects:
            index = index + 1 if index + 1 < limit else 0
        return index

    def remove(self, obj: IpcObject) -> None:
        """Identifier and key are free again. Waking whoever waits is the caller's."""
        self.forget_key(obj)
        self.objects.pop(obj.id & INDEX_MASK, None)
        obj.is_removed = True

    def forget_key(self, obj: IpcObject) -> None:
        """A segment that goes when nobody uses it any more cannot be found by its key."""
        if obj.key != IPC_PRIVATE and self.keys.get(obj.key, -1) == obj.id & INDEX_MASK:
            del self.keys[obj.key]
        obj.key = IPC_PRIVATE

    def max_index(self) -> int:
        """What IPC_INFO answers: the highest index in use, 0 if none is."""
        return max(self.objects) if self.objects else 0

    def in_order(self) -> list[IpcObject]:
        return [self.objects[index] for index in sorted(self.objects)]


def _is_member(creds: Credentials, gid: int) -> bool:
    return gid == creds.egid or gid in creds.groups
