# SPDX-License-Identifier: MPL-2.0
"""VmaList against a plain model, and the search for gaps."""

import random

from cruck.kernel.ledger import Unlimited
from cruck.kernel.memory.tests.fakes import new_mm
from cruck.kernel.memory.vma import Vma
from cruck.kernel.memory.vma_list import STACK_GUARD_GAP, VmaList

PAGE = 4096
TOP = 1000 * PAGE
MAP_PRIVATE = 2
MAP_GROWSDOWN = 0x100
MM = new_mm()  # areas must belong to one


def area(start: int, end: int, flags: int = MAP_PRIVATE) -> Vma:
    return Vma(MM, start * PAGE, end * PAGE, 3, flags, None, None, 0, b"")


def test_find_looks_at_both_ends() -> None:
    areas = VmaList(TOP, Unlimited())
    vma = area(10, 12)
    areas.insert(vma)
    assert areas.find(10 * PAGE - 1) is None
    assert areas.find(10 * PAGE) is vma
    assert areas.find(12 * PAGE - 1) is vma
    assert areas.find(12 * PAGE) is None


def test_gaps_are_taken_from_the_top() -> None:
    areas = VmaList(TOP, Unlimited())
    assert areas.find_gap_below(4 * PAGE, PAGE, TOP) == 996 * PAGE
    areas.insert(area(996, 1000))
    assert areas.find_gap_below(4 * PAGE, PAGE, TOP) == 992 * PAGE


def test_a_freed_gap_is_found_again() -> None:
    areas = VmaList(TOP, Unlimited())
    vmas = [area(1000 - 4 * (i + 1), 1000 - 4 * i) for i in range(10)]
    for vma in vmas:
        assert areas.find_gap_below(4 * PAGE, PAGE, TOP) == vma.start
        areas.insert(vma)
    areas.remove(vmas[3])
    assert areas.find_gap_below(4 * PAGE, PAGE, TOP) == vmas[3].start
    assert areas.find_gap_below(5 * PAGE, PAGE, TOP) == (960 - 5) * PAGE


def test_nothing_is_placed_right_below_a_stack() -> None:
    areas = VmaList(TOP, Unlimited())
    areas.insert(area(900, 1000, MAP_PRIVATE | MAP_GROWSDOWN))
    assert areas.find_gap_below(PAGE, PAGE, TOP) == 899 * PAGE - STACK_GUARD_GAP


def test_no_gap_is_minus_one() -> None:
    areas = VmaList(TOP, Unlimited())
    areas.insert(area(1, 1000))
    assert areas.find_gap_below(PAGE, PAGE, TOP) == -1
    assert areas.find_gap_above(PAGE, PAGE, TOP) == -1


def test_random_placement_agrees_with_a_model() -> None:
    rng = random.Random(7)
    areas = VmaList(TOP, Unlimited())
    used: set[int] = set()
    live: list[Vma] = []
    for _ in range(3000):
        if live and rng.random() < 0.45:
            vma = live.pop(rng.randrange(len(live)))
            areas.remove(vma)
            used -= set(range(vma.start // PAGE, vma.end // PAGE))
            continue
        length = rng.randint(1, 30)
        expected = -1
        for start in range(1000 - length, 0, -1):
            if not any(page in used for page in range(start, start + length)):
                expected = start * PAGE
                break
        found = areas.find_gap_below(length * PAGE, PAGE, TOP)
        assert found == expected
        if found >= 0:
            vma = area(found // PAGE, found // PAGE + length)
            areas.insert(vma)
            live.append(vma)
            used |= set(range(found // PAGE, found // PAGE + length))
        assert [vma.start for vma in areas.vmas] == areas.starts == sorted(areas.starts)
