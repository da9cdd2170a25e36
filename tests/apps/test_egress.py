# SPDX-License-Identifier: MPL-2.0
"""What leaves the sandbox, shown by its effect on servers of this host's loopback: they count what reaches them."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from compare import cruck_command

KNOWN = "import socket, sys\n"


class Echo:
    """A TCP and a UDP server on one free port of the loopback: both send back what they get, and remember that somebody came."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.stream = socket.create_server((address, 0), family=family, backlog=64)
        self.port = self.stream.getsockname()[1]
        self.datagram = socket.socket(family, socket.SOCK_DGRAM)
        self.datagram.bind((address, self.port))
        self.nr_connections = self.nr_datagrams = 0
        for target in (self._accept, self._answer):
            threading.Thread(target=target, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection = self.stream.accept()[0]
            except OSError:
                return
            self.nr_connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def _answer(self) -> None:
        while True:
            try:
                data, sender = self.datagram.recvfrom(65536)
            except OSError:
                return
            self.nr_datagrams += 1
            self.datagram.sendto(data[::-1], sender)

    def close(self) -> None:
        self.stream.close()
        self.datagram.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def echo6() -> Iterator[Echo]:
    if not has_ipv6():
        pytest.skip("the host has no ::1")
    server = Echo("::1")
    yield server
    server.close()


def guest(script: str, *options: str) -> tuple[list[str], str]:
    """(lines of output, what cruck said) of a Python program in the sandbox."""
    command = [word for word in cruck_command(*options) if word != "-q"]
    found = subprocess.run([*command, sys.executable if sys.prefix == "/usr" else "/usr/bin/python3", "-c", KNOWN + script],
                           capture_output=True, text=True, timeout=60, cwd="/tmp")  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines(), found.stderr


def attempt(*destinations: tuple[str, int]) -> str:
    return f"""
for where in {destinations!r}:
    try:
        with socket.create_connection(where, 5) as s:
            s.sendall(b'hello'); s.shutdown(socket.SHUT_WR)
            print(b''.join(iter(lambda: s.recv(99), b'')).decode())
    except OSError as error:
        print(error.errno)
    u = socket.socket(socket.AF_INET6 if ':' in where[0] else socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(5)
    try:
        u.sendto(b'hello', where); print(u.recv(99).decode())
    except OSError as error:
        print(error.errno)
"""


@pytest.mark.parametrize(
    ("options", "errno"),
    [((), "101"), (("--network", "none"), "101"), (("--network", "proxy"), "1"), (("--net-allow", "1.2.3.4"), "1"), (("-p", "0:80"), "1")],
    ids=["default", "none", "empty-list", "another-address", "published-only"],
)
def test_denied(echo: Echo, options: tuple[str, ...], errno: str) -> None:
    lines, said = guest(attempt(("10.0.2.2", echo.port), ("127.0.0.1", echo.port)), *options)
    assert lines[:2] == [errno, errno]
    assert lines[2] == ("101" if "none" in options else "111")  # the guest's own loopback, where nobody listens
    assert echo.nr_connections == echo.nr_datagrams == 0
    if options and "none" not in options:
        assert f"--net-allow 127.0.0.1:{echo.port} would allow it" in said


def test_allowed(echo: Echo) -> None:
    lines, said = guest(attempt(("host.internal", echo.port)), "--net-allow", f"localhost:{echo.port}")
    assert lines == ["hello", "olleh"]
    assert (echo.nr_connections, echo.nr_datagrams) == (1, 1)
    assert "denied" not in said


def test_deny_wins_and_ports_count(echo: Echo) -> None:
    port = echo.port
    for rules in (
        ("--net-allow", "127.0.0.1", "--net-deny", f"127.0.0.0/8:{port}"),
        ("--net-allow", f"127.0.0.1:{port ^ 1}"),
        ("--net-allow", "0.0.0.0/0"),
    ):
        lines, _ = guest(attempt(("10.0.2.2", port)), *rules)
        assert lines == ["1", "1"]
    assert echo.nr_connections == echo.nr_datagrams == 0


def test_ipv6_is_denied(echo6: Echo) -> None:
    port = echo6.port
    for rules, errno in (
        ((), "101"),
        (("--network", "proxy"), "101"),
        (("--net-allow", "127.0.0.1"), "101"),
        (("--net-allow", "[::/0]"), "1"),
        (("--net-allow", f"[::1]:{port ^ 1}"), "1"),
        (("--net-allow", "[::1]", "--net-deny", f"[::1]:{port}"), "1"),
    ):
        lines, said = guest(attempt(("fec0::2", port), ("::1", port)), *rules)
        assert lines[:2] == [errno, errno], rules
        assert lines[2] == "111"  # the guest's own loopback
        if "[::/0]" in rules:
            assert f"--net-allow [::1]:{port} would allow it" in said
    assert echo6.nr_connections == echo6.nr_datagrams == 0


def test_ipv6_is_allowed(echo6: Echo) -> None:
    script = (
        attempt(("fec0::2", echo6.port))
        + f"""
s = socket.create_connection(('fec0::2', {echo6.port}), 5); print(s.getsockname()[0], s.getpeername()[0])
import os; data = os.urandom(1 << 20); s.settimeout(20)
import threading; threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
print(b''.join(iter(lambda: s.recv(65536), b'')) == data)
print(open('/proc/net/if_inet6').read().split()[-6:])
s = socket.create_server(('::', 80), family=socket.AF_INET6); c = socket.create_connection(('fec0::15', 80)); print(c.getsockname()[0])
"""
    )
    lines, said = guest(script, "--net-allow", f"[::1]:{echo6.port}")
    shown = str(["fec0" + "0" * 26 + "15", "02", "40", "40", "80", "eth0"])
    assert lines == ["hello", "olleh", "fec0::15 fec0::2", "True", shown, "fec0::15"]
    assert (echo6.nr_connections, echo6.nr_datagrams) == (2, 1)
    assert "denied" not in said


def test_names(echo: Echo) -> None:
    """`localhost` is a name every host resolves: it leads to 127.0.0.1, which a name's rule alone does not open."""
    script = """
for name in ('no-rule.example', 'localhost.'):
    query = b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + b''.join(bytes([len(p)]) + p.encode() for p in name.rstrip('.').split('.')) + b'\\0\\0\\1\\0\\1'
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(10); u.sendto(query, ('10.0.2.3', 53))
    answer = u.recv(512); print(answer[3] & 15, answer[7])
""" + attempt(("10.0.2.2", echo.port))
    lines, said = guest(script, "--net-allow", "*.localhost", "--net-allow", "localhost:1")
    assert lines == ["3 0", "3 0", "1", "1"]
    assert "name no-rule.example denied: no rule allows it; --net-allow no-rule.example would allow it" in said
    assert echo.nr_connections == 0


def test_decisions_are_in_the_trace(echo: Echo, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    rule = f"127.0.0.1:{echo.port}"
    guest(attempt(("10.0.2.2", echo.port), ("1.2.3.4", 80)), "--net-allow", rule, "--strace=connect", "--strace-output", str(trace))
    text = trace.read_text()
    assert f"--- network: tcp 10.0.2.2:{echo.port} (the host's 127.0.0.1) allowed: --net-allow {rule} ---" in text
    assert "--- network: tcp 1.2.3.4:80 denied: no rule allows it; --net-allow 1.2.3.4:80 would allow it ---" in text


def test_large_transfers_half_close_and_reset(echo: Echo) -> None:
    script = f"""
import os, threading, struct
def one():
    s = socket.create_connection(('10.0.2.2', {echo.port}), 20)
    data = os.urandom(1 << 20); got = bytearray()
    def read():
        while part := s.recv(50000): got.extend(part)
    t = threading.Thread(target=read); t.start()
    s.sendall(data); s.shutdown(socket.SHUT_WR); t.join()
    results.append(bytes(got) == data)
results = []
threads = [threading.Thread(target=one) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(results == [True] * 8)
s = socket.create_connection(('10.0.2.2', {echo.port}), 20)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()
s = socket.socket(); s.setblocking(False); print(s.connect_ex(('10.0.2.2', {echo.port})))
import select; select.select([], [s], [], 10); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.getsockname()[0])
s = socket.socket(); s.setblocking(False); s.connect_ex(('10.0.2.2', 1))
select.select([], [s], [], 10); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
"""
    lines, _ = guest(script, "--net-allow", "127.0.0.1")
    assert lines == ["True", "115", "0 10.0.2.15", "111"]


def test_published_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = """
s = socket.create_server(('0.0.0.0', 80)); print('up', flush=True)
for _ in range(3):
    c, who = s.accept(); data = b''.join(iter(lambda: c.recv(65536), b'')); c.sendall(data[::-1]); c.close(); print(who[0])
"""
    command = [*cruck_command("-p", f"{port}:80"), "/usr/bin/python3", "-c", KNOWN + script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/tmp") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        for size in (1, 100_000, 1 << 20):
            with socket.create_connection(("127.0.0.1", port), 20) as s:
                threading.Thread(target=lambda s=s, size=size: (s.sendall(bytes(size - 1) + b"x"), s.shutdown(socket.SHUT_WR))).start()
                assert b"".join(iter(lambda s=s: s.recv(65536), b"")) == b"x" + bytes(size - 1)
        assert process.stdout.read() == "10.0.2.2\n" * 3
        assert process.wait(20) == 0


@pytest.mark.parametrize("options", [["--net-allow", "::1"], ["-p", "80"], ["-p", "a:1:2"], ["--network", "none", "-p", "0:1"]])
def test_wrong_options_are_refused(options: list[str]) -> None:
    found = subprocess.run([*cruck_command(*options), "true"], capture_output=True, text=True, timeout=30)
    assert found.returncode == 125 and "cruck run: " in found.stderr and "Traceback" not in found.stderr
