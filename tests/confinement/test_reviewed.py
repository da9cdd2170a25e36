# SPDX-License-Identifier: MPL-2.0
"""Whoever makes the framework use a new function of the host sees here that `cruck run` confines itself: a system call that the filter refuses
may cost speed or a feature and fail no other test."""

import ast
import subprocess
from pathlib import Path

import pytest

_machine = pytest.importorskip("cruck.framework._machine")

FRAMEWORK = Path(__file__).resolve().parents[2] / "src" / "cruck" / "framework"
ADVICE = "is the system call behind it in cruck/sandbox/kernel_filter.py, for the need that uses it? Then add it to this list"

IN_C = frozenset(
    """
    calloc clock_gettime clone close epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd faccessat fallocate fclose fcntl fopen free
    fstat ftruncate getauxval getpid getrlimit kill madvise malloc memchr memcpy memfd_create memmove memset mmap munmap open poll prctl pread
    preadv2 pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_self
    pthread_sigmask pwrite pwritev2 read realloc recv sched_getaffinity sched_getcpu sched_setaffinity sched_yield send sendmsg sigfillset
    snprintf socketpair strchr strerror strlen strnlen strrchr strtol strtoull syscall usleep waitpid write
    """.split()
)
IN_PYTHON = frozenset(
    """
    _thread.allocate_lock _thread.start_new_thread fcntl.fcntl fcntl.ioctl os.chmod os.chown os.close os.dup os.fchmod os.fchown os.fdatasync
    os.fsdecode os.fsencode os.fstat os.fsync os.ftruncate os.getxattr os.isatty os.link os.listxattr os.lseek os.major os.minor os.mkdir
    os.mknod os.open
    os.path os.pipe2 os.posix_fallocate os.pread os.pwrite os.read os.readlink os.removexattr os.rename os.rmdir os.scandir os.setxattr
    os.stat os.stat_result os.statvfs os.symlink os.sync os.unlink os.urandom os.utime os.write select.poll socket.getaddrinfo socket.inet_aton
    socket.socket termios.error termios.tcgetattr termios.tcsetattr time.clock_gettime_ns time.monotonic time.monotonic_ns time.time_ns
    """.split()
)


def test_the_extension_imports_nothing_unreviewed() -> None:
    try:
        lines = subprocess.run(["nm", "-D", "--undefined-only", _machine.__file__], capture_output=True, text=True, check=True).stdout
    except OSError:
        pytest.skip("needs nm")
    names = {line.split()[-1].partition("@")[0].removeprefix("__isoc99_") for line in lines.splitlines()}
    ours = {name for name in names if not name.startswith(("Py", "_", "fscanf"))}
    if not any(name.startswith("asan") for name in ours):
        assert ours - IN_C == set(), ADVICE


def test_the_frameworks_python_calls_nothing_unreviewed() -> None:
    found: set[str] = set()
    for path in FRAMEWORK.rglob("*.py"):
        if "tests" in path.parts or path.name == "build.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr.islower():
                if node.value.id in ("os", "socket", "fcntl", "termios", "select", "time", "_thread"):
                    found.add(f"{node.value.id}.{node.attr}")
    assert found - IN_PYTHON == set(), ADVICE
