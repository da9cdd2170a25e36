# SPDX-License-Identifier: MPL-2.0
"""The guest's side of test_host_boundary.py: tries everything on what the host shares at /share (and read-only at /fixed), says what it got.

python3 host_files.py ATTACK SECONDS
"""

import ctypes
import errno
import mmap
import os
import socket
import sys
import time
from collections.abc import Iterator

SHARE = "/share"
LINKS = ("absolute", "relative", "long", "through/secret", "magic", "self", "nested/up", "loop", "chain5")


def attempt(what: object, *arguments: object) -> object:
    """The result, or the errno's name."""
    try:
        return what(*arguments)  # type: ignore[operator]
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def read(path: str) -> object:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def scan() -> Iterator[bytes]:
    """All bytes that can be got from the share, however named."""
    for name in LINKS:
        for base in (SHARE, "/fixed"):
            path = f"{base}/{name}"
            for way in (read, os.readlink, os.listdir, os.stat):
                result = attempt(way, path)
                if isinstance(result, bytes):
                    yield result
                elif isinstance(result, list):
                    yield b" ".join(os.fsencode(entry) for entry in result)


def links(seconds: float) -> None:
    """Links that point out of the share, as the guest sees them, lead into the guest's own tree."""
    for text in scan():
        print(text)


def names(seconds: float) -> None:
    """Names and flags that try to leave."""
    paths = ["..", "../outside/secret", "./../outside/secret", "nested/../../outside/secret", "nested/../..", "//..//outside//secret", "%2e%2e/outside", "..\\outside",
             ".. /outside", "...", "....", "\udcff\udcfe", "a" * 256, "nested/" * 500, "through/../outside/secret", "file/..", "file/../..", "SECRET", "FILE"]  # fmt: skip
    root = os.open(SHARE, os.O_RDONLY | os.O_DIRECTORY)
    for name in paths:
        print(name.encode("utf-8", "surrogateescape")[:40], attempt(read, f"{SHARE}/{name}"))
        print(attempt(lambda path: os.open(path, os.O_RDONLY, dir_fd=root), name))  # noqa: B023
        print(
            attempt(os.mkdir, f"{SHARE}/../escaped"),
            attempt(os.link, f"{SHARE}/{name}", f"{SHARE}/grabbed"),
            attempt(os.rename, f"{SHARE}/{name}", f"{SHARE}/moved"),
        )
    print(
        attempt(os.symlink, "../outside", f"{SHARE}/mine"),
        attempt(read, f"{SHARE}/mine/secret"),
        attempt(os.open, f"{SHARE}/mine/new", os.O_CREAT | os.O_WRONLY),
    )
    print(attempt(os.rename, f"{SHARE}/mine", f"{SHARE}/nested/mine"), attempt(read, f"{SHARE}/nested/mine/secret"))
    for special in ("fifo", "socket", "null", "block"):
        path = f"{SHARE}/{special}"
        print(
            special,
            attempt(os.open, path, os.O_RDWR | os.O_NONBLOCK),
            attempt(os.open, path, os.O_WRONLY | os.O_NONBLOCK),
            attempt(os.truncate, path, 0),
        )
    print(attempt(socket.socket(socket.AF_UNIX).connect, f"{SHARE}/socket"))
    print(
        "mknod",
        attempt(os.mknod, f"{SHARE}/made", 0o20666, os.makedev(1, 3)),
        attempt(os.mknod, f"{SHARE}/made", 0o60666, os.makedev(8, 0)),
    )
    print("setuid", attempt(os.chmod, f"{SHARE}/file", 0o6755), oct(os.stat(f"{SHARE}/file").st_mode))
    print(
        "fixed",
        attempt(os.open, "/fixed/file", os.O_WRONLY),
        attempt(os.unlink, "/fixed/file"),
        attempt(os.link, "/fixed/file", f"{SHARE}/grabbed"),
    )
    print(
        "fixed",
        attempt(os.rename, "/fixed/file", f"{SHARE}/grabbed"),
        attempt(os.utime, "/fixed/file"),
        attempt(os.chmod, "/fixed/file", 0o777),
        attempt(os.setxattr, "/fixed/file", "user.x", b"x"),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    handle = (ctypes.c_char * 200)()
    handle[0] = b"\x80"
    mount_id = ctypes.c_int()
    print("handle", libc.name_to_handle_at(root, b"file", handle, ctypes.byref(mount_id), 0), libc.open_by_handle_at(root, handle, 0))
    print(
        "mounts inside:",
        attempt(os.listdir, f"{SHARE}/mounted"),
        attempt(os.listdir, f"{SHARE}/proc"),
        attempt(read, f"{SHARE}/proc/1/environ"),
        attempt(read, f"{SHARE}/proc/self/cmdline"),
    )


def races(seconds: float) -> None:
    """The host exchanges `swap` between a directory and a link to the outside all the while."""
    seen: dict[object, int] = {}
    end = time.monotonic() + seconds
    os.chdir(SHARE)
    while time.monotonic() < end:
        for result in (
            attempt(read, "swap/secret"),
            attempt(read, f"{SHARE}/swap/inner/secret"),
            attempt(os.listdir, "swap"),
            attempt(os.open, "swap/evil", os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK),
            attempt(os.mkdir, "swap/inner/evil"),
            attempt(os.truncate, "swap/secret", 0),
            attempt(os.rename, "file", "swap/evil"),
            attempt(os.unlink, "swap/secret"),
            attempt(os.chmod, "swap/secret", 0),
        ):
            key = type(result).__name__ if not isinstance(result, (str, bytes)) else result
            seen[key] = seen.get(key, 0) + 1
            if isinstance(result, int) and result > 2:
                os.close(result)
    print(seen)


def moved(seconds: float) -> None:
    """The host moves the directory we stand in out of the share."""
    os.chdir(f"{SHARE}/leaving/deep")
    held = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    print("ready", flush=True)
    while os.path.exists(f"{SHARE}/leaving"):
        time.sleep(0.01)
        attempt(os.stat, "here")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for base in ("", "../", "../../", "../../../outside/"):
            print(
                attempt(read, f"{base}secret"),
                attempt(os.open, f"{base}evil", os.O_CREAT | os.O_WRONLY),
                attempt(os.mkdir, f"{base}evil.d"),
            )
            print(
                attempt(os.unlink, f"{base}here"),
                attempt(os.listdir, base or "."),
                attempt(lambda path: os.open(path, os.O_RDONLY, dir_fd=held), f"{base}secret"),
            )  # noqa: B023
        time.sleep(0.05)


def truncated(seconds: float) -> None:
    """Files shrink under their mappings; everything the kernel does with such memory is an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = f"{SHARE}/shrinking"
    fd = os.open(path, os.O_RDWR)
    size = os.fstat(fd).st_size
    maps = [
        mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
        mmap.mmap(fd, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE),
    ]
    maps[0][0:10], maps[1][8192:8200] = maps[0][0:10], b"private!"
    addresses = [ctypes.addressof(ctypes.c_char.from_buffer(one)) for one in maps]
    print("ready", flush=True)
    while os.fstat(fd).st_size == size:
        time.sleep(0.005)
    out = os.open("/tmp/out", os.O_CREAT | os.O_RDWR)
    pipe = os.pipe()
    left, right = socket.socketpair()
    calls = ("write", "read", "pread64", "pwrite64", "send", "recv", "getrandom")
    for base in addresses:
        for at in (base, base + 4096, base + size - 4096, base + 4090):
            for name, target in (
                ("write", out),
                ("write", pipe[1]),
                ("write", left.fileno()),
                ("read", os.open("/dev/zero", os.O_RDONLY)),
                ("read", os.open(f"{SHARE}/file", os.O_RDONLY)),
            ):
                libc[name](target, ctypes.c_void_p(at), 100)
            libc.open(ctypes.c_void_p(at), 0)
            libc.syscall(202, ctypes.c_void_p(at & ~3), 1, 1, 0, 0, 0)
            libc.nanosleep(ctypes.c_void_p(at), None)
            libc.sigaltstack(ctypes.c_void_p(at), None)
            libc.execv(b"/bin/true", ctypes.c_void_p(at))
            libc.msync(ctypes.c_void_p(at & ~4095), 4096, 4)
            libc.madvise(ctypes.c_void_p(at & ~4095), 4096, 4)
            libc.mincore(ctypes.c_void_p(at & ~4095), 4096, ctypes.c_void_p(at))
            libc.syscall(310, os.getpid(), ctypes.c_void_p(at), 1, ctypes.c_void_p(at), 1, 0)
    print(calls, maps[1][8192:8200])
    for base in addresses[:1]:
        pid = os.fork()
        if pid == 0:
            ctypes.string_at(base + size - 4096, 10)
            os._exit(0)
        print("touching it:", os.waitpid(pid, 0)[1] & 0x7F)
    os.close(right.detach())


def main() -> None:
    globals()[sys.argv[1]](float(sys.argv[2]))
    print("done")


if __name__ == "__main__":
    main()
