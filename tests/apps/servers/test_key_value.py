# SPDX-License-Identifier: MPL-2.0
"""redis-server with persistence under redis-benchmark, memcached under memcslap."""

from compare import needs
from serving import ServerSandbox


@needs("redis-server", "redis-server")
def test_redis_under_load_keeps_what_it_acknowledged(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        start() { redis-server --port 6391 --appendonly yes --appendfsync everysec --save 60 1 --dir . >log 2>&1 & pid=$!
                  until_ok redis-cli -p 6391 ping; }
        start
        redis-benchmark -p 6391 -t set,get,incr,lpush,lpop,mset -n 2000 -c 20 -r 100 --csv | cut -d, -f1
        redis-benchmark -p 6391 -t set,get -n 20000 -c 10 -P 20 --csv | cut -d, -f1
        for i in $(seq 200); do echo "SET key:$i value:$i"; done | redis-cli -p 6391 | sort | uniq -c
        redis-cli -p 6391 GET counter:rand:000000000000 >/dev/null
        redis-cli -p 6391 bgsave; until_ok sh -c 'redis-cli -p 6391 info persistence | grep -q rdb_bgsave_in_progress:0'
        redis-cli -p 6391 bgrewriteaof >/dev/null; until_ok sh -c 'redis-cli -p 6391 info persistence | grep -q aof_rewrite_in_progress:0'
        redis-cli -p 6391 info persistence | grep -E 'last_(bgsave|bgrewrite)_status'
        before=$(redis-cli -p 6391 dbsize); kill -KILL $pid; wait $pid 2>/dev/null; echo killed $?
        start
        test "$before" = "$(redis-cli -p 6391 dbsize)" && redis-cli -p 6391 GET key:77
        (redis-cli -p 6391 --csv subscribe news & echo $! >sub; wait) | head -2 & sleep 0.3
        until_ok sh -c 'redis-cli -p 6391 publish news hello | grep -q 1'; wait %2 2>/dev/null
        redis-cli -p 6391 shutdown; wait $pid; echo status $?
        """
    )


@needs("memcached", "memcached")
@needs("memcslap", "libmemcached-tools")
def test_memcached_with_threads(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        memcached -u root -p 11391 -U 11391 -t 4 -l 127.0.0.1 & pid=$!
        until_ok opens 11391
        memcslap --servers=127.0.0.1:11391 --concurrency=6 --execute-number=150 --test=set --silent >/dev/null; echo $?
        printf 'stats\r\nquit\r\n' >stats; exec 3<>/dev/tcp/127.0.0.1/11391; cat stats >&3; grep -aE 'cmd_set|threads' <&3
        kill $pid; wait $pid; echo status $?
        """
    )
