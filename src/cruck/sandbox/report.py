# SPDX-License-Identifier: MPL-2.0
"""What the user is told: the trace while it runs, and at the end what changed, what was missing, what broke."""

from collections.abc import Callable

from cruck.abi.socket import AF_INET
from cruck.kernel.net.inet.family import InetFamily
from cruck.sandbox import console
from cruck.sandbox.box import Box
from cruck.sandbox.config import RunConfig


def _nothing() -> None:
    pass


def attach_tracer(box: Box, config: RunConfig) -> Callable[[], None]:
    """--strace: installs a tracer. Returns what is to be called at the end. Errors: ConfigError."""
    if config.strace is None:
        return _nothing
    from cruck.sandbox import trace_output

    return trace_output.attach_tracer(box, config)


def report(box: Box, config: RunConfig) -> None:
    """Lines on stderr; nothing with --quiet but what failed."""
    kernel = box.kernel
    lines: list[str] = []
    if kernel.nr_oopses:
        lines += kernel.log.lines if not config.debug else []
        lines.append(f"{kernel.nr_oopses} oops(es): a bug of cruck was met; the tasks that met it were killed")
    elif not config.quiet and not config.debug:
        lines += [line.removeprefix("cruck: ") for line in kernel.log.lines]
    if not config.quiet:
        if box.timed_out:
            lines.append(f"the time limit of {config.timeout_s:g} s was reached; the program was killed")
        if box.missing_walls:
            walls = ", ".join(box.missing_walls)
            lines.append(f"this host lacks {walls}: a second wall around our kernel process is missing; see `cruck doctor`")
        for name, count in sorted(kernel.unsupported.items()):
            lines.append(f"not supported: {name} ({count} times); the program was told so. `cruck syscalls` lists what is")
        lines += _denials(box)
        lines += _changes(box, config)
    elif config.commit is not None:
        _changes(box, config)
    for line in lines:
        console.say(line)


def _denials(box: Box) -> list[str]:
    """What the egress policy refused, and what would allow it."""
    family = box.kernel.families.get(AF_INET)
    if not isinstance(family, InetFamily):
        return []
    return [f"network: {sentence} ({count} times)" for sentence, count in family.stack.decisions.denials.items()]


def _changes(box: Box, config: RunConfig) -> list[str]:
    """--diff, --commit, or the one line that says how many changes are dropped."""
    lines: list[str] = []
    for overlay in box.world.overlays:
        changes = overlay.changes()
        count = f"{len(changes)} change{'s' if len(changes) != 1 else ''}"
        if not changes:
            continue
        if config.show_diff:
            for change in changes:
                console.write(f"{change.kind} {overlay.guest_path(change)}\n")
        if config.commit is not None:
            chosen = changes if config.commit == "*" else overlay.select(config.commit.split(","))
            failed = overlay.commit(chosen)
            lines.append(f"{len(chosen) - len(failed)} changes committed to {overlay.source}")
            lines += [f"not committed: {overlay.guest_path(change)}: {reason}" for change, reason in failed]
        elif config.overlay == "memory" and not config.show_diff:
            lines.append(f"{count} in {overlay.target} dropped; --diff lists and --commit keeps what changed")
        elif config.overlay == "memory":
            lines.append(f"{count} in {overlay.target} dropped; --commit keeps what changed")
    return lines
