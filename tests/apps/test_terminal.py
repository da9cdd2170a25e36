# SPDX-License-Identifier: MPL-2.0
"""Interactive sessions on a terminal: every conversation is held with native bash and with bash on cruck."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from compare import Sandbox, cruck_command, needs
from terminal import Terminal

pytestmark = needs("bash", "bash")

PROMPT = "PS% "
ENVIRONMENT = {"PS1": "PS% ", "PS2": "more> ", "INPUTRC": "/dev/null", "HISTFILE": ""}
BASH = ["bash", "--norc", "--noprofile", "-i"]


@pytest.fixture(params=["native", "cruck"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def session(sandbox: Sandbox, where: str, command: list[str] | None = None) -> Iterator[Terminal]:
    sandbox.fill()
    env = sandbox.environment(ENVIRONMENT)
    prefix: list[str] = []
    if where == "cruck":
        settings = ["--clear-env", "-t"]
        for name, value in env.items():
            settings += ["-e", f"{name}={value}"]
        prefix = cruck_command(*settings)
    with Terminal([*prefix, *(command or BASH)], sandbox.path, env) as terminal:
        yield terminal


def start(terminal: Terminal) -> None:
    terminal.expect(PROMPT)


def command(terminal: Terminal, line: str, answer: str = "") -> None:
    """Types a line and waits for its echo, its answer and the next prompt."""
    terminal.send(line + "\n")
    terminal.expect("(?s)" + answer + ".*?" + PROMPT if answer else PROMPT)


def test_commands_and_exit_status(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        command(terminal, "echo $((6 * 7)) | cat", r"42\r\n")
        command(terminal, "false; echo status $?", r"status 1\r\n")
        command(terminal, "tty | sed 's/[0-9]*$//'", r"/dev/(pts/|console|tty)\r\n")
        command(terminal, "test -t 0 && test -t 1 && test -t 2 && echo is a tty", r"is a tty\r\n")
        command(terminal, "ps -o stat= -p $$ >/dev/null; echo $-", r"\w*i\w*m\w*\r\n")
        terminal.send("exit 7\n")
        assert terminal.wait() == 7


def test_interrupt_key_ends_a_sleep(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        terminal.send("sleep 60\n")
        terminal.expect(r"sleep 60\r\n")
        _settle(terminal)
        terminal.send("\x03")
        terminal.expect(r"\^C\r\n.*" + PROMPT)
        command(terminal, "echo status $?", r"status 130\r\n")
        terminal.send("cat | sort | cat\n")
        terminal.expect(r"sort \| cat\r\n")
        _settle(terminal)
        terminal.send("\x03")
        terminal.expect(PROMPT)
        terminal.send("exit\n")
        assert terminal.wait() == 130


def _settle(terminal: Terminal) -> None:
    """Lets the program that was just started come to its wait."""
    time.sleep(0.4)


def test_stop_key_jobs_background_and_foreground(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        terminal.send("sleep 2\n")
        terminal.expect(r"sleep 2\r\n")
        _settle(terminal)
        terminal.send("\x1a")
        terminal.expect(r"\^Z\r\n\[1\]\+  Stopped +sleep 2\r\n" + PROMPT)
        command(terminal, "jobs", r"\[1\]\+  Stopped +sleep 2\r\n")
        command(terminal, "bg", r"\[1\]\+ sleep 2 &\r\n")
        command(terminal, "jobs", r"\[1\]\+  Running +sleep 2 &\r\n")
        terminal.send("fg\n")
        terminal.expect(r"fg\r\nsleep 2\r\n" + PROMPT)
        command(terminal, "echo status $?", r"status 0\r\n")
        terminal.send("exit\n")
        assert terminal.wait() == 0


def test_stopped_cat_goes_on_in_the_foreground(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        terminal.send("cat\n")
        terminal.expect(r"cat\r\n")
        _settle(terminal)  # until bash has left its own mode without echo
        terminal.send("first\n")
        terminal.expect(r"first\r\nfirst\r\n")
        terminal.send("\x1a")
        terminal.expect(r"Stopped +cat\r\n" + PROMPT)
        command(terminal, "echo $?", r"148\r\n")
        terminal.send("fg\n")
        terminal.expect(r"fg\r\ncat\r\n")
        _settle(terminal)
        terminal.send("second\n")
        terminal.expect(r"second\r\nsecond\r\n")
        terminal.send("\x04")
        terminal.expect(PROMPT)
        terminal.send("exit 0\n")
        assert terminal.wait() == 0


def test_background_reader_is_stopped(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        command(terminal, "cat &", r"\[1\] \d+\r\n")
        _settle(terminal)
        command(terminal, "", "")
        command(terminal, "jobs", r"\[1\]\+  Stopped +cat\r\n")
        command(terminal, "kill -KILL %1; sleep 0.3; echo reaped", r"reaped\r\n")
        terminal.send("exit 0\n")
        assert terminal.wait() == 0


def test_background_job_is_announced(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        command(terminal, "(exit 3) & sleep 0.3", r"\[1\] \d+\r\n(.*\r\n)?\[1\]\+  Exit 3 +\( exit 3 \)\r\n")
        command(terminal, "sleep 60 &", r"\[1\] \d+\r\n")
        command(terminal, "kill %1; sleep 0.2", r"Terminated +sleep 60\r\n")
        terminal.send("exit 0\n")
        assert terminal.wait() == 0


def test_quit_key_and_end_of_file(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        terminal.send("sleep 60\n")
        terminal.expect(r"sleep 60\r\n")
        _settle(terminal)
        terminal.send("\x1c")
        terminal.expect(r"\^\\Quit")
        terminal.expect(PROMPT)
        command(terminal, "echo $?", r"131\r\n")
        terminal.send("\x04")
        terminal.expect("exit")
        assert terminal.wait() in (0, 131)


def test_window_size_and_resize(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        command(terminal, "stty size", r"24 100\r\n")
        command(terminal, "trap 'echo resized' WINCH")
        terminal.resize(50, 132)
        _settle(terminal)
        command(terminal, "", "resized")
        command(terminal, "stty size", r"50 132\r\n")
        command(terminal, "tput -T xterm lines", r"50\r\n")
        terminal.send("exit\n")
        assert terminal.wait() == 0


def test_terminal_settings(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where, ["bash", "--norc", "--noprofile", "--noediting", "-i"]) as terminal:
        start(terminal)
        command(terminal, "stty -a | grep -c 'icanon'", r"1\r\n")
        command(terminal, "stty -echo; read x; stty echo; echo got $x\nhidden", r"got hidden\r\n")
        command(terminal, "stty intr ^X; stty -a | grep -o 'intr = ^X'; stty intr ^C", r"intr = \^X\r\n")
        terminal.send("stty -icanon -echo min 1; echo now; head -c 3 | od -An -c; stty sane\n")
        terminal.expect(r"now\r\n")
        terminal.send("a\x04b")
        terminal.expect(r" a 004   b\r\n" + PROMPT)
        terminal.send("exit\n")
        assert terminal.wait() == 0


def test_line_editing_erase_and_kill(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where, ["sh", "-c", 'read a; read b; echo "<$a><$b>"']) as terminal:
        terminal.send("wrongX\x7f\x7f\x15right\x7f\x7fT\n")
        terminal.send("one two\x17three\n")
        terminal.expect(r"<rigT><one three>\r\n")
        assert terminal.wait() == 0


def test_history_and_readline(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        command(terminal, "echo abc", r"abc\r\n")
        terminal.send("\x10\n")  # the previous line
        terminal.expect(r"echo abc\r\nabc\r\n" + PROMPT)
        terminal.send("echo x\x01: \x05 y\n")  # start of line, end of line
        terminal.expect(PROMPT)
        command(terminal, "touch unique_name")
        command(terminal, "echo uniq\t", r"unique_name\s*\r\n")
        terminal.send("exit\n")
        assert terminal.wait() == 0


def test_password_prompt_of_python(sandbox: Sandbox, where: str) -> None:
    code = "import getpass; print('len', len(getpass.getpass('secret: ')))"
    with session(sandbox, where, ["/usr/bin/python3", "-c", code]) as terminal:
        terminal.expect("secret: ")
        terminal.send("hunter2\n")
        terminal.expect(r"\r\nlen 7\r\n")
        assert b"hunter2" not in terminal.transcript
        assert terminal.wait() == 0


def test_python_prompt(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where, ["/usr/bin/python3", "-q"]) as terminal:
        terminal.expect(">>> ")
        terminal.send("6 * 7\n")
        terminal.expect(r"42\r\n>>> ")
        terminal.send("import time; time.sleep(60)\n")
        terminal.expect(r"\(60\)\r\n")
        _settle(terminal)
        terminal.send("\x03")
        terminal.expect("KeyboardInterrupt")
        terminal.expect(">>> ")
        terminal.send("raise SystemExit(9)\n")
        assert terminal.wait() == 9


def test_hang_up_ends_the_session(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where) as terminal:
        start(terminal)
        terminal.send("sleep 60\n")
        terminal.expect(r"sleep 60\r\n")
        _settle(terminal)
        master = terminal.master
        terminal.master = os.open("/dev/null", os.O_RDWR)
        os.close(master)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            pid, _ = os.waitpid(terminal.pid, os.WNOHANG)
            if pid:
                terminal.status = 0
                return
            time.sleep(0.05)
        pytest.fail("the program outlives its terminal")


def test_output_is_paused_and_resumed(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where, ["sh", "-c", "stty ixon; echo ready; read x; echo after; sleep 0.2"]) as terminal:
        terminal.expect(r"ready\r\n")
        terminal.send("\x13")
        terminal.send("\x11")
        terminal.send("go\n")
        terminal.expect(r"after\r\n")
        assert terminal.wait() == 0


@pytest.mark.skipif("not __import__('shutil').which('less')", reason="needs Debian package less")
def test_less_shows_a_page_and_quits(sandbox: Sandbox, where: str) -> None:
    sandbox.files["long"] = "".join(f"line {i}\n" for i in range(1, 200))
    with session(sandbox, where, ["env", "TERM=xterm", "less", "long"]) as terminal:
        terminal.expect("line 23\r\n")
        terminal.send(" ")
        terminal.expect("line 40")
        terminal.send("q")
        assert terminal.wait() == 0


def test_program_that_dies_of_a_signal_at_the_terminal(sandbox: Sandbox, where: str) -> None:
    with session(sandbox, where, ["sleep", "60"]) as terminal:
        time.sleep(1.5)
        terminal.send("\x03")
        assert terminal.wait() == 130
