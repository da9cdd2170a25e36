# SPDX-License-Identifier: MPL-2.0
"""Whole programs, as a user would start them. All are Debian's. They run natively too, perhaps as root: each
works in a directory of its own, which it removes, and names no other path that it could change."""

SQL = (
    "create table t(a integer primary key, b text);"
    "with recursive c(x) as (select 1 union all select x+1 from c where x<20000) insert into t select x, hex(randomblob(16)) from c;"
    "create index i on t(b);"
    "select count(*) from t where b > '8';"
)

PROGRAMS: dict[str, list[str]] = {
    "true": ["/bin/true"],
    "py_imports": ["/usr/bin/python3", "-c", "import json,asyncio,sqlite3"],
    "sh_200_true": ["/bin/sh", "-c", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done"],
    "sqlite_20k": ["/bin/sh", "-c", f'd=$(mktemp -d) && sqlite3 $d/x.db "{SQL}" && rm -r $d'],
    "tar_include": ["/bin/sh", "-c", "tar cf - /usr/include | wc -c"],
    "gcc_hello": [
        "/bin/sh", "-c",
        "d=$(mktemp -d) && cd $d && printf '#include <stdio.h>\\nint main(void){puts(\"hi\");}\\n' >h.c && gcc -o h h.c && ./h && cd / && rm -r $d",
    ],
    "git_500": [
        "/bin/sh", "-c",
        "d=$(mktemp -d) && cd $d && git init -q . && for i in $(seq 500); do echo $i >f$i; done && git add . && "
        "git -c user.name=a -c user.email=a@b commit -qm x && git status -s && cd / && rm -r $d",
    ],
}  # fmt: skip

# Prints wrk's report: two workers, the connections kept alive.
NGINX = [
    "/bin/sh", "-c",
    "d=$(mktemp -d) && cd $d && head -c 1024 /dev/zero >1k && "
    "printf 'daemon off; worker_processes 2; pid pid; error_log log; events { worker_connections 64; } http { access_log off; "
    "client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e; "
    "server { listen 127.0.0.1:7412; root .; } }' >conf && { /usr/sbin/nginx -p $d -e log -c conf >/dev/null 2>&1 & } && "
    "for i in 1 2 3 4 5 6 7 8 9 10; do curl -so /dev/null http://127.0.0.1:7412/1k && break; sleep 0.1; done; "
    "wrk -t1 -c10 -d{seconds}s http://127.0.0.1:7412/1k; kill -QUIT $(cat pid); wait; cd / && rm -r $d",
]  # fmt: skip

# Prints redis-benchmark's CSV. The server stays a child of the shell and is given no pid file: it would remove that at its end, whatever it is.
REDIS = [
    "/bin/sh", "-c",
    "d=$(mktemp -d) && cd $d && { redis-server --port 7411 --save '' --dir $d >/dev/null & } && "
    "for i in 1 2 3 4 5 6 7 8 9 10; do redis-cli -p 7411 ping 2>&1 | grep -q PONG && break; sleep 0.1; done; "
    "redis-benchmark -p 7411 -n {requests} -c 10 -t set,get --csv; redis-cli -p 7411 shutdown nosave; wait; cd / && rm -r $d",
]  # fmt: skip
