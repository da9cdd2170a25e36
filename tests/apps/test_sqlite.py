# SPDX-License-Identifier: MPL-2.0
"""The sqlite3 shell on a file: journals, write-ahead log, locks between processes."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = needs("sqlite3", "sqlite3")

FILL = "create table t(a integer primary key, b text); with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000) insert into t select x, 'value ' || x from c;"

SCRIPTS = {
    "create and query": f'sqlite3 d.db "{FILL} create index i on t(b); select count(*), min(b), max(b) from t; explain query plan select * from t where b = 1;"',
    "the file is the same": f'sqlite3 d.db "{FILL}"; sha256sum d.db; stat -c %s d.db',
    "transactions and rollback": 'sqlite3 d.db "create table t(a); begin; insert into t values (1); rollback; select count(*) from t; begin; insert into t values (2); commit; select * from t;"',
    "constraints fail": 'sqlite3 d.db "create table t(a unique); insert into t values (1); insert into t values (1);"; echo $?; sqlite3 d.db "select * from none"; echo $?',
    "write-ahead log": f'sqlite3 d.db "pragma journal_mode=wal; {FILL} select count(*) from t; pragma wal_checkpoint(truncate);"; ls; sqlite3 d.db "pragma journal_mode; pragma integrity_check;"',
    "journal modes": "for m in delete truncate persist memory off wal; do sqlite3 $m.db \"pragma journal_mode=$m; create table t(a); insert into t values ('$m'); select * from t;\"; done; ls",
    "memory map": f'sqlite3 d.db "pragma mmap_size=10000000; {FILL} select sum(a) from t; update t set b = b || \'x\'; select max(b) from t;"; sqlite3 d.db "pragma mmap_size=10000000; select count(*) from t;"',
    "concurrent writers": 'sqlite3 d.db "create table t(a);"; for i in 1 2 3; do (for j in 1 2 3 4 5; do sqlite3 -cmd ".timeout 20000" d.db "insert into t values ($i * 10 + $j);"; done) & done; wait; sqlite3 d.db "select count(*), sum(a) from t;"',
    "concurrent readers and a writer in wal": f'sqlite3 d.db "pragma journal_mode=wal; {FILL}"; for i in 1 2 3; do (sqlite3 -cmd ".timeout 20000" d.db "select count(*) > 0 from t;" >r$i) & done; sqlite3 -cmd ".timeout 20000" d.db "insert into t(b) values (1);"; wait; cat r1 r2 r3; sqlite3 d.db "select count(*) from t;"; ls',
    "a lock is seen by others": 'sqlite3 d.db "create table t(a);"; (echo "begin exclusive; insert into t values (1);"; sleep 0.6; echo "commit;") | sqlite3 d.db & sleep 0.3; sqlite3 d.db "select * from t;"; echo $?; wait; sqlite3 d.db "select * from t;"',
    "dump and restore": f'sqlite3 d.db "{FILL}"; sqlite3 d.db .dump | sqlite3 e.db; sqlite3 e.db "select count(*) from t;"; sqlite3 d.db ".backup b.db"; sqlite3 b.db "select max(a) from t;"; sqlite3 d.db .schema',
    "import and modes": "printf 'a,b\\n1,x\\n2,y\\n' >c.csv; sqlite3 d.db '.mode csv' '.import c.csv t' '.mode column' 'select * from t;'; sqlite3 -json d.db 'select * from t;'; sqlite3 -header -separator '|' d.db 'select * from t;'",
    "vacuum, attach, temporary tables": f"sqlite3 d.db \"{FILL} delete from t where a % 2; vacuum; attach 'x.db' as x; create table x.u as select * from t; create temp table k as select * from t; select count(*) from x.u; select count(*) from k;\"; stat -c %s d.db x.db",
    "full text and json": "sqlite3 :memory: \"create virtual table f using fts5(b); insert into f values ('quick fox'), ('lazy dog'); select * from f where f match 'fox'; select json_extract('{\\\"a\\\":[1,2]}', '$.a[1]');\"",
    "a sort that needs temporary files": f'sqlite3 d.db "pragma temp_store=1; pragma cache_size=20; {FILL} select count(*) from (select b, a from t order by b desc, a); create index k on t(b, a);"; ls',
    "missing and read only": "sqlite3 -readonly missing.db 'select 1 from t'; echo $?",
    "killed in a transaction": 'sqlite3 d.db "create table t(a); insert into t values (1);"; (echo "begin; insert into t values (2);"; sleep 2) | timeout -s KILL 0.3 sqlite3 d.db 2>/dev/null; sqlite3 d.db "select * from t; pragma integrity_check;"',
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
def test_script(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["bash", "-c", script], filter_stderr=_without_pids)


def _without_pids(data: bytes) -> bytes:
    return b"\n".join(line for line in data.split(b"\n") if b"Killed" not in line and b"Done" not in line)


def test_shell_on_standard_input(sandbox: Sandbox) -> None:
    sandbox.check(["sqlite3", "d.db"], stdin=b"create table t(a);\ninsert into t values (1), (2);\nselect sum(a) from t;\n.tables\n.quit\n")
