# SPDX-License-Identifier: MPL-2.0
"""Classic BPF as seccomp filters use it: checking a program once, running it often (net/core/filter.c `bpf_check_classic`,
kernel/seccomp.c `seccomp_check_filter`).

A program is a list of instructions (code, jt, jf, k). Jumps go forward only and the last instruction returns, so that a checked program
ends after at most as many steps as it has instructions and reads nothing but the 16 words it is given.
"""

import struct
from typing import Final

Instruction = tuple[int, int, int, int]

MAX_INSTRUCTIONS: Final = 4096
INSTRUCTION: Final = struct.Struct("<HBBI")
DATA_BYTES: Final = 64  # sizeof(struct seccomp_data)
MEMORY_WORDS: Final = 16
U32: Final = 0xFFFF_FFFF

LD_IMM: Final = 0x00
LDX_IMM: Final = 0x01
ST: Final = 0x02
STX: Final = 0x03
ADD_K: Final = 0x04
JA: Final = 0x05
RET_K: Final = 0x06
TAX: Final = 0x07
ADD_X: Final = 0x0C
SUB_K: Final = 0x14
JEQ_K: Final = 0x15
RET_A: Final = 0x16
SUB_X: Final = 0x1C
JEQ_X: Final = 0x1D
LD_ABS: Final = 0x20
MUL_K: Final = 0x24
JGT_K: Final = 0x25
MUL_X: Final = 0x2C
JGT_X: Final = 0x2D
DIV_K: Final = 0x34
JGE_K: Final = 0x35
DIV_X: Final = 0x3C
JGE_X: Final = 0x3D
OR_K: Final = 0x44
JSET_K: Final = 0x45
OR_X: Final = 0x4C
JSET_X: Final = 0x4D
AND_K: Final = 0x54
AND_X: Final = 0x5C
LD_MEM: Final = 0x60
LDX_MEM: Final = 0x61
LSH_K: Final = 0x64
LSH_X: Final = 0x6C
RSH_K: Final = 0x74
RSH_X: Final = 0x7C
LD_LEN: Final = 0x80
LDX_LEN: Final = 0x81
NEG: Final = 0x84
TXA: Final = 0x87
XOR_K: Final = 0xA4
XOR_X: Final = 0xAC

CONDITIONAL: Final = frozenset((JEQ_K, JEQ_X, JGT_K, JGT_X, JGE_K, JGE_X, JSET_K, JSET_X))
KNOWN: Final = frozenset((
    LD_IMM, LDX_IMM, ST, STX, ADD_K, JA, RET_K, TAX, ADD_X, SUB_K, RET_A, SUB_X, LD_ABS, MUL_K, MUL_X, DIV_K, DIV_X, OR_K, OR_X, AND_K,
    AND_X, LD_MEM, LDX_MEM, LSH_K, LSH_X, RSH_K, RSH_X, LD_LEN, LDX_LEN, NEG, TXA, XOR_K, XOR_X,
)) | CONDITIONAL  # fmt: skip


def decode(data: bytes) -> list[Instruction] | None:
    """The program in `data` (8 bytes an instruction); None if Linux would refuse it (EINVAL)."""
    program: list[Instruction] = []
    for code, jt, jf, k in INSTRUCTION.iter_unpack(data):
        program.append((code, jt, jf, k))
    return program if is_valid(program) else None


def is_valid(program: list[Instruction]) -> bool:
    length = len(program)
    if not 1 <= length <= MAX_INSTRUCTIONS or program[length - 1][0] not in (RET_K, RET_A):
        return False
    for pc, instruction in enumerate(program):
        code, jt, jf, k = instruction
        if code not in KNOWN:
            return False
        if code == LD_ABS and (k & 3 or k >= DATA_BYTES):
            return False
        if code == DIV_K and k == 0 or code in (LSH_K, RSH_K) and k >= 32:
            return False
        if code in (LD_MEM, LDX_MEM, ST, STX) and k >= MEMORY_WORDS:
            return False
        if code == JA and k >= length - pc - 1:
            return False
        if code in CONDITIONAL and (pc + jt + 1 >= length or pc + jf + 1 >= length):
            return False
    return _reads_only_what_was_written(program)


def _reads_only_what_was_written(program: list[Instruction]) -> bool:
    """check_load_and_stores: on every path a memory word is stored before it is loaded."""
    masks = [0xFFFF] * len(program)  # words certainly stored when an instruction is reached
    valid = 0
    for pc, instruction in enumerate(program):
        code, jt, jf, k = instruction
        valid &= masks[pc]
        if code in (ST, STX):
            valid |= 1 << k
        elif code in (LD_MEM, LDX_MEM):
            if not valid >> k & 1:
                return False
        elif code == JA:
            masks[pc + 1 + k] &= valid
            valid = 0xFFFF
        elif code in CONDITIONAL:
            masks[pc + 1 + jt] &= valid
            masks[pc + 1 + jf] &= valid
            valid = 0xFFFF
    return True


def run(program: list[Instruction], words: tuple[int, ...]) -> tuple[int, int]:
    """(what a checked program returns for the 16 words of struct seccomp_data, bit mask of the words it has looked at)."""
    a = x = pc = seen = 0
    memory = [0] * MEMORY_WORDS
    while True:
        code, jt, jf, k = program[pc]
        pc += 1
        if code == LD_ABS:
            index = k >> 2
            a = words[index]
            seen |= 1 << index
        elif code == JEQ_K:
            pc += jt if a == k else jf
        elif code == JGE_K:
            pc += jt if a >= k else jf
        elif code == JGT_K:
            pc += jt if a > k else jf
        elif code == JSET_K:
            pc += jt if a & k else jf
        elif code == RET_K:
            return k, seen
        elif code == JA:
            pc += k
        elif code == AND_K:
            a &= k
        elif code == RET_A:
            return a, seen
        elif code == JEQ_X:
            pc += jt if a == x else jf
        elif code == JGE_X:
            pc += jt if a >= x else jf
        elif code == JGT_X:
            pc += jt if a > x else jf
        elif code == JSET_X:
            pc += jt if a & x else jf
        elif code == LD_IMM:
            a = k
        elif code == LDX_IMM:
            x = k
        elif code == LD_MEM:
            a = memory[k]
        elif code == LDX_MEM:
            x = memory[k]
        elif code == ST:
            memory[k] = a
        elif code == STX:
            memory[k] = x
        elif code == TAX:
            x = a
        elif code == TXA:
            a = x
        elif code == LD_LEN:
            a = DATA_BYTES
        elif code == LDX_LEN:
            x = DATA_BYTES
        elif code == NEG:
            a = -a & U32
        else:
            if code == DIV_X and x == 0:
                return 0, seen
            a = _calculate(code, a, x if code & 8 else k)


def _calculate(code: int, a: int, b: int) -> int:
    """The arithmetic; DIV by 0 is the caller's."""
    operation = code & 0xF0
    if operation == 0x00:
        return (a + b) & U32
    if operation == 0x10:
        return (a - b) & U32
    if operation == 0x20:
        return a * b & U32
    if operation == 0x30:
        return a // b
    if operation == 0x40:
        return a | b
    if operation == 0x50:
        return a & b
    if operation == 0x60:
        return a << (b & 31) & U32
    if operation == 0x70:
        return a >> (b & 31)
    return a ^ b
