# SPDX-License-Identifier: MPL-2.0
"""`cruck run --help`: argparse's page, from the table of options."""

import argparse

from cruck.cli.options import FLAG, OPTIONAL, OPTIONS, PAIRS


def run_help() -> str:
    parser = argparse.ArgumentParser(
        prog="cruck run",
        usage="cruck run [OPTIONS] [--] CMD [ARG...]",
        description="Runs an unmodified Linux program on cruck's kernel. By default it sees the host's system directories "
        "read-only, the current directory copy-on-write, its own /tmp, /proc, /dev, no home, no network but loopback (--net-allow, -p).",
    )
    groups = {}
    for option in OPTIONS:
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        text = argparse.SUPPRESS if option.help is None else option.help or None
        add = groups[option.group].add_argument
        if option.kind == FLAG:
            add(*option.names, action="store_true", help=text)
        elif option.kind == PAIRS:
            add(*option.names, nargs=2, metavar=tuple(option.metavar.split()), help=text)
        else:
            add(
                *option.names,
                nargs="?" if option.kind == OPTIONAL else None,
                metavar=option.metavar or None,
                choices=option.choices or None,
                help=text,
            )
    return parser.format_help()
