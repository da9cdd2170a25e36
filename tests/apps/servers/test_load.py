# SPDX-License-Identifier: MPL-2.0
"""Many sockets, greedy and slow peers, floods: the kernel's memory stays bounded, nothing acknowledged is lost, others go on.

The guest programs print figures; the kernel process's resident memory is read from outside. `make suites` runs them longer (CRUCK_LONG=1).
"""

import os
import subprocess
from collections.abc import Iterator

import pytest
from compare import cruck_command

LONG = bool(os.environ.get("CRUCK_LONG"))

COMMON = """
import errno, os, resource, select, socket, sys, threading, time
resource.setrlimit(resource.RLIMIT_NOFILE, (30000, 30000))
def say(*words): print(*words, flush=True)
def hold(): sys.stdin.readline()
def listen(backlog=4096):
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(backlog); return s, s.getsockname()
"""


class Guest:
    """A Python program on cruck that prints lines and goes on when it is given one."""

    def __init__(self, script: str) -> None:
        command = [*cruck_command(), "/usr/bin/python3", "-c", COMMON + script]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/tmp")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kernel_mb(self) -> float:
        """Anonymous memory of the kernel process: guests' pages are in a file of their own."""
        with open(f"/proc/{self.process.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["RssAnon"].split()[0]) / 1024

    def end(self) -> None:
        assert self.process.wait(60) == 0


@pytest.fixture
def guests() -> Iterator[list[Guest]]:
    made: list[Guest] = []
    yield made
    for guest in made:
        guest.process.kill()
        guest.process.wait()


def test_ten_thousand_sockets(guests: list[Guest]) -> None:
    guest = Guest("""
say('start'); hold()
l, where = listen(); pairs = []
for _ in range(5000):
    c = socket.create_connection(where); pairs.append((c, l.accept()[0]))
say('open'); hold()
e = select.epoll()
for c, s in pairs: e.register(s, select.EPOLLIN)
for c, s in pairs[::500]: c.sendall(b'x')
say(len(e.poll(1)), sum(s.recv(9) == b'x' for c, s in pairs[::500]))
for c, s in pairs: c.close(); s.close()
say('closed'); hold()
""")
    guests.append(guest)
    assert guest.line() == "start"
    before = guest.kernel_mb()
    guest.go()
    assert guest.line() == "open"
    used = guest.kernel_mb() - before
    assert used < 10_000 * 0.008, f"{used:.1f} MB for 10,000 sockets"
    guest.go()
    assert guest.line() == "10 10"
    assert guest.line() == "closed"
    guest.go()
    guest.end()


def test_clients_that_never_read(guests: list[Guest]) -> None:
    """All queues together stay near 64 MiB, whatever is sent."""
    guest = Guest("""
say('start'); hold()
l, where = listen(); total = 0; keep = []
for _ in range(300):
    c = socket.create_connection(where); s = l.accept()[0]; s.setblocking(False); keep.append((c, s))
    try:
        while True: total += s.send(bytes(65536))
    except BlockingIOError: pass
say(total); hold()
got = 0
for c, s in keep:
    s.close()
    while part := c.recv(1 << 20): got += len(part)
say(got)
""")
    guests.append(guest)
    assert guest.line() == "start"
    before = guest.kernel_mb()
    guest.go()
    total = int(guest.line())
    used = guest.kernel_mb() - before
    assert 64 << 20 < total < 80 << 20 and used < 90, (total, used)
    guest.go()
    assert int(guest.line()) == total
    guest.end()


def test_a_byte_at_a_time_and_a_flood_of_connects(guests: list[Guest]) -> None:
    guest = Guest("""
l, where = listen(8); l.setblocking(False)
waiting = []
for _ in range(3000):
    c = socket.socket(); c.setblocking(False); c.connect_ex(where); waiting.append(c)
say(sum(bool(select.select([], [c], [], 0)[1]) for c in waiting[:20]))
for c in waiting: c.close()
while True:
    try: l.accept()[0].close()
    except BlockingIOError: break
l.setblocking(True)
c = socket.create_connection(where); s = l.accept()[0]
def drip():
    for byte in b'slow but sure' * 40: c.send(bytes([byte]))
    c.close()
threading.Thread(target=drip).start()
got = b''
while part := s.recv(1): got += part
say(got == b'slow but sure' * 40)
""")
    guests.append(guest)
    assert guest.line() == "9"  # the backlog and one
    assert guest.line() == "True"
    guest.end()


def test_a_thousand_connections_a_second(guests: list[Guest]) -> None:
    """Each with a question and an answer; meanwhile another process must not stand still."""
    seconds = 60 if LONG else 2
    guest = Guest(f"""
l, where = listen()
if os.fork() == 0:
    while True:
        c = l.accept()[0]; c.send(c.recv(9)[::-1]); c.close()
ticker = os.fork()
if ticker == 0:
    worst = 0.0; end = time.monotonic() + {seconds}
    while time.monotonic() < end:
        t = time.monotonic(); time.sleep(0.001); worst = max(worst, time.monotonic() - t)
    say('worst', worst); os._exit(0)
n = 0; right = 0; start = time.monotonic()
while time.monotonic() < start + {seconds}:
    c = socket.create_connection(where); c.send(b'abc'); right += c.recv(9) == b'cba'; c.close(); n += 1
os.waitpid(ticker, 0); say('done', n, right, n / (time.monotonic() - start)); os.kill(0, 9)
""")
    guests.append(guest)
    name, worst = guest.line().split()
    assert name == "worst" and float(worst) < (0.05 if LONG else 1.0)
    _, asked, right, rate = guest.line().split()
    assert asked == right
    print(f"{float(rate):.0f} connections a second, worst stall {1000 * float(worst):.1f} ms, {guest.kernel_mb():.0f} MB")
