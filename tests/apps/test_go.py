# SPDX-License-Identifier: MPL-2.0
"""Go programs, built natively: the runtime's own threads, signals, netpoller, garbage collector and raw system calls."""

from pathlib import Path

import pytest
from compare import Sandbox, build, needs

pytestmark = needs("go", "golang-go")

SOURCE = r"""
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func goroutines() {
	var group sync.WaitGroup
	var mutex sync.Mutex
	total := 0
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			runtime.Gosched()
			mutex.Lock()
			total += n
			mutex.Unlock()
		}(i)
	}
	group.Wait()
	fmt.Println(total)
}

func channels() {
	jobs, results := make(chan int), make(chan int, 10)
	for w := 0; w < 4; w++ {
		go func() {
			for j := range jobs {
				results <- j * j
			}
		}()
	}
	go func() {
		for i := 0; i < 200; i++ {
			jobs <- i
		}
		close(jobs)
	}()
	sum := 0
	for i := 0; i < 200; i++ {
		sum += <-results
	}
	fmt.Println(sum)
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v + 1
		}
	}()
	n := 0
	for i := 0; i < 2000; i++ {
		ping <- n
		n = <-pong
	}
	fmt.Println(n)
	select {
	case <-pong:
	case <-time.After(20 * time.Millisecond):
		fmt.Println("timeout")
	}
}

func timers() {
	ticker := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-ticker.C
	}
	ticker.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err())
	start := time.Now()
	time.Sleep(30 * time.Millisecond)
	fmt.Println(time.Since(start) >= 30*time.Millisecond)
	done := make(chan bool)
	time.AfterFunc(time.Millisecond, func() { close(done) })
	<-done
}

func garbage() {
	var keep [][]byte
	var count int64
	for i := 0; i < 20000; i++ {
		b := make([]byte, 4096)
		b[i%4096] = 1
		if i%100 == 0 {
			keep = append(keep, b)
		}
		atomic.AddInt64(&count, 1)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(len(keep), count, m.NumGC > 0)
}

func execs() {
	out, err := exec.Command("sh", "-c", "echo from sh; exit 3").Output()
	fmt.Printf("%s%v\n", out, err)
	cmd := exec.Command("cat")
	cmd.Stdin = strings.NewReader("through cat")
	var buffer bytes.Buffer
	cmd.Stdout = &buffer
	fmt.Println(cmd.Run(), buffer.String())
	_, err = exec.LookPath("nonesuch")
	fmt.Println(err)
	cmd = exec.Command("sleep", "60")
	cmd.Start()
	cmd.Process.Kill()
	fmt.Println(cmd.Wait())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(ctx, "sleep", "60").Run())
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() { defer group.Done(); exec.Command("true").Run() }()
	}
	group.Wait()
}

func signals() {
	c := make(chan os.Signal, 3)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTERM)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	fmt.Println(<-c)
	signal.Reset()
}

func files() {
	os.MkdirAll("a/b", 0o755)
	os.WriteFile("a/b/f", []byte(strings.Repeat("line\n", 1000)), 0o644)
	f, _ := os.Open("a/b/f")
	scanner := bufio.NewScanner(f)
	n := 0
	for scanner.Scan() {
		n++
	}
	fmt.Println(n)
	h := sha256.New()
	f.Seek(0, io.SeekStart)
	io.Copy(h, f)
	fmt.Printf("%x\n", h.Sum(nil)[:4])
	var names []string
	filepath.Walk("a", func(p string, i os.FileInfo, e error) error { names = append(names, p); return nil })
	fmt.Println(names)
	_, err := os.Open("none")
	fmt.Println(err, os.IsNotExist(err))
	fmt.Println(os.Rename("a/b/f", "a/g"), os.Remove("a/b"), os.RemoveAll("a"))
	e := os.Environ()
	sort.Strings(e)
	host, _ := os.Hostname()
	fmt.Println(len(e) > 3, host != "")
}

func sockets() {
	l, err := net.Listen("unix", "sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			c, _ := net.Dial("unix", "sock")
			fmt.Fprintf(c, "hello %d\n", i)
			line, _ := bufio.NewReader(c).ReadString('\n')
			if line != fmt.Sprintf("hello %d\n", i) {
				fmt.Println("wrong", line)
			}
			c.Close()
		}(i)
	}
	group.Wait()
	l.Close()
	r, w, _ := os.Pipe()
	go func() { time.Sleep(5 * time.Millisecond); w.Write([]byte("piped")); w.Close() }()
	b, _ := io.ReadAll(r)
	fmt.Println(string(b))
}

func threads() {
	var group sync.WaitGroup
	var sum int64
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			runtime.LockOSThread()
			defer group.Done()
			x := int64(0)
			for j := int64(0); j < 3000000; j++ {
				x += j & 7
			}
			atomic.AddInt64(&sum, x)
			time.Sleep(time.Millisecond)
		}()
	}
	group.Wait()
	fmt.Println(sum)
}

func main() {
	switch os.Args[1] {
	case "goroutines":
		goroutines()
	case "channels":
		channels()
	case "timers":
		timers()
	case "garbage":
		garbage()
	case "execs":
		execs()
	case "signals":
		signals()
	case "files":
		files()
	case "sockets":
		sockets()
	case "threads":
		threads()
	case "exit":
		os.Exit(7)
	case "panic":
		panic("broken")
	case "nil":
		defer func() { fmt.Println(recover()) }()
		var p *int
		fmt.Println(*p)
	case "deadlock":
		var m sync.Mutex
		m.Lock()
		m.Lock()
	case "spin":
		done := make(chan bool)
		go func() {
			for i := 0; ; i++ {
				_ = i
			}
		}()
		go func() { time.Sleep(20 * time.Millisecond); close(done) }()
		<-done
		fmt.Println("preempted")
	case "term":
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(5 * time.Second)
	}
}
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("go")
    (directory / "main.go").write_text(SOURCE)
    env = {"GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(directory / "cache"), "GOPATH": str(directory / "path"), "CGO_ENABLED": "0"}
    build(directory, ["go", "build", "-p", "2", "-o", "program", "main.go"], env)
    return directory / "program"


@pytest.mark.parametrize("procs", ["", "1", "4"])
@pytest.mark.parametrize("name", ["goroutines", "channels", "timers", "garbage", "threads", "spin"])
def test_runtime(sandbox: Sandbox, program: Path, name: str, procs: str) -> None:
    sandbox.check(["./program", name], files={"program": program}, env={"GOMAXPROCS": procs} if procs else None)


@pytest.mark.parametrize("name", ["execs", "signals", "files", "sockets", "nil"])
def test_system(sandbox: Sandbox, program: Path, name: str) -> None:
    sandbox.check(["./program", name], files={"program": program})


@pytest.mark.parametrize(("name", "status"), [("exit", 7), ("panic", 2), ("deadlock", 2), ("term", 143)])
def test_exit_status(sandbox: Sandbox, program: Path, name: str, status: int) -> None:
    sandbox.check(
        ["./program", name], files={"program": program}, status=status, filter_stderr=lambda data: data.partition(b"\n\ngoroutine")[0]
    )
