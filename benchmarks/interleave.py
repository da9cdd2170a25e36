# SPDX-License-Identifier: MPL-2.0
"""The order of measuring: rounds; within a round question after question; within a question environment after environment.

So a figure and those it is compared with are taken seconds apart, and a change of the machine's speed hits all of them.
"""

import sys
import time
from dataclasses import dataclass

from benchmarks.micro import run as micro
from benchmarks.peers.environment import Environment
from benchmarks.programs import run as programs
from benchmarks.programs.programs import PROGRAMS
from benchmarks.rows import MICRO_GROUPS
from benchmarks.samples import Samples
from benchmarks.startup.idle import measure_idle
from benchmarks.startup.run import measure_warm


@dataclass(frozen=True)
class Plan:
    rounds: int
    sample_ms: int  # of the microbenchmark
    true_runs: int  # of `true` from outside, a round
    redis_requests: int
    nginx_s: int
    groups: frozenset[str]  # of rows.GROUPS
    keys: frozenset[str]  # only these rows; empty: all
    give_up_s: float  # no new round is begun after this time


FULL = Plan(4, 20, 4, 10_000, 2, frozenset(), frozenset(), 480)
QUICK = Plan(3, 8, 4, 5_000, 1, frozenset(), frozenset(), 55)


def measure(plan: Plan, environments: list[Environment], micro_program: str, samples: Samples) -> None:
    start = time.monotonic()
    for number in range(plan.rounds):
        if number and time.monotonic() - start > plan.give_up_s * number / (number + 1):
            say(f"round {number + 1} of {plan.rounds} left out: it would take too long")
            break
        one_round(plan, environments, micro_program, samples)
        say(f"round {number + 1} of {plan.rounds} done after {time.monotonic() - start:.0f} s")


def one_round(plan: Plan, environments: list[Environment], micro_program: str, samples: Samples) -> None:
    for group in MICRO_GROUPS:
        if group in plan.groups:
            for environment in environments:
                if environment.measures(group) and environment.name != "user-mode-linux":
                    micro.measure(micro_program, environment, [group], plan.sample_ms, samples)
    for environment in environments:
        if environment.name == "user-mode-linux":  # boots for two seconds: once a round
            groups = [group for group in MICRO_GROUPS if group in plan.groups]
            if groups:
                micro.measure(micro_program, environment, groups, plan.sample_ms, samples)
    for key in PROGRAMS:
        group = "startup" if key == "true" else "programs"
        if group in plan.groups and (not plan.keys or key in plan.keys):
            for _ in range(plan.true_runs if key == "true" else 1):
                for environment in environments:
                    if environment.measures(key, group):
                        programs.measure(key, environment, samples)
    for environment in environments:
        if "startup" in plan.groups and environment.measures("warm_true", "startup"):
            measure_warm(2 * plan.true_runs, environment, samples)
    for environment in environments:
        if "redis" in plan.groups and environment.measures("redis"):
            programs.measure_redis(plan.redis_requests, environment, samples)
    for environment in environments:
        if "nginx" in plan.groups and environment.measures("nginx"):
            programs.measure_nginx(plan.nginx_s, environment, samples)
    for environment in environments:
        if "idle" in plan.groups and environment.measures("idle"):
            measure_idle(environment, samples)


def say(text: str) -> None:
    sys.stderr.write(f"benchmarks: {text}\n")
