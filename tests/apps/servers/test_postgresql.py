# SPDX-License-Identifier: MPL-2.0
"""PostgreSQL: initdb, pgbench by TCP and by AF_UNIX, recovery after SIGKILL of all its processes, a clean end."""

import glob

import pytest
from compare import needs
from serving import ServerSandbox

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))


@pytest.mark.skipif(not PROGRAMS, reason="postgres is missing: needs Debian package postgresql")
@needs("setpriv", "util-linux")
def test_postgresql_recovers_what_it_committed(servers: ServerSandbox) -> None:
    script = r"""
        PATH=PROGRAMS:$PATH; export PGPORT=8598 PGUSER=postgres PGHOST=127.0.0.1
        initdb -D data -U postgres --no-sync -A trust >initdb.log && echo made
        printf "unix_socket_directories='$PWD'\nlisten_addresses='127.0.0.1'\nshared_buffers=16MB\nautovacuum=off\n" >>data/postgresql.conf
        start() { postgres -D data >log 2>&1 & pid=$!; until_ok pg_isready -q; }
        start
        pgbench -i -s 1 -q postgres >/dev/null 2>&1; echo filled $?
        pgbench -n -c 4 -j 2 -t 10 postgres | grep -E 'processed|failed'
        pgbench -n -h $PWD -c 4 -j 2 -t 20 -S postgres | grep -E 'processed|failed'
        ask() { psql -Atc 'select (select count(*) from pgbench_history), (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)'; }
        ask; psql -qc "listen news" -c "notify news, 'hello'" | grep -o 'payload "hello"'
        children=$(cat /proc/$pid/task/*/children); kill -KILL $pid $children 2>/dev/null; wait $pid 2>/dev/null; echo killed $?
        start
        ask; grep -o 'automatic recovery in progress' log
        kill -INT $pid; wait $pid; echo status $?; grep -E 'PANIC|FATAL:  (could|corrupt)' log || true
    """.replace("PROGRAMS", PROGRAMS[-1])
    as_user = "work=$(mktemp -d) && cp inner $work && chown -R 65534:65534 $work && cd $work && setpriv --reuid 65534 --regid 65534 --clear-groups bash inner; rm -r $work"
    from serving import PRELUDE

    servers.check_server(as_user, files={"inner": PRELUDE + script}, options=("-u", "0:0"))
