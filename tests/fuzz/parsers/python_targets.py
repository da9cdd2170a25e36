# SPDX-License-Identifier: MPL-2.0
"""Parsers of bytes in the framework's Python, each as a function that takes any bytes and asserts what must hold for all.

python python_targets.py TARGET [libFuzzer's arguments]      coverage-guided, with atheris
python python_targets.py --replay [FILE …]                   every target's seeds, and files named TARGET-…, without it
"""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable

try:
    import atheris
except ImportError:
    atheris = None
instrumented = (
    atheris.instrument_imports(include=["cruck.framework"]) if atheris and "--replay" not in sys.argv else contextlib.nullcontext()
)
with instrumented:
    from cruck.framework import host_info, vdso_image
    from cruck.framework.hardware import PROT_READ, PROT_WRITE
    from cruck.framework.io import egress_policy
    from cruck.framework.io.host_directory import HostDirectory
    from cruck.framework.io.host_tree_file import HostTreeFile
    from cruck.framework.mm.user_memory import FaultResolver, UserFault, UserMemory, UserReader, UserWriter
    from cruck.testing.fake_machine import FakeMachine, FakeSegment, FakeSpace

BASE = 0x10000
NR_PAGES = 8
VDSO_BASE = 0x7FF0_0010_0000
PATTERN = bytes(index * 7 & 255 for index in range(251)) * 50


class Bytes:
    """The input, eaten from its front; zeros when it is used up."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def word(self) -> int:
        return self.byte() | self.byte() << 8

    def is_left(self) -> bool:
        return self.at < len(self.data)

    def rest(self) -> bytes:
        return self.data[self.at :]


def vdso(data: bytes) -> None:
    for name, address in vdso_image.symbols(data, VDSO_BASE).items():
        assert type(name) is str and "\0" not in name[:-1] and 0 <= address < 1 << 64


def cpuinfo(data: bytes) -> None:
    model = host_info.parse_cpuinfo(data.decode("ascii", "replace"))
    assert set(model) <= set(host_info._MODEL_KEYS) and all("\n" not in value for value in model.values())
    host_info.HostInfo(model, 1, 1, 0, 0).has_flag("avx2")


def auxv(data: bytes) -> None:
    assert all(0 <= word < 1 << 64 for word in host_info.parse_auxv(data))


def egress(data: bytes) -> None:
    """allow rules, a newline between them; after an empty line deny rules; after another destinations to decide on."""
    parts = data.decode("utf-8", "surrogateescape").split("\n\n")
    allow, deny, asked = ([line for line in part.split("\n") if line] for part in (parts + ["", "", ""])[:3])
    try:
        policy = egress_policy.EgressPolicy(allow, deny)
    except ValueError as error:
        assert str(error)
        return
    assert len(policy._allow) == len(allow)
    for text in asked:
        host, _, port = text.partition(":")
        if text.startswith("["):
            host, _, port = text[1:].partition("]:")
        try:
            address = egress_policy.parse_address(host)
            assert egress_policy.parse_address(egress_policy.format_address(address)) == address
        except ValueError:
            name = egress_policy.normal_name(host)
            decision = policy.decide_name(name)
            if decision.is_allowed:
                assert any(rule.has_name(name) for rule in policy._allow)
                policy._pin(name, (0x7F000001, 0x08080808))
            continue
        number = int(port) if port.isdecimal() and port.isascii() and len(port) < 6 else 80
        decision = policy.decide(address, number)
        assert decision.rule and (not decision.is_allowed or not decision.advice)
        if decision.is_allowed:
            names = policy._names.get(address, [])
            matches = [rule for rule in policy._allow if rule.has_address(address) or any(rule.has_name(name) for name in names)]
            assert any(rule.has_port(number) for rule in matches)
            if any(rule.has_address(address) for rule in policy._special):
                assert any(rule.has_address(address) for rule in matches)
        assert policy.decide(address, number).is_allowed == decision.is_allowed


class Resolver(FaultResolver):
    """Pages that are absent are brought if their bit is set, readable ones made writable if another is."""

    def __init__(self, space: FakeSpace, bits: int) -> None:
        self.space = space
        self.bits = bits
        self.nr_calls = 0

    def resolve_fault(self, addr: int, access: int) -> bool:
        self.nr_calls += 1
        assert self.nr_calls < 10_000, "it does not end"
        page = (addr - BASE) // 4096
        if not 0 <= page < NR_PAGES:
            return False
        present = self.space.lookup(addr)
        if not self.bits >> page & 1 or present & access:
            return bool(present & access)
        if not present:
            return self.space.map_anon(addr & ~4095, 4096, PROT_READ | PROT_WRITE) == 0
        return self.space.protect(addr & ~4095, 4096, PROT_READ | PROT_WRITE) == 0


def cursors(data: bytes) -> None:
    """UserReader and UserWriter over ranges a guest chose: what they take and leave is a prefix of the ranges' bytes, in order."""
    source = Bytes(data)
    machine = FakeMachine(64)
    space, segment = machine.new_space(), machine.new_segment()
    assert isinstance(space, FakeSpace) and isinstance(segment, FakeSegment)
    present, writable, bits = source.byte(), source.byte(), source.byte()
    for page in range(NR_PAGES):
        if present >> page & 1:
            space.map_anon(BASE + page * 4096, 4096, PROT_READ | PROT_WRITE)
            space.write(BASE + page * 4096, PATTERN[page : page + 4096])
            if not writable >> page & 1:
                space.protect(BASE + page * 4096, 4096, PROT_READ)
    memory = UserMemory(space, Resolver(space, bits), 0x7FF0_0000_0000)
    ranges: list[tuple[int, int]] = []
    for _ in range(source.byte() % 5):
        kind = source.byte()
        addr = (BASE + source.word() % (NR_PAGES * 4096), 0x7FF0_0000_0000 - source.word(), (1 << 64) - 1, 0)[kind % 4 if kind > 250 else 0]
        ranges.append((addr, source.word() % 9000))
    total = sum(length for _, length in ranges)
    is_writer = source.byte() & 1
    cursor = UserWriter(memory, ranges) if is_writer else UserReader(memory, ranges)
    assert cursor.remaining == total
    moved = bytearray()
    for _ in range(8):
        length = source.word() % 12_000
        before = cursor.remaining
        how = source.byte() % 4
        try:
            if isinstance(cursor, UserReader):
                if how == 0:
                    count = cursor.read_to_segment(segment, 100, length)
                    moved += segment.read(100, max(count, 0))
                else:
                    moved += (part := cursor.read(length))
                    count = len(part)
            else:
                content = PATTERN[len(moved) % 199 :][:length]
                if how == 0:
                    segment.write(0, content)
                    count = cursor.write_from_segment(segment, 0, length)
                elif how == 1:
                    content = bytes(length)
                    count = cursor.write_zeros(length)
                else:
                    count = cursor.write(content)
                moved += content[: max(count, 0)]
        except UserFault:
            assert cursor.is_faulted and cursor.remaining == before
            break
        assert 0 <= count <= min(length, before) and before - cursor.remaining == count
        assert count == min(length, before) or cursor.is_faulted
        if cursor.is_faulted:
            break
    ordered = sorted(ranges)
    if all(first[0] + first[1] <= second[0] for first, second in zip(ordered, ordered[1:], strict=False)):  # else they overwrite each other
        for addr, length in ranges:
            part, moved = moved[:length], moved[length:]
            assert space.read(addr, len(part)) == part


class Tree:
    """A directory that is shared, beside one that is not; links lead out of the first in every way."""

    def __init__(self) -> None:
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="cruck-fuzz-"))
        self.root = os.path.join(self.top, "shared")
        os.makedirs(os.path.join(self.root, "d", "e"))
        os.makedirs(os.path.join(self.top, "outside"))
        for name in ("outside/secret", "shared/f", "shared/d/f", "shared/d/e/.f"):
            with open(os.path.join(self.top, name), "w") as file:
                file.write(name)
        os.mkfifo(os.path.join(self.root, "fifo"))
        for name, target in (
            ("up", ".."),
            ("out", "../outside"),
            ("abs", self.top + "/outside"),
            ("self", "."),
            ("loop", "loop"),
            ("d/up", "../.."),
        ):
            os.symlink(target, os.path.join(self.root, name))
        self.host = HostDirectory(self.root, True)
        self.inside = {
            self.identity(os.path.join(where, name)) for where, names, files in os.walk(self.root) for name in (*names, *files, "")
        }
        self.outside = {self.identity(os.path.join(self.top, name)) for name in ("", "outside", "outside/secret")}

    def identity(self, path: str) -> tuple[int, int]:
        st = os.lstat(path)
        return st.st_dev, st.st_ino

    def remove(self) -> None:
        self.host.close()
        shutil.rmtree(self.top)


trees: list[Tree] = []


def host_paths(data: bytes) -> None:
    if not trees:
        trees.append(Tree())
    tree = trees[0]
    kind, path = (data[0], data[1:]) if data else (0, b"")
    found = tree.host.stat(path)
    if isinstance(found, tuple):
        assert (found[12], found[4]) in tree.inside and b".." not in path.split(b"/")
    else:
        assert found < 0
    entries = tree.host.list_entries(path)
    if isinstance(entries, list):
        assert {
            (st.st_dev, st.st_ino) for st in (os.lstat(os.path.join(tree.root.encode(), path, name)) for name, _, _ in entries)
        } <= tree.inside
    for access in (os.O_RDONLY, os.O_RDWR, kind << 8):
        file = tree.host.open(path, access)
        if isinstance(file, HostTreeFile):
            assert file.identity() in tree.inside and access in (os.O_RDONLY, os.O_RDWR)
            found = file.stat()
            assert isinstance(found, tuple) and stat.S_ISREG(found[0])
            file.close()
        else:
            assert file < 0
    link = tree.host.readlink(path)
    assert isinstance(link, bytes) or link < 0
    new = path + b"/new" if kind & 1 else path
    made = tree.host.create(new, 0o600) if kind & 2 else tree.host.mkdir(new, 0o700) if kind & 4 else tree.host.symlink(new, b"..")
    if isinstance(made, HostTreeFile) or made == 0:
        assert tree.identity(os.path.join(os.fsencode(tree.root), new).decode("utf-8", "surrogateescape")) not in tree.outside
        if isinstance(made, HostTreeFile):
            made.close()
        assert tree.host.rmdir(new) == 0 if kind & 4 and not kind & 2 else tree.host.unlink(new) == 0
    tree.host.forget(path)
    assert len(os.listdir(os.path.join(tree.top, "outside"))) == 1 and len(os.listdir(tree.top)) == 2


def elf(nr_symbols: int) -> bytes:
    """A shared object as a linker lays it out, with as many functions."""
    import struct

    names = b"".join(b"\0__vdso_f%d" % index for index in range(nr_symbols)) + b"\0"
    table_at, dynamic_at = 64 + 2 * 56, 64 + 2 * 56 + 24 * nr_symbols + len(names)
    header = bytes.fromhex("7f454c460201010000000000000000000300 3e0001000000".replace(" ", "")) + struct.pack("<QQQ", 0, 64, 0)
    header += struct.pack("<IHHHHHH", 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, dynamic_at + 48, dynamic_at + 48, 4096)
    dynamic = struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, dynamic_at, dynamic_at, 48, 48, 8)
    table = b"".join(struct.pack("<IBBHQQ", 1 + 10 * index, 0x12, 0, 1, 0x500 + index, 16) for index in range(nr_symbols))
    entries = struct.pack("<QQQQQQ", 6, table_at, 5, table_at + 24 * nr_symbols, 0, 0)
    return header + load + dynamic + table + names + entries


def read_host(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(8192)
    except OSError:
        return b""


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "vdso": (vdso, [elf(3), elf(12), vdso_image.load()]),
    "cpuinfo": (cpuinfo, [read_host("/proc/cpuinfo")]),
    "auxv": (auxv, [read_host("/proc/self/auxv")]),
    "egress": (egress, [
        b"1.2.3.4\n10.0.0.0/8:80\n*.example.com:8000-8010\n\n10.1.0.0/16\nevil.org\n\n1.2.3.4:80\nwww.example.com\n10.2.3.4:80\n8.8.8.8:8001\n127.0.0.1",
        b"localhost:5432\n0.0.0.0/0\n\n\n127.0.0.1:5432\n169.254.169.254:80\n1.1.1.1:53\n10.0.0.1",
    ]),
    "cursors": (cursors, [bytes((0xFF, 0xFF, 0, 2, 0, 16, 0, 0, 32, 0, 0, 32, 16, kind) + (0, 16, how) * 8) for kind in (0, 1) for how in range(4)]),
    "host_paths": (host_paths, [bytes([kind]) + path for kind in range(6) for path in (
        b"", b"f", b"d/f", b"d/e/.f", b"..", b"up/outside/secret", b"out/secret", b"abs/secret", b"self/f", b"loop", b"d/up", b"fifo", b"d//f", b"/f", b"d/", b"\0",
    )]),
}  # fmt: skip


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--replay"]:
        count = 0
        for name, (target, seeds) in TARGETS.items():
            inputs = [*seeds, *(read_host(path) for path in arguments[1:] if os.path.basename(path).startswith(name + "-"))]
            for data in inputs:
                target(data)
            count += len(inputs)
        for tree in trees:
            tree.remove()
        print(f"{count} inputs")
        return 0
    if atheris is None:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 77
    target, seeds = TARGETS[arguments[0]]
    folder = os.environ.get("SEEDS", "")
    for index, data in enumerate(seeds if folder else ()):
        with open(os.path.join(folder, f"seed-{index}"), "wb") as file:
            file.write(data)
    atheris.Setup([sys.argv[0], *arguments[1:]], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
