# SPDX-License-Identifier: MPL-2.0
"""Any sequence of calls on the host's capability objects, with any arguments, while the host's user rearranges the tree: documented results, nothing
outside the tree is reached, nothing waits, and every descriptor comes back. CRUCK_STATEFUL_EXAMPLES: how many sequences (CI: 25)."""

import errno
import os
import pickle
import pty
import shutil
import signal
import socket
import stat
import tempfile
import termios

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from cruck.framework.clock import HostClock, ManualClock
from cruck.framework.entropy import HostEntropy, SeededEntropy
from cruck.framework.io.egress_policy import EgressPolicy
from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_socket import HostNetwork, HostSocket
from cruck.framework.io.host_stream import HostStream
from cruck.framework.io.host_terminal import HostTerminal
from cruck.framework.io.host_tree_file import HostTreeFile
from cruck.framework.log import Log

NAMES = (b"a", b"b", b"one", b".dot", b"..", b".", b"", b"link", b"x" * 256, b"n\0", b"\xff")
names = st.sampled_from(NAMES)
paths = st.lists(names, max_size=3).map(b"/".join)
numbers = st.sampled_from((0, 1, -1, 7, 100, 4096, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 47) + 1, (1 << 63) - 1))
worse = st.sampled_from((1 << 63, -(1 << 63) - 1, 1 << 200, "1", None, 1.5, b"x", [], object()))
modes = st.sampled_from(
    (0, 0o644, 0o777, 0o1777, 0o4755, 0o2755, stat.S_IFIFO | 0o600, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK | 0o600, -1, 1 << 40)
)
# What a wrong argument may end in. MemoryError: a length is taken at its word.
DOCUMENTED = (TypeError, ValueError, OverflowError, AttributeError, MemoryError)
NO_ERRNO = (errno.EACCES, errno.EPERM)  # the tests run as root, too


class Stuck(BaseException):
    pass


def stuck(signo: int, frame: object) -> None:
    raise Stuck


def result_of(call, *args):
    """What the call answers, or the documented error it raises; anything else is the finding."""
    try:
        return call(*args)
    except DOCUMENTED as error:
        return error


class Capabilities(RuleBasedStateMachine):
    trees = Bundle("trees")
    files = Bundle("files")
    streams = Bundle("streams")

    def __init__(self) -> None:
        super().__init__()
        self.before = set(os.listdir("/proc/self/fd"))
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="cruck-io-"))
        self.shared = os.path.join(self.top, "shared")
        os.makedirs(os.path.join(self.shared, "a", "b"))
        os.makedirs(os.path.join(self.top, "outside"))
        for name in ("outside/secret", "shared/one", "shared/a/one", "shared/.dot"):
            with open(os.path.join(self.top, name), "w") as file:
                file.write(name)
        os.symlink("../outside", os.path.join(self.shared, "link"))
        self.things: list[object] = []
        self.raw: list[int] = []  # descriptors of the tests' own
        self.old_alarm = signal.signal(signal.SIGALRM, stuck)
        signal.alarm(60)

    def teardown(self) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.old_alarm)
        for thing in self.things:
            thing.close()  # type: ignore[attr-defined]
        for fd in self.raw:
            os.close(fd)
        shutil.rmtree(self.top)
        assert set(os.listdir("/proc/self/fd")) <= self.before

    def keep(self, thing):
        self.things.append(thing)
        return thing

    @initialize(target=trees)
    def share(self):
        made = (
            HostDirectory(self.shared, True),
            HostDirectory(self.shared),
            HostDirectory(self.shared, True, only_entry=b"one"),
            HostDirectory(self.shared, True, hides_dotfiles=True),
            HostDirectory(self.shared, only_world_readable=True),
        )
        return multiple(*[self.keep(tree) for tree in made])

    # ---- directories ----

    @rule(target=files, tree=trees, path=paths, access=st.sampled_from((os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_CREAT, -1, 1 << 40)))
    def open(self, tree: HostDirectory, path: bytes, access: int):
        file = tree.open(path, access)
        if not isinstance(file, HostTreeFile):
            assert file < 0
            return multiple()
        assert access in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR) and (tree.is_writable or access == os.O_RDONLY)
        return self.keep(file)

    @rule(target=files, tree=trees, path=paths, mode=modes)
    def create(self, tree: HostDirectory, path: bytes, mode: int):
        file = result_of(tree.create, path, mode)
        if not isinstance(file, HostTreeFile):
            assert isinstance(file, OverflowError) or file < 0
            return multiple()
        assert tree.is_writable and not os.fstat(file._fd).st_mode & 0o6000
        return self.keep(file)

    @rule(tree=trees, path=paths)
    def look(self, tree: HostDirectory, path: bytes) -> None:
        found = tree.stat(path)
        assert isinstance(found, tuple) and len(found) == 14 or found < 0
        for entries in (tree.list_entries(path), tree.listxattr(path)):
            assert isinstance(entries, list) or entries < 0
        for data in (tree.readlink(path), tree.getxattr(path, b"user.x"), tree.getxattr(path, b"trusted.x")):
            assert isinstance(data, bytes) or data < 0
        free = tree.statfs()
        assert isinstance(free, tuple) or free == -errno.EBADF
        if isinstance(found, tuple):
            assert b".." not in path.split(b"/") and (not tree.only_entry or not path or path.split(b"/")[0] == tree.only_entry)
            assert not (tree.hides_dotfiles and path.startswith(b"."))
        tree.forget(path)

    @rule(tree=trees, path=paths, other=paths, mode=modes, number=numbers, what=st.integers(0, 13))
    def change(self, tree: HostDirectory, path: bytes, other: bytes, mode: int, number: int, what: int) -> None:
        calls = (
            lambda: tree.mkdir(path, mode), lambda: tree.make_node(path, mode), lambda: tree.symlink(path, other), lambda: tree.link(path, other),
            lambda: tree.unlink(path), lambda: tree.rmdir(path), lambda: tree.rename(path, other), lambda: tree.chmod(path, mode),
            lambda: tree.chown(path, number, -1), lambda: tree.utimens(path, number, number), lambda: tree.truncate(path, number),
            lambda: tree.setxattr(path, b"user.x", b"1", number), lambda: tree.removexattr(path, b"user.x"), lambda: tree.fsync_directory(path),
        )  # fmt: skip
        result = result_of(calls[what])
        assert isinstance(result, DOCUMENTED) or result == 0 or result < 0
        if result == 0:
            assert tree.is_writable or what == 13

    @rule(
        tree=trees,
        path=st.one_of(paths, worse),
        name=st.sampled_from(("stat", "list_entries", "readlink", "unlink", "mkdir", "open")),
        wrong=worse,
    )
    def nonsense(self, tree: HostDirectory, path: object, name: str, wrong: object) -> None:
        args = (path, wrong) if name in ("mkdir", "open") else (wrong,)
        result = result_of(getattr(tree, name), *args)
        assert isinstance(result, (*DOCUMENTED, HostTreeFile, tuple, list, bytes, int))
        if isinstance(result, HostTreeFile):
            result.close()

    @rule(tree=trees)
    def pickled(self, tree: HostDirectory) -> None:
        copy = pickle.loads(pickle.dumps(tree))
        assert copy.is_writable == tree.is_writable and copy.only_entry == tree.only_entry
        copy.close()

    @rule(tree=trees, dice=st.integers(0, 9))
    def close_tree(self, tree: HostDirectory, dice: int) -> None:
        if dice == 0:
            tree.close()
            tree.close()
            assert tree.list_entries(b"") == -errno.EBADF == tree.open(tree.only_entry or b"a", os.O_RDONLY)

    # ---- the host's user ----

    @rule(
        name=st.sampled_from(("a", "b", "one", "a/b", "a/one", "link", ".dot")),
        what=st.sampled_from(("link", "directory", "file", "fifo", "gone", "away")),
    )
    def rearrange(self, name: str, what: str) -> None:
        path = os.path.join(self.shared, name)
        parent = os.path.dirname(path)
        if os.path.islink(parent) or not os.path.isdir(parent):
            return
        if what == "away":
            if os.path.lexists(path) and not os.path.exists(self.shared + "/moved"):
                os.rename(path, self.shared + "/moved")
            return
        if os.path.islink(path) or not os.path.isdir(path):
            if os.path.lexists(path):
                os.unlink(path)
        else:
            shutil.rmtree(path)
        if what == "link":
            os.symlink(self.top + "/outside", path)
        elif what == "directory":
            os.mkdir(path)
        elif what == "file":
            with open(path, "w") as file:
                file.write("user's")
        elif what == "fifo":
            os.mkfifo(path)

    # ---- files ----

    @rule(file=files, length=numbers, offset=numbers, what=st.integers(0, 9), byte=st.binary(max_size=20))
    def use_file(self, file: HostFile, length: int, offset: int, what: int, byte: bytes) -> None:
        assert isinstance(file, HostTreeFile)
        calls = (
            lambda: file.pread(min(length, 1 << 20), offset), lambda: file.pwrite(byte, min(offset, 1 << 30)), lambda: file.truncate(min(length, 1 << 30)),
            lambda: file.fsync(length > 0), lambda: file.seek(offset, length & 7), file.size, lambda: file.chmod(length), lambda: file.chown(-1, -1),
            lambda: file.utimens(length, offset), lambda: file.allocate(offset, min(length, 1 << 20)),
        )  # fmt: skip
        result = result_of(calls[what])
        assert isinstance(result, (bytes, int, OverflowError, ValueError))
        if file._fd < 0:
            assert isinstance(result, (OverflowError, ValueError)) or result in (-errno.EBADF, -errno.EROFS, -errno.EINVAL, -errno.EPERM)
        found = file.stat()
        assert isinstance(found, tuple) or found == -errno.EBADF

    @rule(
        file=files, wrong=worse, name=st.sampled_from(("pread", "pwrite", "truncate", "seek", "chmod", "allocate")), where=st.integers(0, 1)
    )
    def nonsense_file(self, file: HostFile, wrong: object, name: str, where: int) -> None:
        args: list[object] = [b"" if name == "pwrite" else 0] if name in ("truncate", "chmod") else [b"" if name == "pwrite" else 0, 0]
        args[where % len(args)] = wrong
        result = result_of(getattr(file, name), *args)
        assert isinstance(result, (*DOCUMENTED, int, bytes))

    @rule(file=files)
    def close_file(self, file: HostFile) -> None:
        file.close()
        file.close()
        assert file.size() == -errno.EBADF == file.pwrite(b"x", 0)

    @rule(target=files, file=files)
    def pickled_file(self, file: HostFile):
        copy = pickle.loads(pickle.dumps(file))
        assert isinstance(copy, HostTreeFile) and isinstance(file, HostTreeFile)
        assert copy._fd < 0 or copy.identity() == file.identity()
        self.keep(copy._directory)  # one of its own
        return self.keep(copy)

    # ---- streams and terminals ----

    @rule(target=streams, kind=st.sampled_from(("pipe", "socket", "file", "null", "terminal")))
    def new_streams(self, kind: str):
        if kind == "pipe":
            fds = os.pipe()
        elif kind == "socket":
            fds = tuple(end.detach() for end in socket.socketpair())
        elif kind == "terminal":
            fds = pty.openpty()
        else:
            fds = (os.open("/dev/null" if kind == "null" else os.path.join(self.top, "stream"), os.O_RDWR | os.O_CREAT, 0o600),)
        self.raw += fds
        return multiple(*[self.keep(HostStream(fd)) for fd in fds])

    @rule(stream=streams, length=numbers, data=st.binary(max_size=200), what=st.integers(0, 7), events=st.integers(0, 0xFFFF))
    def use_stream(self, stream: HostStream, length: int, data: bytes, what: int, events: int) -> None:
        flags = [os.get_blocking(fd) for fd in self.raw]
        calls = (
            lambda: stream.read_nowait(length), lambda: stream.write_nowait(data[: stream.write_chunk()]), lambda: stream.poll_now(events), stream.stat,
            stream.nr_readable, lambda: stream.pread(max(length, 0) & 0xFFFF, -1), lambda: stream.pwrite(data, -1), stream.size,
        )  # fmt: skip
        result = result_of(calls[what])
        assert isinstance(result, (bytes, int, tuple, ValueError, OverflowError)), result
        assert flags == [os.get_blocking(fd) for fd in self.raw], "the shared description has changed"

    @rule(stream=streams, dice=st.integers(0, 3))
    def close_stream(self, stream: HostStream, dice: int) -> None:
        if dice == 0:
            stream.close()
            stream.close()
            assert stream.read_nowait(5) == -errno.EBADF == stream.stat()

    @rule(
        steps=st.lists(st.sampled_from(("raw", "restore", "read", "write", "size", "characters", "hang up", "close", "enter")), max_size=8)
    )
    def terminal(self, steps: list[str]) -> None:
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        terminal = HostTerminal(slave)
        for step in steps:
            if step == "raw":
                assert terminal.enter_raw() <= 0
            elif step == "restore":
                assert terminal.restore() <= 0
            elif step == "read":
                assert isinstance(terminal.read_nowait(100), (bytes, int))
            elif step == "write":
                assert terminal.write_nowait(b"x" * 5000) <= 5000
            elif step == "size":
                assert len(terminal.window_size()) == 4
            elif step == "characters":
                assert len(terminal.control_characters()) == 19 and terminal.is_utf8() in (True, False)
            elif step == "hang up" and master >= 0:
                os.close(master)
                master = -1
            elif step == "close":
                terminal.close()
            else:
                with terminal:
                    terminal.enter_raw()
        terminal.close()
        if master >= 0:
            assert termios.tcgetattr(slave) == before
            os.close(master)
        os.close(slave)

    # ---- the network, time, randomness, the log ----

    @rule(address=st.one_of(numbers, st.just(0x7F000001)), port=numbers, wrong=worse, allowed=st.booleans())
    def network(self, address: int, port: int, wrong: object, allowed: bool) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        chance = server.getsockname()[1]
        network = HostNetwork(EgressPolicy([f"127.0.0.1:{chance}"] if allowed else [], []))
        for call in (network.connect, network.open_datagrams):
            for at in ((address, port), (address, chance), (address, wrong), (wrong, port)):
                made = result_of(call, *at)
                if isinstance(made, HostSocket):
                    assert allowed and at == (0x7F000001, chance)
                    made.close()
                else:
                    assert isinstance(made, DOCUMENTED) or made == -errno.EPERM
        assert network.look_up("example.com") == -errno.EPERM
        server.close()

    @rule(number=numbers, wrong=worse)
    def values(self, number: int, wrong: object) -> None:
        clock, manual = HostClock(), ManualClock()
        first = clock.monotonic_ns()
        assert (
            clock.monotonic_ns() >= first
            and clock.boottime_ns() >= 0
            and clock.realtime_ns() > 0
            and clock.host_deadline_ns(number) == number
        )
        manual.advance(number)
        assert manual.realtime_ns() - manual.monotonic_ns() == manual.offset_ns and manual.host_deadline_ns(manual.now_ns) == 0
        size = min(number, 1 << 12)
        assert SeededEntropy(number).random_bytes(size & 0xFFF) == SeededEntropy(number).random_bytes(size & 0xFFF)
        for source in (HostEntropy(), SeededEntropy(1)):
            made = result_of(source.random_bytes, size)
            assert isinstance(made, ValueError) if size < 0 else len(made) == size
            assert isinstance(result_of(source.random_bytes, wrong), DOCUMENTED)
        log = Log(0)
        for index in range(min(max(number, 0), 2500)):
            log.debug(str(index))
        assert len(log.lines) <= 1000

    # ---- what always holds ----

    @invariant()
    def nothing_outside_is_touched(self) -> None:
        assert os.listdir(os.path.join(self.top, "outside")) == ["secret"]
        with open(os.path.join(self.top, "outside", "secret")) as file:
            assert file.read() == "outside/secret"
        assert set(os.listdir(self.top)) <= {"outside", "shared", "stream"}

    @invariant()
    def descriptors_are_bounded(self) -> None:
        nr_trees = sum(isinstance(thing, HostDirectory) for thing in self.things)
        limit = len(self.before) + len(self.raw) + 25 * nr_trees + 3 * (len(self.things) - nr_trees) + 1
        assert len(os.listdir("/proc/self/fd")) <= limit


Capabilities.TestCase.settings = settings(
    max_examples=int(os.environ.get("CRUCK_STATEFUL_EXAMPLES", "25")),
    stateful_step_count=40,
    deadline=None,
    derandomize="CRUCK_STATEFUL_RANDOM" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
test_any_sequence_of_calls_on_capabilities = Capabilities.TestCase
