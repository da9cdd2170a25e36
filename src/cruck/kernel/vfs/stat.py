# SPDX-License-Identifier: MPL-2.0
"""Stat: what an inode says of itself, in Linux's terms. Times in ns since the epoch, sizes in bytes, blocks of 512
bytes."""


class Stat:
    dev: int
    ino: int
    mode: int
    nlink: int
    uid: int
    gid: int
    rdev: int
    size: int
    blksize: int
    blocks: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    btime_ns: int

    def __init__(self) -> None:
        self.dev = self.ino = self.mode = self.uid = self.gid = self.rdev = self.size = self.blocks = 0
        self.nlink = 1
        self.blksize = 4096
        self.atime_ns = self.mtime_ns = self.ctime_ns = self.btime_ns = 0
