# SPDX-License-Identifier: MPL-2.0
"""The world a run sees: what is there, what is not, and where changes go."""

import os
from pathlib import Path

import pytest

from cruck.abi.errno import EACCES, EROFS
from cruck.abi.stat import S_IFREG
from cruck.framework.clock import ManualClock
from cruck.framework.entropy import SeededEntropy
from cruck.framework.host_info import HostInfo
from cruck.framework.log import Log
from cruck.kernel.boot import build_kernel
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.tests.fakes import names, read_all, write_at
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.vfs.dentry import Path as Place
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.walk import lookup_path, path_string
from cruck.sandbox.config import ConfigError, Mount, RunConfig
from cruck.sandbox.world import World, build
from cruck.testing.fake_machine import FakeMachine

UID, GID = os.getuid(), os.getgid()


def config_for(cwd: Path | str, home: str = "/nonexistent/home") -> RunConfig:
    config = RunConfig(["true"])
    config.cwd = str(cwd)
    config.host_environment = {"HOME": home, "PATH": "/usr/bin:/nonexistent/bin", "SECRET_TOKEN": "x", "LC_ALL": "C.UTF-8", "TERM": "xterm"}
    return config


def make(config: RunConfig) -> World:
    machine = FakeMachine(16384)
    kernel = build_kernel(machine, ManualClock(), SeededEntropy(1), HostInfo({}, 1, 16384 * 4096, 0, 0), Log(), 1)
    return build(kernel, config)


def place(world: World, path: str) -> Place | None:
    return lookup_path(world.namespace, Credentials(0, 0, ()), path.encode())


def at(world: World, path: str) -> Inode:
    found = place(world, path)
    assert found is not None, path
    return found.inode()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "notes").write_bytes(b"notes")
    return directory


def test_current_directory_is_copy_on_write_at_its_own_path(work: Path) -> None:
    world = make(config_for(work))
    assert path_string(world.root, world.cwd) == os.fsencode(work)
    assert read_all(at(world, f"{work}/notes")) == b"notes"
    write_at(at(world, f"{work}/notes"), 0, b"NOTES")
    world.cwd.inode().create(b"new", S_IFREG | 0o644, UID, GID)
    assert (work / "notes").read_bytes() == b"notes" and not (work / "new").exists()
    overlay = world.overlays[0]
    assert [change.describe() for change in overlay.changes()] == ["A new", "M notes"]
    assert overlay.guest_path(overlay.changes()[0]) == f"{work}/new"
    assert overlay.commit(overlay.select(["new"])) == []
    assert (work / "new").exists() and (work / "notes").read_bytes() == b"notes"
    assert place(world, str(work.parent.parent / "other")) is None


def test_system_directories_are_read_only_and_private_files_unreadable(work: Path) -> None:
    world = make(config_for(work))
    shell = place(world, "/bin/sh")
    assert shell is not None and shell.mount.is_read_only()
    with pytest.raises(LinuxError) as caught:
        at(world, "/usr").create(b"x", S_IFREG | 0o644, 0, 0)
    assert caught.value.errno == EROFS
    if os.path.exists("/etc/shadow"):
        with pytest.raises(LinuxError) as caught:
            read_all(at(world, "/etc/shadow"))
        assert caught.value.errno == EACCES


def test_etc_is_the_runs_own(work: Path) -> None:
    world = make(config_for(work))
    assert b"localhost" in read_all(at(world, "/etc/hosts"))
    user = [line.split(b":") for line in read_all(at(world, "/etc/passwd")).splitlines()]
    assert any(fields[2] == b"%d" % UID and fields[5] == b"/nonexistent/home" for fields in user)
    assert at(world, "/etc").create(b"mine", S_IFREG | 0o644, 0, 0) is not None
    assert not os.path.exists("/etc/mine")
    assert world.overlays[0].changes() == []


def test_home_is_empty_and_the_users(work: Path) -> None:
    home = os.path.expanduser("~")
    world = make(config_for(work, home))
    if not str(work).startswith(home):
        assert names(at(world, home)) == []
    assert (at(world, home).uid, world.environment["HOME"]) == (UID, home)


def test_running_in_the_home_hides_its_dot_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".secret").write_bytes(b"key")
    (home / "project").mkdir()
    world = make(config_for(home, str(home)))
    assert names(world.cwd.inode()) == [b"project"]
    world.cwd.inode().create(b".secret", S_IFREG | 0o644, UID, GID)
    overlay = world.overlays[0]
    assert len(overlay.commit(overlay.changes())) == 1
    assert (home / ".secret").read_bytes() == b"key"


def test_running_below_and_above_the_home(tmp_path: Path) -> None:
    home = tmp_path / "users" / "me"
    (home / "project").mkdir(parents=True)
    (home / "private").write_bytes(b"p")
    below = make(config_for(home / "project", str(home)))
    assert names(at(below, str(home))) == [b"project"]
    above = make(config_for(tmp_path / "users", str(home)))
    assert names(at(above, str(home))) == []
    assert above.overlays[0].changes() == []


@pytest.mark.parametrize("cwd", ["/", "/usr", "/proc", "/dev", "/etc"])
def test_running_in_a_system_directory_mounts_nothing(cwd: str) -> None:
    world = make(config_for(cwd))
    assert world.overlays == [] and path_string(world.root, world.cwd) == cwd.encode()


def test_environment_is_curated(work: Path) -> None:
    config = config_for(work)
    config.env["K"] = "V"
    config.unset_env = ["TERM"]
    variables = make(config).environment
    assert "SECRET_TOKEN" not in variables and "TERM" not in variables
    assert (variables["K"], variables["LC_ALL"], variables["LOGNAME"]) == ("V", "C.UTF-8", variables["USER"])
    assert variables["PATH"].startswith("/usr/bin:") and "/nonexistent/bin" not in variables["PATH"]
    config.clear_env = True
    assert make(config).environment == {"K": "V"}


def test_shared_directories_and_files(work: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "one.txt").write_bytes(b"one")
    config = config_for(work)
    config.mounts = [
        Mount("bind", str(shared), "/data/in", True),
        Mount("bind", str(shared), "/data", False),
        Mount("bind", str(tmp_path / "one.txt"), "/one.txt", True),
        Mount("tmpfs", "", "/scratch", False),
    ]
    world = make(config)
    at(world, "/data").create(b"f", S_IFREG | 0o644, UID, GID)
    assert (shared / "f").exists()
    (shared / "late").write_bytes(b"late")
    assert read_all(at(world, "/data/in/late")) == b"late"
    inside = place(world, "/data/in")
    assert inside is not None and inside.mount.is_read_only()
    assert read_all(at(world, "/one.txt")) == b"one"
    assert at(world, "/scratch").mode & 0o7777 == 0o1777


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (Mount("bind", "/nonexistent/x", "/x", False), "does not exist"),
        (Mount("bind", "/usr", "/usr/no/such/place", False), "cannot make"),
    ],
)
def test_impossible_mounts_are_explained(work: Path, mount: Mount, words: str) -> None:
    config = config_for(work)
    config.mounts = [mount]
    with pytest.raises(ConfigError, match=words):
        make(config)


def test_overlay_none_writes_through(work: Path) -> None:
    config = config_for(work)
    config.overlay = "none"
    world = make(config)
    write_at(at(world, f"{work}/notes"), 0, b"NOTES")
    assert (work / "notes").read_bytes() == b"NOTES" and world.overlays == []


def test_overlay_directory_keeps_changes_for_the_next_run(work: Path, tmp_path: Path) -> None:
    config = config_for(work)
    config.overlay = str(tmp_path / "kept")
    first = make(config)
    first.cwd.inode().unlink(b"notes", at(first, f"{work}/notes"))
    write_at(first.cwd.inode().create(b"new", S_IFREG | 0o644, UID, GID), 0, b"data")
    second = make(config)
    assert place(second, f"{work}/notes") is None and read_all(at(second, f"{work}/new")) == b"data"
    assert [change.describe() for change in second.overlays[0].changes()] == ["A new", "D notes"]
    assert (work / "notes").exists()


def test_read_only(work: Path) -> None:
    config = config_for(work)
    config.read_only = True
    world = make(config)
    assert world.cwd.mount.is_read_only() and world.root.mount.is_read_only()
    with pytest.raises(LinuxError):
        world.cwd.inode().create(b"x", S_IFREG | 0o644, UID, GID)
    temporary = place(world, "/tmp")
    assert temporary is not None and not temporary.mount.is_read_only()


def test_workdir_is_made(work: Path) -> None:
    config = config_for(work)
    config.workdir = "sub/dir"
    world = make(config)
    assert path_string(world.root, world.cwd) == os.fsencode(work) + b"/sub/dir"


def test_rootfs(tmp_path: Path) -> None:
    root = tmp_path / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_bytes(b"me:x:%d:%d::/srv/me:/bin/sh\n" % (UID, GID))
    (root / "etc" / "hosts").write_bytes(b"image")
    (root / "bin").symlink_to("usr/bin")
    config = config_for(tmp_path)
    config.rootfs = str(root)
    world = make(config)
    assert path_string(world.root, world.cwd) == b"/" and world.environment["HOME"] == "/srv/me"
    assert place(world, "/usr") is None and at(world, "/proc/meminfo").is_regular()
    assert read_all(at(world, "/etc/hosts")) != b"image"
    assert world.overlays[0].changes() == []
    at(world, "/etc").create(b"new", S_IFREG | 0o644, UID, GID)
    assert [change.path for change in world.overlays[0].changes()] == [b"etc/new"]
    assert sorted(os.listdir(root)) == ["bin", "etc"]


def test_explains_what_is_missing(work: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    (tools / "frobnicate").write_text("#!/bin/sh\n")
    (tools / "frobnicate").chmod(0o755)
    config = config_for(work)
    config.host_environment["PATH"] = f"{tools}:/usr/bin"
    world = make(config)
    sentence = world.explain_missing("frobnicate")
    assert sentence is not None and f"-v {tmp_path}/tools:{tmp_path}/tools:ro" in sentence
    assert world.explain_missing("no-such-program-anywhere") is None
