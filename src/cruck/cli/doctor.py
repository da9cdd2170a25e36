# SPDX-License-Identifier: MPL-2.0
"""`cruck doctor`: what this host offers, what is missing and what that means. Exit status 0: programs run; 1: they do not."""

import json
import os
import platform
import sys
from collections.abc import Callable

MIN_KERNEL = (5, 11)


def checks() -> list[dict[str, object]]:
    """Each: name, ok (True, False, or None where programs run without it), detail."""
    found: list[dict[str, object]] = []

    def add(name: str, ok: bool | None, detail: str) -> None:
        found.append({"name": name, "ok": ok, "detail": detail})

    machine_name = platform.machine()
    add("processor", machine_name == "x86_64", f"{machine_name}; cruck runs x86-64 programs on x86-64 hosts")
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    add("host kernel", version >= MIN_KERNEL, f"{release}; needs {MIN_KERNEL[0]}.{MIN_KERNEL[1]} or newer")
    add("processors", True, f"{len(os.sched_getaffinity(0))} usable")
    try:
        from cruck.framework.host_machine import STUB_PATH, HostMachine
    except ImportError as error:
        add("native part", False, f"{error}; build it with `pip install .` (needs gcc)")
        return found
    add("stub program", os.access(STUB_PATH, os.X_OK), f"{STUB_PATH}")
    try:
        machine = HostMachine(64 << 20)
    except OSError as error:
        add("stub processes", False, f"{error}")
        return found
    try:
        features = machine.features()
        add("stub processes", True, "a stub was started and answers")
        add(
            "syscall user dispatch",
            None if not features.get("sud") else True,
            "traps by SUD" if features.get("sud") else "absent: traps by seccomp alone, somewhat slower",
        )
        add(
            "FSGSBASE",
            None if not features.get("fsgsbase") else True,
            "present" if features.get("fsgsbase") else "absent: thread switches cost two more host calls",
        )
        symbols = machine.vdso_symbols()
        add("vDSO", True if symbols else None, "time is read without a stop" if symbols else "absent: reading time is a system call")
        reserved = machine.reserved_ranges()
        add(
            "sealed host mappings",
            None if reserved else True,
            ", ".join(f"{start:#x}-{end:#x} is not available to programs" for start, end in reserved) or "none",
        )
        add("one system call", _runs_a_program(), "a program was run")
    finally:
        machine.close()
    for name, problem in second_walls().items():
        add(name, None if problem else True, problem or f"the kernel process of a run gives up {GIVEN_UP[name]}")
    return found


# What `cruck run` takes from its own kernel process once the program is loaded (sandbox/confinement.py).
GIVEN_UP = {
    "capabilities": "those of root that file access does not need",
    "no_new_privs": "what set-user-id programs would give",
    "Landlock": "host files that the run was not granted",
    "seccomp": "every system call it does not need: execve, ptrace, sockets, new processes",
}


def second_walls() -> dict[str, str]:
    """Each part of it → "" or what is wrong here: tried on a child of ours, by its effect."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(_confine_and_try()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    problems: dict[str, str] = json.loads(answer) if answer else dict.fromkeys(GIVEN_UP, "the trial process died")
    return problems


def _confine_and_try() -> dict[str, str]:
    from cruck.framework.confine import landlock_version
    from cruck.sandbox import confinement, kernel_filter

    version = landlock_version()
    missing = confinement.apply([kernel_filter.BASE], confinement.own_paths(), 0)
    problems = dict.fromkeys(GIVEN_UP, "")
    for text in missing:
        problems[text.partition(" ")[0]] = f"this host lacks it: {text.partition(' ')[2].strip('()')}"
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if int(status["CapPrm"], 16):
        problems["capabilities"] = problems["capabilities"] or "some are left"
    if status["NoNewPrivs"] != "1":
        problems["no_new_privs"] = problems["no_new_privs"] or "it is not set"
    if version > 0 and _succeeds(lambda: os.listdir("/")):
        problems["Landlock"] = problems["Landlock"] or "it has no effect"
    if _succeeds(lambda: os.execv("/proc/self/exe", ["true", "-c", ""])):
        problems["seccomp"] = problems["seccomp"] or "it has no effect"
    return problems


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _runs_a_program() -> bool:
    import cruck

    return cruck.run(["/bin/true"], capture_output=True).returncode == 0


def main(argv: list[str]) -> int:
    if argv not in ([], ["--json"]):
        sys.stderr.write("usage: cruck doctor [--json]\n")
        return 125
    found = checks()
    works = all(check["ok"] is not False for check in found)
    if argv:
        json.dump({"works": works, "checks": found}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        for check in found:
            mark = {True: "ok", False: "NO", None: "--"}[check["ok"]]  # type: ignore[index]
            sys.stdout.write(f"{mark:>3}  {check['name']:<22} {check['detail']}\n")
        sys.stdout.write("programs run on this host\n" if works else "programs do not run on this host: see NO above\n")
    return 0 if works else 1
