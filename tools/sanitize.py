# SPDX-License-Identifier: MPL-2.0
"""Builds the extension with AddressSanitizer and UndefinedBehaviorSanitizer and runs tests/machine with it.

`make sanitize`, or `tools/sanitize.py <pytest arguments>`. The build is private (build/sanitize): nothing that is installed
changes. The stub has no libc and so no run time of the sanitizers: it is built with UBSan's checks that end in a trap, which kills the task and so
fails the test; what of its C reads bytes runs under both sanitizers in tests/fuzz/parsers. Exit code 77: this host's compiler has no libasan.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "sanitize")
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g"
STUB_FLAGS = "-fsanitize=undefined -fsanitize-undefined-trap-on-error"
NO_SANITIZER = 77


def runtime(name: str) -> str | None:
    """Path of a run-time library of the compiler, or None."""
    try:
        path = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.path.realpath(path) if os.path.isabs(path) else None


def build_python() -> str:
    """A Python whose setuptools reads our pyproject.toml: pip's isolated builds do not keep their objects."""
    python = os.path.join(BUILD, "venv", "bin", "python")
    if not os.path.exists(os.path.join(BUILD, "venv", "ready")):
        subprocess.run([sys.executable, "-m", "venv", "--clear", os.path.join(BUILD, "venv")], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "setuptools>=77"], check=True)
        open(os.path.join(BUILD, "venv", "ready"), "w").close()
    return python


def build() -> None:
    environment = os.environ | {"CFLAGS": FLAGS, "LDFLAGS": FLAGS, "CRUCK_STUB_CFLAGS": STUB_FLAGS, "CRUCK_COMPILE": "0"}
    shutil.rmtree(os.path.join(BUILD, "lib"), ignore_errors=True)  # the temporary objects stay, for the next time
    subprocess.run(
        [build_python(), "setup.py", "--quiet", "build", "--build-base", BUILD, "--build-lib", os.path.join(BUILD, "lib")],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main(arguments: list[str]) -> int:
    libraries = [runtime(name) for name in ("libasan.so", "libubsan.so")]
    if None in libraries:
        print("sanitize: gcc has no libasan here (Debian: package libgcc-*-dev)", file=sys.stderr)
        return NO_SANITIZER
    build()
    environment = os.environ | {
        "LD_PRELOAD": ":".join(path for path in libraries if path),
        # CPython keeps much until the process ends, so leaks are looked for by the tests themselves.
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0:handle_segv=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # so that the sanitizer sees the bounds of bytes objects too
        "PYTHONPATH": os.path.join(BUILD, "lib"),
    }
    twice = "tests/machine/test_processes.py::test_whole_suite_under_dockers_filter"  # the same tests once more
    tests = arguments or ["tests/machine", "--deselect", twice]
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
