# SPDX-License-Identifier: MPL-2.0
"""execve: images, scripts, the stack a program finds, what is kept and what is lost, and every refusal."""

import random
import struct

import pytest

from cruck.abi import errno as E
from cruck.framework.hardware import RIP, RSP
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.errors import LinuxError
from cruck.kernel.kernel import Kernel
from cruck.kernel.memory.placement import PIE_BASE
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.exec import args_limit, execve, execveat, parse_script
from cruck.kernel.process.exec_credentials import after_exec
from cruck.kernel.process.task import Task
from cruck.kernel.process.tests import elf_files
from cruck.kernel.process.tests.elf_files import PT_INTERP, PT_LOAD
from cruck.kernel.signal.actions import SigAction
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inode import Inode
from cruck.testing.kernels import boot, spawn

AT = {
    "phdr": 3,
    "phnum": 5,
    "base": 7,
    "entry": 9,
    "secure": 23,
    "random": 25,
    "execfn": 31,
    "vdso": 33,
    "platform": 15,
}


def put(kernel: Kernel, name: bytes, data: bytes, mode: int = 0o755, uid: int = 0) -> Inode:
    root = kernel.namespace.root
    assert root.root.inode is not None
    inode = root.root.inode.create(name, 0o100000 | mode, uid, 0)
    file = inode.open(Path(root, root.root), 2)
    assert not data or file.write(BytesReader(data), 0) == len(data)
    return inode


@pytest.fixture
def task() -> Task:
    kernel = boot()
    task = spawn(kernel, [])
    kernel.sched.forget(task)
    return task


def auxv(task: Task) -> dict[int, int]:
    values = elf_files.words(task.mm.auxv)
    return dict(zip(values[::2], values[1::2], strict=True))


def refused(task: Task, path: bytes, argv: list[bytes] | None = None) -> int:
    """The errno; nothing may have changed."""
    mm, context = task.mm, task.context
    result = execve(task, path, argv if argv is not None else [path], [])
    assert task.mm is mm and task.context is context and not task.process.has_execed
    assert result < 0
    return -result


def test_a_static_program_is_mapped_with_its_bss(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    assert execve(task, b"/prog", [b"prog"], []) == 0
    mm = task.mm
    assert task.context.get_reg(RIP) == 0x401000
    assert task.user.read(0x400000, 4) == b"\x7fELF"
    assert task.user.read(0x4028FF, 1) == bytes([0x28FF % 251])
    assert task.user.read(0x402C00, 0x2C00) == bytes(0x2C00)
    assert [(vma.start, vma.end, vma.prot) for vma in mm.vmas[:3]] == [
        (0x400000, 0x402000, 5),
        (0x402000, 0x403000, 3),
        (0x403000, 0x406000, 3),
    ]
    assert mm.brk == mm.start_brk == 0x406000
    assert auxv(task)[AT["phdr"]] == 0x400040 and auxv(task)[AT["phnum"]] == 3 and auxv(task)[AT["base"]] == 0
    assert mm.vmas[-1].name == b"[stack]" and mm.vmas[-1].end == mm.stack_top


def test_the_stack_is_as_the_abi_says(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    argv, envp = [b"prog", b"", b"two words"], [b"A=1", b"LONG=" + b"x" * 5000]
    assert execve(task, b"/prog", argv, envp) == 0
    user = task.user
    sp = task.context.get_reg(RSP)
    assert sp % 16 == 0 and sp == task.mm.start_stack
    values = elf_files.words(user.read(sp, task.mm.stack_top - sp))
    assert values[0] == 3 and values[4] == 0 and values[7] == 0
    assert [user.read_cstring(addr, 10000) for addr in values[1:4]] == argv
    assert [user.read_cstring(addr, 10000) for addr in values[5:7]] == envp
    assert struct.pack(f"<{len(task.mm.auxv) // 8}Q", *values[8 : 8 + len(task.mm.auxv) // 8]) == task.mm.auxv
    aux = auxv(task)
    assert user.read_cstring(aux[AT["execfn"]], 100) == b"/prog"
    assert user.read_cstring(aux[AT["platform"]], 100) == b"x86_64"
    assert len(user.read(aux[AT["random"]], 16)) == 16
    assert user.read(task.mm.arg_start, task.mm.arg_end - task.mm.arg_start) == b"prog\0\0two words\0"
    assert user.read(task.mm.env_start, 4) == b"A=1\0"
    assert aux[0] == 0 and aux[6] == 4096 and aux[17] == 100


def test_an_empty_argv_becomes_one_empty_string(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    assert execve(task, b"/prog", [], []) == 0
    sp = task.context.get_reg(RSP)
    assert task.user.read_u64(sp) == 1 and task.user.read_cstring(task.user.read_u64(sp + 8), 9) == b""


def test_a_pie_program_starts_in_its_interpreter(task: Task) -> None:
    put(task.kernel, b"ld.so", elf_files.pie(None, 0x80))
    put(task.kernel, b"prog", elf_files.pie(b"/ld.so"))
    assert execve(task, b"/prog", [b"prog"], []) == 0
    aux = auxv(task)
    assert aux[AT["entry"]] == PIE_BASE + 0x100
    assert aux[AT["phdr"]] == PIE_BASE + 64
    assert task.context.get_reg(RIP) == aux[AT["base"]] + 0x80
    assert task.mm.brk == PIE_BASE + 0x2000
    assert task.mm.exe is not None and task.mm.exe.path is not None


def test_a_static_pie_lies_among_the_mappings(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.pie(None))
    assert execve(task, b"/prog", [b"prog"], []) == 0
    entry = task.context.get_reg(RIP)
    assert entry > 0x7000_0000_0000 and entry % 4096 == 0x100
    assert auxv(task)[AT["base"]] == 0 and task.mm.start_brk == PIE_BASE


def test_interpreter_errors(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.pie(b"/ld.so"))
    assert refused(task, b"/prog") == E.ENOENT
    inode = put(task.kernel, b"ld.so", b"#!/bin/sh\n" + bytes(100))
    task.kernel.namespace.root.root.children.clear()
    assert refused(task, b"/prog") == E.ELIBBAD
    inode.mode = 0o100644
    assert refused(task, b"/prog") == E.EACCES


def test_scripts(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    put(task.kernel, b"script", b"#! /prog  one argument \t\nrest")
    assert execve(task, b"/script", [b"name", b"x"], []) == 0
    assert task.user.read(task.mm.arg_start, task.mm.arg_end - task.mm.arg_start) == b"/prog\0one argument\0/script\0x\0"
    assert task.comm == b"script" and task.process.name == b"/script"
    assert task.user.read_cstring(auxv(task)[AT["execfn"]], 99) == b"/script"


def test_nested_scripts_up_to_the_limit(task: Task) -> None:
    put(task.kernel, b"s0", elf_files.static())
    for index in range(1, 7):
        put(task.kernel, b"s%d" % index, b"#!/s%d\n" % (index - 1))
    assert refused(task, b"/s6") == E.ELOOP
    assert execve(task, b"/s5", [b"s5", b"x"], []) == 0
    argv = task.user.read(task.mm.arg_start, task.mm.arg_end - task.mm.arg_start)
    assert argv == b"/s0\0/s1\0/s2\0/s3\0/s4\0/s5\0x\0"
    put(task.kernel, b"loop", b"#!/loop\n")
    assert execve(task, b"/loop", [b"loop"], []) == -E.ELOOP


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh\n", (b"/bin/sh", b"")),
        (b"#!/bin/sh", (b"/bin/sh", b"")),
        (b"#! \t/bin/sh \t -e  -x \n", (b"/bin/sh", b"-e  -x")),
        (b"#!/bin/sh " + b"x" * 400, (b"/bin/sh", b"x" * 246)),
        (b"#!\n", None),
        (b"#!   \n/bin/sh", None),
        (b"#!" + b"x" * 400, None),
    ],
)
def test_script_lines(line: bytes, expected: tuple[bytes, bytes] | None) -> None:
    if expected is None:
        with pytest.raises(LinuxError) as caught:
            parse_script(line[:256])
        assert caught.value.errno == E.ENOEXEC
    else:
        assert parse_script(line[:256]) == expected


def test_files_that_are_no_programs(task: Task) -> None:
    kernel = task.kernel
    good = elf_files.static()
    load: elf_files.Phdr = (PT_LOAD, 5, 0, 0x400000, 0x1000, 0x1000, 0x1000)
    cases = {
        b"empty": b"",
        b"text": b"hello\n",
        b"short": good[:40],
        b"noheaders": good[:100],
        b"elf32": elf_files.elf(2, 0, [load], 0x1000, 3, b"\x7fELF\x01\x01\x01"),
        b"arm": elf_files.elf(2, 0, [load], 0x1000, 183),
        b"relocatable": elf_files.elf(1, 0, [load], 0x1000),
        b"nosegments": elf_files.elf(2, 0, [(4, 5, 0, 0, 0, 0, 1)], 0x1000),
        b"filesize": elf_files.elf(2, 0, [(PT_LOAD, 5, 0, 0x400000, 0x1000, 0x800, 0x1000)], 0x1000),
        b"misaligned": elf_files.elf(2, 0, [(PT_LOAD, 5, 0x10, 0x400000, 0x100, 0x100, 0x1000)], 0x1000),
        b"beyond": elf_files.elf(2, 0, [(PT_LOAD, 5, 0, 0x400000, 0x5000, 0x5000, 0x1000)], 0x1000),
        b"highaddr": elf_files.elf(2, 0, [(PT_LOAD, 5, 0, 1 << 47, 0x1000, 0x1000, 0x1000)], 0x1000),
        b"wraps": elf_files.elf(2, 0, [(PT_LOAD, 5, 0, 0x400000, 0x1000, (1 << 64) - 1, 0x1000)], 0x1000),
        b"entry": elf_files.elf(2, 1 << 60, [load], 0x1000),
        b"interp": elf_files.elf(2, 0, [load, (PT_INTERP, 4, 0x300, 0, 5, 5, 1)], 0x1000),
        b"hugeinterp": elf_files.elf(2, 0, [load, (PT_INTERP, 4, 0x300, 0, 1 << 40, 5, 1)], 0x1000),
    }
    used = kernel.machine.nr_free_frames()
    for name, data in cases.items():
        before = kernel.machine.nr_free_frames()
        put(kernel, name, data)
        assert refused(task, b"/" + name) == E.ENOEXEC, name
        assert before - kernel.machine.nr_free_frames() <= (len(data) + 4095) // 4096, "a refused program leaks frames"
    assert used > 0


def test_segments_below_the_lowest_address_are_refused(task: Task) -> None:
    put(task.kernel, b"low", elf_files.elf(2, 0, [(PT_LOAD, 5, 0, 0, 0x1000, 0x1000, 0x1000)], 0x1000))
    assert refused(task, b"/low") == E.EPERM


def test_random_damage_is_refused_or_runs_but_never_breaks_us(task: Task) -> None:
    rng = random.Random(3)
    good = elf_files.pie(b"/ld.so")
    put(task.kernel, b"ld.so", elf_files.pie(None))
    inode = put(task.kernel, b"prog", good)
    root = task.kernel.namespace.root
    for _ in range(200):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(200)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        file = inode.open(Path(root, root.root), 2)
        file.write(BytesReader(bytes(data)), 0)
        assert execve(task, b"/prog", [b"prog"], []) <= 0
    free = task.kernel.machine.nr_free_frames()
    for _ in range(5):
        execve(task, b"/ld.so", [b"x"], [])
    assert task.kernel.machine.nr_free_frames() >= free - 64


def test_permission_and_kind(task: Task) -> None:
    kernel = task.kernel
    put(kernel, b"noexec", elf_files.static(), 0o644)
    assert refused(task, b"/noexec") == E.EACCES
    assert refused(task, b"/absent") == E.ENOENT
    assert refused(task, b"") == E.ENOENT
    assert refused(task, b"/") == E.EACCES
    inode = put(kernel, b"busy", elf_files.static())
    inode.write_count = 1
    assert refused(task, b"/busy") == E.ETXTBSY
    put(kernel, b"prog", elf_files.static())
    kernel.namespace.root.flags |= 8  # MS_NOEXEC
    assert refused(task, b"/prog") == E.EACCES


def test_arguments_have_limits(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    assert refused(task, b"/prog", [b"x" * 131072]) == E.E2BIG
    assert refused(task, b"/prog", [b"x" * 100_000] * 21) == E.E2BIG
    assert args_limit(8 << 20) == 2 << 20 and args_limit(1 << 40) == 6 << 20 and args_limit(0) == 128 << 10
    assert execve(task, b"/prog", [b"x" * 131071] * 15, []) == 0


def test_what_execve_resets_and_keeps(task: Task) -> None:
    put(task.kernel, b"a-program-with-a-long-name", elf_files.static())
    kept, closed = File(2), File(2)
    task.files.install(kept, 100, False)
    task.files.install(closed, 100, True)
    task.actions.set(10, SigAction(0x1234))
    task.actions.set(12, SigAction(1))
    task.blocked_mask = 0x10
    task.altstack = (0x1000, 0x2000, 0)
    task.robust_list, task.robust_list_size = 0x5000, 24
    old_context, old_mm = task.context, task.mm
    assert execve(task, b"/a-program-with-a-long-name", [b"x"], []) == 0
    assert task.files.open_fds() == [0] and closed.refs == 0 and kept.refs == 1
    assert task.actions.get(10).handler == 0 and task.actions.get(12).handler == 1
    assert task.blocked_mask == 0x10 and task.altstack == (0, 0, 2) and task.robust_list == 0
    assert task.comm == b"a-program-with-" and task.process.has_execed
    assert old_mm.refs == 0 and not old_context.is_running()
    assert task.kernel.contexts == {task.context.tag: task} and task.user is task.mm.user
    assert task.context.registers()[:10] == (0,) * 10


def test_a_shared_file_table_is_left_behind(task: Task) -> None:
    put(task.kernel, b"prog", elf_files.static())
    shared = task.files
    shared.install(File(2), 100, True)
    shared.refs = 2
    assert execve(task, b"/prog", [b"x"], []) == 0
    assert task.files is not shared and shared.refs == 1
    assert shared.open_fds() == [0] and task.files.open_fds() == []


def test_the_program_file_is_busy_while_it_runs(task: Task) -> None:
    inode = put(task.kernel, b"prog", elf_files.static())
    other = put(task.kernel, b"other", elf_files.static())
    assert execve(task, b"/prog", [b"x"], []) == 0
    assert inode.write_count == -1
    assert execve(task, b"/other", [b"x"], []) == 0
    assert inode.write_count == 0 and other.write_count == -1


def test_execveat_by_descriptor(task: Task) -> None:
    inode = put(task.kernel, b"prog", elf_files.static())
    put(task.kernel, b"script", b"#!/prog\n")
    from cruck.kernel.vfs.walk import resolve

    for name in (b"/prog", b"/script"):
        path = resolve(task, -100, name)
        file = path.inode().open(path, 0)
        file.path = path
        task.files.install(file, 100, name == b"/script")
    assert inode.nlink == 1
    assert execveat(task, 1, b"", [b"x"], [], 0x1000) == -E.ENOENT  # a script, and its descriptor will be closed
    assert execveat(task, 0, b"", [b"x"], [], 0) == -E.ENOENT
    assert execveat(task, 0, b"", [b"x"], [], 0x1000) == 0
    assert task.comm == b"0"
    assert task.user.read_cstring(auxv(task)[AT["execfn"]], 99) == b"/dev/fd/0"


def test_set_user_id(task: Task) -> None:
    inode = put(task.kernel, b"suid", elf_files.static(), 0o4755, 7)
    inode.uid = 7
    task.creds = Credentials(1000, 1000, ())
    assert execve(task, b"/suid", [b"x"], []) == 0
    assert (task.creds.uid, task.creds.euid, task.creds.suid, task.creds.fsuid) == (1000, 7, 7, 7)
    assert auxv(task)[AT["secure"]] == 1 and task.process.dumpable == 0


def test_set_user_id_is_not_honoured_without_privileges_or_on_nosuid(task: Task) -> None:
    inode = put(task.kernel, b"suid", elf_files.static(), 0o4755)
    root = task.kernel.namespace.root
    from cruck.kernel.vfs.dentry import Dentry

    path = Path(root, Dentry(root.root, b"suid", inode))
    user = Credentials(1000, 1000, ())
    creds, is_secure = after_exec(user, path)
    assert creds.euid == 0 and is_secure and creds.cap_effective == creds.cap_permitted == creds.cap_bounding
    user.no_new_privs = True
    creds, is_secure = after_exec(user, path)
    assert creds.euid == 1000 and not creds.cap_permitted
    user.no_new_privs = False
    root.flags |= 2
    creds, is_secure = after_exec(user, path)
    assert creds.euid == 1000 and not is_secure


def test_a_user_who_was_root_loses_capabilities(task: Task) -> None:
    inode = put(task.kernel, b"prog", elf_files.static())
    root = task.kernel.namespace.root
    from cruck.kernel.vfs.dentry import Dentry

    path = Path(root, Dentry(root.root, b"prog", inode))
    creds = Credentials(0, 0, ())
    creds.uid = creds.euid = creds.suid = creds.fsuid = 1000
    after, _ = after_exec(creds, path)
    assert after.cap_permitted == after.cap_effective == 0
    creds.cap_ambient = 1 << 10
    after, _ = after_exec(creds, path)
    assert after.cap_permitted == after.cap_effective == 1 << 10
