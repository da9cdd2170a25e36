# SPDX-License-Identifier: MPL-2.0
"""A Rust program, built natively: std's threads, channels, futex locks, processes, files, sockets and panics."""

from pathlib import Path

import pytest
from compare import Sandbox, build, needs

pytestmark = needs("rustc", "rustc")

SOURCE = r"""
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

fn threads() {
    let total = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = (0..8).map(|i| { let t = total.clone(); thread::spawn(move || for _ in 0..2000 { *t.lock().unwrap() += i }) }).collect();
    for h in handles { h.join().unwrap(); }
    println!("{}", total.lock().unwrap());
    let counter = AtomicU64::new(0);
    thread::scope(|s| for _ in 0..4 { s.spawn(|| for _ in 0..10000 { counter.fetch_add(1, Ordering::Relaxed); }); });
    println!("{}", counter.load(Ordering::SeqCst));
    let map = Arc::new(RwLock::new(HashMap::new()));
    let writers: Vec<_> = (0..4).map(|i| { let m = map.clone(); thread::spawn(move || { m.write().unwrap().insert(i, i * i); }) }).collect();
    for w in writers { w.join().unwrap(); }
    println!("{:?}", map.read().unwrap().iter().collect::<BTreeMap<_, _>>());
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    thread::spawn(move || { thread::sleep(Duration::from_millis(10)); *other.0.lock().unwrap() = true; other.1.notify_one(); });
    let mut ready = pair.0.lock().unwrap();
    while !*ready { ready = pair.1.wait(ready).unwrap(); }
    println!("ready {}", pair.1.wait_timeout(ready, Duration::from_millis(10)).unwrap().1.timed_out());
    let barrier = Arc::new(Barrier::new(3));
    let leaders: usize = (0..3).map(|_| { let b = barrier.clone(); thread::spawn(move || b.wait().is_leader() as usize) }).collect::<Vec<_>>().into_iter().map(|h| h.join().unwrap()).sum();
    println!("{}", leaders);
}

fn channels() {
    let (sender, receiver) = mpsc::channel();
    for i in 0..5 { let s = sender.clone(); thread::spawn(move || for j in 0..100 { s.send(i * 100 + j).unwrap() }); }
    drop(sender);
    println!("{}", receiver.iter().sum::<i32>());
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || for i in 0..500 { sender.send(i).unwrap() });
    println!("{}", receiver.iter().count());
    let (_keep, receiver) = mpsc::channel::<()>();
    println!("{:?}", receiver.recv_timeout(Duration::from_millis(10)));
}

fn processes() {
    let out = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 4"]).output().unwrap();
    println!("{:?} {:?}", out.status.code(), String::from_utf8_lossy(&out.stdout));
    let mut child = Command::new("tr").args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"shout").unwrap();
    println!("{}", String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap());
    println!("{:?}", Command::new("nonesuch").spawn().map(|_| ()).map_err(|e| e.kind()));
    let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
    println!("{:?}", sleeper.try_wait().unwrap());
    sleeper.kill().unwrap();
    println!("{}", sleeper.wait().unwrap());
    println!("{:?}", Command::new("env").env_clear().env("A", "1").output().map(|o| o.stdout.len()));
}

fn files() {
    fs::create_dir_all("a/b").unwrap();
    fs::write("a/b/f", "one\ntwo\n").unwrap();
    fs::copy("a/b/f", "a/g").unwrap();
    println!("{:?}", BufReader::new(fs::File::open("a/g").unwrap()).lines().map(|l| l.unwrap()).collect::<Vec<_>>());
    fs::rename("a/g", "a/h").unwrap();
    fs::hard_link("a/h", "a/i").unwrap();
    std::os::unix::fs::symlink("h", "a/l").unwrap();
    let mut names: Vec<_> = fs::read_dir("a").unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    println!("{:?} {:?} {}", names, fs::read_link("a/l").unwrap(), fs::metadata("a/h").unwrap().len());
    println!("{:?}", fs::read("none").map_err(|e| e.kind()));
    fs::remove_dir_all("a").unwrap();
    println!("{:?}", fs::metadata("a").map_err(|e| e.raw_os_error()).err());
}

fn sockets() {
    let listener = UnixListener::bind("sock").unwrap();
    let server = thread::spawn(move || { let (mut c, _) = listener.accept().unwrap(); let mut s = String::new(); c.read_to_string(&mut s).unwrap(); c.write_all(s.to_uppercase().as_bytes()).unwrap(); });
    let mut client = UnixStream::connect("sock").unwrap();
    client.write_all(b"hello").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut s = String::new();
    client.read_to_string(&mut s).unwrap();
    server.join().unwrap();
    println!("{}", s);
}

fn main() {
    match std::env::args().nth(1).unwrap().as_str() {
        "threads" => threads(),
        "channels" => channels(),
        "processes" => processes(),
        "files" => files(),
        "sockets" => sockets(),
        "sleep" => { let t = Instant::now(); thread::sleep(Duration::from_millis(30)); println!("{}", t.elapsed() >= Duration::from_millis(30)); println!("{}", thread::available_parallelism().unwrap().get() >= 1); }
        "memory" => { let v: Vec<u64> = (0..5_000_000).collect(); println!("{}", v.iter().sum::<u64>()); let mut b = vec![0u8; 64 << 20]; b[63 << 20] = 1; println!("{}", b.iter().map(|&x| x as u64).sum::<u64>()); }
        "caught" => println!("{}", thread::spawn(|| { if std::env::args().count() > 1 { panic!("in thread") } }).join().is_err()),
        "panic" => panic!("broken"),
        "exit" => std::process::exit(6),
        "abort" => std::process::abort(),
        "overflow" => { fn f(n: u64) -> u64 { let a = std::hint::black_box([n; 100]); if n == u64::MAX { 0 } else { f(n + 1) + a[50] } } println!("{}", f(0)) }
        _ => unreachable!(),
    }
}
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rust")
    (directory / "main.rs").write_text(SOURCE)
    build(directory, ["rustc", "-O", "--edition", "2021", "-o", "program", "main.rs"])
    return directory / "program"


@pytest.mark.parametrize("name", ["threads", "channels", "processes", "files", "sockets", "sleep", "memory"])
def test_std(sandbox: Sandbox, program: Path, name: str) -> None:
    sandbox.check(["./program", name], files={"program": program})


def _without_thread_ids(data: bytes) -> bytes:
    import re

    return re.sub(rb"\(\d+\)", b"(TID)", data)


@pytest.mark.parametrize(("name", "status"), [("caught", 0), ("panic", 101), ("exit", 6), ("abort", 134), ("overflow", 134)])
def test_exit_status(sandbox: Sandbox, program: Path, name: str, status: int) -> None:
    sandbox.check(["./program", name], files={"program": program}, status=status, filter_stderr=_without_thread_ids)
