# SPDX-License-Identifier: MPL-2.0
"""An /etc that works: what everybody may read of the host's, with the files that must be true of the run written over
it."""

import binascii
import os
import pwd

from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.fs.overlay.whiteout import detached_path
from cruck.kernel.vfs.inode import Inode
from cruck.sandbox.config import RunConfig

O_WRONLY = 1
S_IFREG = 0o100000
MAX_BYTES = 1 << 20

NSSWITCH = b"""\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
ethers: files
rpc: files
"""
NO_NAME_SERVER = b"# cruck: no network leaves this sandbox, so there is no name server.\n"
NAME_SERVER = b"nameserver 10.0.2.3\n"


def write_etc(etc: Inode, host: HostDirectory | None, config: RunConfig, home: str, hostname: bytes) -> None:
    """Writes the files into the directory inode `etc`. `host`: the host's /etc, to start passwd and group from."""
    for name, data in generated(host, config, home, hostname).items():
        put_file(etc, name, data)
    # Libraries that it names may not exist in here.
    put_absent(etc, b"ld.so.preload")
    put_absent(etc, b"mtab")
    etc.symlink(b"mtab", b"../proc/self/mounts", 0, 0)


def generated(host: HostDirectory | None, config: RunConfig, home: str, hostname: bytes) -> dict[bytes, bytes]:
    return {
        b"passwd": _with_user(read_file(host, b"passwd") or b"root:x:0:0:root:/root:/bin/sh\n", config, home),
        b"group": _with_group(read_file(host, b"group") or b"root:x:0:\n", config),
        b"hosts": hosts(hostname, config),
        b"hostname": hostname + b"\n",
        b"resolv.conf": resolv_conf(config),
        b"nsswitch.conf": NSSWITCH,
        # Of the run, not of the host: programs use it as an identity. (hashlib would cost each start milliseconds.)
        b"machine-id": b"".join(b"%08x" % binascii.crc32(b"cruck %d " % part + hostname) for part in range(4)) + b"\n",
    }


def hosts(hostname: bytes, config: RunConfig) -> bytes:
    """host.internal: the host's loopback, if a rule allows it."""
    lines = b"127.0.0.1\tlocalhost\n127.0.1.1\t" + hostname + b"\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    return lines + b"10.0.2.2\thost.internal\n" if config.network_mode() == "proxy" else lines


def resolv_conf(config: RunConfig) -> bytes:
    return NAME_SERVER if config.network_mode() == "proxy" else NO_NAME_SERVER


def user_name(config: RunConfig) -> str:
    try:
        return pwd.getpwuid(config.uid).pw_name
    except KeyError:
        return "root" if config.uid == 0 else f"user{config.uid}"


def _with_user(passwd: bytes, config: RunConfig, home: str) -> bytes:
    """The user's entry has the home of the run, if need be with a line of its own."""
    uid = b"%d" % config.uid
    lines = passwd.split(b"\n")
    for index, line in enumerate(lines):
        fields = line.split(b":")
        if len(fields) == 7 and fields[2] == uid:
            fields[5] = os.fsencode(home)
            lines[index] = b":".join(fields)
            return b"\n".join(lines)
    entry = f"{user_name(config)}:x:{config.uid}:{config.gid}::{home}:/bin/sh\n"
    return passwd.rstrip(b"\n") + b"\n" + os.fsencode(entry)


def _with_group(group: bytes, config: RunConfig) -> bytes:
    gid = b"%d" % config.gid
    for line in group.split(b"\n"):
        fields = line.split(b":")
        if len(fields) == 4 and fields[2] == gid:
            return group
    return group.rstrip(b"\n") + b"\n" + os.fsencode(f"{user_name(config)}:x:{config.gid}:\n")


def read_file(host: HostDirectory | None, name: bytes) -> bytes | None:
    if host is None:
        return None
    file = host.open(name, os.O_RDONLY)
    if isinstance(file, int):
        return None
    data = file.pread(MAX_BYTES, 0)
    file.close()
    return None if isinstance(data, int) else data


def put_absent(directory: Inode, name: bytes) -> None:
    found = directory.lookup(name)
    if found is not None and not found.is_dir():
        directory.unlink(name, found)


def put_file(directory: Inode, name: bytes, data: bytes) -> None:
    """Errors: LinuxError."""
    put_absent(directory, name)
    inode = directory.create(name, S_IFREG | 0o644, 0, 0)
    file = inode.open(detached_path(inode), O_WRONLY).get()
    file.write(BytesReader(data), 0)
    file.put()
