# SPDX-License-Identifier: MPL-2.0
"""A file system as a user may write one: a directory with one file that counts how often it was read. Uses nothing but the public API."""

from cruck.framework.mm.user_memory import VmWriter
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import S_IFDIR, S_IFREG, FileSystem, Inode
from cruck.kernel.vfs.stat import Stat


class GreetingFs(FileSystem):
    def __init__(self, dev: int, text: bytes) -> None:
        super().__init__(b"greeting", dev)
        self.text = text
        self.nr_reads = 0
        self.root = Node(self, 1, S_IFDIR | 0o755)
        self.file = Node(self, 2, S_IFREG | 0o444)

    def contents(self) -> bytes:
        return b"%s, reader %d\n" % (self.text, self.nr_reads)


class Node(Inode):
    def __init__(self, fs: GreetingFs, ino: int, mode: int) -> None:
        super().__init__(fs, ino, mode, 0, 0)
        self.greeting = fs

    def stat(self) -> Stat:
        stat = Stat()
        stat.dev, stat.ino, stat.mode, stat.nlink, stat.blksize = self.fs.dev, self.ino, self.mode, self.nlink, 4096
        stat.size = 0 if self.is_dir() else len(self.greeting.contents())
        return stat

    def lookup(self, name: bytes) -> Inode | None:
        return self.greeting.file if name == b"hello" else None

    def open(self, path: Path, flags: int) -> File:
        return Listing(self, flags) if self.is_dir() else Greeting(self, flags)


class Listing(File):
    def __init__(self, node: Node, flags: int) -> None:
        super().__init__(flags)
        self.node = node
        self.is_seekable = True

    def inode(self) -> Inode | None:
        return self.node

    def stat(self) -> Stat:
        return self.node.stat()

    def readdir(self, cookie: int) -> list[DirEntry]:
        entries = [DirEntry(b".", 1, 4, 1), DirEntry(b"..", 1, 4, 2), DirEntry(b"hello", 2, 8, 3)]
        return entries[cookie:]


class Greeting(File):
    def __init__(self, node: Node, flags: int) -> None:
        super().__init__(flags)
        node.greeting.nr_reads += 1
        self.node = node
        self.is_seekable = True

    def inode(self) -> Inode | None:
        return self.node

    def stat(self) -> Stat:
        return self.node.stat()

    def read(self, out: VmWriter, offset: int) -> int:
        part = self.node.greeting.contents()[offset : offset + out.remaining]
        return out.write(part)
