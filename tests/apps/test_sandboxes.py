# SPDX-License-Identifier: MPL-2.0
"""Programs that make sandboxes of their own: unshare, nsenter, chroot, bubblewrap."""

import pytest
from compare import Sandbox, cases, needs

SCRIPTS = {
    "unshare host name": "unshare -u sh -c 'hostname inner; hostname'; hostname >/dev/null",
    "unshare users": "unshare -Ur sh -c 'id -u; id -g; cat /proc/self/uid_map /proc/self/setgroups'",
    "unshare mounts": "unshare -m sh -c 'mount -t tmpfs none /mnt && touch /mnt/x && ls /mnt'; test -e /mnt/x || echo gone",
    "unshare processes": "unshare -pf --mount-proc sh -c 'echo $$; ps -o comm=; sleep 100 & echo $!; kill -9 1; echo alive'",
    "enter another": "unshare -m sh -c 'mount -t tmpfs none /mnt; touch /mnt/y; exec sleep 100' & sleep 0.4;"
    " nsenter -t $! -m ls /mnt; kill $!; wait",
    "unshare networks": "unshare -n sh -c 'ip link show lo | grep -c UP; ip link set lo up; ip -o addr | cut -d\" \" -f 1-7; cat /proc/net/tcp | wc -l'",
    "namespaces as files": "touch f; mount --bind /proc/self/ns/uts f; nsenter --uts=f true && echo entered; umount f; stat -f -c %T /proc/self/ns/uts",
    "chroot": "mkdir -p r/bin; cp /bin/busybox r/bin/sh 2>/dev/null; chroot r /bin/sh -c 'echo /*; cd ..; echo *'",
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
@needs("unshare", "util-linux")
def test_tools_of_util_linux(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["sh", "-c", script], options=["-u", "0"])


BWRAP = "bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev"
BWRAP_SCRIPTS = {
    "files": f"{BWRAP} --tmpfs /tmp --bind . /box sh -c 'ls /; ls /box; echo new > /box/made; touch /usr/x || echo read-only'; cat made",
    "processes": f"{BWRAP} --unshare-pid --new-session sh -c 'ls -d /proc/[0-9]*; ps -o comm='",
    "devices": f"{BWRAP} sh -c 'ls /dev; echo lost > /dev/null; head -c 4 /dev/zero | od -An -tx1'",
    "host name": f"{BWRAP} --unshare-uts --hostname inside hostname",
    "another user": f"{BWRAP} --unshare-user --uid 7 --gid 8 sh -c 'id -u; id -g'",
    "everything apart": f"{BWRAP} --unshare-all sh -c 'ip -o addr show lo | grep -c 127.0.0.1; hostname >/dev/null; ls -d /proc/[0-9]*'",
    "exit status": f"{BWRAP} --die-with-parent sh -c 'exit 9'; echo $?",
    "environment": f"{BWRAP} --clearenv --setenv A b --chdir /usr sh -c 'pwd; echo $A; env | grep HOME || echo none'",
}


@pytest.mark.parametrize("script", cases(BWRAP_SCRIPTS))
@needs("bwrap", "bubblewrap")
def test_bubblewrap(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["sh", "-c", script], files={"given": "text"}, options=["-u", "0"])
