# SPDX-License-Identifier: MPL-2.0
"""LoadAverage: rises and falls as Linux's, however rarely somebody looks."""

from cruck.kernel.sched.load_average import FIXED_1, PERIOD_NS, LoadAverage


def test_nothing_happens_before_the_first_period_is_over() -> None:
    load = LoadAverage(0)
    load.update(PERIOD_NS - 1, 5)
    assert load.averages == [0, 0, 0]


def test_one_runnable_task_brings_the_minute_average_towards_one() -> None:
    load = LoadAverage(0)
    load.update(60 * 1_000_000_000, 1)
    assert 0.60 < load.averages[0] / FIXED_1 < 0.66  # 1 − 1/e
    assert load.averages[0] > load.averages[1] > load.averages[2] > 0
    load.update(3600 * 1_000_000_000, 1)
    assert load.averages[0] == FIXED_1


def test_one_look_is_as_good_as_many() -> None:
    often, rarely = LoadAverage(0), LoadAverage(0)
    for second in range(1, 301):
        often.update(second * 1_000_000_000, 2)
    rarely.update(300 * 1_000_000_000, 2)
    assert often.averages == rarely.averages
