# SPDX-License-Identifier: MPL-2.0
"""Runs a Box to its end: on this process's own streams (`cruck run`), or captured in memory (`cruck.run`)."""

import gc
import os
import signal
from types import FrameType
from typing import Final

from cruck.framework.io.host_stream import HostStream
from cruck.framework.io.host_terminal import HostTerminal
from cruck.kernel.drivers.host_tty import HostTty
from cruck.kernel.drivers.mem import NullFile
from cruck.kernel.drivers.stdio import give_terminal, open_host_stdio, open_host_terminal
from cruck.kernel.vfs.file import File
from cruck.sandbox import console
from cruck.sandbox.box import Box, StartError
from cruck.sandbox.config import ConfigError, RunConfig
from cruck.sandbox.report import attach_tracer, report
from cruck.sandbox.streams import InputStream, OutputStream

FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
GRACE_S: Final = 10.0  # for a program that handles SIGTERM: as `docker stop` gives
NO_GRACE_S: Final = 1.0  # for one that ignores it
EXIT_OOPS: Final = 125
PIPE, STDOUT, DEVNULL = -1, -2, -3  # the values of subprocess, whose import would cost every run its time


class HostSignals:
    """Signals to the cruck process become signals to the program: the first is passed on; the same one again, a SIGTERM after another, or
    SIGTERM and SIGHUP not obeyed in time end everything. Only for the process's main thread; restores what it changed."""

    def __init__(self, box: Box, terminal: HostTty | None) -> None:
        self.box = box
        self.terminal = terminal
        self.arrived: list[int] = []
        self.seen: set[int] = set()
        self.previous: dict[int, object] = {}

    def install(self) -> None:
        for signo in FORWARDED:
            if signal.getsignal(signo) != signal.SIG_IGN:
                self.previous[signo] = signal.signal(signo, self._on_signal)
        if self.terminal is not None:
            self.previous[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._on_signal)
            self.previous[signal.SIGCONT] = signal.signal(signal.SIGCONT, self._on_signal)
            self.previous[signal.SIGTTOU] = signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def _on_signal(self, signo: int, frame: FrameType | None) -> None:
        self.arrived.append(signo)
        self.box.machine.wake()

    def act(self) -> None:
        """In the loop, between two turns."""
        while self.arrived:
            signo = self.arrived.pop(0)
            if signo == signal.SIGWINCH:
                if self.terminal is not None:
                    self.terminal.resize()
            elif signo == signal.SIGCONT:
                if self.terminal is not None:
                    self.terminal.terminal.enter_raw()
            elif signo in self.seen or (self.seen and signo == signal.SIGTERM):
                self.box.end_now()
            else:
                self.seen.add(signo)
                has_handler = self.box.has_handler(signo)
                self.box.signal(signo)
                if signo in (signal.SIGTERM, signal.SIGHUP):
                    self.box.end_later(GRACE_S if has_handler else NO_GRACE_S)

    def restore(self) -> None:
        for signo, handler in self.previous.items():
            signal.signal(signo, handler)  # type: ignore[arg-type]


def run_on_host_stdio(config: RunConfig, owns_process: bool = False) -> int:
    """Exit status for the shell. owns_process: this process does nothing else, so it gives up what the run does not need (confinement.py).
    Errors: ConfigError, OSError."""
    box = Box(config, hidden=False)
    terminal: HostTty | None = None
    signals: HostSignals | None = None
    try:
        uses_terminal = config.tty if config.tty is not None else os.isatty(0) and os.isatty(1)
        if uses_terminal and not os.isatty(0):
            raise ConfigError("-t needs a terminal on standard input")
        if uses_terminal:
            terminal, stdio = open_host_terminal(box.kernel, HostTerminal(0), config.uid, config.gid)
            if not os.isatty(2):
                stdio = [*stdio[:2], *open_host_stdio(box.kernel, [HostStream(2)], config.uid, config.gid)]
        else:
            stdio = open_host_stdio(box.kernel, [HostStream(number) for number in _open_standard_streams()], config.uid, config.gid)
        tracer_close = attach_tracer(box, config)
        signals = HostSignals(box, terminal)
        signals.install()
        try:
            box.start(stdio)
        except StartError as error:
            console.say(str(error))
            return error.status
        if terminal is not None:
            give_terminal(terminal, box.process)
        if owns_process:
            from cruck.sandbox.confinement import confine

            box.missing_walls = confine(box, config, terminal is not None)
        gc.freeze()
        gc.enable()
        box.machine.settle(True)
        while not box.kernel.is_halted:
            box.turn()
            if signals.arrived:
                signals.act()
        if terminal is not None:
            terminal.shutdown()
        tracer_close()
        report(box, config)
        return EXIT_OOPS if box.kernel.nr_oopses and not box.exit_code() else box.exit_code()
    finally:
        if terminal is not None:
            terminal.terminal.restore()
        if signals is not None:
            signals.restore()
        box.close()


def _open_standard_streams() -> list[int]:
    """0, 1, 2; a closed one is opened on /dev/null, as libc does for set-uid programs."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            fd = os.open(os.devnull, os.O_RDWR)
            if fd != number:
                os.dup2(fd, number)
                os.close(fd)
    return [0, 1, 2]


class Outcome:
    def __init__(self) -> None:
        self.returncode = 0
        self.stdout: bytes | None = None
        self.stderr: bytes | None = None
        self.timed_out = False


def run_captured(config: RunConfig, data: bytes | None, stdout: int | None, stderr: int | None) -> Outcome:
    """subprocess.run's meaning of stdout and stderr. Any thread. Errors: ConfigError, OSError."""
    box = Box(config, hidden=True)
    outcome = Outcome()
    try:
        kernel = box.kernel
        source: File
        if data is not None:
            source = InputStream(data, kernel.next_ino())
        else:
            source = _host_stream(box, 0)
        out, captured_out = _output(box, stdout, 1)
        if stderr == STDOUT:
            err, captured_err = out, None
        else:
            err, captured_err = _output(box, stderr, 2)
        attach_tracer(box, config)
        try:
            box.start([source, out, err])
            box.run()
            status = kernel.exit_status
            outcome.returncode = -(status & 0x7F) if status & 0x7F else status >> 8
        except StartError as error:
            outcome.returncode = error.status
            text = f"cruck: {error}\n".encode()
            if captured_err is not None:
                captured_err.parts.append(text)
            else:
                console.write(text.decode())
        outcome.timed_out = box.timed_out
        outcome.stdout = captured_out.getvalue() if captured_out is not None else None
        outcome.stderr = captured_err.getvalue() if captured_err is not None else None
        if kernel.nr_oopses:
            console.say("\n".join(kernel.log.lines))
        return outcome
    finally:
        box.close()


def _host_stream(box: Box, number: int) -> File:
    return open_host_stdio(box.kernel, [HostStream(number)], box.config.uid, box.config.gid)[0]


def _output(box: Box, choice: int | None, number: int) -> tuple[File, OutputStream | None]:
    if choice == PIPE:
        stream = OutputStream(box.kernel.next_ino())
        return stream, stream
    if choice == DEVNULL:
        return NullFile(1), None
    return _host_stream(box, number), None
