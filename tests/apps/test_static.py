# SPDX-License-Identifier: MPL-2.0
"""Programs without a dynamic loader: musl, static glibc, static PIE, and one in assembly that has no libc at all."""

from pathlib import Path

import pytest
from compare import Sandbox, build, needs

pytestmark = needs("gcc", "gcc")

PROGRAM = r"""
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static __thread int local = 5;
static sigjmp_buf jump;
static volatile sig_atomic_t got;

static void *work(void *p) { local += *(int *)p; return (void *)(long)local; }
static void on_signal(int n, siginfo_t *i, void *c) { got = n * 1000 + i->si_code; }
static void on_fault(int n, siginfo_t *i, void *c) { printf("signal %d code %d at %lx\n", n, i->si_code, n == SIGILL ? 0 : (long)i->si_addr); siglongjmp(jump, 1); }

int main(int argc, char **argv) {
    printf("%d %s %s\n", argc, argv[1], getenv("LANG"));
    pthread_t t[4]; int n[4]; void *r;
    for (int i = 0; i < 4; i++) { n[i] = i; pthread_create(&t[i], 0, work, &n[i]); }
    for (int i = 0; i < 4; i++) { pthread_join(t[i], &r); printf("%ld ", (long)r); }
    printf("%d\n", local);
    struct sigaction a = { 0 }; a.sa_flags = SA_SIGINFO; a.sa_sigaction = on_signal; sigaction(SIGUSR1, &a, 0);
    kill(getpid(), SIGUSR1); printf("%d\n", got); raise(SIGUSR1); printf("%d\n", got);
    fflush(stdout);
    pid_t child = fork();
    if (!child) { execl("/bin/echo", "echo", "from exec", (char *)0); _exit(1); }
    int status; waitpid(child, &status, 0); printf("%x\n", status);
    char *m = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(m + 5000, "mapped"); mprotect(m, 4096, PROT_NONE); puts(m + 5000);
    a.sa_sigaction = on_fault; sigaction(SIGSEGV, &a, 0); sigaction(SIGBUS, &a, 0); sigaction(SIGFPE, &a, 0); sigaction(SIGILL, &a, 0);
    if (!sigsetjmp(jump, 1)) *(volatile char *)16 = 1;
    if (!sigsetjmp(jump, 1)) { munmap(m, 4096); int fd = open("f", O_RDWR | O_CREAT, 0600); ftruncate(fd, 10); char *s = mmap((void *)0x10000000, 8192, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0); printf("%d\n", s[4095]); fflush(stdout); printf("%d\n", s[4096]); }
    char *x = mmap((void *)0x20000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (!sigsetjmp(jump, 1)) *(volatile char *)(x + 7) = 1;
    if (!sigsetjmp(jump, 1)) { a.sa_sigaction = on_fault; volatile double d = 1.5; printf("%.2f %s\n", d * d, strerror(ENOENT)); __builtin_trap(); }
    struct timespec ts = { 0, 1000000 }; printf("%d\n", nanosleep(&ts, 0));
    FILE *f = fopen("g", "w+"); for (int i = 0; i < 10000; i++) fprintf(f, "%d\n", i); rewind(f); long sum = 0; int v; while (fscanf(f, "%d", &v) == 1) sum += v; printf("%ld\n", sum);
    FILE *p = popen("tr a-z A-Z", "w"); fputs("popen\n", p); printf("%d\n", pclose(p)); printf("%d\n", system("exit 3") >> 8);
    char *big = malloc(50 << 20); memset(big, 1, 50 << 20); printf("%d\n", big[49 << 20]); free(big);
    errno = 0; printf("%d %d\n", open("none", 0), errno == ENOENT);
    return 42;
}
"""

ASSEMBLY = r"""
.globl _start
.text
_start:
    mov $1, %eax
    mov $1, %edi
    lea text(%rip), %rsi
    mov $text_end - text, %edx
    syscall
    mov $39, %eax
    syscall
    test %eax, %eax
    jle fail
    push %rcx
    pop %rcx
    mov $9999, %eax
    syscall
    cmp $-38, %rax
    jne fail
    mov (%rsp), %rdi
    add $40, %edi
    mov $231, %eax
    syscall
fail:
    ud2
text:
    .ascii "no libc here\n"
text_end:
"""


def program(tmp_path_factory: pytest.TempPathFactory, name: str, command: list[str], source: str) -> Path:
    directory = tmp_path_factory.mktemp("static")
    suffix = "S" if source is ASSEMBLY else "c"
    (directory / f"{name}.{suffix}").write_text(source)
    build(directory, [*command, "-o", name, f"{name}.{suffix}"])
    return directory / name


BUILDS = {
    "glibc": ["gcc", "-O1", "-w", "-static", "-pthread"],
    "static-pie": ["gcc", "-O1", "-w", "-static-pie", "-fPIE", "-pthread"],
    "dynamic": ["gcc", "-O1", "-w", "-pthread"],
    "dynamic-no-pie": ["gcc", "-O1", "-w", "-no-pie", "-pthread"],
    "bind-now": ["gcc", "-O1", "-w", "-Wl,-z,now", "-pthread"],
}


@pytest.mark.parametrize("name", list(BUILDS))
def test_c_program(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    found = program(tmp_path_factory, "program", BUILDS[name], PROGRAM)
    sandbox.check(["./program", "argument"], files={"program": found}, status=42)


@needs("musl-gcc", "musl-tools")
@pytest.mark.parametrize("flags", [["-static"], ["-static-pie"], []], ids=["static", "static-pie", "dynamic"])
def test_musl_program(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, flags: list[str]) -> None:
    found = program(tmp_path_factory, "program", ["musl-gcc", "-O1", "-w", *flags], PROGRAM)
    sandbox.check(["./program", "argument"], files={"program": found}, status=42)


@pytest.mark.parametrize("flags", [[], ["-static-pie"]], ids=["fixed", "pie"])
def test_assembly_program_without_libc(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, flags: list[str]) -> None:
    found = program(tmp_path_factory, "program", ["gcc", "-nostdlib", "-static", *flags], ASSEMBLY)
    sandbox.check(["./program", "x"], files={"program": found}, status=42)
