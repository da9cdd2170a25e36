# SPDX-License-Identifier: MPL-2.0
"""A kernel process with canaries: runs one guest in itself and says what became of them.

    python kernel_process.py DIRECTORY HANDLER PROGRAM ARGUMENT…

DIRECTORY is shown to the guest at /box, read-only. `HOST_PID` and `HOST_PATH` among the arguments become a process and a file of the
host that the guest must not reach. Prints one JSON object: status, stdout, log, nr_oopses, and `harm`: a list of sentences, empty
if this process and the host are as they were.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile

from cruck.sandbox.box import Box
from cruck.sandbox.config import Mount, RunConfig
from cruck.sandbox.streams import InputStream, OutputStream

BYSTANDER = """
import hashlib, os, signal, sys
counts = []
for number in range(1, 32):
    if number not in (9, 19):
        signal.signal(number, lambda signo, frame: counts.append(signo))
memory = bytes(range(256)) * 4096
print("ready", flush=True)
sys.stdin.readline()
print(hashlib.sha256(memory).hexdigest(), counts, flush=True)
"""
MEMORY = bytes(range(256)) * 4096


def tree(path: str) -> list[tuple[str, int, int, int]]:
    return sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns, entry.stat().st_mode) for entry in os.scandir(path))


def own_state() -> dict[str, object]:
    with open("/proc/self/status") as file:
        status = [line for line in file if line.startswith(("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Umask", "Threads"))]
    return {"descriptors": sorted(os.listdir("/proc/self/fd")), "directory": os.getcwd(), "status": status}


def main(arguments: list[str]) -> None:
    directory, handler, *command = arguments
    bystander = subprocess.Popen([sys.executable, "-c", BYSTANDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert bystander.stdin is not None and bystander.stdout is not None and bystander.stdout.readline() == "ready\n"
    canary = bytearray(MEMORY)
    with tempfile.TemporaryDirectory() as outside, tempfile.TemporaryDirectory() as work:
        path = os.path.join(outside, "canary")
        with open(path, "wb") as file:
            file.write(MEMORY[:8192])
        trees = tree(outside), tree(directory)
        config = RunConfig([word.replace("HOST_PID", str(bystander.pid)).replace("HOST_PATH", path) for word in command])
        config.cwd = work
        config.host_environment = dict(os.environ)
        config.env["STUB_HANDLER"] = handler
        config.mounts.append(Mount.from_volume(f"{directory}:/box:ro"))
        config.workdir = "/tmp"
        config.memory_bytes = 256 << 20
        config.pids_limit = 300
        config.tty = False
        config.timeout_s = float(os.environ.get("CRUCK_ATTACK_SECONDS", "100"))
        before = own_state()
        box = Box(config, hidden=True)
        kernel = box.kernel
        out = OutputStream(kernel.next_ino())
        try:
            box.start([InputStream(b"", kernel.next_ino()), out, out])
            box.run()
        finally:
            box.close()
        harm = []
        after = own_state()
        harm += [f"{name} of the kernel process: {before[name]} became {after[name]}" for name in before if before[name] != after[name]]
        if canary != MEMORY:
            harm.append("memory of the kernel process has changed")
        with open(path, "rb") as file:
            if file.read() != MEMORY[:8192] or trees != (tree(outside), tree(directory)):
                harm.append("files of the host have changed")
    if bystander.poll() is None:
        try:
            seen = bystander.communicate("now\n", timeout=10)[0]
        except subprocess.TimeoutExpired:
            bystander.send_signal(signal.SIGKILL)
            seen = "no answer"
        if seen != f"{hashlib.sha256(MEMORY).hexdigest()} []\n":
            harm.append(f"the host's bystander: {seen}")
    else:
        harm.append(f"the host's bystander has ended with {bystander.returncode}")
    stdout = out.getvalue().decode("utf-8", "replace")
    log = list(kernel.log.lines)
    print(json.dumps({"status": box.exit_code(), "stdout": stdout, "log": log, "nr_oopses": kernel.nr_oopses, "harm": harm}))


if __name__ == "__main__":
    main(sys.argv[1:])
