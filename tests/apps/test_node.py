# SPDX-License-Identifier: MPL-2.0
"""node: V8's memory, libuv's threads and epoll, child processes, workers, streams."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = needs("node", "nodejs")

SCRIPTS = {
    "hello": "console.log('hello', [1, { a: 2 }], process.argv.length); console.error('to stderr')",
    "files": """
const fs = require('fs'), path = require('path');
fs.mkdirSync('d/e', { recursive: true }); fs.writeFileSync('d/f', 'text'); fs.appendFileSync('d/f', '+'); console.log(fs.readFileSync('d/f', 'utf8'), fs.statSync('d/f').size);
fs.renameSync('d/f', 'd/g'); fs.symlinkSync('g', 'd/l'); fs.copyFileSync('d/g', 'd/h'); fs.chmodSync('d/h', 0o600); console.log(fs.readdirSync('d').sort(), fs.readlinkSync('d/l'), (fs.statSync('d/h').mode & 0o777).toString(8));
try { fs.readFileSync('none') } catch (e) { console.log(e.code, e.syscall) }
fs.rmSync('d', { recursive: true }); console.log(fs.existsSync('d'));
""",
    "promises of files": """
const fs = require('fs/promises');
(async () => { await Promise.all([...Array(20).keys()].map(i => fs.writeFile('f' + i, 'x'.repeat(i)))); const l = await fs.readdir('.'); const s = await Promise.all(l.filter(n => n[0] == 'f').map(async n => (await fs.stat(n)).size)); console.log(s.reduce((a, b) => a + b)); const h = await fs.open('f1', 'r+'); await h.write('zz', 0); console.log((await fs.readFile('f1')).toString()); await h.close() })()
""",
    "timers": "setTimeout(() => console.log('b'), 500); setTimeout(() => console.log('a'), 250); setImmediate(() => console.log('i')); process.nextTick(() => console.log('n')); Promise.resolve().then(() => console.log('p')); let n = 0; const t = setInterval(() => { if (++n == 3) { clearInterval(t); console.log('three') } }, 300)",
    "child processes": """
const { exec, execFileSync, spawn, spawnSync } = require('child_process');
console.log(execFileSync('echo', ['sync']).toString(), spawnSync('sh', ['-c', 'exit 3']).status, spawnSync('sh', ['-c', 'kill $$']).signal, spawnSync('nonesuch').error.code);
exec('echo out; echo err >&2; exit 2', (e, o, r) => { console.log(e.code, o, r);
const c = spawn('cat'); c.stdout.on('data', d => console.log('got ' + d)); c.on('close', (s, g) => { console.log('closed', s, g); const k = spawn('sleep', ['9']); k.on('exit', (s, g) => console.log(s, g)); k.kill() }); c.stdin.end('piped') })
""",
    "fork with messages": "const { fork } = require('child_process'); if (process.argv[2]) { process.on('message', m => { process.send(m * 2); process.disconnect() }) } else { const c = fork(__filename, ['child']); c.on('message', m => console.log('answer', m)); c.on('exit', s => console.log('exit', s)); c.send(21) }",
    "worker threads": "const { Worker, isMainThread, parentPort, workerData } = require('worker_threads'); if (isMainThread) { const r = []; let n = 3; for (let i = 0; i < n; i++) new Worker(__filename, { workerData: i }).on('message', m => r.push(m)).on('exit', () => { if (!--n) console.log(r.sort()) }) } else { let s = 0; for (let i = 0; i < 1e6; i++) s += i % (workerData + 2); parentPort.postMessage(s) }",
    "shared array and atomics": "const { Worker, isMainThread, workerData } = require('worker_threads'); if (isMainThread) { const b = new Int32Array(new SharedArrayBuffer(8)); const w = new Worker(__filename, { workerData: b }); console.log(Atomics.wait(b, 0, 0, 10000)); w.on('exit', () => console.log(b[1])) } else { workerData[1] = 42; Atomics.store(workerData, 0, 1); Atomics.notify(workerData, 0) }",
    "streams and zlib": "const fs = require('fs'), z = require('zlib'), { pipeline } = require('stream'); fs.writeFileSync('in', 'line\\n'.repeat(100000)); pipeline(fs.createReadStream('in'), z.createGzip(), fs.createWriteStream('in.gz'), e => { console.log(e, z.gunzipSync(fs.readFileSync('in.gz')).length) })",
    "crypto": "const c = require('crypto'); console.log(c.createHash('sha256').update('x').digest('hex'), c.randomBytes(8).length, c.createHmac('md5', 'k').update('v').digest('hex')); c.pbkdf2('p', 's', 1000, 16, 'sha1', (e, k) => console.log(k.toString('hex'))); c.scrypt('p', 's', 16, (e, k) => console.log(k.length))",
    "unix socket server": "const net = require('net'); const s = net.createServer(c => c.on('data', d => c.end(d.toString().toUpperCase()))).listen('s', () => { const c = net.connect('s', () => c.write('hello')); c.on('data', d => console.log(d.toString())); c.on('close', () => s.close(() => console.log('closed'))) })",
    "signals": "process.on('SIGUSR2', () => { console.log('usr2'); clearInterval(t) }); const t = setInterval(() => {}, 1000); process.kill(process.pid, 'SIGUSR2')",
    "json, regexp, map, garbage": "let m = new Map(); for (let i = 0; i < 200000; i++) m.set('k' + i, { i, s: 'v' + i }); console.log(m.size, JSON.stringify([...m.values()].slice(5, 7)), 'a1b2'.replace(/\\d/g, x => x * 2)); m = null; let t = 0; for (let i = 0; i < 300; i++) { t += new Array(10000).fill(i).length } console.log(t)",
    "modules": "import('./m.mjs').then(m => console.log(m.default, require('os').EOL.length, require('url').fileURLToPath('file:///a')))",
    "standard input": "let s = ''; process.stdin.on('data', d => s += d).on('end', () => console.log(s.length, s.slice(0, 5)))",
    "performance and dns are there": "const { performance } = require('perf_hooks'); const a = performance.now(); for (let i = 0; i < 1e6; i++); console.log(performance.now() > a, process.hrtime().length, process.memoryUsage().rss > 1e6, process.uptime() > 0)",
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
def test_script(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["node", "script.js"], files={"script.js": script, "m.mjs": "export default 'module'\n"}, stdin=b"input\n" * 1000)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param("process.exit(9)", 9, id="exit"),
        pytest.param("process.exitCode = 4", 4, id="exit-code"),
        pytest.param("throw new Error('x')", 1, id="exception"),
        pytest.param("Promise.reject(new Error('r'))", 1, id="rejection"),
        pytest.param("process.kill(process.pid, 'SIGKILL')", 137, id="killed"),
        pytest.param("process.abort()", 134, id="abort"),
    ],
)
def test_exit_status(sandbox: Sandbox, script: str, status: int) -> None:
    sandbox.check(["node", "-e", script], status=status, filter_stderr=lambda data: b"")
