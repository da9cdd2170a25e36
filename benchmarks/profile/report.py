# SPDX-License-Identifier: MPL-2.0
"""The profile as text: by phase, by system call, by function below the kernel."""

from benchmarks.profile.stopwatch import COPY, FINISH, HOST, MAPPINGS, PHASES, RESUME, SERVICE, TAKE, WAIT, Stopwatch

INSIDE = (TAKE, SERVICE, COPY, MAPPINGS, HOST, FINISH, RESUME)


def by_phase(watch: Stopwatch, wall_ns: int) -> str:
    lines = [f"{'phase':10} {'ms':>9} {'share':>6} {'times':>9} {'µs each':>8}"]
    for phase in PHASES:
        ns, count = watch.ns[phase], watch.counts[phase]
        lines.append(f"{phase:10} {ns / 1e6:9.1f} {ns / wall_ns:6.0%} {count:9} {ns / 1e3 / max(count, 1):8.2f}")
    rest = wall_ns - sum(watch.ns.values())
    lines.append(f"{'(rest)':10} {rest / 1e6:9.1f} {rest / wall_ns:6.0%}")
    return "\n".join(lines) + "\n"


def average_stop(watch: Stopwatch, trap_ns: float) -> str:
    """One line: where the time of an average stop goes. What is left of waiting after the trap is hand-over and guest code."""
    nr_stops = max(watch.counts[RESUME], 1)
    parts = {
        "stop (trap)": trap_ns,
        "hand-over and guest code": watch.ns[WAIT] / nr_stops - trap_ns,
        "dispatch": (watch.ns[TAKE] + watch.ns[FINISH]) / nr_stops,
        "service": watch.ns[SERVICE] / nr_stops,
        "copy": watch.ns[COPY] / nr_stops,
        "mappings": watch.ns[MAPPINGS] / nr_stops,
        "host": watch.ns[HOST] / nr_stops,
        "resume": watch.ns[RESUME] / nr_stops,
    }
    return f"an average of {nr_stops} stops, µs: " + ", ".join(f"{name} {ns / 1e3:.2f}" for name, ns in parts.items()) + "\n"


def by_call(watch: Stopwatch, limit: int) -> str:
    """Microseconds a call in each phase but wait, the most costly first."""
    lines = [f"{'call':20} {'calls':>8} {'ms':>8} " + " ".join(f"{phase:>8}" for phase in INSIDE)]
    calls = sorted(watch.by_call.items(), key=lambda item: -sum(item[1][phase] for phase in INSIDE))
    for name, call in calls[:limit]:
        total = sum(call[phase] for phase in INSIDE)
        lines.append(
            f"{name:20} {call['calls']:8} {total / 1e6:8.1f} " + " ".join(f"{call[phase] / call['calls'] / 1e3:8.2f}" for phase in INSIDE)
        )
    return "\n".join(lines) + "\n"


def by_function(watch: Stopwatch, limit: int) -> str:
    lines = [f"{'below the kernel':28} {'times':>8} {'ms':>8} {'µs each':>8}"]
    for what, (count, ns) in sorted(watch.functions.items(), key=lambda item: -item[1][1])[:limit]:
        lines.append(f"{what:28} {count:8} {ns / 1e6:8.1f} {ns / count / 1e3:8.2f}")
    return "\n".join(lines) + "\n"
