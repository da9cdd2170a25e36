# SPDX-License-Identifier: MPL-2.0
"""procfs as programs read it: formats, /proc/self, links, permissions, the end of processes."""

import pickle

import pytest

from cruck.abi.errno import EACCES, EINVAL, EIO, ENOENT, ENOSPC, EPERM, ESRCH
from cruck.abi.sched import CLONE_NEWUSER
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.kernel import Kernel
from cruck.kernel.process import namespaces
from cruck.kernel.process.task import Task
from cruck.kernel.vfs import open as vfs_open
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.walk import LOOKUP_NOFOLLOW, resolve
from cruck.testing.fake_machine import Spin
from cruck.testing.kernels import DATA, boot, spawn

AT_FDCWD = -100
O_WRONLY = 1
O_RDWR = 2
O_DIRECTORY = 0o200000


@pytest.fixture
def kernel() -> Kernel:
    return boot()


@pytest.fixture
def task(kernel: Kernel) -> Task:
    kernel.current = spawn(kernel, [Spin()])
    return kernel.current


def open_file(task: Task, path: bytes, flags: int = 0) -> File:
    task.kernel.current = task
    file = vfs_open.open_path(task, AT_FDCWD, path, flags)
    assert isinstance(file, File)
    return file


def read(task: Task, path: bytes) -> bytes:
    writer = BytesWriter(1 << 20)
    assert open_file(task, path).read(writer, 0) >= 0
    return writer.getvalue()


def write(task: Task, path: bytes, data: bytes) -> int:
    return open_file(task, path, O_WRONLY).write(BytesReader(data), 0)


def names(task: Task, path: bytes) -> list[bytes]:
    file = open_file(task, path, O_DIRECTORY)
    found: list[bytes] = []
    cookie = 0
    while entries := file.readdir(cookie):
        found += [entry.name for entry in entries]
        assert [entry.cookie for entry in entries] == sorted(entry.cookie for entry in entries)
        cookie = entries[-1].cookie
    return found


def error_of(task: Task, path: bytes, flags: int = 0) -> int:
    with pytest.raises(LinuxError) as caught:
        open_file(task, path, flags)
    return caught.value.errno


def test_stat_has_52_fields_in_linux_order(task: Task) -> None:
    task.comm = b"a b) c"
    line = read(task, b"/proc/self/stat").decode()
    assert line.endswith("\n")
    head, tail = line[: line.rindex(")") + 1], line[line.rindex(")") + 2 :].split()
    assert head == f"{task.tid} (a b) c)"
    assert len(tail) == 50
    assert tail[0] == "R"
    assert tail[1] == "1"  # parent: init
    assert tail[17] == "1"  # threads
    assert tail[35] == "17"  # exit signal


def test_status_has_the_lines_ps_and_others_look_for(task: Task) -> None:
    lines = dict(line.split(":\t", 1) for line in read(task, b"/proc/self/status").decode().splitlines())
    assert lines["Name"] == "fake"
    assert lines["State"] == "R (running)"
    assert lines["Tgid"] == lines["Pid"] == str(task.tid)
    assert lines["Uid"] == "0\t0\t0\t0"
    assert lines["Groups"] == " "
    assert lines["VmSize"].endswith(" kB")
    assert lines["CapEff"] == "000001ffffffffff"
    assert lines["Cpus_allowed_list"] == "0-1"


def test_self_and_thread_self_are_the_reader(kernel: Kernel, task: Task) -> None:
    other = spawn(kernel, [Spin()])
    assert read(task, b"/proc/self/stat").startswith(b"%d " % task.tid)
    assert read(other, b"/proc/self/stat").startswith(b"%d " % other.tid)
    assert resolve(task, AT_FDCWD, b"/proc/thread-self", LOOKUP_NOFOLLOW).inode().readlink() == b"3/task/3"


def test_root_lists_processes_and_forgets_them(kernel: Kernel, task: Task) -> None:
    other = spawn(kernel, [Spin()])
    assert {b"self", b"meminfo", b"1", b"%d" % task.tid, b"%d" % other.tid} <= set(names(task, b"/proc"))
    file = open_file(task, b"/proc/%d/status" % other.tid)
    kernel.exit_task(other, 0)
    assert b"%d" % other.tid not in names(task, b"/proc")
    assert error_of(task, b"/proc/%d/status" % other.tid) == ENOENT
    with pytest.raises(LinuxError) as caught:
        file.read(BytesWriter(10), 0)
    assert caught.value.errno == ESRCH


def test_init_has_a_name_and_no_files(kernel: Kernel, task: Task) -> None:
    assert read(task, b"/proc/1/comm") == b"init\n"
    assert read(task, b"/proc/1/stat").startswith(b"1 (init) S 0 1 1 ")
    assert read(task, b"/proc/1/cmdline") == b""
    assert b"fd" not in names(task, b"/proc/1")
    with pytest.raises(LinuxError) as caught:
        resolve(task, AT_FDCWD, b"/proc/1/cwd")
    assert caught.value.errno == ENOENT
    assert names(task, b"/proc/1/task") == [b".", b"..", b"1"]


def test_names_that_look_like_numbers_but_are_not(task: Task) -> None:
    for name in (b"02", b"0", b"-1", b"+2", b"2x", b"99999999999999999999"):
        assert error_of(task, b"/proc/" + name) == ENOENT


def test_a_thread_is_found_by_its_number_but_not_listed(task: Task) -> None:
    assert names(task, b"/proc/self/task") == [b".", b"..", b"%d" % task.tid]
    assert read(task, b"/proc/self/task/%d/comm" % task.tid) == b"fake\n"
    assert error_of(task, b"/proc/self/task/1") == ENOENT
    assert b"children" in names(task, b"/proc/self/task/%d" % task.tid)
    assert b"children" not in names(task, b"/proc/self")


def test_comm_is_written_by_the_process_itself_only(kernel: Kernel, task: Task) -> None:
    assert write(task, b"/proc/self/comm", b"a name that is far too long\n") == 28
    assert task.comm == b"a name that is "
    other = spawn(kernel, [Spin()])
    assert write(other, b"/proc/%d/comm" % task.tid, b"x") == -EINVAL


def test_one_pass_sees_one_moment_and_the_next_a_new_one(kernel: Kernel, task: Task) -> None:
    file = open_file(task, b"/proc/self/comm")
    first = BytesWriter(2)
    file.read(first, 0)
    task.comm = b"other"
    rest = BytesWriter(10)
    file.read(rest, 2)
    assert first.getvalue() + rest.getvalue() == b"fake\n"
    assert file.lseek(0, 0) == 0
    again = BytesWriter(10)
    file.read(again, 0)
    assert again.getvalue() == b"other\n"
    beyond = BytesWriter(10)
    assert file.read(beyond, 1000) == 0


def test_fd_links_say_and_lead_to_what_is_open(task: Task) -> None:
    fd = task.files.install(open_file(task, b"/proc/meminfo"), 100, False)
    assert names(task, b"/proc/self/fd") == [b".", b"..", b"%d" % fd]
    link = resolve(task, AT_FDCWD, b"/proc/self/fd/%d" % fd, LOOKUP_NOFOLLOW).inode()
    assert link.readlink() == b"/proc/meminfo"
    assert link.stat().mode == 0o120500
    assert read(task, b"/proc/self/fd/%d" % fd).startswith(b"MemTotal:")
    info = read(task, b"/proc/self/fdinfo/%d" % fd)
    assert info.startswith(b"pos:\t0\nflags:\t0") and b"\nmnt_id:\t2\n" in info
    task.files.remove(fd).put()
    assert error_of(task, b"/proc/self/fd/%d" % fd) == ENOENT
    assert error_of(task, b"/proc/self/fd/01") == ENOENT


def test_other_users_may_not_look_inside(kernel: Kernel, task: Task) -> None:
    user = spawn(kernel, [Spin()], uid=1000)
    for name in (b"environ", b"maps", b"mem", b"auxv", b"io", b"fd"):
        assert error_of(user, b"/proc/%d/" % task.tid + name) == EACCES, name
    with pytest.raises(LinuxError) as caught:
        resolve(user, AT_FDCWD, b"/proc/%d/cwd" % task.tid)
    assert caught.value.errno == EACCES
    assert read(user, b"/proc/%d/status" % task.tid)
    assert read(user, b"/proc/self/maps")
    assert read(task, b"/proc/%d/maps" % user.tid)
    user.process.dumpable = 0
    third = spawn(kernel, [Spin()], uid=1000)
    assert error_of(third, b"/proc/%d/environ" % user.tid) == EACCES


def test_mem_reads_and_writes_the_address_space(task: Task) -> None:
    task.user.write(DATA, b"secret")
    file = open_file(task, b"/proc/self/mem", O_RDWR)
    writer = BytesWriter(6)
    assert file.read(writer, DATA) == 6
    assert writer.getvalue() == b"secret"
    assert file.write(BytesReader(b"SE"), DATA) == 2
    assert task.user.read(DATA, 6) == b"SEcret"
    assert file.read(BytesWriter(1), 0x1000) == -EIO
    assert file.write(BytesReader(b"x"), 0x1000) == -EIO
    assert file.read(BytesWriter(1), (1 << 63) - 1) == -EIO


def test_maps_lines_have_linux_columns(task: Task) -> None:
    line = read(task, b"/proc/self/maps").splitlines()[0]
    assert line == b"10000000-10010000 rw-p 00000000 00:00 0 "
    assert b"VmFlags: rd wr mr mw me ac" in read(task, b"/proc/self/smaps")


def test_cmdline_is_what_lies_in_memory(task: Task) -> None:
    mm = task.mm
    task.user.write(DATA, b"ls\0-l\0A=1\0")
    mm.arg_start, mm.arg_end, mm.env_start, mm.env_end = DATA, DATA + 6, DATA + 6, DATA + 10
    assert read(task, b"/proc/self/cmdline") == b"ls\0-l\0"
    assert read(task, b"/proc/self/environ") == b"A=1\0"
    task.user.write(DATA, b"title1")  # over the last NUL: runs on into the environment
    assert read(task, b"/proc/self/cmdline") == b"title1A=1\0"


def test_oom_score_adj_goes_down_only_with_privilege(kernel: Kernel, task: Task) -> None:
    user = spawn(kernel, [Spin()], uid=1000)
    assert write(user, b"/proc/self/oom_score_adj", b"500\n") == 4
    assert read(user, b"/proc/self/oom_score_adj") == b"500\n"
    assert write(user, b"/proc/self/oom_score_adj", b"100") == -EACCES
    assert write(user, b"/proc/self/oom_score_adj", b"1001") == -EINVAL
    assert write(user, b"/proc/self/oom_score_adj", b"x") == -EINVAL
    assert write(task, b"/proc/self/oom_score_adj", b"-1000") == 5
    assert read(task, b"/proc/self/oom_score") == b"0\n"


def test_hostname_is_set_through_sysctl_by_the_administrator(kernel: Kernel, task: Task) -> None:
    assert read(task, b"/proc/sys/kernel/hostname") == b"cruck\n"
    assert write(task, b"/proc/sys/kernel/hostname", b"other\n") == 6
    assert task.ns.uts.hostname == b"other"
    user = spawn(kernel, [Spin()], uid=1000)
    assert error_of(user, b"/proc/sys/kernel/hostname", O_WRONLY) == EACCES
    assert error_of(user, b"/proc/sys/kernel/pid_max", O_WRONLY) == EACCES
    assert write(task, b"/proc/sys/kernel/pid_max", b"5") == -EPERM


def test_pids_and_user_namespaces_are_the_administrators_to_set(kernel: Kernel, task: Task) -> None:
    last = b"/proc/sys/kernel/ns_last_pid"
    assert write(task, last, b"4999\n") == 5 and kernel.alloc_pid() == 5000
    assert read(task, last) == b"5000\n"
    assert write(task, last, b"32768") == write(task, last, b"x") == -EINVAL
    most = b"/proc/sys/user/max_user_namespaces"
    namespaces.check(kernel, task, CLONE_NEWUSER)
    assert write(task, most, b"0") == 1 and read(task, most) == b"0\n"
    with pytest.raises(LinuxError) as caught:
        namespaces.check(kernel, task, CLONE_NEWUSER)
    assert caught.value.errno == ENOSPC


def test_sysctl_directories_list_each_name_once(task: Task) -> None:
    assert names(task, b"/proc/sys") == [b".", b"..", b"fs", b"kernel", b"net", b"user", b"vm"]
    random = names(task, b"/proc/sys/kernel/random")
    assert random == [b".", b"..", b"boot_id", b"entropy_avail", b"poolsize", b"uuid"]
    assert error_of(task, b"/proc/sys/kernel/none") == ENOENT


def test_boot_id_stays_and_uuid_changes(task: Task) -> None:
    assert read(task, b"/proc/sys/kernel/random/boot_id") == read(task, b"/proc/sys/kernel/random/boot_id")
    uuid = read(task, b"/proc/sys/kernel/random/uuid")
    assert uuid != read(task, b"/proc/sys/kernel/random/uuid")
    assert len(uuid) == 37 and uuid[14:15] == b"4" and uuid[19:20] in b"89ab"


def test_meminfo_and_cpuinfo_speak_of_the_run(kernel: Kernel, task: Task) -> None:
    assert read(task, b"/proc/meminfo").startswith(b"MemTotal:         262144 kB\nMemFree: ")
    kernel.host_info.model["flags"] = "fpu sse2"
    kernel.host_info.model["model name"] = "A CPU"
    text = read(task, b"/proc/cpuinfo")
    assert text.count(b"processor\t: ") == 2
    assert text.count(b"model name\t: A CPU\n") == 2
    assert b"\nflags\t\t: fpu sse2\n" in text


def test_mount_table_escapes_and_has_linux_fields(task: Task) -> None:
    lines = read(task, b"/proc/mounts").splitlines()
    assert lines[1] == b"proc /proc proc rw,relatime 0 0"
    info = read(task, b"/proc/self/mountinfo").splitlines()
    assert info[1].split()[:5] == [b"2", b"1", info[1].split()[2], b"/", b"/proc"]
    assert info[1].endswith(b" - proc proc rw")


def test_nothing_can_be_made_or_removed(task: Task) -> None:
    root = resolve(task, AT_FDCWD, b"/proc").inode()
    with pytest.raises(LinuxError):
        root.create(b"x", 0o644, 0, 0)
    with pytest.raises(LinuxError):
        root.unlink(b"meminfo", root)


def test_open_procfs_files_are_plain_data(kernel: Kernel, task: Task) -> None:
    for path in (b"/proc/self/maps", b"/proc/self", b"/proc/meminfo", b"/proc/sys/kernel", b"/proc/self/fd"):
        task.files.install(open_file(task, path), 100, False)
    pickle.loads(pickle.dumps(kernel))


def test_every_text_file_can_be_read(kernel: Kernel, task: Task) -> None:
    def walk(path: bytes) -> int:
        count = 0
        for name in names(task, path):
            below = path + b"/" + name
            if name in (b".", b"..", b"mem", b"cwd", b"root", b"exe", b"self", b"thread-self", b"fd", b"mounts"):
                continue
            inode = resolve(task, AT_FDCWD, below, LOOKUP_NOFOLLOW).inode()
            if inode.is_dir():
                count += walk(below)
            elif inode.is_regular():
                assert read(task, below) is not None
                count += 1
        return count

    assert walk(b"/proc") > 150
