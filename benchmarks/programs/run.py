# SPDX-License-Identifier: MPL-2.0
"""Runs whole programs in an environment and times them from outside; redis-benchmark and wrk measure themselves."""

from benchmarks.peers.environment import TIMEOUT_S, Environment
from benchmarks.programs.programs import NGINX, PROGRAMS, REDIS
from benchmarks.programs.stopwatch import time_ns
from benchmarks.samples import Samples


def measure(key: str, environment: Environment, samples: Samples) -> None:
    """One run, from before the first fork to the end of the last wait."""
    status, elapsed_ns = time_ns(environment.command(PROGRAMS[key]), TIMEOUT_S)
    if status:
        samples.refuse(key, environment.name, f"exit status {status}" if status != -1 else f"more than {TIMEOUT_S} s")
    else:
        samples.add(key, environment.name, elapsed_ns)


def measure_redis(requests: int, environment: Environment, samples: Samples) -> None:
    """Requests a second, as redis-benchmark prints them."""
    status, output = environment.run([word.replace("{requests}", str(requests)) for word in REDIS])
    found = False
    for line in output.splitlines():
        fields = [field.strip('"') for field in line.split('","')]
        key = {"SET": "redis_set", "GET": "redis_get"}.get(fields[0])
        if key and len(fields) > 1:
            samples.add(key, environment.name, float(fields[1]))
            found = True
    if not found:
        for key in ("redis_set", "redis_get"):
            samples.refuse(key, environment.name, f"exit status {status}")


def measure_nginx(seconds: int, environment: Environment, samples: Samples) -> None:
    """Requests a second, as wrk prints them."""
    status, output = environment.run([word.replace("{seconds}", str(seconds)) for word in NGINX])
    for line in output.splitlines():
        if line.startswith("Requests/sec:"):
            samples.add("nginx_1k", environment.name, float(line.split()[1]))
            return
    samples.refuse("nginx_1k", environment.name, f"exit status {status}")
