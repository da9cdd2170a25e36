# SPDX-License-Identifier: MPL-2.0
"""The system's python3: threads, processes of all start methods, asyncio, sqlite3, memory maps, signals, polling, terminals, locks."""

import pytest
from compare import Sandbox, cases, needs

PYTHON = "/usr/bin/python3"
pytestmark = needs("python3", "python3")

CONCURRENCY = {
    "threads and a lock": """
import threading
total = 0
lock = threading.Lock()
def work():
    global total
    for _ in range(2000):
        with lock:
            total += 1
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(total)
""",
    "queue, condition, event, semaphore, barrier, timer": """
import threading, queue
q = queue.Queue(maxsize=3)
got = []
def consume():
    while (item := q.get()) is not None:
        got.append(item)
t = threading.Thread(target=consume); t.start()
for i in range(100): q.put(i)
q.put(None); t.join(); print(sum(got), len(got))
e = threading.Event(); timer = threading.Timer(0.05, e.set); timer.start(); print(e.wait(5), e.wait(0))
b = threading.Barrier(3); ids = []
ts = [threading.Thread(target=lambda: ids.append(b.wait())) for _ in range(3)]
[t.start() for t in ts]; [t.join() for t in ts]; print(sorted(ids))
s = threading.Semaphore(2); print(s.acquire(), s.acquire(), s.acquire(timeout=0.05))
c = threading.Condition()
with c: print(c.wait(0.05))
""",
    "many threads": """
import threading
n = []
ts = [threading.Thread(target=n.append, args=(i,)) for i in range(100)]
[t.start() for t in ts]; [t.join() for t in ts]
print(len(n), threading.active_count())
""",
    "thread locals and daemon threads": """
import threading, time
local = threading.local(); local.x = 1
def f(): print(hasattr(local, 'x')); local.x = 2
t = threading.Thread(target=f); t.start(); t.join(); print(local.x)
threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
print('ends without it')
""",
    "exception in a thread": """
import threading
def f(): raise ValueError('in thread')
threading.excepthook = lambda a: print(a.exc_type.__name__, a.exc_value)
t = threading.Thread(target=f); t.start(); t.join(); print('main goes on')
""",
    "concurrent.futures": """
from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor, as_completed
def square(x): return x * x
with ThreadPoolExecutor(4) as p: print(list(p.map(square, range(20))))
if __name__ == '__main__':
    with ProcessPoolExecutor(2) as p:
        print(list(p.map(square, range(20), chunksize=5)))
        print(sorted(f.result() for f in as_completed([p.submit(square, i) for i in range(5)])))
""",
    "process pool reports an exception": """
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
import os
def bad(): raise KeyError('lost')
def die(): os._exit(3)
with ProcessPoolExecutor(1) as p:
    print(repr(p.submit(bad).exception()))
with ProcessPoolExecutor(1) as p:
    print(type(p.submit(die).exception()) is BrokenProcessPool)
""",
    "multiprocessing process, queue, pipe, event": """
import multiprocessing as mp
def child(q, conn, e):
    q.put('from child'); conn.send({'x': [1, 2]}); e.wait(); q.put('released')
if __name__ == '__main__':
    q, e = mp.Queue(), mp.Event()
    a, b = mp.Pipe()
    p = mp.Process(target=child, args=(q, b, e)); p.start()
    print(q.get(), a.recv()); e.set(); print(q.get()); p.join(); print(p.exitcode)
""",
    "multiprocessing pool": """
import multiprocessing as mp
def f(x): return x ** 3
if __name__ == '__main__':
    with mp.Pool(3) as p:
        print(p.map(f, range(30))); print(p.apply(f, (9,))); print(sorted(p.imap_unordered(f, range(8))))
        print(p.starmap(pow, [(2, 3), (3, 2)])); r = p.map_async(f, [1, 2]); print(r.get(10))
""",
    "multiprocessing shared values and lock": """
import multiprocessing as mp
def add(v, a, lock):
    for i in range(500):
        with lock: v.value += 1; a[i % 4] += 1
if __name__ == '__main__':
    v, a, lock = mp.Value('i', 0), mp.Array('i', 4), mp.Lock()
    ps = [mp.Process(target=add, args=(v, a, lock)) for _ in range(3)]
    [p.start() for p in ps]; [p.join() for p in ps]; print(v.value, list(a))
""",
    "multiprocessing shared memory": """
from multiprocessing import shared_memory, Process
def fill(name):
    s = shared_memory.SharedMemory(name=name); s.buf[:5] = b'hello'; s.close()
if __name__ == '__main__':
    s = shared_memory.SharedMemory(create=True, size=100000)
    p = Process(target=fill, args=(s.name,)); p.start(); p.join()
    print(bytes(s.buf[:5]), s.size >= 100000); s.close(); s.unlink()
""",
    "multiprocessing manager": """
import multiprocessing as mp
def work(d, l, i): d[i] = i * i; l.append(i)
if __name__ == '__main__':
    with mp.Manager() as m:
        d, l = m.dict(), m.list()
        ps = [mp.Process(target=work, args=(d, l, i)) for i in range(3)]
        [p.start() for p in ps]; [p.join() for p in ps]; print(sorted(d.items()), sorted(l))
""",
    "multiprocessing kill and exit codes": """
import multiprocessing as mp, sys, time, os
if __name__ == '__main__':
    for f, args in ((sys.exit, (5,)), (os.abort, ()), (time.sleep, (60,)), (int, ('x',))):
        p = mp.Process(target=f, args=args); sys.stderr = open(os.devnull, 'w'); p.start()
        if f is time.sleep: p.terminate()
        p.join(); print(p.exitcode)
""",
}

START_METHOD = """
import multiprocessing as mp
def child(q, lock, n):
    with lock: q.put(n * 2)
if __name__ == '__main__':
    mp.set_start_method('%s')
    q, lock = mp.SimpleQueue(), mp.Lock()
    ps = [mp.Process(target=child, args=(q, lock, i)) for i in range(2)]
    [p.start() for p in ps]; [p.join(30) for p in ps]
    print(sorted(q.get() for _ in ps), [p.exitcode for p in ps])
"""

PROCESSES = {
    "subprocess run": """
import subprocess
r = subprocess.run(['sh', '-c', 'cat; echo err >&2; exit 3'], input=b'data', capture_output=True); print(r.returncode, r.stdout, r.stderr)
print(subprocess.check_output('echo shell | tr a-z A-Z', shell=True, text=True))
print(subprocess.run(['sleep', '0'], check=True).returncode, subprocess.getoutput('echo x'), subprocess.getstatusoutput('exit 4'))
""",
    "subprocess errors": """
import subprocess
for c in (['nonesuch'], ['/etc'], ['./f']):
    open('f', 'w').close()
    try: subprocess.run(c)
    except OSError as e: print(type(e).__name__, e.errno, e)
try: subprocess.run(['sleep', '9'], timeout=0.1)
except subprocess.TimeoutExpired as e: print('timeout', round(e.timeout, 2))
try: subprocess.run(['false'], check=True)
except subprocess.CalledProcessError as e: print(e)
try: subprocess.run(['true'], cwd='missing')
except FileNotFoundError as e: print(e.filename)
print(subprocess.run(['sh', '-c', 'kill -9 $$']).returncode)
""",
    "popen pipelines": """
from subprocess import Popen, PIPE, DEVNULL, STDOUT
a = Popen(['seq', '1000'], stdout=PIPE); b = Popen(['grep', '-c', '7'], stdin=a.stdout, stdout=PIPE); a.stdout.close()
print(b.communicate()[0], a.wait(), b.wait())
p = Popen(['cat'], stdin=PIPE, stdout=PIPE, text=True, bufsize=1)
for i in range(3): p.stdin.write(f'{i}\\n'); p.stdin.flush(); print(p.stdout.readline().strip())
p.stdin.close(); print(p.wait())
p = Popen(['sleep', '60'], start_new_session=True); print(p.poll()); p.terminate(); print(p.wait())
p = Popen(['sh', '-c', 'echo a; echo b >&2'], stdout=PIPE, stderr=STDOUT); print(p.communicate()[0])
big = b'x' * 1000000; print(len(Popen(['cat'], stdin=PIPE, stdout=PIPE).communicate(big)[0]))
""",
    "preexec, pass_fds, close_fds, env, umask": """
import os, subprocess
r, w = os.pipe()
subprocess.run(['sh', '-c', f'echo passed >&{w}'], pass_fds=[w]); print(os.read(r, 100))
print(subprocess.run(['sh', '-c', f'echo x >&{w}'], stderr=subprocess.DEVNULL).returncode != 0)
print(subprocess.check_output(['env'], env={'A': '1'})); print(subprocess.check_output(['sh', '-c', 'umask'], umask=0o77))
print(subprocess.check_output(['pwd'], cwd='/usr'), subprocess.check_output(['sh', '-c', 'umask'], preexec_fn=lambda: os.umask(0o27)))
""",
    "fork and wait": """
import os
pids = []
for i in range(5):
    pid = os.fork()
    if pid == 0: os._exit(i * 10)
    pids.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids])
try: os.wait()
except ChildProcessError as e: print(e)
pid = os.fork()
if pid == 0: os.kill(os.getpid(), 15)
print(os.waitpid(pid, 0)[1])
pid = os.posix_spawn('/bin/echo', ['echo', 'spawned'], os.environ); print(os.waitid(os.P_PID, pid, os.WEXITED).si_status)
""",
    "fork shares files, not memory": """
import os
f = open('f', 'w+'); x = [1]
f.write('parent '); f.flush()
if os.fork() == 0:
    x.append(2); f.write('child '); f.flush(); os._exit(0)
os.wait(); f.write('again'); f.seek(0); print(f.read(), x)
""",
    "vfork and exec chain": """
import os, sys
if len(sys.argv) > 1: print('end', sys.argv[1:]); sys.exit()
os.execv(sys.executable, [sys.executable, __file__, 'a', 'b c'])
""",
    "groups and sessions": """
import os
pid = os.fork()
if pid == 0:
    os.setsid(); print(os.getsid(0) == os.getpid() == os.getpgrp(), flush=True)
    try: os.setsid()
    except PermissionError as e: print(e, flush=True)
    os._exit(0)
os.wait()
print(os.getpgid(0) == os.getpgrp(), os.getppid() != os.getpid())
""",
    "daemonised grandchild": """
import os, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.1); os.write(w, b'adopted %d' % (os.getppid() != 0)); os._exit(0)
    os._exit(0)
os.wait(); os.close(w); print(os.read(r, 100))
""",
    "resource limits and usage": """
import resource, os
print(resource.getrlimit(resource.RLIMIT_STACK)[0]); resource.setrlimit(resource.RLIMIT_NOFILE, (50, 100)); print(resource.getrlimit(resource.RLIMIT_NOFILE))
try:
    fs = [open('/dev/null') for _ in range(60)]
except OSError as e: print(e.errno, e.strerror)
u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_maxrss > 1000, u.ru_utime >= 0)
""",
    "address space limit is MemoryError": """
import resource
resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
try: b = bytearray(400 << 20)
except MemoryError: print('MemoryError')
b = bytearray(1 << 20); print(len(b))
""",
    "recursion and deep stacks": """
import sys, threading
def f(n): return 0 if n == 0 else 1 + f(n - 1)
sys.setrecursionlimit(20000); threading.stack_size(64 << 20)
t = threading.Thread(target=lambda: print(f(15000))); t.start(); t.join()
try: sys.setrecursionlimit(500); f(10000)
except RecursionError: print('RecursionError')
""",
    "big memory": """
b = bytearray(300 << 20); b[::4096 * 64] = b'x' * len(b[::4096 * 64]); print(len(b), b.count(b'x'))
del b; x = [bytes(1 << 20) for _ in range(200)]; print(sum(map(len, x)))
""",
    "cpu affinity and count": "import os; print(os.cpu_count() >= 1, len(os.sched_getaffinity(0)) >= 1, os.nice(0), os.getpriority(0, 0))",
}

SIGNALS = {
    "handlers": """
import signal, os, time
got = []
for s in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP): signal.signal(s, lambda n, f: got.append(n))
for s in (10, 12, 1, 10): os.kill(os.getpid(), s)
print(got, signal.getsignal(signal.SIGINT).__name__)
""",
    "alarm and interval timer": """
import signal, time
signal.signal(signal.SIGALRM, lambda n, f: print('alarm'))
signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause(); signal.alarm(1); print(signal.alarm(0))
n = []
signal.signal(signal.SIGALRM, lambda *a: n.append(1)); signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while len(n) < 5: time.sleep(1)
signal.setitimer(signal.ITIMER_REAL, 0); print('five')
""",
    "keyboard interrupt": """
import os, signal, time
try: os.kill(os.getpid(), signal.SIGINT); time.sleep(1)
except KeyboardInterrupt: print('KeyboardInterrupt')
""",
    "interrupted sleep and read go on": """
import os, signal, time, threading
signal.signal(signal.SIGUSR1, lambda n, f: print('handled', flush=True))
r, w = os.pipe(); main = os.getpid()
def later(): time.sleep(0.1); os.kill(main, signal.SIGUSR1); time.sleep(0.1); os.write(w, b'x')
threading.Thread(target=later).start(); print(os.read(r, 1)); t = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.05); signal.signal(signal.SIGALRM, lambda *a: None); time.sleep(0.2); print(time.monotonic() - t > 0.19)
""",
    "masks and sigwait": """
import signal, os, threading
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
os.kill(os.getpid(), signal.SIGUSR1); print(signal.sigpending()); print(signal.sigwait({signal.SIGUSR1}))
i = signal.sigtimedwait({signal.SIGTERM}, 0.05); print(i)
os.kill(os.getpid(), signal.SIGTERM); i = signal.sigwaitinfo({signal.SIGTERM}); print(i.si_signo, i.si_pid == os.getpid(), i.si_code)
""",
    "wake-up descriptor": """
import signal, socket, os
a, b = socket.socketpair(); a.setblocking(False); b.setblocking(False)
signal.set_wakeup_fd(a.fileno()); signal.signal(signal.SIGUSR1, lambda *x: None); os.kill(os.getpid(), signal.SIGUSR1); print(b.recv(10))
""",
    "to threads and children": """
import signal, os, threading, time
signal.signal(signal.SIGUSR1, lambda *a: print('main', threading.current_thread() is threading.main_thread(), flush=True))
t = threading.Thread(target=time.sleep, args=(0.2,)); t.start(); signal.pthread_kill(t.ident, signal.SIGUSR1); t.join()
pid = os.fork()
if pid == 0:
    signal.pause(); os._exit(0)
time.sleep(0.1); os.kill(pid, signal.SIGKILL); print(os.waitpid(pid, 0)[1])
signal.signal(signal.SIGCHLD, lambda *a: print('chld', flush=True))
if os.fork() == 0: os._exit(0)
os.wait(); print(signal.strsignal(11))
""",
    "stop and continue": """
import os, signal
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP); os._exit(7)
_, s = os.waitpid(pid, os.WUNTRACED); print(os.WIFSTOPPED(s), os.WSTOPSIG(s))
os.kill(pid, signal.SIGCONT); _, s = os.waitpid(pid, os.WCONTINUED); print(os.WIFCONTINUED(s) or os.WEXITSTATUS(s))
if os.WIFCONTINUED(s): _, s = os.waitpid(pid, 0)
print(os.WEXITSTATUS(s))
""",
    "faulthandler of a timeout": """
import faulthandler, sys
print(faulthandler.is_enabled()); faulthandler.enable(); print(faulthandler.is_enabled())
faulthandler.dump_traceback(sys.stdout.fileno() and open('o', 'w')); print(open('o').read().partition('(most')[2])
""",
}

EXITS = {
    "sys.exit": ("import sys; sys.exit(42)", 42),
    "exit with text": ("import sys; sys.exit('sorry')", 1),
    "uncaught exception": ("def f(): raise ValueError('broken')\nf()", 1),
    "syntax error": ("def (", 1),
    "os._exit": ("import os; print('lost'); os._exit(9)", 9),
    "abort": ("import os; os.abort()", 134),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", 139),
    "segmentation fault is explained": ("import faulthandler, sys, ctypes; faulthandler.enable(); ctypes.string_at(0)", 139),
    "killed by itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    "sigterm": ("import os; os.kill(os.getpid(), 15)", 143),
    "keyboard interrupt": ("import os, signal; os.kill(os.getpid(), signal.SIGINT)\nwhile True: pass", 130),
    "atexit": ("import atexit; atexit.register(print, 'at exit'); print('body'); raise SystemExit(3)", 3),
    "illegal division": ("1 / 0", 1),
    "broken pipe": ("import os; r, w = os.pipe(); os.close(r); os.write(w, b'x')", 1),
}

INPUT_OUTPUT = {
    "tempfile": """
import tempfile, os
with tempfile.TemporaryFile() as f: f.write(b'x' * 100); f.seek(50); print(len(f.read()))
with tempfile.NamedTemporaryFile('w+', dir='.', suffix='.t') as f: print(oct(os.stat(f.name).st_mode), os.path.exists(f.name))
print(os.path.exists(f.name))
with tempfile.TemporaryDirectory(dir='.') as d: open(d + '/f', 'w').close(); print(os.listdir(d))
print(os.path.exists(d), tempfile.gettempdir())
with tempfile.SpooledTemporaryFile(10) as f: f.write(b'y' * 20); print(f.tell())
fd, p = tempfile.mkstemp(); os.close(fd); os.unlink(p); print('ok')
""",
    "mmap of a file": """
import mmap, os
open('f', 'wb').write(b'a' * 10000)
with open('f', 'r+b') as f, mmap.mmap(f.fileno(), 0) as m:
    m[5000:5005] = b'HELLO'; print(m.find(b'HELLO'), len(m)); m.flush(); m.resize(20000); print(m.size(), m[15000]); m[19999] = 65
print(os.stat('f').st_size, open('f', 'rb').read()[4998:5008], open('f', 'rb').read()[-1:])
with open('f', 'rb') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
    try: m[0] = 1
    except TypeError as e: print(e)
with open('f', 'r+b') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as m: m[0] = 90; print(m[:2])
print(open('f', 'rb').read(2))
""",
    "mmap shared by processes": """
import mmap, os
m = mmap.mmap(-1, 8192); p = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
if os.fork() == 0: m[0:5] = b'child'; p[0:5] = b'child'; os._exit(0)
os.wait(); print(m[:5], p[:5]); m.madvise(mmap.MADV_DONTNEED) if False else None
open('f', 'wb').write(bytes(4096))
f = open('f', 'r+b'); s = mmap.mmap(f.fileno(), 4096)
if os.fork() == 0: s[0] = 77; os._exit(0)
os.wait(); f2 = open('f', 'rb'); print(s[0], f2.read(1)); os.pwrite(f.fileno(), b'Q', 1); print(s[1])
""",
    "sqlite3": """
import sqlite3
c = sqlite3.connect('d.db'); c.execute('create table t(a integer primary key, b text)')
c.executemany('insert into t(b) values (?)', [(f'v{i}',) for i in range(1000)]); c.commit()
print(c.execute('select count(*), max(b) from t').fetchone()); c.execute('delete from t where a > 10'); c.rollback()
print(c.execute('select count(*) from t').fetchone()); c.execute('pragma journal_mode=wal'); c.execute('insert into t(b) values (1)'); c.commit()
d = sqlite3.connect('d.db'); print(d.execute('select count(*) from t').fetchone()); c.execute('begin immediate')
try: sqlite3.connect('d.db', timeout=0.1).execute('begin immediate')
except sqlite3.OperationalError as e: print(e)
c.commit(); c.execute('vacuum'); print(c.execute('pragma integrity_check').fetchone()); c.backup(sqlite3.connect(':memory:')); c.close(); d.close()
import os; print(sorted(os.listdir('.')))
""",
    "sqlite3 from two processes": """
import sqlite3, os
sqlite3.connect('d.db').execute('create table t(a)').connection.commit()
for i in range(3):
    if os.fork() == 0:
        c = sqlite3.connect('d.db', timeout=20)
        for j in range(10): c.execute('insert into t values (?)', (i * 100 + j,)); c.commit()
        os._exit(0)
for _ in range(3): os.wait()
print(sqlite3.connect('d.db').execute('select count(*), sum(a) from t').fetchone())
""",
    "select and poll": """
import select, os, time
r, w = os.pipe(); print(select.select([r], [w], [], 0) == ([], [w], [])); os.write(w, b'x'); print(select.select([r], [], [], 1)[0] == [r])
p = select.poll(); p.register(r, select.POLLIN); p.register(w, select.POLLOUT); print(sorted(e for _, e in p.poll(0))); os.read(r, 1); print([e for f, e in p.poll(0)])
os.close(w); print(select.select([r], [], [], 0)[0] == [r]); p.unregister(w); print(p.poll(0)[0][1]); t = time.monotonic(); select.select([], [], [], 0.1); print(time.monotonic() - t >= 0.1)
r, w = os.pipe(); os.close(r); print(select.poll().poll(0)); q = select.poll(); q.register(w); print(q.poll(0)[0][1]); q.register(999); print(sorted(e for _, e in q.poll(0)))
""",
    "epoll": """
import select, os, socket
e = select.epoll(); a, b = socket.socketpair(); e.register(a, select.EPOLLIN | select.EPOLLET); print(e.poll(0)); b.send(b'x'); print(len(e.poll(1)), e.poll(0)); b.send(b'y'); print(len(e.poll(0)))
e.modify(a, select.EPOLLIN); print(len(e.poll(0)), len(e.poll(0))); a.recv(10); print(e.poll(0.01)); b.close(); print(e.poll(0)[0][1] & (select.EPOLLHUP | select.EPOLLRDHUP | select.EPOLLIN)); e.unregister(a); print(e.poll(0))
try: e.register(open('/etc/passwd'))
except PermissionError as x: print(x.strerror)
try: e.unregister(a)
except FileNotFoundError as x: print(x.strerror)
""",
    "selectors with many pipes": """
import selectors, os
s = selectors.DefaultSelector(); ps = [os.pipe() for _ in range(50)]
for i, (r, w) in enumerate(ps): s.register(r, selectors.EVENT_READ, i)
for i in (3, 30, 49): os.write(ps[i][1], b'.')
print(sorted(k.data for k, m in s.select(1)))
""",
    "unix sockets": """
import socket, os, threading
s = socket.socket(socket.AF_UNIX); s.bind('sock'); s.listen()
def serve():
    c, _ = s.accept(); c.sendall(c.recv(100).upper()); c.shutdown(socket.SHUT_WR); print(c.recv(10)); c.close()
t = threading.Thread(target=serve); t.start(); c = socket.socket(socket.AF_UNIX); c.connect('sock'); c.sendall(b'hello'); print(c.recv(100), c.recv(1)); c.close(); t.join()
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind('dg'); e = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); e.sendto(b'one', 'dg'); e.sendto(b'two', 'dg'); print(d.recvfrom(10), d.recv(10), c.type)
a, b = socket.socketpair(); r, w = os.pipe(); socket.send_fds(a, [b'fd'], [w]); _, fds, _, _ = socket.recv_fds(b, 10, 1); os.write(fds[0], b'through'); print(os.read(r, 10))
try: socket.socket(socket.AF_UNIX).connect('missing')
except OSError as x: print(x.strerror)
a.settimeout(0.05)
try: a.recv(1)
except TimeoutError as x: print(x)
print(b.getpeername(), s.getsockname()); x = socket.socket(socket.AF_UNIX); x.bind('\\0abstract'); print(x.getsockname())
""",
    "files and paths": """
import os, pathlib, shutil, glob
p = pathlib.Path('a/b'); p.mkdir(parents=True); (p / 'f.txt').write_text('text'); (p / 'g.bin').write_bytes(b'12'); print(sorted(map(str, pathlib.Path('a').rglob('*'))), (p / 'f.txt').stat().st_size)
shutil.copytree('a', 'c'); print(sorted(glob.glob('c/**', recursive=True))); shutil.move('c', 'm'); shutil.rmtree('a'); print(sorted(os.listdir('.')))
os.symlink('m', 'l'); print(os.readlink('l'), pathlib.Path('l').resolve().name, os.path.islink('l')); os.link('m/b/f.txt', 'h'); print(os.stat('h').st_nlink, os.path.samefile('h', 'm/b/f.txt'))
os.rename('h', 'i'); os.replace('i', 'j'); os.truncate('j', 2); print(open('j').read(), os.access('j', os.R_OK), os.access('j', os.X_OK)); os.chmod('j', 0o600); os.utime('j', (5, 6)); os.utime('m/b/f.txt', (4e8, 4e8)); print(oct(os.stat('j').st_mode), os.stat('j').st_mtime)
for d, ds, fs in sorted(os.walk('m')): print(d, sorted(ds), sorted(fs))
with os.scandir('m') as it: print([(e.name, e.is_dir()) for e in it])
shutil.make_archive('z', 'zip', 'm'); shutil.unpack_archive('z.zip', 'u'); print(sorted(map(str, pathlib.Path('u').rglob('*')))); print(shutil.which('sh') is not None, shutil.disk_usage('.').total > 0)
""",
    "file errors": """
import os
for f in (lambda: open('none'), lambda: os.mkdir('d'), lambda: open('/etc', 'w'), lambda: os.rmdir('d'), lambda: os.listdir('f'), lambda: open('f/x'), lambda: os.link('f', 'f'), lambda: os.open('f', os.O_CREAT | os.O_EXCL), lambda: os.rename('d', 'd/e/x'), lambda: os.readlink('f'), lambda: os.symlink('x', 'x' * 300), lambda: os.read(99, 1), lambda: os.lseek(0, 0, 9)):
    os.makedirs('d/e', exist_ok=True); open('f', 'w').close()
    try: print(f())
    except OSError as e: print(e.errno)
""",
    "descriptors": """
import os, fcntl
f = os.open('f', os.O_RDWR | os.O_CREAT, 0o644); os.write(f, b'0123456789'); print(os.lseek(f, 3, 0), os.read(f, 2), os.pread(f, 3, 7)); g = os.dup(f); print(os.lseek(g, 0, 1)); os.dup2(f, 20); print(os.get_inheritable(20), os.get_inheritable(f))
print(fcntl.fcntl(f, fcntl.F_GETFL) & os.O_ACCMODE, fcntl.fcntl(f, fcntl.F_GETFD)); os.writev(f, [b'ab', b'cd']); print(os.pread(f, 20, 0)); b = [bytearray(3), bytearray(4)]; print(os.preadv(f, b, 0), b)
r, w = os.pipe(); os.set_blocking(r, False)
try: os.read(r, 1)
except BlockingIOError as e: print(e)
print(os.sendfile(w, f, 0, 5), os.read(r, 10), os.copy_file_range(f, os.open('c', os.O_WRONLY | os.O_CREAT), 10, 0)); print(os.fstat(f).st_size, os.isatty(f)); os.posix_fallocate(f, 0, 100); print(os.fstat(f).st_size); os.ftruncate(f, 4); os.fsync(f); os.fdatasync(f); print(os.pread(f, 10, 0)); os.closerange(3, 50)
""",
    "locks": """
import fcntl, os
f = open('f', 'w'); fcntl.flock(f, fcntl.LOCK_EX)
if os.fork() == 0:
    g = open('f', 'w')
    try: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e: print('flock', e, flush=True)
    os._exit(0)
os.wait(); fcntl.flock(f, fcntl.LOCK_UN); fcntl.lockf(f, fcntl.LOCK_EX, 10, 0)
r, w = os.pipe()
if os.fork() == 0:
    g = open('f', 'r+')
    try: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 5)
    except OSError as e: print('lockf', e.errno in (11, 13), flush=True)
    fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 20); os.write(w, b'.'); fcntl.lockf(g, fcntl.LOCK_EX, 10, 0); print('got it', flush=True); os._exit(0)
os.read(r, 1); fcntl.lockf(f, fcntl.LOCK_UN); os.wait(); print('end')
""",
    "pty": """
import pty, os, tty, termios
m, s = os.openpty(); print(os.isatty(s), os.ttyname(s).startswith('/dev/pts/')); os.write(m, b'line\\n'); print(os.read(s, 100), os.read(m, 100)); os.write(s, b'out\\n'); print(os.read(m, 100)); tty.setraw(s); os.write(m, b'x'); print(os.read(s, 1)); os.write(s, b'\\n'); print(os.read(m, 10))
termios.tcsetwinsize(s, (33, 99)); print(termios.tcgetwinsize(m), os.get_terminal_size(s))
pid, fd = pty.fork()
if pid == 0: os.execlp('sh', 'sh', '-c', 'tty | cut -c1-9; stty size; read x; echo got $x; exit 5')
os.write(fd, b'word\\n'); out = b''
try:
    while d := os.read(fd, 1000): out += d
except OSError as e: print(e.errno)
print(out, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    "logging, json, hashlib, pickle, struct, zlib, random": """
import logging, json, hashlib, pickle, struct, zlib, random, re, datetime, decimal, csv, io, base64, uuid, secrets, time
logging.basicConfig(filename='log', format='%(levelname)s %(message)s', level=logging.INFO); logging.info('one'); logging.error('two'); logging.shutdown(); print(open('log').read())
print(json.dumps({'a': [1, None, 'x']}), hashlib.sha256(b'x' * 1000000).hexdigest()[:16], pickle.loads(pickle.dumps({1: (2,)})), struct.pack('<IQ', 1, 2), zlib.crc32(b'abc')); random.seed(7); print(random.random(), random.sample(range(100), 5))
print(datetime.datetime.fromtimestamp(0, datetime.timezone.utc), decimal.Decimal(1) / 3, uuid.uuid5(uuid.NAMESPACE_DNS, 'x'), len(secrets.token_bytes(16)), hashlib.blake2b(b'').hexdigest()[:8]); print(time.time() > 1.6e9, time.monotonic() < time.monotonic(), time.perf_counter_ns() > 0, time.strftime('%Y', time.gmtime(0)))
""",
    "getrandom, uname, users, times": """
import os, pwd, grp, platform, time, sys
print(len(os.urandom(32)), len(os.getrandom(8)), os.urandom(8) != os.urandom(8)); print(platform.system(), platform.machine(), pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name, sys.platform, os.getuid(), os.umask(0o22)); print(time.get_clock_info('monotonic').resolution, len(os.times()), os.getloadavg()[0] >= 0, os.sysconf('SC_PAGE_SIZE'), os.cpu_count() > 0)
""",
    "proc": """
import os
print(os.readlink('/proc/self/exe'), open('/proc/self/comm').read(), os.readlink('/proc/self/cwd') == os.getcwd()); s = open('/proc/self/status').read(); print([l for l in s.splitlines() if l.startswith(('Name', 'State', 'Threads'))])
f = open('x', 'w'); print(os.path.basename(os.readlink(f'/proc/self/fd/{f.fileno()}')), sorted(os.listdir('/proc/self/fd'))[:3]); print(open('/proc/self/cmdline', 'rb').read()[:16], '[stack]' in open('/proc/self/maps').read(), 'MemTotal' in open('/proc/meminfo').read(), int(open('/proc/self/stat').read().split()[0]) == os.getpid()); os.unlink('x'); print(os.readlink(f'/proc/self/fd/{f.fileno()}').endswith('(deleted)'))
""",
    "memfd, eventfd, splice": """
import os
m = os.memfd_create('m'); os.write(m, b'memory'); print(os.pread(m, 10, 0), os.readlink(f'/proc/self/fd/{m}')); e = os.eventfd(3); print(os.eventfd_read(e)); os.eventfd_write(e, 9); print(os.eventfd_read(e))
r, w = os.pipe(); print(os.splice(m, w, 6, offset_src=0), os.read(r, 10)); p = os.pidfd_open(os.getpid()); print(p > 2)
""",
    "xattr and statvfs": """
import os
open('f', 'w').close(); print(os.listxattr('f'), os.statvfs('.').f_namemax)
try: os.setxattr('f', 'user.a', b'1'); print(os.getxattr('f', 'user.a'), os.listxattr('f')); os.removexattr('f', 'user.a'); print(os.listxattr('f'))
except OSError as e: print(e.errno)
""",
}

ASYNCIO = {
    "tasks, timers and gather": """
import asyncio
async def f(n): await asyncio.sleep(0.01 * n); return n
async def main():
    print(await asyncio.gather(*(f(i) for i in range(10))))
    try: await asyncio.wait_for(asyncio.sleep(5), 0.05)
    except asyncio.TimeoutError: print('timeout')
    t = asyncio.create_task(asyncio.sleep(9)); await asyncio.sleep(0); t.cancel()
    try: await t
    except asyncio.CancelledError: print('cancelled')
    q = asyncio.Queue(2)
    async def put():
        for i in range(5): await q.put(i)
    p = asyncio.create_task(put()); print([await q.get() for _ in range(5)])
    print(await asyncio.get_running_loop().run_in_executor(None, sum, range(100)), await asyncio.to_thread(max, 1, 2))
asyncio.run(main())
""",
    "subprocesses": """
import asyncio
async def main():
    p = await asyncio.create_subprocess_exec('sh', '-c', 'cat; exit 3', stdin=-1, stdout=-1); print(await p.communicate(b'in'), p.returncode)
    ps = [await asyncio.create_subprocess_shell(f'echo {i}; exit {i}', stdout=-1) for i in range(4)]; print([(await p.communicate())[0] for p in ps], [p.returncode for p in ps])
    p = await asyncio.create_subprocess_exec('sleep', '60'); p.terminate(); print(await p.wait())
asyncio.run(main())
""",
    "streams on a unix socket": """
import asyncio
async def serve(r, w):
    while line := await r.readline(): w.write(line.upper()); await w.drain()
    w.close()
async def client(n):
    r, w = await asyncio.open_unix_connection('s'); out = []
    for i in range(5): w.write(f'c{n} {i}\\n'.encode()); out.append(await r.readline())
    w.close(); return out[-1]
async def main():
    s = await asyncio.start_unix_server(serve, 's'); print(await asyncio.gather(*(client(i) for i in range(8)))); s.close()
asyncio.run(main())
""",
    "signals and pipes": """
import asyncio, os, signal
async def main():
    loop = asyncio.get_running_loop(); e = asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, e.set); loop.call_later(0.02, os.kill, os.getpid(), signal.SIGUSR1); await e.wait(); print('signalled')
    r, w = os.pipe(); f = loop.create_future(); loop.add_reader(r, lambda: f.set_result(os.read(r, 10))); os.write(w, b'ready'); print(await f)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("script", cases({**CONCURRENCY, **PROCESSES, **SIGNALS, **INPUT_OUTPUT, **ASYNCIO}))
def test_script(sandbox: Sandbox, script: str) -> None:
    sandbox.check([PYTHON, "script.py"], files={"script.py": script})


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_start_method(sandbox: Sandbox, method: str) -> None:
    sandbox.check([PYTHON, "script.py"], files={"script.py": START_METHOD % method})


@pytest.mark.parametrize(("script", "status"), [pytest.param(*v, id=k.replace(" ", "-")) for k, v in EXITS.items()])
def test_exit_status(sandbox: Sandbox, script: str, status: int) -> None:
    sandbox.check([PYTHON, "-c", script], status=status, filter_stderr=_without_addresses)


def _without_addresses(data: bytes) -> bytes:
    import re

    return re.sub(rb"0x[0-9a-f]+", b"ADDR", data)


def test_standard_input_is_the_program(sandbox: Sandbox) -> None:
    sandbox.check([PYTHON, "-"], stdin=b"print('from stdin')\nimport sys; print(sys.stdin.read())\n")


def test_standard_input_is_read(sandbox: Sandbox) -> None:
    sandbox.check(
        [PYTHON, "-c", "import sys; print(sum(int(x) for x in sys.stdin))"], stdin="".join(f"{i}\n" for i in range(5000)).encode()
    )


def test_modules_are_found_and_cached(sandbox: Sandbox) -> None:
    script = "import pkg.mod, os; print(pkg.mod.x, sorted(os.listdir('pkg')))"
    sandbox.check([PYTHON, "-c", script], files={"pkg/__init__.py": "", "pkg/mod.py": "x = 5\n"})


def test_unittest_suite(sandbox: Sandbox) -> None:
    code = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n    def test_b(self): self.fail('no')\n"
    sandbox.check(
        [PYTHON, "-m", "unittest", "-v", "t.py"], files={"t.py": code}, status=1, filter_stderr=lambda data: data.split(b"Ran 2 tests")[0]
    )


def test_venv_is_made(sandbox: Sandbox) -> None:
    script = f"{PYTHON} -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'; ls v v/bin"
    sandbox.check(["bash", "-c", script])


def test_zip_application(sandbox: Sandbox) -> None:
    sandbox.check(["bash", "-c", f"{PYTHON} -m zipapp app -o a.pyz && {PYTHON} a.pyz"], files={"app/__main__.py": "print('zipped')\n"})
