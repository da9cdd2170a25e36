# SPDX-License-Identifier: MPL-2.0
"""Web servers under wrk and curl: nginx with workers, node, Go's net/http, gunicorn, Python's http.server, openssl."""

from pathlib import Path

import pytest
from compare import build, needs
from serving import ServerSandbox

pytestmark = [needs("curl", "curl"), needs("wrk", "wrk")]

LOAD = r"""
load() { wrk -t1 -c8 -d1s "$@" >wrk.txt; grep -E 'Socket errors|Non-2xx' wrk.txt; awk '/requests in/ { print ($1 > 50) ? "load ok" : $0 }' wrk.txt; }
"""

NGINX = r"""
daemon off; worker_processes 3; pid nginx.pid; error_log error.log;
events { worker_connections 256; }
http {
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    upstream self { server 127.0.0.1:8491; keepalive 4; }
    server { listen 127.0.0.1:8491 reuseport; listen [::1]:8491; listen unix:nginx.sock; root www;
             location /proxy/ { proxy_pass http://self/; proxy_http_version 1.1; proxy_set_header Connection ""; }
             location /zip { gzip on; gzip_types *; gzip_min_length 1; } }
}
"""


@needs("nginx", "nginx-light")
def test_nginx(servers: ServerSandbox) -> None:
    servers.check_server(
        LOAD
        + r"""
        nginx -p . -e error.log -c nginx.conf & pid=$!
        until_ok opens 8491
        load http://127.0.0.1:8491/1k
        load http://127.0.0.1:8491/proxy/1k
        head -c 3000000 /dev/urandom >www/big
        for url in 127.0.0.1:8491/big '[::1]:8491/big' 127.0.0.1:8491/proxy/big; do curl -s -g http://$url | cmp - www/big && echo same; done
        curl -s --unix-socket nginx.sock http://x/1k | wc -c
        curl -s -r 100-199 http://127.0.0.1:8491/big | cmp - <(tail -c +101 www/big | head -c 100) && echo range
        curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8491/none
        kill -HUP $pid; sleep 0.3; load http://127.0.0.1:8491/1k
        kill -QUIT $pid; wait $pid; echo status $?; grep -E 'alert|emerg|crit' error.log || true
        """,
        files={"nginx.conf": NGINX, "www/1k": "x" * 1024},
    )


NODE = """
const http = require('http')
const server = http.createServer((request, response) => {
  if (request.method === 'POST') { let n = 0; request.on('data', d => n += d.length); request.on('end', () => response.end(n + '\\n')) }
  else response.end('x'.repeat(1024))
}).listen(8492, '127.0.0.1')
process.on('SIGTERM', () => { server.close(() => console.log('closed')); server.closeAllConnections?.() })
"""


@needs("node", "nodejs")
def test_node(servers: ServerSandbox) -> None:
    servers.check_server(
        LOAD
        + r"""
        node server.js & pid=$!
        until_ok opens 8492
        load http://127.0.0.1:8492/
        head -c 3000000 /dev/zero | curl -s --data-binary @- http://127.0.0.1:8492/
        kill $pid; wait $pid; echo status $?
        """,
        files={"server.js": NODE},
    )


GO = """
package main

import ("context"; "fmt"; "io"; "net/http"; "os"; "os/signal"; "strings"; "sync"; "syscall")

func main() {
	server := &http.Server{Addr: "127.0.0.1:8493"}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1024)) })
	http.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { n, _ := io.Copy(io.Discard, r.Body); fmt.Fprintln(w, n) })
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	done := make(chan bool)
	go func() { <-stop; server.Shutdown(context.Background()); close(done) }()
	go func() {
		var group sync.WaitGroup
		for i := 0; i < 20; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for j := 0; j < 20; j++ {
					if r, err := http.Get("http://localhost:8493/"); err == nil { io.Copy(io.Discard, r.Body); r.Body.Close() }
				}
			}()
		}
		group.Wait()
		fmt.Println("clients done")
	}()
	fmt.Println(server.ListenAndServe())
	<-done
}
"""


@pytest.fixture(scope="module")
def go_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("go")
    (directory / "server.go").write_text(GO)
    build(
        directory,
        ["go", "build", "-o", "server", "server.go"],
        {"CGO_ENABLED": "0", "GOCACHE": str(directory / "cache"), "GO111MODULE": "off"},
    )
    return directory / "server"


@needs("go", "golang-go")
def test_go_net_http(servers: ServerSandbox, go_server: Path) -> None:
    servers.check_server(
        LOAD
        + r"""
        ./server >log & pid=$!
        until_ok opens 8493
        load http://127.0.0.1:8493/
        head -c 3000000 /dev/zero | curl -s --data-binary @- http://127.0.0.1:8493/count
        until_ok grep -q clients log; kill $pid; wait $pid; echo status $?; cat log
        """,
        files={"server": go_server},
    )


WSGI = """
def app(environ, start):
    start('200 OK', [('Content-Length', '1024')])
    return [b'x' * 1024]
"""


@needs("gunicorn", "gunicorn")
def test_gunicorn(servers: ServerSandbox) -> None:
    servers.check_server(
        LOAD
        + r"""
        gunicorn -w 2 -b 127.0.0.1:8494 wsgi:app 2>log & pid=$!
        until_ok curl -sf http://127.0.0.1:8494/
        load http://127.0.0.1:8494/
        kill -TTIN $pid; sleep 0.5; curl -s http://127.0.0.1:8494/ | wc -c
        kill $pid; wait $pid; echo status $?; grep -cE 'Booting worker' log; grep -E 'ERROR|CRITICAL' log || true
        """,
        files={"wsgi.py": WSGI},
    )


@needs("openssl", "openssl")
def test_tls(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost 2>/dev/null
        head -c 2000000 /dev/urandom >big
        openssl s_server -accept 127.0.0.1:8495 -key key.pem -cert cert.pem -WWW >/dev/null 2>&1 & pid=$!
        until_ok opens 8495
        curl -sS --cacert cert.pem https://localhost:8495/big | cmp - big && echo same
        curl -s https://localhost:8495/big -o /dev/null; echo refused $?
        kill $pid; wait $pid; echo status $?
        """
    )


@needs("git", "git")
def test_git_over_its_protocol_and_http(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        export HOME=$PWD GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
        git init -q -b main work; cd work; git config user.email a@b; git config user.name n
        for i in $(seq 10); do seq $((i * 1000)) >file$i; git add .; git commit -q -m c$i; done; cd ..
        git clone -q --bare work served.git; touch served.git/git-daemon-export-ok; git -C served.git update-server-info
        git daemon --base-path=. --listen=127.0.0.1 --port=8496 --reuseaddr --pid-file=daemon.pid 2>/dev/null & daemon=$!
        python3 -m http.server 8497 --bind 127.0.0.1 >/dev/null 2>&1 & web=$!
        until_ok opens 8496; until_ok opens 8497
        git clone -q git://127.0.0.1:8496/served.git one && git -C one fsck && git -C one log --oneline | wc -l
        git clone -q http://127.0.0.1:8497/served.git two && git -C two fsck && git -C two log --oneline | wc -l
        kill $(cat daemon.pid) $web; wait $web; echo $?
        """,
        filter_stderr=lambda data: data.replace(b"error: git-daemon died of signal 15\n", b""),
    )
