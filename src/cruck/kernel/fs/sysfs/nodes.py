# SPDX-License-Identifier: MPL-2.0
"""Nodes of a fixed tree: `FixedDirectory`, `FixedText`. The tree is built once, at mount, by `add_text`, `add_directory`, `add_link`.

Texts with contents that change are subclasses of TextNode put in with `add`.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.inode import DirectoryNode, LinkNode, PseudoFs, PseudoInode, TextNode
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

TEXT_SIZE: Final = 4096  # st_size of sysfs's attributes, whatever they hold


class TreeFs(PseudoFs):
    """A PseudoFs with one fixed tree."""

    next_number: int

    def __init__(self, kernel: "Kernel", name: bytes, dev: int) -> None:
        super().__init__(kernel, name, dev)
        self.caches_names = True
        self.next_number = 1

    def take_ino(self) -> int:
        ino = self.next_number
        self.next_number += 1
        return ino


class FixedDirectory(DirectoryNode):
    names: dict[bytes, PseudoInode]  # in the order they were added, which is the order of the listing
    up_ino: int

    def __init__(self, fs: TreeFs, up_ino: int) -> None:
        super().__init__(fs, fs.take_ino(), 0o755)
        self.tree = fs
        self.names = {}
        self.up_ino = up_ino if up_ino else self.ino

    def add(self, name: bytes, node: PseudoInode) -> None:
        self.names[name] = node

    def add_directory(self, path: bytes) -> "FixedDirectory":
        """The directory `path` below this one; makes what is missing of it."""
        directory = self
        for name in path.split(b"/"):
            found = directory.names.get(name)
            if found is None:
                found = FixedDirectory(self.tree, directory.ino)
                directory.names[name] = found
                directory.nlink += 1
            assert isinstance(found, FixedDirectory)
            directory = found
        return directory

    def add_text(self, name: bytes, text: bytes) -> None:
        """A read-only file; a newline is added."""
        self.names[name] = FixedText(self.tree, text + b"\n")

    def add_link(self, name: bytes, target: bytes) -> None:
        self.names[name] = LinkNode(self.tree, self.tree.take_ino(), target)

    def parent_ino(self) -> int:
        return self.up_ino

    def lookup(self, name: bytes) -> Inode | None:
        return self.names.get(name)

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        position = 3
        for name, node in self.names.items():
            if position > cookie:
                entries.append(DirEntry(name, node.ino, node.kind(), position))
            position += 1
        return entries


class AttributeNode(TextNode):
    def shown_size(self) -> int:
        return TEXT_SIZE


class FixedText(AttributeNode):
    text: bytes

    def __init__(self, fs: TreeFs, text: bytes) -> None:
        super().__init__(fs, fs.take_ino(), 0o444)
        self.text = text

    def render(self) -> bytes:
        return self.text
