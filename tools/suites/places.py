# SPDX-License-Identifier: MPL-2.0
"""The two places a case runs in: Linux, in a container as like a cruck sandbox as unshare(1) makes one, and cruck.

Both: root (or who believes to be), a process that is not pid 1, private /tmp and /dev/shm in memory, a private copy of /etc, /dev with the
usual ten nodes and no block device, /sys and /proc/sys/vm read-only, loopback only, the same environment. Natively the capabilities that would
reach the machine itself (its clock, modules, ports, reboot) are dropped.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from suites.case import Raw

MAX_OUTPUT_BYTES = 1 << 20
DROPPED = "-sys_time,-sys_boot,-sys_module,-sys_rawio,-syslog,-mac_admin,-mac_override,-wake_alarm,-bpf,-perfmon"
SETUP = """
mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs -o size=2g,mode=1777 tmpfs /tmp || exit 99
mount -t tmpfs -o mode=755 etc /mnt && mkdir /mnt/up /mnt/work && mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work etc /etc || exit 99
umount -l /mnt; mount -t tmpfs -o mode=755 dev /mnt && mkdir /mnt/pts /mnt/shm || exit 99
for n in null zero full random urandom tty; do touch /mnt/$n && mount --bind /dev/$n /mnt/$n || exit 99; done
mount -t devpts -o newinstance,mode=620,ptmxmode=666,gid=5 devpts /mnt/pts && ln -s pts/ptmx /mnt/ptmx || exit 99
ln -s /proc/self/fd /mnt/fd; ln -s fd/0 /mnt/stdin; ln -s fd/1 /mnt/stdout; ln -s fd/2 /mnt/stderr
mount -t tmpfs -o size=2g,mode=1777 tmpfs /mnt/shm && mount --move /mnt /dev || exit 99
for d in /sys /proc/sys/vm; do mount --bind $d $d && mount -o remount,bind,ro $d; done
ip link set lo up; hostname cruck; cd /tmp; ulimit -c 0
"""


class Place:
    name: str

    def __init__(self, environment: dict[str, str], shown: list[Path], prefix: list[str]) -> None:
        self.environment = environment  # the whole of it
        self.shown = shown  # directories of the host the suite lives in
        self.prefix = prefix  # put before each command: a machine's own rules, such as taking a lock

    def argv(self, command: str, timeout_s: float) -> list[str]:
        raise NotImplementedError

    def run(self, command: str, timeout_s: float) -> Raw:
        """Everything that was started is gone when this returns."""
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                self.prefix + self.argv(command, timeout_s),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment, start_new_session=True,
            )  # fmt: skip
            timed_out = False
            try:
                # The prefix may wait; the time itself is kept by the place (`timeout`, `--timeout`). This is the last resort.
                status = process.wait(timeout_s + 900)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                status = process.wait()
                timed_out = True
            size = output.seek(0, os.SEEK_END)
            output.seek(max(0, size - MAX_OUTPUT_BYTES))
            text = output.read().decode("utf-8", "replace")
        seconds = time.monotonic() - started
        return Raw(status, text, seconds, timed_out or status in (124, 137))


class Linux(Place):
    name = "linux"

    def argv(self, command: str, timeout_s: float) -> list[str]:
        script = SETUP + f'setpriv --bounding-set {DROPPED} --inh-caps {DROPPED} timeout -k 5 {timeout_s:.0f} sh -c "$0"'
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net"]
        if os.getuid() != 0:
            unshare.append("--map-root-user")
        return [*unshare, "sh", "-c", script, command]


class Cruck(Place):
    name = "cruck"

    def argv(self, command: str, timeout_s: float) -> list[str]:
        cruck = str(Path(sys.executable).parent / "cruck")
        options = ["--clear-env", "-u", "0", "-w", "/tmp", "-m", "4G", "--no-tty", "--timeout", f"{timeout_s:.0f}"]
        for name, value in self.environment.items():
            options += ["-e", f"{name}={value}"]
        for path in self.shown:
            options += ["-v", f"{path}:{path}:ro"]
        return [cruck, "run", *options, "--", "sh", "-c", command]
