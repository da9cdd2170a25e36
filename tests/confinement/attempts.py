# SPDX-License-Identifier: MPL-2.0
"""A child process that confines itself as the kernel process of `cruck run` does, then tries what must no longer work. Prints a JSON object:
attempt → "ok" or the errno's name.

    python attempts.py READABLE WRITABLE [need …]      directories; needs: writing terminal connecting resolving
"""

import _thread
import ctypes
import errno
import json
import mmap
import os
import socket
import sys

from cruck.framework.confine import READ, WRITE
from cruck.sandbox import confinement, kernel_filter

NEEDS = {
    "writing": kernel_filter.WRITING,
    "terminal": kernel_filter.TERMINAL,
    "connecting": kernel_filter.CONNECTING,
    "resolving": kernel_filter.RESOLVING,
}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def call(nr, *args):
    if LIBC.syscall(ctypes.c_long(nr), *(ctypes.c_long(arg) for arg in args)) < 0:
        raise OSError(ctypes.get_errno(), "")


def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def attempts(readable, writable, parent):
    return {
        # Other programs and processes.
        "execve": lambda: os.execv("/bin/true", ["true"]),
        "execveat": lambda: call(322, -100, 0, 0, 0, 0),
        "fork": lambda: os._exit(0) if os.fork() == 0 else None,
        "thread": lambda: _thread.start_new_thread(int, ()),
        "clone3": lambda: call(435, 0, 0),
        "ptrace": lambda: call(101, 16, parent, 0, 0),  # PTRACE_ATTACH
        "process_vm_readv": lambda: call(310, parent, 0, 0, 0, 0, 0),
        "pidfd_open": lambda: call(434, parent, 0),
        "kill": lambda: os.kill(parent, 0),
        "kill all": lambda: call(62, -1, 9),
        "tgkill": lambda: call(234, parent, parent, 15),
        "setuid": lambda: os.setuid(os.getuid()),
        "prctl": lambda: call(157, 4, 0, 0, 0, 0),
        "its environment": lambda: os.close(os.open(f"/proc/{parent}/environ", os.O_RDONLY)),
        "its memory": lambda: os.close(os.open(f"/proc/{parent}/mem", os.O_RDONLY)),
        # The host's kernel.
        "mount": lambda: call(165, 0, 0, 0, 0, 0),
        "unshare": lambda: call(272, 0x10000000),
        "bpf": lambda: call(321, 0, 0, 0),
        "io_uring": lambda: call(425, 1, 0),
        "keyctl": lambda: call(250, 0, 0, 0),
        "perf_event_open": lambda: call(298, 0, 0, -1, -1, 0),
        "userfaultfd": lambda: call(323, 1),
        "chroot": lambda: os.chroot("/"),
        "unknown number": lambda: call(900),
        "x32": lambda: call(0x40000000 + 59, 0, 0, 0),
        # Code.
        "writable code": lambda: mmap.mmap(-1, 4096, prot=7),
        "code without a file": lambda: mmap.mmap(-1, 4096, prot=5),
        "memory": lambda: mmap.mmap(-1, 4096, prot=3),
        # The network.
        "socket inet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "socket inet6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        "socket raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW),
        "socket unix": lambda: socket.socket(socket.AF_UNIX),
        "socket netlink": lambda: socket.socket(16, socket.SOCK_RAW),
        "socket packet": lambda: socket.socket(17, socket.SOCK_RAW),
        "socketpair": socket.socketpair,
        # Files.
        "read outside": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        "list outside": lambda: os.listdir("/"),
        "read": lambda: os.close(os.open(readable + "/file", os.O_RDONLY)),
        "list": lambda: os.listdir(readable),
        "write to readable": lambda: write(readable + "/file"),
        "create in readable": lambda: write(readable + "/new"),
        "remove in readable": lambda: os.unlink(readable + "/file"),
        "chmod": lambda: os.chmod(writable, 0o700),
        "write": lambda: write(writable + "/new"),
        "mkdir": lambda: os.mkdir(writable + "/directory"),
        "fifo": lambda: os.mkfifo(writable + "/fifo"),
        "rename": lambda: os.rename(writable + "/new", writable + "/directory/new"),
        "device": lambda: os.mknod(writable + "/null", 0o020600, os.makedev(1, 3)),
        "import": lambda: __import__("wave"),
        # The terminal.
        "push input": lambda: call(16, 0, 0x5412, 0),  # TIOCSTI
    }


def main(readable, writable, *needs):
    parent = os.getppid()
    tables = [kernel_filter.BASE, *(NEEDS[need] for need in needs)]
    can_write = "writing" in needs
    paths = [(readable.encode(), READ), *([(writable.encode(), READ | WRITE)] if can_write else []), *confinement.own_paths()]
    if "resolving" in needs:
        paths += [(path, READ) for path in confinement.RESOLVER_FILES]  # the end of a thread loads a library
    missing = confinement.apply(tables, paths, confinement.TO_READ | (confinement.TO_WRITE if can_write else 0))
    results = {"missing": missing}
    for name, attempt in attempts(readable, writable, parent).items():
        try:
            attempt()
            results[name] = "ok"
        except RuntimeError as error:
            results[name] = str(error)
        except OSError as error:
            results[name] = errno.errorcode.get(error.errno, str(error.errno))
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
