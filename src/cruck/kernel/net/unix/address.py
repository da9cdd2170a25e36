# SPDX-License-Identifier: MPL-2.0
"""Names of AF_UNIX sockets (unix(7), "Address format"): pathnames, abstract names, no name.

A name is kept as Linux shows it after the family: b"" for none, b"\\0name" for an abstract one, b"/path\\0" for a pathname.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EADDRINUSE, ECONNREFUSED, EEXIST, EINVAL
from cruck.abi.stat import S_IFMT, S_IFSOCK
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs import names
from cruck.kernel.vfs.permission import MAY_WRITE, check_path_access
from cruck.kernel.vfs.walk import resolve, resolve_parent

if TYPE_CHECKING:
    from cruck.kernel.net.unix.socket import UnixSocket
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.inode import Inode

AF_UNIX: Final = 1
AT_FDCWD: Final = -100
SOCKADDR_UN_SIZE: Final = 110


def parse(address: bytes) -> bytes:
    """The name in a sockaddr_un; b"" for a family without a name (autobind). A pathname ends with its NUL.
    Errors: LinuxError(EINVAL): too short or long, another family."""
    if not 2 <= len(address) <= SOCKADDR_UN_SIZE or int.from_bytes(address[:2], "little") != AF_UNIX:
        raise LinuxError(EINVAL)
    path = address[2:]
    if path == b"" or path[0] == 0:
        return path
    end = path.find(b"\0")
    return (path if end < 0 else path[:end]) + b"\0"


def sockaddr(name: bytes) -> bytes:
    return b"\x01\x00" + name


def is_pathname(name: bytes) -> bool:
    return name != b"" and name[0] != 0


def find_socket(task: "Task", name: bytes) -> "UnixSocket":
    """The socket bound to the pathname. Errors: LinuxError(ECONNREFUSED): not a socket, or nobody is there any more; EACCES; those of
    the path walk."""
    place = resolve(task, AT_FDCWD, name[:-1])
    check_path_access(task.creds, place, MAY_WRITE)
    inode = place.inode()
    if inode.mode & S_IFMT != S_IFSOCK or inode.socket is None:
        raise LinuxError(ECONNREFUSED)
    return inode.socket


def make_name(task: "Task", name: bytes, mode: int) -> "Inode":
    """Makes the inode of a pathname. Errors: LinuxError(EADDRINUSE) and those of mknod(2)."""
    directory, last, has_slash = resolve_parent(task, AT_FDCWD, name[:-1])
    try:
        return names.create_node(task, directory, last, S_IFSOCK | mode & 0o7777, 0, has_slash).inode()
    except LinuxError as error:
        raise LinuxError(EADDRINUSE if error.errno == EEXIST else error.errno) from error
