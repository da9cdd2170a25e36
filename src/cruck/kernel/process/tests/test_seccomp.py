# SPDX-License-Identifier: MPL-2.0
"""Filters: which verdicts are remembered, and which count."""

import struct

from cruck.kernel.process import bpf
from cruck.kernel.process.seccomp import Filter

ARCH = 0xC000_003E
NO_ARGS = (0, 0, 0, 0, 0, 0)
ALLOW, ERRNO, KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000


def program(*instructions: tuple[int, int, int, int]) -> list[bpf.Instruction]:
    decoded = bpf.decode(b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions))
    assert decoded is not None
    return decoded


def refuses(nr: int, answer: int) -> list[bpf.Instruction]:
    return program((bpf.LD_ABS, 0, 0, 0), (bpf.JEQ_K, 0, 1, nr), (bpf.RET_K, 0, 0, answer), (bpf.RET_K, 0, 0, ALLOW))


def test_verdict_by_number_is_run_once() -> None:
    chain = Filter(refuses(5, ERRNO | 1), None)
    assert chain.verdict(5, ARCH, 0, NO_ARGS) == ERRNO | 1
    chain.program = refuses(5, ALLOW)
    assert chain.verdict(5, ARCH, 0, NO_ARGS) == ERRNO | 1


def test_verdict_by_argument_is_not_remembered() -> None:
    by_argument = program((bpf.LD_ABS, 0, 0, 16), (bpf.JEQ_K, 0, 1, 7), (bpf.RET_K, 0, 0, ERRNO), (bpf.RET_K, 0, 0, ALLOW))
    chain = Filter(by_argument, None)
    assert chain.verdict(1, ARCH, 0, (6, 0, 0, 0, 0, 0)) == ALLOW
    assert chain.verdict(1, ARCH, 0, (7, 0, 0, 0, 0, 0)) == ERRNO


def test_foreign_calls_do_not_answer_for_ours() -> None:
    by_arch = program((bpf.LD_ABS, 0, 0, 4), (bpf.JEQ_K, 1, 0, ARCH), (bpf.RET_K, 0, 0, KILL), (bpf.RET_K, 0, 0, ALLOW))
    chain = Filter(by_arch, None)
    assert chain.verdict(1, 0x4000_0003, 0, NO_ARGS) == KILL
    assert chain.verdict(1, ARCH, 0, NO_ARGS) == ALLOW
    assert chain.verdict(1, 0x4000_0003, 0, NO_ARGS) == KILL


def test_the_most_severe_answer_of_a_chain_counts_and_of_equals_the_newest() -> None:
    oldest = Filter(refuses(5, ERRNO | 1), None)
    middle = Filter(refuses(5, ERRNO | 2), oldest)
    newest = Filter(refuses(5, ALLOW), middle)
    assert newest.verdict(5, ARCH, 0, NO_ARGS) == ERRNO | 2
    assert Filter(refuses(5, KILL), newest).verdict(5, ARCH, 0, NO_ARGS) == KILL
    assert newest.nr_filters == 3 and oldest.is_ancestor_of(newest) and not newest.is_ancestor_of(oldest)
