# SPDX-License-Identifier: MPL-2.0
"""The Python API in `subprocess.run`'s shape.

    result = cruck.run(["python3", "-c", "print(6 * 7)"], capture_output=True, text=True)
    result.stdout == "42\\n"

The run sees the default world of `cruck run`; keyword arguments name the same choices as its options.
"""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from cruck.sandbox.config import Mount, RunConfig, parse_size

CompletedProcess = subprocess.CompletedProcess
CalledProcessError = subprocess.CalledProcessError
TimeoutExpired = subprocess.TimeoutExpired
PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
STDOUT = subprocess.STDOUT


def run(
    args: Sequence[str],
    *,
    input: str | bytes | None = None,  # noqa: A002  (subprocess.run's name)
    capture_output: bool = False,
    stdout: int | None = None,
    stderr: int | None = None,
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    check: bool = False,
    timeout: float | None = None,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    rootfs: str | None = None,
    mounts: Mapping[str, str] | None = None,
    overlay: str = "memory",
    user: tuple[int, int] | None = None,
    hostname: str | None = None,
    memory: int | str | None = None,
    cpus: int | None = None,
    pids_limit: int | None = None,
    network: str | None = None,
    net_allow: Sequence[str] = (),
    net_deny: Sequence[str] = (),
    ports: Sequence[str] = (),
) -> "CompletedProcess[Any]":
    """Runs a program to its end on a kernel of its own; blocks this thread only.

    Args: as subprocess.run. `cwd` is a host directory, shown copy-on-write (default: the current one). `env` is the
    whole environment (default: the curated one of `cruck run`). `mounts` maps guest paths to host directories, "src:ro" read-only.
    memory: bytes or "512M". network, net_allow, net_deny, ports: as --network, --net-allow, --net-deny, -p. Without capture_output or stdout/stderr=PIPE|DEVNULL|STDOUT the program uses this process's own streams.
    Returns: CompletedProcess; returncode −n if signal n ended the program; 126/127 if it could not be started (stderr says why).
    Errors: TimeoutExpired, CalledProcessError with check, ConfigError, OSError if the host cannot run cruck.
    """
    from cruck.sandbox.host_run import run_captured

    config = RunConfig(list(args))
    import os

    config.cwd = os.path.abspath(cwd) if cwd is not None else os.getcwd()
    config.host_environment = dict(os.environ)
    if env is not None:
        config.clear_env = True
        config.env = dict(env)
    config.rootfs = rootfs
    for target, source in (mounts or {}).items():
        config.mounts.append(Mount.from_volume(f"{source.removesuffix(':ro')}:{target}{':ro' if source.endswith(':ro') else ''}"))
    config.overlay = overlay
    if user is not None:
        config.uid, config.gid = user
    config.hostname = hostname
    config.memory_bytes = parse_size(memory) if isinstance(memory, str) else memory
    config.nr_cpus = cpus
    config.pids_limit = pids_limit
    config.network = network
    config.net_allow = list(net_allow)
    config.net_deny = list(net_deny)
    config.published = list(ports)
    config.timeout_s = timeout
    config.tty = False
    config.quiet = True
    is_text = text or encoding is not None or errors is not None
    data = None
    if input is not None:
        data = input.encode(encoding or "utf-8", errors or "strict") if isinstance(input, str) else input
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        stdout = stderr = PIPE
    outcome = run_captured(config, data, stdout, stderr)
    out: bytes | str | None = outcome.stdout
    err: bytes | str | None = outcome.stderr
    if is_text:
        out = outcome.stdout.decode(encoding or "utf-8", errors or "strict") if outcome.stdout is not None else None
        err = outcome.stderr.decode(encoding or "utf-8", errors or "strict") if outcome.stderr is not None else None
    if outcome.timed_out:
        assert timeout is not None
        raise TimeoutExpired(list(args), timeout, outcome.stdout, outcome.stderr)
    result: CompletedProcess[Any] = CompletedProcess(list(args), outcome.returncode, out, err)
    if check:
        result.check_returncode()
    return result
