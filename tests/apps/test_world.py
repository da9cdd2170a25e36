# SPDX-License-Identifier: MPL-2.0
"""What a run sees and may change by default, and the options that decide it."""

import os
from pathlib import Path

import pytest
from compare import CRUCK_TIMEOUT_S, Outcome, Sandbox, cruck_command, needs, run

pytestmark = needs("bash", "bash")


def loud(sandbox: Sandbox, *options: str, script: str) -> Outcome:
    """`cruck run` without -q, with its own environment, in the sandbox as it is."""
    command = [word for word in cruck_command(*options) if word != "-q"]
    return run([*command, "bash", "-c", script], cwd=sandbox.path, timeout=CRUCK_TIMEOUT_S, env=sandbox.environment())


def quiet(sandbox: Sandbox, *options: str, script: str) -> Outcome:
    return run([*cruck_command(*options), "bash", "-c", script], cwd=sandbox.path, timeout=CRUCK_TIMEOUT_S, env=sandbox.environment())


@pytest.fixture
def tree(sandbox: Sandbox) -> Sandbox:
    sandbox.files.update({"kept": "old\n", "doomed": "x\n", "dir/inner": "1\n"})
    sandbox.fill()
    return sandbox


CHANGE = "echo new >kept; rm doomed; mkdir made; echo 2 >made/file; echo 3 >>dir/inner; ln -s kept link"


def host_tree(sandbox: Sandbox) -> dict[str, str]:
    root = Path(sandbox.path)
    return {
        str(path.relative_to(root)): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_home_is_empty(sandbox: Sandbox) -> None:
    outcome = quiet(sandbox, script="cd ~ && ls -A | wc -l; echo x >~/f && cat ~/f; [ -w ~ ] && echo writable")
    assert outcome.stdout == b"0\nx\nwritable\n", outcome
    assert not os.path.exists(os.path.expanduser("~/f"))


def test_secrets_of_the_system_are_not_there(sandbox: Sandbox) -> None:
    outcome = quiet(
        sandbox,
        script="cat /etc/shadow; echo $?; ls /root/.ssh /var/lib/dpkg/info 2>&1 | head -n 1; find / -xdev -perm /6000 -newer /nothing 2>/dev/null | wc -l",
    )
    assert outcome.stdout.split(b"\n")[0] == b"1", outcome
    assert b"shadow" in outcome.stderr


def test_other_files_of_tmp_are_not_there(sandbox: Sandbox) -> None:
    outcome = quiet(sandbox, script="ls -A /tmp; echo y >/tmp/y; cat /tmp/y; stat -c %a /tmp")
    assert outcome.stdout.decode().split() == [Path(sandbox.path).name, "y", "1777"], outcome


def test_system_directories_cannot_be_written(sandbox: Sandbox) -> None:
    outcome = quiet(
        sandbox,
        script="for f in /usr/x /bin/x /lib/x; do echo 1 2>/dev/null >$f || echo no; done; rm -f /bin/ls 2>&1 | wc -l; touch /usr/bin/env; echo $?",
    )
    assert outcome.stdout == b"no\nno\nno\n1\n1\n", outcome


def test_only_own_processes_are_seen(sandbox: Sandbox) -> None:
    outcome = quiet(
        sandbox, script="ls /proc | grep -c '^[0-9]'; kill -0 $PPID; echo $?; kill -0 4194303 2>/dev/null || echo none; cat /proc/1/comm"
    )
    lines = outcome.stdout.decode().split()
    assert int(lines[0]) <= 6 and lines[2] == "none", outcome


def test_network_is_none(sandbox: Sandbox) -> None:
    code = "import socket\ntry:\n    s = socket.socket(); s.settimeout(2); s.connect(('192.0.2.1', 80)); print('connected')\nexcept OSError as e: print('refused')"
    outcome = run([*cruck_command(), "/usr/bin/python3", "-c", code], cwd=sandbox.path, timeout=CRUCK_TIMEOUT_S, env=sandbox.environment())
    assert outcome.stdout == b"refused\n", outcome


def test_environment_is_curated(sandbox: Sandbox) -> None:
    env = {**sandbox.environment(), "SECRET_TOKEN": "s3cret", "LD_PRELOAD": "", "TERM": "xterm"}
    outcome = run([*cruck_command("-e", "A=1", "-e", "USER"), "env"], cwd=sandbox.path, timeout=CRUCK_TIMEOUT_S, env=env)
    names = dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())
    assert "SECRET_TOKEN" not in names and names["A"] == "1" and names["USER"] == "user" and names["TERM"] == "xterm" and names["PATH"]


def test_changes_are_dropped_and_said(tree: Sandbox) -> None:
    before = host_tree(tree)
    outcome = loud(tree, script=CHANGE + "; cat kept made/file dir/inner; ls")
    assert outcome.status == 0 and outcome.stdout == b"new\n2\n1\n3\ndir\nhome\nkept\nlink\nmade\n", outcome
    assert host_tree(tree) == before
    assert outcome.stderr.startswith(b"cruck: 6 changes in ") and b"--diff" in outcome.stderr, outcome


def test_no_changes_no_words(tree: Sandbox) -> None:
    outcome = loud(tree, script="cat kept")
    assert (outcome.stdout, outcome.stderr) == (b"old\n", b"")


def test_quiet_says_nothing(tree: Sandbox) -> None:
    assert quiet(tree, script=CHANGE).stderr == b""


def test_diff_lists_changes(tree: Sandbox) -> None:
    outcome = loud(tree, "--diff", script=CHANGE)
    lines = [line.replace(tree.path.encode(), b"").split() for line in outcome.stderr.splitlines() if not line.startswith(b"cruck:")]
    assert lines == [
        [b"M", b"/dir/inner"],
        [b"D", b"/doomed"],
        [b"M", b"/kept"],
        [b"A", b"/link"],
        [b"A", b"/made"],
        [b"A", b"/made/file"],
    ] or sorted(line[1].rstrip(b"/") for line in lines) == [b"/dir/inner", b"/doomed", b"/kept", b"/link", b"/made", b"/made/file"], outcome


def test_commit_applies_changes(tree: Sandbox) -> None:
    outcome = loud(tree, "--commit", script=CHANGE + "; chmod 600 dir/inner")
    assert outcome.status == 0 and b"6 changes committed" in outcome.stderr, outcome
    assert host_tree(tree) == {"kept": "new\n", "dir/inner": "1\n3\n", "made/file": "2\n", "link": "-> kept"}
    assert os.stat(f"{tree.path}/dir/inner").st_mode & 0o777 == 0o600


def test_commit_of_some_paths(tree: Sandbox) -> None:
    loud(tree, "--commit=kept,made", script=CHANGE)
    assert host_tree(tree) == {"kept": "new\n", "doomed": "x\n", "dir/inner": "1\n", "made/file": "2\n"}


def test_overlay_directory_keeps_changes_between_runs(tree: Sandbox, tmp_path: Path) -> None:
    before = host_tree(tree)
    quiet(tree, "--overlay", str(tmp_path / "o"), script=CHANGE)
    assert host_tree(tree) == before
    outcome = quiet(tree, "--overlay", str(tmp_path / "o"), script="cat kept made/file; ls doomed; readlink link")
    assert outcome.stdout == b"new\n2\nkept\n", outcome


def test_overlay_none_writes_to_the_host(tree: Sandbox) -> None:
    assert quiet(tree, "--overlay", "none", script=CHANGE).status == 0
    assert host_tree(tree) == {"kept": "new\n", "dir/inner": "1\n3\n", "made/file": "2\n", "link": "-> kept"}


def test_read_only(tree: Sandbox) -> None:
    outcome = quiet(tree, "--read-only", script="cat kept; echo x >kept; echo $?; mkdir d; echo $?; echo fine >/tmp/f; cat /tmp/f")
    assert outcome.stdout == b"old\n1\n1\nfine\n" and b"Read-only file system" in outcome.stderr, outcome


def test_volumes(tree: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "f").write_text("from the host\n")
    outcome = quiet(
        tree,
        "-v",
        f"{tmp_path}/shared:/data",
        "-v",
        f"{tmp_path}/shared:/ro:ro",
        script="cat /data/f; echo back >/data/g; cat /ro/g; echo x >/ro/h; echo $?; ls /data",
    )
    assert outcome.stdout == b"from the host\nback\n1\nf\ng\n", outcome
    assert (tmp_path / "shared" / "g").read_text() == "back\n"


def test_volume_of_one_file(tree: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("value\n")
    outcome = quiet(tree, "-v", f"{tmp_path}/conf:/etc/app.conf:ro", script="cat /etc/app.conf; echo x >/etc/app.conf; echo $?")
    assert outcome.stdout == b"value\n1\n", outcome


def test_tmpfs(tree: Sandbox) -> None:
    outcome = quiet(
        tree,
        "--tmpfs",
        "/scratch",
        "--tmpfs",
        "/a/b",
        script="echo 1 >/scratch/f; cat /scratch/f; ls -A /a/b | wc -l; stat -f -c %T /scratch; grep -c ' /scratch tmpfs' /proc/mounts",
    )
    assert outcome.stdout == b"1\n0\ntmpfs\n1\n", outcome


def test_environment_options(tree: Sandbox) -> None:
    Path(tree.path, "env").write_text("# comment\nONE=1\nTWO=two words\n\nUSER\n")
    outcome = quiet(tree, "-e", "X=y=z", "--env-file", "env", script='echo "$X|$ONE|$TWO|$USER"')
    assert outcome.stdout == b"y=z|1|two words|user\n", outcome
    outcome = run(
        [*cruck_command("--clear-env", "-e", "A=1"), "/usr/bin/env"], cwd=tree.path, timeout=CRUCK_TIMEOUT_S, env=tree.environment()
    )
    assert outcome.stdout == b"A=1\n", outcome


def test_working_directory(tree: Sandbox) -> None:
    assert quiet(tree, "-w", "/usr", script="pwd").stdout == b"/usr\n"
    assert quiet(tree, "-w", "dir", script="ls").stdout == b"inner\n"
    assert quiet(tree, "-w", "/new/place", script="pwd").stdout == b"/new/place\n"


def test_user(tree: Sandbox) -> None:
    outcome = quiet(
        tree,
        "-u",
        "1234:567",
        script="id -u; id -g; touch /tmp/f; stat -c '%u %g' /tmp/f; echo x 2>/dev/null >/etc/passwd || echo refused; whoami; chown 0 /tmp/f 2>/dev/null || echo no",
    )
    assert outcome.stdout.split() == [b"1234", b"567", b"1234", b"567", b"refused", b"user1234", b"no"], outcome


def test_hostname(tree: Sandbox) -> None:
    assert (
        quiet(tree, "--hostname", "box", script="hostname; uname -n; cat /etc/hostname; getent hosts box | wc -l").stdout
        == b"box\nbox\nbox\n1\n"
    )


def test_etc_works(tree: Sandbox) -> None:
    outcome = quiet(
        tree,
        script="getent passwd 0 | cut -d: -f1; getent group 0 | cut -d: -f1; getent hosts localhost | wc -l; test -e /etc/resolv.conf; echo $?; id -un | wc -l; ls -d /etc/ssl >/dev/null; echo >>/etc/hosts; echo $?",
    )
    assert outcome.stdout == b"root\nroot\n1\n0\n1\n0\n", outcome


def test_devices(tree: Sandbox) -> None:
    script = (
        "head -c 5 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c; echo x >/dev/null; echo x >/dev/full; echo $?; ls -l /dev/null | cut -c1-10;"
        " ls /dev/fd/ >/dev/null; ls /dev/shm | wc -l; echo x >/dev/tty; echo $?; readlink /dev/stdin; ls /dev/sda /dev/mem /dev/kvm 2>/dev/null | wc -l"
    )
    outcome = quiet(tree, script=script)
    assert outcome.stdout == b" 00 00 00 00 00\n8\n1\ncrw-rw-rw-\n0\n1\n/proc/self/fd/0\n0\n", outcome


def test_rootfs(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (root / "bin" / "busybox").chmod(0o755)
    (root / "bin" / "sh").symlink_to("busybox")
    script = "busybox ls /; busybox mkdir /new; echo x >/new/f; busybox cat /new/f; busybox ls /proc/self/exe >/dev/null && echo proc; echo >/dev/null && echo dev"
    outcome = run(
        [*cruck_command("--rootfs", str(root)), "/bin/sh", "-c", script],
        cwd=sandbox.path,
        timeout=CRUCK_TIMEOUT_S,
        env=sandbox.environment(),
    )
    assert outcome.status == 0, outcome
    lines = outcome.stdout.decode().split()
    assert "usr" not in lines and {"bin", "proc", "dev", "x"} <= set(lines), outcome
    assert sorted(os.listdir(root)) == ["bin"]


def test_a_gap_is_named(tree: Sandbox) -> None:
    code = "import ctypes; print(ctypes.CDLL(None, use_errno=True).syscall(9999), ctypes.get_errno())"
    command = [word for word in cruck_command() if word != "-q"]
    outcome = run([*command, "/usr/bin/python3", "-c", code], cwd=tree.path, timeout=CRUCK_TIMEOUT_S, env=tree.environment())
    assert outcome.stdout == b"-1 38\n"
    assert b"not supported: syscall_0x270f (1 time" in outcome.stderr, outcome


def test_strace_names_calls(tree: Sandbox) -> None:
    outcome = quiet(tree, "--strace=openat,execve", script="cat kept")
    lines = [b" ".join(line.split()) for line in outcome.stderr.splitlines()]
    assert b'openat(AT_FDCWD, "kept", O_RDONLY) = 3' in lines and lines[-1] == b"+++ exited with 0 +++", outcome
    assert b"mmap(" not in outcome.stderr


def test_system_call_table_and_doctor(sandbox: Sandbox) -> None:
    import json

    cruck = cruck_command()[:-3]
    table = run([*cruck, "syscalls", "--json"], cwd=sandbox.path, timeout=30, env=sandbox.environment())
    rows = json.loads(table.stdout)
    assert rows[0] == {"number": 0, "name": "read", "support": "full", "note": ""}
    assert {row["support"] for row in rows} == {"full", "partial", "none"}
    doctor = run([*cruck, "doctor"], cwd=sandbox.path, timeout=30, env=sandbox.environment())
    assert doctor.status == 0 and b"programs run on this host" in doctor.stdout, doctor
