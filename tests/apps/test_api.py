# SPDX-License-Identifier: MPL-2.0
"""cruck.run: subprocess.run's arguments and results."""

import subprocess
from pathlib import Path

import pytest
from compare import Sandbox

import cruck

BOTH = pytest.mark.parametrize("run", [subprocess.run, cruck.run], ids=["subprocess", "cruck"])


@BOTH
def test_captured_text(run) -> None:  # type: ignore[no-untyped-def]
    result = run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert isinstance(result, subprocess.CompletedProcess) and result.args[0] == "sh"


@BOTH
def test_input_and_bytes(run) -> None:  # type: ignore[no-untyped-def]
    data = bytes(range(256)) * 2000
    result = run(["cat"], input=data, stdout=subprocess.PIPE)
    assert result.stdout == data and result.stderr is None
    assert run(["tr", "a-z", "A-Z"], input="shout", capture_output=True, text=True).stdout == "SHOUT"


@BOTH
def test_death_by_signal_is_negative(run) -> None:  # type: ignore[no-untyped-def]
    assert run(["sh", "-c", "kill -9 $$"]).returncode == -9


@BOTH
def test_check_raises(run) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(["sh", "-c", "echo why >&2; exit 4"], check=True, capture_output=True, text=True)
    assert (caught.value.returncode, caught.value.stderr) == (4, "why\n")


@BOTH
def test_timeout_raises_with_what_was_written(run) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        run(["sh", "-c", "echo early; exec sleep 60"], capture_output=True, timeout=1.0)
    assert caught.value.timeout == 1.0 and caught.value.stdout == b"early\n"


@BOTH
def test_stderr_to_stdout_and_devnull(run) -> None:  # type: ignore[no-untyped-def]
    script = "echo a; echo b >&2; echo c"
    assert run(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout == b"a\nb\nc\n"
    assert run(["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr == b"b\n"


@BOTH
def test_directory_and_environment(run, sandbox: Sandbox) -> None:  # type: ignore[no-untyped-def]
    sandbox.files["f"] = "here\n"
    sandbox.fill()
    result = run(["/bin/sh", "-c", "cat f; echo $A; pwd"], cwd=sandbox.path, env={"A": "1"}, capture_output=True, text=True)
    assert result.stdout == f"here\n1\n{sandbox.path}\n"


@BOTH
def test_encoding(run) -> None:  # type: ignore[no-untyped-def]
    assert run(["printf", "\\351"], stdout=subprocess.PIPE, encoding="latin-1").stdout == "é"


def test_files_are_not_changed(sandbox: Sandbox) -> None:
    sandbox.files["f"] = "old\n"
    sandbox.fill()
    result = cruck.run(["sh", "-c", "echo new >f; cat f; rm -r home"], cwd=sandbox.path, capture_output=True, text=True)
    assert result.stdout == "new\n" and Path(sandbox.path, "f").read_text() == "old\n" and Path(sandbox.path, "home").exists()


def test_options(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("shared\n")
    result = cruck.run(
        ["sh", "-c", "cat /data/f; hostname; id -u; nproc; echo x >/data/g"],
        mounts={"/data": f"{tmp_path}:ro"}, hostname="named", user=(7, 8), cpus=1, memory="128M", pids_limit=20, capture_output=True, text=True,
    )  # fmt: skip
    assert result.stdout == "shared\nnamed\n7\n1\n" and result.returncode != 0
    assert not (tmp_path / "g").exists()


def test_what_cannot_be_started() -> None:
    result = cruck.run(["no-such-program"], capture_output=True, text=True)
    assert result.returncode == 127 and "no such program" in result.stderr


def test_runs_one_after_the_other_and_inside_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(3) as pool:
        results = list(
            pool.map(lambda n: cruck.run(["sh", "-c", f"seq {n} | tail -n 1; exit {n}"], capture_output=True, text=True), range(1, 7))
        )
    assert [(result.returncode, result.stdout) for result in results] == [(n, f"{n}\n") for n in range(1, 7)]
    assert cruck.run(["true"]).returncode == 0
