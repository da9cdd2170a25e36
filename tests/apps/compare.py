# SPDX-License-Identifier: MPL-2.0
"""Runs a real program twice, natively and on cruck, in the same fresh directory with the same files, standard input and
environment, and asserts that output, errors and exit status are the same.

`Sandbox` (the fixture `sandbox` of conftest.py) is the directory of a test; `Sandbox.check` is the comparison. The
native run is the specification: it must end with the status that the test names, so that a broken script does not
pass by failing in both. With CRUCK_APPS=native the second run is native too, which shows what is not deterministic.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONG_AGO = 1_000_000_000  # modification time of every file and directory that a test is given
NATIVE_TIMEOUT_S = 30.0
CRUCK_TIMEOUT_S = 60.0

Content = str | bytes | Path
Filter = Callable[[bytes], bytes]


class Outcome(NamedTuple):
    stdout: bytes
    stderr: bytes
    status: int  # as a shell's $?: 128 + n for signal n

    def __str__(self) -> str:
        text = f"exit status {self.status}\n"
        for name, data in (("stdout", self.stdout), ("stderr", self.stderr)):
            if data:
                shown = data if len(data) < 6000 else data[:3000] + b"\n[...]\n" + data[-3000:]
                text += f"--- {name}\n{shown.decode(errors='backslashreplace')}\n"
        return text


def cruck_command(*options: str) -> list[str]:
    """`cruck run -q OPTIONS --` of the environment that runs the tests."""
    script = Path(sys.executable).parent / "cruck"
    prefix = [str(script)] if script.exists() else [sys.executable, "-m", "cruck"]
    return [*prefix, "run", "-q", *options, "--"]


def run(command: Sequence[str], *, cwd: str | Path, stdin: bytes = b"", timeout: float, env: Mapping[str, str]) -> Outcome:
    """To its end; at the timeout its process group is killed and the test fails with what it wrote until then."""
    with subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"no end after {timeout:g} s: {list(command)}\n{Outcome(stdout, stderr, 137)}", pytrace=False)
    status = process.returncode
    return Outcome(stdout, stderr, 128 - status if status < 0 else status)


class Sandbox:
    """A fresh directory with a short, fixed path; both runs see it as their current directory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: dict[str, Content] = {}

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": f"{self.path}/home", "USER": "user", "TERM": "dumb", "TZ": "UTC"}
        env.update(extra or {})
        return env

    def fill(self) -> None:
        """Empties the directory and writes `files` into it: executable if they are programs, all of the same time."""
        for entry in os.scandir(self.path):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
        os.mkdir(f"{self.path}/home")
        for name, content in self.files.items():
            target = Path(self.path, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, target)
                target.chmod(0o755)
            else:
                data = content.encode() if isinstance(content, str) else content
                target.write_bytes(data)
                target.chmod(0o755 if data.startswith((b"#!", b"\x7fELF")) else 0o644)
        for directory, _, names in os.walk(self.path, topdown=False):
            for name in names:
                os.utime(os.path.join(directory, name), (LONG_AGO, LONG_AGO))
            os.utime(directory, (LONG_AGO, LONG_AGO))

    def native(self, argv: Sequence[str], *, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Outcome:
        self.fill()
        return run(argv, cwd=self.path, stdin=stdin, timeout=NATIVE_TIMEOUT_S, env=self.environment(env))

    def cruck(
        self,
        argv: Sequence[str],
        *,
        options: Sequence[str] = (),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float = CRUCK_TIMEOUT_S,
    ) -> Outcome:
        self.fill()
        if os.environ.get("CRUCK_APPS") == "native":
            return run(argv, cwd=self.path, stdin=stdin, timeout=timeout, env=self.environment(env))
        settings = ["--clear-env"]
        for name, value in self.environment(env).items():
            settings += ["-e", f"{name}={value}"]
        command = [*cruck_command(*settings, *options), *argv]
        return run(command, cwd=self.path, stdin=stdin, timeout=timeout, env=self.environment(env))

    def check(
        self,
        argv: Sequence[str],
        *,
        files: Mapping[str, Content] | None = None,
        stdin: bytes = b"",
        status: int = 0,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        filter_stderr: Filter | None = None,
        filter_stdout: Filter | None = None,
        timeout: float = CRUCK_TIMEOUT_S,
    ) -> Outcome:
        """Asserts that the program does the same on cruck as natively.

        Args: status: what the native run must end with. filter_*: takes away what may differ (pids, addresses).
        Returns: the native outcome, filtered.
        """
        self.files.update(files or {})
        expected = _filtered(self.native(argv, stdin=stdin, env=env), filter_stdout, filter_stderr)
        if expected.status != status:
            pytest.fail(f"the native run is not what the test expects ({status}): {expected}", pytrace=False)
        found = _filtered(self.cruck(argv, options=options, stdin=stdin, env=env, timeout=timeout), filter_stdout, filter_stderr)
        if found != expected:
            pytest.fail(f"{list(argv)}\n=== native: {expected}\n=== cruck: {found}", pytrace=False)
        return expected

    def check_script(self, shell: str, script: str, **arguments: Any) -> Outcome:
        """`check` of a shell's or an interpreter's `-c` (perl and node: `-e`) script."""
        flag = "-e" if shell.rpartition("/")[2] in ("perl", "node") else "-c"
        return self.check([shell, flag, script], **arguments)


def _filtered(outcome: Outcome, stdout: Filter | None, stderr: Filter | None) -> Outcome:
    return Outcome(
        stdout(outcome.stdout) if stdout is not None else outcome.stdout,
        stderr(outcome.stderr) if stderr is not None else outcome.stderr,
        outcome.status,
    )


def without_pids(data: bytes) -> bytes:
    """For stderr of bash, which names the pid where a job dies ("bash: line 1: 1234 Terminated"), and of dd, which names times."""
    data = re.sub(rb"line (\d+):\s+\d+ ", rb"line \1: PID ", data)
    return re.sub(rb"copied, .*", rb"copied", data)


def fresh_sandbox() -> Iterator[Sandbox]:
    path = tempfile.mkdtemp(prefix="cruck-apps-", dir="/tmp")
    os.chmod(path, 0o755)
    try:
        yield Sandbox(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def cases(scripts: Mapping[str, Any]) -> list[Any]:
    """pytest parameters named by the behaviour: {"name": value}."""
    return [pytest.param(value, id=name.replace(" ", "-")) for name, value in scripts.items()]


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skips, naming the Debian package, where the program is missing."""
    found = shutil.which(program, path=PATH) or (shutil.which(program) if program in ("rustc", "go") else None)
    return pytest.mark.skipif(found is None, reason=f"{program} is missing: needs Debian package {package}")


def build(directory: Path, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Builds a test program natively; fails with the compiler's words."""
    result = subprocess.run(command, cwd=directory, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=300)
    if result.returncode:
        pytest.fail(f"{list(command)} failed:\n{result.stdout}{result.stderr}", pytrace=False)
