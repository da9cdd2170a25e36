# SPDX-License-Identifier: MPL-2.0
"""What looks into /proc and /sys: the tools of procps, util-linux and others say the same, but for the numbers."""

import re

import pytest
from compare import Sandbox, cases, needs

SHAPES = {
    "free": ("free", "procps"),
    "free in megabytes": ("free -m -w", "procps"),
    "vmstat": ("vmstat -n", "procps"),
    "vmstat sums": ("vmstat -s", "procps"),
    "uptime": ("uptime", "procps"),
    "w": ("w -h; w | tail -1", "procps"),
    "ps of itself": ("ps -o pid,ppid,pgid,sid,stat,tty,nlwp,nice,comm,args -p $$", "procps"),
    "ps aux header": ("ps aux | head -1", "procps"),
    "ps tree": ("sleep 5 & ps -o comm,args --ppid $$ | grep -v ps; kill $!", "procps"),
    "ps threads": ("ps -L -o lwp,nlwp,comm -p $$", "procps"),
    "top": ("top -b -n 1 -p $$ | sed 's/top - .*//; s/%Cpu.*//; s/Mi[Bi].*//' | head -12", "procps"),
    "pgrep": ("sleep 7 & sleep 0.2; pgrep -x sleep -P $$ | wc -l; pkill -x sleep -P $$; wait; echo $?", "procps"),
    "pmap": ("pmap -x $$ | head -2; pmap -x $$ | grep -c dash", "procps"),
    "pwdx": ("pwdx $$ | sed 's/.*: //'", "procps"),
    "sysctl": ("sysctl -n kernel.ostype kernel.osrelease >/dev/null && echo ok; sysctl -n vm.overcommit_memory", "procps"),
    "lscpu": ("lscpu | cut -d: -f1 | head -10", "util-linux"),
    "lscpu parsed": ("lscpu -p=cpu,core | tail -1", "util-linux"),
    "lsblk": ("lsblk >/dev/null; echo $?", "util-linux"),
    "findmnt": ("findmnt -n -o TARGET,FSTYPE /proc; findmnt -n -o FSTYPE /dev/pts | head -1", "util-linux"),
    "mountpoint": ("mountpoint /proc; mountpoint /etc/passwd; echo $?", "util-linux"),
    "mount line": ("mount | grep -c '^proc on /proc type proc ('", "util-linux"),
    "df": ("df --output=fstype,target /proc | tail -1; df -P / | head -1", "util-linux"),
    "prlimit": ("prlimit -o RESOURCE,DESCRIPTION,UNITS", "util-linux"),
    "taskset": ("taskset -p $$ | sed 's/pid [0-9]*/pid/; s/mask: .*/mask/'", "util-linux"),
    "chrt": ("chrt -p $$ | sed 's/pid [0-9]*/pid/'; chrt -i 0 chrt -p 0 | grep -o SCHED_IDLE", "util-linux"),
    "ionice": ("ionice -c 3 ionice; ionice -c 2 -n 5 ionice", "util-linux"),
    "lslocks": ("exec 9>lock; flock 9; lslocks -n -o TYPE,MODE -p $$", "util-linux"),
    "lsns": ("lsns -n -o TYPE -p $$ | grep -v time | sort", "util-linux"),
    "hostname of the kernel": ("uname -s -m -o", "coreutils"),
    "status fields": ("cut -f1 /proc/self/status | grep -v Kthread | head -25", "coreutils"),
    "limits": ("cut -c1-26 /proc/self/limits", "coreutils"),
    "stat fields": ("wc -w < /proc/self/stat", "coreutils"),
    "descriptors": ("exec 5</dev/null; ls -l /proc/self/fd/5 | sed 's/.*-> //'; cat /proc/self/fdinfo/5 | cut -f1", "coreutils"),
    "attributes of a process": (
        "cat /proc/self/oom_score_adj /proc/self/comm; cat /proc/self/wchan; echo; cat /proc/$$/cgroup | wc -l",
        "coreutils",
    ),
}


def shape(data: bytes) -> bytes:
    """Numbers and the width they take differ; names and order do not."""
    data = re.sub(rb"\d+[\d.,:]*", b"N", data)
    return re.sub(rb"[ \t]+", b" ", re.sub(rb"(?m)^[ \t]+", b"", data))


@pytest.mark.parametrize("case", cases(SHAPES))
@needs("ps", "procps")
@needs("lscpu", "util-linux")
def test_same_shape_as_natively(sandbox: Sandbox, case: tuple[str, str]) -> None:
    sandbox.check(["dash", "-c", case[0]], filter_stdout=shape, filter_stderr=shape, options=["-u", "0"])


@needs("lsof", "lsof")
def test_lsof_names_open_files(sandbox: Sandbox) -> None:
    script = "exec 5<given; sleep 5 | sleep 5 & lsof -w -a -p $$ -d cwd,rtd,txt,5 | awk '{print $1, $4, $5, $NF}'; kill $!"
    sandbox.check(["dash", "-c", script], files={"given": "text"}, filter_stdout=lambda data: data.replace(b"COMMAND FD TYPE NAME", b""))


@needs("java", "default-jre-headless")
def test_java_starts(sandbox: Sandbox) -> None:
    sandbox.check(["java", "-Xshare:auto", "-version"], timeout=120, filter_stderr=lambda data: data)
