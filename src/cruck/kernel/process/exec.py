# SPDX-License-Identifier: MPL-2.0
"""execve: a task becomes another program.

`execve` opens the file, follows `#!` lines, checks the ELF images, builds the *whole* new address space with its stack, and only
then, when nothing can fail any more, takes the old program apart (`_commit`). So every error leaves the caller as it was; Linux
kills the process for what goes wrong after its point of no return, we have none.

Neighbours: elf.py (images), exec_credentials.py (set-user-ID, capabilities), vfs/open.py `open_exec` (finding and permission),
memory/ (mapping), exit.py (the other threads). Sources: execve(2), fs/exec.c, fs/binfmt_script.c, fs/binfmt_elf.c of Linux 6.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.auxvec import (
    AT_BASE,
    AT_CLKTCK,
    AT_EGID,
    AT_ENTRY,
    AT_EUID,
    AT_EXECFN,
    AT_FLAGS,
    AT_GID,
    AT_HWCAP,
    AT_HWCAP2,
    AT_MINSIGSTKSZ,
    AT_PAGESZ,
    AT_PHDR,
    AT_PHENT,
    AT_PHNUM,
    AT_PLATFORM,
    AT_RANDOM,
    AT_SECURE,
    AT_SYSINFO_EHDR,
    AT_UID,
)
from cruck.abi.elf import ELF64_PHDR
from cruck.abi.errno import E2BIG, EACCES, EAGAIN, ELOOP, ENOENT, ENOEXEC, ENOMEM, EPERM
from cruck.abi.fcntl import AT_EMPTY_PATH, AT_FDCWD
from cruck.abi.limits import ARG_MAX, MAX_ARG_STRLEN
from cruck.abi.mman import MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.abi.personality import PER_CLEAR_ON_SETID, READ_IMPLIES_EXEC
from cruck.abi.resource import RLIMIT_STACK
from cruck.abi.signal import SS_DISABLE
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, RIP, RSP, Context
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import placement
from cruck.kernel.memory.fault import populate
from cruck.kernel.memory.mm import Mm
from cruck.kernel.process import elf
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.exec_credentials import after_exec
from cruck.kernel.process.task import Task
from cruck.kernel.vfs.open import open_exec
from cruck.kernel.vfs.permission import MAY_READ, has_access

if TYPE_CHECKING:
    from cruck.kernel.vfs.file import File

HEAD_BYTES: Final = 256  # BINPRM_BUF_SIZE: what a `#!` line must fit in
MAX_REWRITES: Final = 5
MAX_ARGS_BYTES: Final = 6 << 20
STACK_EXTRA: Final = 128 << 10
PLATFORM: Final = b"x86_64\0"


class Program:
    """What is about to run (Linux: linux_binprm). Holds references until close()."""

    filename: bytes  # as execve was given it: comm, AT_EXECFN
    argv: list[bytes]
    envp: list[bytes]
    file: "File"  # the ELF file at last
    head: bytes  # its first bytes
    interpreter: "File | None"

    def __init__(self, filename: bytes, argv: list[bytes], envp: list[bytes], file: "File") -> None:
        self.filename = filename
        self.argv = argv
        self.envp = envp
        self.file = file.get()
        self.head = b""
        self.interpreter = None

    def set_file(self, file: "File") -> None:
        file.get()
        self.file.put()
        self.file = file

    def close(self) -> None:
        self.file.put()
        if self.interpreter is not None:
            self.interpreter.put()


def execve(task: Task, path: bytes, argv: list[bytes], envp: list[bytes]) -> int:
    """execve(2) with kernel bytes (also how boot starts the first program).

    Returns: 0, and `task` is the new program, its (new) context at the entry point; or −errno as execve(2), and nothing has
    changed."""
    return execveat(task, AT_FDCWD, path, argv, envp, 0)


def execveat(task: Task, dirfd: int, path: bytes, argv: list[bytes], envp: list[bytes], flags: int) -> int:
    """execveat(2). Args: flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW (checked by the caller). Returns: as execve()."""
    if not path and not flags & AT_EMPTY_PATH:
        return -ENOENT
    filename = path
    is_closing = False  # a script is named by a descriptor that execve closes
    if dirfd != AT_FDCWD and path[:1] != b"/":
        filename = b"/dev/fd/%d" % dirfd + (b"/" + path if path else b"")
        is_closing = dirfd in task.files.cloexec
    try:
        # argv[0] is always there since Linux 5.18.
        program = Program(filename, list(argv) if argv else [b""], envp, open_exec(task, dirfd, path, flags))
        try:
            _follow_scripts(task, program, is_closing)
            _check_size(task, program)
            _load(task, program)
        finally:
            program.close()
    except LinuxError as error:
        return -error.errno
    return 0


def args_limit(stack_limit: int) -> int:
    """Bytes that argument and environment strings and their pointers may have."""
    return max(min(MAX_ARGS_BYTES, stack_limit // 4), ARG_MAX)


def _follow_scripts(task: Task, program: Program, is_closing: bool) -> None:
    rewrites = 0
    while True:
        program.head = elf.read_bytes(program.file, 0, HEAD_BYTES)
        if program.head[:2] != b"#!":
            return
        interpreter, argument = parse_script(program.head)
        if is_closing:
            raise LinuxError(ENOENT, "the script's descriptor is close-on-exec")
        rewrites += 1
        if rewrites > MAX_REWRITES:
            raise LinuxError(ELOOP)
        # bprm->interp: the name of the file that is replaced; for nested scripts the inner script's path.
        name = program.filename if rewrites == 1 else program.argv[0]
        program.argv = [interpreter, *([argument] if argument else []), name, *program.argv[1:]]
        program.set_file(open_exec(task, AT_FDCWD, interpreter, 0))


def parse_script(head: bytes) -> tuple[bytes, bytes]:
    """(interpreter, its one argument or b"") of a `#!` line in the first HEAD_BYTES of a file.
    Errors: LinuxError(ENOEXEC): no name, or it may be cut off."""
    end = head.find(b"\n")
    line = head[2:] if end < 0 else head[2:end]
    if end < 0:
        # The argument may be cut off, the name may not.
        text = line.lstrip(b" \t")
        if len(head) >= HEAD_BYTES and b" " not in text and b"\t" not in text and b"\0" not in text:
            raise LinuxError(ENOEXEC, "the interpreter's name is too long")
    line = line.split(b"\0", 1)[0].strip(b" \t")
    if not line:
        raise LinuxError(ENOEXEC, "no interpreter")
    cut = 0
    while cut < len(line) and line[cut] not in b" \t":
        cut += 1
    return line[:cut], line[cut:].lstrip(b" \t")


def _check_size(task: Task, program: Program) -> None:
    total = len(program.filename) + 1 + 8 * (len(program.argv) + len(program.envp))
    for strings in (program.argv, program.envp):
        for string in strings:
            if len(string) >= MAX_ARG_STRLEN:
                raise LinuxError(E2BIG)
            total += len(string) + 1
    if total > args_limit(task.process.rlimit(RLIMIT_STACK)):
        raise LinuxError(E2BIG)


def _load(task: Task, program: Program) -> None:
    """Builds the new memory beside the old, then commits."""
    kernel = task.kernel
    user_end = kernel.machine.user_end
    image = elf.read_image(program.file, program.head, user_end)
    interpreter_image: elf.ElfImage | None = None
    if image.interpreter is not None:
        program.interpreter = open_exec(task, AT_FDCWD, image.interpreter, 0).get()
        interpreter_image = elf.read_interpreter(program.interpreter, user_end)
    path = program.file.path
    if path is None:
        raise LinuxError(EACCES)
    creds, is_secure = after_exec(task.creds, path)
    mm = Mm(kernel)
    is_built = False
    try:
        context = _build(task, program, mm, image, interpreter_image, creds, is_secure)
        is_built = True
    except UserFault as error:
        raise LinuxError(ENOMEM) from error
    except OSError as error:
        raise LinuxError(EACCES if error.errno in (EACCES, EPERM) else EAGAIN, "the host refuses") from error
    finally:
        if not is_built:
            mm.put()
    _commit(task, program, mm, context, creds, is_secure)


def _build(task: Task, program: Program, mm: Mm, image: elf.ElfImage, interpreter_image: elf.ElfImage | None,
           creds: Credentials, is_secure: bool) -> Context:  # fmt: skip
    mm.rlimits = task.process.rlimits
    mm.areas.set_top(placement.mmap_base(mm.user_end, mm.limit(RLIMIT_STACK)))
    loaded = elf.map_image(mm, program.file, image, _choose_base(mm, image))
    entry = loaded.entry
    base = 0
    if interpreter_image is not None:
        assert program.interpreter is not None
        at = 0 if interpreter_image.is_fixed else _choose_free(mm, interpreter_image)
        interpreter = elf.map_image(mm, program.interpreter, interpreter_image, at)
        entry = interpreter.entry
        base = interpreter.bias
    mm.start_code, mm.end_code = loaded.start_code, loaded.end_code
    mm.start_data, mm.end_data = loaded.start_data, loaded.end_data
    mm.start_brk = mm.brk = loaded.end_memory
    if not image.is_fixed and interpreter_image is None:
        # A loader run as a program lies among the mappings; its heap begins where a program would.
        mm.start_brk = mm.brk = placement.pie_base(mm.user_end)
    mm.set_exe(program.file)
    vdso = task.kernel.vdso.map_into(mm)
    info = task.kernel.host_info
    vector = [
        AT_MINSIGSTKSZ, minimum_signal_stack(task.kernel.machine.fpu_bytes),
        AT_HWCAP, info.hwcap,
        AT_PAGESZ, PAGE_SIZE,
        AT_CLKTCK, 100,
        AT_PHDR, loaded.bias + image.phdr_vaddr if image.phdr_vaddr else 0,
        AT_PHENT, ELF64_PHDR.size,
        AT_PHNUM, image.nr_phdrs,
        AT_BASE, base,
        AT_FLAGS, 0,
        AT_ENTRY, loaded.entry,
        AT_UID, creds.uid,
        AT_EUID, creds.euid,
        AT_GID, creds.gid,
        AT_EGID, creds.egid,
        AT_SECURE, int(is_secure),
        AT_HWCAP2, info.hwcap2,
    ]  # fmt: skip
    if vdso:
        vector = [AT_SYSINFO_EHDR, vdso, *vector]
    stack_pointer = _build_stack(task, program, mm, vector, image.has_exec_stack)
    context = mm.space.new_context()
    context.set_reg(RIP, entry)
    context.set_reg(RSP, stack_pointer)
    return context


def minimum_signal_stack(fpu_bytes: int) -> int:
    """AT_MINSIGSTKSZ: the largest signal frame: rt_sigframe without FPU state, that state, red zone and alignment."""
    return (8 + 304 + 128 + 128 + 64 + 16 + fpu_bytes + 15) & ~15


def _choose_base(mm: Mm, image: elf.ElfImage) -> int:
    if image.is_fixed:
        return 0
    if image.interpreter is None:
        return _choose_free(mm, image)
    return placement.pie_base(mm.user_end) & -image.alignment


def _choose_free(mm: Mm, image: elf.ElfImage) -> int:
    length = image.high - image.low
    if image.alignment == PAGE_SIZE:
        return placement.choose(mm, 0, length, 0)
    start = placement.choose(mm, 0, length + image.alignment, 0)
    return (start + image.alignment - 1) & -image.alignment


def _build_stack(task: Task, program: Program, mm: Mm, vector: list[int], is_executable: bool) -> int:
    """Maps the stack and writes what a program finds there (see the ABI's "process initialization"); the stack pointer."""
    strings = b"\0".join([*program.argv, *program.envp, program.filename]) + b"\0" + bytes(8)
    addr = mm.stack_top - len(strings)
    pointers = [len(program.argv)]
    mm.arg_start = addr
    for string in program.argv:
        pointers.append(addr)
        addr += len(string) + 1
    pointers.append(0)
    mm.arg_end = mm.env_start = addr
    for string in program.envp:
        pointers.append(addr)
        addr += len(string) + 1
    pointers.append(0)
    mm.env_end = addr
    platform = (mm.arg_start & ~15) - len(PLATFORM)
    random = (platform - 16) & ~15
    vector = [*vector, AT_RANDOM, random, AT_EXECFN, addr, AT_PLATFORM, platform, 0, 0]
    mm.auxv = struct.pack(f"<{len(vector)}Q", *vector)
    table = struct.pack(f"<{len(pointers)}Q", *pointers) + mm.auxv
    stack_pointer = (random - len(table)) & ~15
    data = b"".join(
        (
            table.ljust(random - stack_pointer, b"\0"),
            task.kernel.entropy.random_bytes(16).ljust(platform - random, b"\0"),
            PLATFORM.ljust(mm.arg_start - platform, b"\0"),
            strings,
        )
    )
    needed = mm.stack_top - (stack_pointer & ~PAGE_MASK)
    size = max(needed, min(needed + STACK_EXTRA, mm.limit(RLIMIT_STACK) & ~PAGE_MASK))
    prot = PROT_READ | PROT_WRITE | (PROT_EXEC if is_executable else 0)
    flags = MAP_PRIVATE | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE
    mm.mmap_object(mm.stack_top - size, size, prot, flags, None, 0, b"[stack]")
    mm.start_stack = stack_pointer
    # A few pages below are used at once.
    populate(mm, max(mm.stack_top - size, (stack_pointer & ~PAGE_MASK) - 4 * PAGE_SIZE), mm.stack_top, PROT_WRITE)
    mm.user.write(stack_pointer, data)
    return stack_pointer


def _commit(task: Task, program: Program, mm: Mm, context: Context, creds: Credentials, is_secure: bool) -> None:
    """The point of no return, and it cannot fail."""
    kernel = task.kernel
    process = task.process
    kernel.kill_other_threads(task)
    _leave_old_memory(task)
    old_mm, old_context = task.mm, task.context
    process.max_rss_pages = max(process.max_rss_pages, old_mm.max_rss_pages())
    process.user_ns += max(0, old_context.cpu_time_ns())
    task.mm = mm
    task.user = mm.user
    task.context = context
    del kernel.contexts[old_context.tag]  # a stop of it may be in hand already
    kernel.bind(task, context)
    kernel.vfork_done(task)
    old_context.release()
    old_mm.put()
    if task.files.refs > 1:
        shared = task.files
        task.files = shared.copy()
        shared.refs -= 1
    task.files.close_on_exec(task)
    actions = task.actions
    task.actions = actions.for_exec()
    actions.refs -= 1
    task.altstack = (0, 0, SS_DISABLE)
    task.creds = creds
    task.comm = program.filename.rsplit(b"/", 1)[-1][:15]
    path = program.file.path
    assert path is not None
    is_readable = has_access(creds, path.inode(), MAY_READ)
    process.dumpable = int(not is_secure and creds.euid == creds.uid and creds.egid == creds.gid and is_readable)
    task.personality &= ~READ_IMPLIES_EXEC
    if is_secure:
        task.pdeath_signal = 0
        task.personality &= ~PER_CLEAR_ON_SETID
    process.name = program.filename
    process.has_execed = True
    process.timers.clear_for_exec()


def _leave_old_memory(task: Task) -> None:
    """Others may wait for this thread in memory they share: robust futexes, the child-tid word."""
    kernel = task.kernel
    if not task.mm.space.is_dead():
        kernel.futexes.exit_robust_list(task)
        if task.clear_child_tid and task.mm.nr_users() > 1:
            try:
                task.user.write_u32(task.clear_child_tid, 0)
                kernel.futexes.wake_at(kernel, task.mm, task.clear_child_tid, 1)
            except UserFault:
                pass
    task.clear_child_tid = 0
    task.robust_list = task.robust_list_size = 0
