# SPDX-License-Identifier: MPL-2.0
"""ServerSandbox: a bash script that starts a server, drives it with clients and prints what must be the same on Linux and on cruck."""

from compare import Sandbox

PRELUDE = """
set -u
export LC_ALL=C.UTF-8
# until COMMAND...: waits until it succeeds, 20 s at most
until_ok() { local i; for i in $(seq 400); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; echo "never came: $*"; exit 1; }
opens() { (: </dev/tcp/127.0.0.1/$1); }
"""


class ServerSandbox(Sandbox):
    def check_server(self, script: str, **arguments: object) -> None:
        """`Sandbox.check` of a bash script that has `until_ok` and `opens PORT`; 120 s on cruck."""
        arguments.setdefault("timeout", 120.0)
        self.check(["bash", "-c", PRELUDE + script], **arguments)
