# SPDX-License-Identifier: MPL-2.0
"""User Mode Linux: boots a kernel as a process, with the host's root directory as its own, and runs one command as init's child."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from benchmarks.peers.environment import TIMEOUT_S, Environment

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t tmpfs tmp /tmp
cd {directory}
ip link set lo up 2>/dev/null
{command} </dev/null >{output} 2>/dev/null
echo $? >{output}.status
poweroff -f
"""


class UserModeLinux(Environment):
    def __init__(self, name: str, scratch: str) -> None:
        """Args: scratch: a directory for its init and its output."""
        super().__init__(name, ["linux.uml"], frozenset(("programs", "redis", "nginx", "idle", "warm_true")))
        self.scratch = scratch

    def command(self, argv: Sequence[str]) -> list[str]:
        init = os.path.join(self.scratch, "uml-init")
        output = os.path.join(self.scratch, "uml-output")
        with open(init, "w", encoding="utf-8") as file:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in argv)
            file.write(INIT.format(directory=os.getcwd(), command=quoted, output=output))
        os.chmod(init, 0o755)
        for name in (output, output + ".status"):
            if os.path.exists(name):
                os.unlink(name)
        return [*self.prefix, "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", f"init={init}", "con=null", "quiet"]

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        command = self.command(argv)
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False
            )
            output = os.path.join(self.scratch, "uml-output")
            with open(output + ".status", encoding="utf-8") as status, open(output, encoding="utf-8", errors="replace") as file:
                return int(status.read()), file.read()
        except (subprocess.TimeoutExpired, OSError, ValueError):
            return -1, ""

    def is_present(self) -> bool:
        return shutil.which("linux.uml") is not None

    def describe(self) -> str:
        return "linux.uml mem=512M rootfstype=hostfs rootflags=/ rw init=…"
