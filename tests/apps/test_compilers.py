# SPDX-License-Identifier: MPL-2.0
"""Compiling, linking, running, make -j2 and the binutils, all of it inside."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = [needs("gcc", "gcc"), needs("make", "make")]

FILES = {
    "hello.c": '#include <stdio.h>\nint main(int c, char **v) { printf("hello %d\\n", c); return 3; }\n',
    "bad.c": "int main() { return missing; }\n",
    "a.c": "int a(int x) { return x * 2; }\n",
    "b.c": "int a(int); int b(int x) { return a(x) + 1; }\n",
    "main.c": '#include <stdio.h>\n#include <math.h>\nint b(int);\nint main() { printf("%d %.3f\\n", b(20), sqrt(b(4))); return 0; }\n',
    "h.cpp": "#include <iostream>\n#include <map>\n#include <string>\n#include <thread>\n#include <stdexcept>\n"
    'int main() { std::map<std::string, int> m{{"a", 1}, {"b", 2}}; for (auto &p : m) std::cout << p.first << p.second << std::endl;'
    ' std::thread t([] { std::cout << "thread\\n"; }); t.join(); try { throw std::runtime_error("x"); } catch (std::exception &e) { std::cout << e.what() << "\\n"; } }\n',
    "s.s": '.globl main\nmain:\n lea m(%rip), %rdi\n sub $8, %rsp\n call puts@plt\n add $8, %rsp\n mov $5, %eax\n ret\nm: .string "assembled"\n'
    '.section .note.GNU-stack,"",@progbits\n',
    "Makefile": "OBJECTS = a.o b.o main.o\nprogram: $(OBJECTS)\n\t@$(CC) -o $@ $^ -lm\n%.o: %.c\n\t@$(CC) -c -O1 -o $@ $<\n"
    ".PHONY: clean check\nclean:\n\trm -f *.o program\ncheck: program\n\t./program\n",
    "many.mk": "N = 1 2 3 4 5 6 7 8 9 10 11 12\nall: $(N:%=out.%)\n\t@cat $^ | wc -c\nout.%:\n\t@sleep 0.0$*; echo $* >$@\n",
    "fail.mk": "all: one two\none:\n\t@echo one\ntwo:\n\t@false\n",
}

SCRIPTS = {
    "compile, link and run": "gcc -o hello hello.c && ./hello x; echo $?",
    "optimise and pipe": "gcc -O2 -pipe -o hello hello.c && ./hello; gcc -O2 -S -o - a.c | grep -c ret",
    "compile error": "gcc bad.c; echo $?; gcc missing.c; echo $?",
    "separate objects": "gcc -c a.c b.c main.c && gcc -o p a.o b.o main.o -lm && ./p; echo $?",
    "static library": "gcc -c a.c b.c && ar rcs libab.a a.o b.o && ar t libab.a && gcc -o p main.c -L. -lab -lm && ./p; ranlib libab.a; nm libab.a | grep -c T",
    "shared library": "gcc -shared -fPIC -o libab.so a.c b.c && gcc -o p main.c -L. -lab -lm && LD_LIBRARY_PATH=. ./p; ./p; echo $?; ldd ./p | grep -c libm",
    "static program": "gcc -static -o p main.c a.c b.c -lm && ./p",
    "debug information and sanitised flags": "gcc -g -Wall -Wextra -fstack-protector-strong -D_FORTIFY_SOURCE=2 -O1 -o p main.c a.c b.c -lm && ./p && strip p && ./p",
    "undefined reference": "gcc main.c 2>&1 | grep -c 'undefined reference'; ls a.out",
    "assembler": "gcc -o s s.s && ./s; echo $?; as -o x.o s.s && objdump -d x.o | tail -n +3 | head -n 9",
    "object tools": "gcc -c a.c && objdump -d a.o | grep -c imul || objdump -d a.o | grep -c add; size a.o; nm a.o; readelf -h a.o | head -n 5; objcopy -O binary -j .text a.o a.bin && wc -c <a.bin; strings -n 3 hello.c | head -n 1",
    "linker by hand": "gcc -c -ffreestanding a.c && ld -r -o r.o a.o && nm r.o; ld -o x a.o 2>&1 | tail -n 1; gcc -Wl,-Map=m -o hello hello.c; grep -c main m | sed 's/[0-9]*/some/'",
    "link time optimisation": "gcc -flto -O1 -o p main.c a.c b.c -lm && ./p",
    "make": "make; ./program; make; touch -d '+1 hour' a.c; make -n | wc -l; make clean; ls program",
    "make -j2": "make -j2 check; make -j2 -f many.mk",
    "make -j8 of sleeping jobs": "make -j8 -f many.mk; ls out.* | wc -l",
    "make failure": "make -f fail.mk; echo $?; make -k -f fail.mk; echo $?; make none; echo $?",
    "recursive make": "mkdir s; printf 'all:\\n\\t@echo sub $(X)\\n' >s/Makefile; printf 'all:\\n\\t@$(MAKE) --no-print-directory -C s X=5\\n' >r.mk; make -j2 -f r.mk",
    "dependencies and preprocessor": "gcc -MM main.c; gcc -E -P a.c; echo | gcc -E -dM - | grep -c __x86_64__; gcc -print-file-name=libc.so.6 | grep -c libc",
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
def test_script(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["bash", "-c", script + "\ntrue"], files=FILES, filter_stderr=_without_temporary_names)


def _without_temporary_names(data: bytes) -> bytes:
    import re

    return re.sub(rb"/tmp/cc\w+", b"/tmp/ccNAME", data)


@needs("g++", "g++")
def test_cplusplus(sandbox: Sandbox) -> None:
    sandbox.check(["bash", "-c", "g++ -O1 -pthread -o p h.cpp && ./p"], files=FILES)


def test_gcc_as_the_program(sandbox: Sandbox) -> None:
    sandbox.check(["gcc", "-fsyntax-only", "-Wall", "hello.c"], files=FILES)
    sandbox.check(["gcc", "-fsyntax-only", "bad.c"], files=FILES, status=1)
