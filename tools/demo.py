# SPDX-License-Identifier: MPL-2.0
"""`make demo`: runs real programs on the kernel and shows what happened, from the outside and from the inside."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = """\
uname -sr; echo "I am process $$, my parent is $PPID"
echo "hello from a framekernel" > note.txt; cat note.txt | tr a-z A-Z
ls /proc | grep -c '^[0-9]'; cat /etc/shadow 2>&1 | head -1
"""


def show(title: str, command: list[str], cwd: str) -> None:
    print(
        f"\n\033[1m== {title}\033[0m\n$ {' '.join(word if ' ' not in word and chr(10) not in word else repr(word) for word in command)}",
        flush=True,
    )
    result = subprocess.run(command, cwd=cwd)
    if result.returncode:
        raise SystemExit(f"demo: exit status {result.returncode}")


def main() -> None:
    cruck = str(Path(sys.executable).parent / "cruck")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "kept.txt").write_text("the host's file\n")
        show(
            "an unmodified shell and its children, on a kernel of Python objects",
            [cruck, "run", "--diff", "--", "sh", "-c", SCRIPT],
            directory,
        )
        print(f"the host's directory still holds: {sorted(os.listdir(directory))}")
        show(
            "every system call, as strace would show it",
            [cruck, "run", "--strace=openat,write,execve", "--", "sh", "-c", "echo traced"],
            directory,
        )
        python = shutil.which("python3", path="/usr/bin:/bin")
        if python:
            show(
                "threads and processes",
                [
                    cruck,
                    "run",
                    "--",
                    python,
                    "-c",
                    "import threading, subprocess; t = threading.Thread(target=print, args=('from a thread',)); t.start(); t.join(); "
                    "print(subprocess.run(['echo', 'from a child'], capture_output=True, text=True).stdout, end='')",
                ],
                directory,
            )
        import cruck as api

        result = api.run(["sh", "-c", "read line; echo got $line"], input="data", capture_output=True, text=True)
        print(
            f"\n\033[1m== and from Python\033[0m\n>>> cruck.run(['sh', '-c', 'read line; echo got $line'], input='data', …).stdout\n{result.stdout!r}"
        )


if __name__ == "__main__":
    main()
