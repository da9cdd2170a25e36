# SPDX-License-Identifier: MPL-2.0
"""Full-screen programs on a terminal: the same keys lead to the same places, natively and on cruck."""

import time

import pytest
from compare import Sandbox, needs
from test_terminal import session, where  # noqa: F401  (a fixture)

CURSES = """
import curses

def main(window):
    window.timeout(50)
    rows, columns = window.getmaxyx()
    window.addstr(0, 0, f"size {rows} {columns}")
    while True:
        key = window.getch()
        if key == curses.KEY_RESIZE:
            rows, columns = window.getmaxyx()
            window.addstr(2, 0, f"now {rows} by {columns}")
        elif key == curses.KEY_DOWN:
            window.addstr(3, 0, "arrow down")
        elif key == ord("q"):
            return
        elif key >= 0:
            window.addstr(1, 0, f"key {key}")
        window.refresh()

curses.wrapper(main)
"""


@pytest.mark.skipif("not __import__('shutil').which('vim')", reason="needs Debian package vim")
def test_vim_edits_and_survives_a_suspension(sandbox: Sandbox, where: str) -> None:  # noqa: F811
    sandbox.files["text"] = "first\n"
    script = "TERM=xterm vim -u NONE -N text; cat text"
    with session(sandbox, where, ["bash", "--norc", "--noprofile", "-i", "-c", script]) as terminal:
        terminal.expect('"text" 1L')
        terminal.send("osecond\x1b")
        terminal.send("yyp:%s/second/third/g\r")
        terminal.expect("third")
        terminal.send(":!echo in a shell\r")
        terminal.expect("in a shell")
        terminal.send("\r:wq\r")
        terminal.expect(r"first\r\nthird\r\nthird\r\n")
        assert terminal.wait() == 0


@needs("htop", "htop")
def test_htop_lists_and_scrolls(sandbox: Sandbox, where: str) -> None:  # noqa: F811
    with session(sandbox, where, ["env", "TERM=xterm", "htop", "-d", "2"]) as terminal:
        terminal.expect("Load average")
        terminal.expect("PID")
        terminal.expect("htop")
        terminal.resize(40, 120)
        terminal.send("\x1b[B\x1b[B")
        terminal.expect("Load average")
        terminal.send("q")
        assert terminal.wait() == 0


@needs("top", "procps")
def test_top_refreshes_until_told_to_stop(sandbox: Sandbox, where: str) -> None:  # noqa: F811
    with session(sandbox, where, ["env", "TERM=xterm", "top", "-d", "0.3"]) as terminal:
        terminal.expect("load average")
        terminal.expect("load average|top - ")
        terminal.send("q")
        assert terminal.wait() == 0


@pytest.mark.skipif("not __import__('shutil').which('tmux')", reason="needs Debian package tmux")
def test_tmux_splits_switches_and_ends(sandbox: Sandbox, where: str) -> None:  # noqa: F811
    command = ["env", "TERM=xterm", "TMUX_TMPDIR=/tmp", "tmux", "-L", f"cruck-{where}", "-f", "/dev/null", "new-session", "sh"]
    with session(sandbox, where, command) as terminal:
        terminal.expect(r"[$#] ")
        terminal.send("echo a$((20+22))b\r")
        terminal.expect("a42b")
        time.sleep(0.3)
        terminal.send("\x02")
        time.sleep(0.1)
        terminal.send("%")
        time.sleep(0.5)
        terminal.send("tty; echo c$((1+1))d\r")
        terminal.expect("/dev/pts/")
        terminal.expect("c2d")
        terminal.send("exit\r")
        time.sleep(0.5)
        terminal.send("exit\r")
        terminal.expect("exited")
        assert terminal.wait() == 0


def test_curses_program_in_python(sandbox: Sandbox, where: str) -> None:  # noqa: F811
    sandbox.files["program.py"] = CURSES
    with session(sandbox, where, ["env", "TERM=xterm", "/usr/bin/python3", "program.py"]) as terminal:
        terminal.expect("size 24 100")
        terminal.send("x")
        terminal.expect("key 120")
        terminal.send("\x1bOB")
        terminal.expect("arrow down")
        terminal.resize(30, 90)
        terminal.expect("now 30 by 90")
        terminal.send("q")
        assert terminal.wait() == 0
