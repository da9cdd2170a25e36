# SPDX-License-Identifier: MPL-2.0
"""busybox: a static program that is its own shell and tools (it re-executes /proc/self/exe, or forks without exec)."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = needs("busybox", "busybox-static")

SCRIPTS = {
    "echo and exit status": "echo hello; exit 3",
    "pipeline of applets": "seq 1 100 | grep 7 | sort -rn | head -n 5 | tr '\\n' ' '",
    "here document": "name=world; cat <<END\nhello $name\n$((6 * 7))\nEND\ncat <<'END'\nno $name\nEND",
    "functions and loops": "f() { local i=0; while [ $i -lt $1 ]; do printf '%d,' $i; i=$((i + 1)); done; echo; }; f 5; f 12",
    "exit trap": "trap 'echo bye $?' EXIT; echo working; exit 0",
    "signal trap": "trap 'echo got usr1' USR1; kill -USR1 $$; echo after",
    "background and wait": "(sleep 0.1; exit 7) & wait $!; echo status $?",
    "command substitution": 'echo "[$(echo a; echo b)] [$(echo `echo nested`)]"',
    "redirections": "echo out >f; echo more >>f; cat <f; ls nothing 2>/dev/null || echo no; exec 3>g; echo three >&3; exec 3>&-; cat g",
    "find with exec": "mkdir -p a/b; touch a/x a/b/y; find a -type f -exec echo {} \\; | sort",
    "tar through a pipe": "mkdir d; echo data >d/f; tar cf - d | (mkdir e; cd e; tar xf -; cat d/f)",
    "gzip round trip": "seq 1 1000 | gzip | gunzip | md5sum",
    "awk sums": "seq 1 10 | awk '{ s += $1 } END { print s, NR }'",
    "sed edits in place": "printf 'a\\nb\\nc\\n' >f; sed -i 's/b/B/' f; cat f",
    "xargs": "printf '1 2 3 4 5\\n' | xargs -n 2 echo",
    "kill of a child by signal": "(sleep 10 & kill $!; wait $!; echo $?) 2>/dev/null",
    "date of a fixed time": "date -u -d @86400 +%Y-%m-%dT%H:%M:%S",
    "ls of fixed times": "touch -d '2001-02-03 04:05:06' f; chmod 640 f; ls -l f",
    "test of files": "touch f; ln -s f l; mkdir d; for x in f l d n; do for t in e f d L; do [ -$t $x ] && printf '%s%s ' $t $x; done; done; echo",
    "vi script of ed": "printf 'a\\nline\\n.\\nw f\\nq\\n' | ed 2>/dev/null; cat f",
    "sha256sum": "head -c 100000 /dev/zero | sha256sum",
    "dd": "dd if=/dev/zero bs=1k count=10 2>/dev/null | wc -c",
    "hexdump": "printf 'abc\\001\\377' | hexdump -C",
    "set -e ends": "set -e; echo one; false; echo two",
    "sub-shell keeps the outer directory": "mkdir d; (cd d; pwd | sed 's,.*/,,'); pwd | sed 's,.*/,,' | grep -c cruck",
    "timeout kills": "timeout 0.2 sleep 10; echo $?",
    "wc and uniq": "printf 'a\\na\\nb\\n' | uniq -c; printf 'x y\\nz\\n' | wc",
    "which of an applet by link": "ln -s /bin/busybox ./sed; echo abc | ./sed s/b/B/",
    "cpio": "mkdir d; echo 1 >d/a; find d | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null",
    "unzip is absent or works": "printf 'x' >f; diff f f && echo same; cmp f f && echo equal",
}
STATUS = {"echo and exit status": 3, "set -e ends": 1}


@pytest.mark.parametrize("name", cases({name: name for name in SCRIPTS}))
def test_ash(sandbox: Sandbox, name: str) -> None:
    sandbox.check(["busybox", "sh", "-c", SCRIPTS[name]], status=STATUS.get(name, 0))


def test_applets_by_argv(sandbox: Sandbox) -> None:
    sandbox.check(["busybox", "cat", "-"], stdin=b"from stdin\n")


def test_unknown_applet(sandbox: Sandbox) -> None:
    sandbox.check(["busybox", "nonesuch"], status=127)


def test_script_file_with_interpreter_argument(sandbox: Sandbox) -> None:
    sandbox.check(["./s", "a b", "c"], files={"s": '#!/bin/busybox sh\necho "$0 $# $1"\n'})
