# SPDX-License-Identifier: MPL-2.0
"""`cruck run [OPTIONS] [--] CMD [ARG...]`: options to a RunConfig, the run, its report on stderr, its exit status."""

import argparse
import os
import sys
from collections.abc import Sequence

from cruck.sandbox.config import ConfigError, Mount, RunConfig, parse_duration, parse_size, parse_user

OWN_FAILURE = 125


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        sys.stderr.write(f"cruck run: {message}; see `cruck run --help`\n")
        raise SystemExit(OWN_FAILURE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cruck run",
        usage="cruck run [OPTIONS] [--] CMD [ARG...]",
        allow_abbrev=False,
        description="Runs an unmodified Linux program on cruck's kernel. By default it sees the host's system directories "
        "read-only, the current directory copy-on-write, its own /tmp, /proc, /dev, no home, no network but loopback (--net-allow, -p).",
    )
    add = parser.add_argument
    files = parser.add_argument_group("files")
    files.add_argument("--rootfs", "--root", metavar="DIR", help="use DIR as the root file system (copy-on-write)")
    files.add_argument("-v", "--volume", action="append", default=[], metavar="SRC:DST[:ro]", help="show the host's SRC at DST")
    files.add_argument("--mount", action="append", default=[], metavar="type=bind|tmpfs,src=,dst=[,ro]")
    files.add_argument("--bind", nargs=2, action="append", default=[], metavar=("SRC", "DST"), help=argparse.SUPPRESS)
    files.add_argument("--ro-bind", nargs=2, action="append", default=[], metavar=("SRC", "DST"), help=argparse.SUPPRESS)
    files.add_argument("--tmpfs", action="append", default=[], metavar="DIR", help="an empty file system in memory at DIR")
    files.add_argument(
        "--overlay",
        default="memory",
        metavar="none|memory|DIR",
        help="where changes of the current directory go: nowhere else (none), memory (default), DIR",
    )
    files.add_argument("--read-only", action="store_true", help="no file of the host may be changed, not even a copy")
    files.add_argument("--diff", action="store_true", help="at the end list what changed")
    files.add_argument("--commit", nargs="?", const="*", metavar="PATHS", help="at the end apply the changes to the host")
    process = parser.add_argument_group("process")
    process.add_argument("-w", "--workdir", "--cwd", "--chdir", metavar="DIR")
    process.add_argument("-e", "--env", action="append", default=[], metavar="K[=V]")
    process.add_argument("--setenv", nargs=2, action="append", default=[], metavar=("K", "V"), help=argparse.SUPPRESS)
    process.add_argument("--unsetenv", action="append", default=[], metavar="K", help=argparse.SUPPRESS)
    process.add_argument("--env-file", action="append", default=[], metavar="FILE")
    process.add_argument("--clear-env", "--clearenv", action="store_true", help="start with -e and --env-file only")
    process.add_argument("-u", "--user", metavar="UID[:GID]")
    process.add_argument("--hostname", metavar="NAME")
    process.add_argument("-i", "--interactive", action="store_true", help="keep standard input open (it always is)")
    process.add_argument("-t", "--tty", action="store_true", default=None, help="give the program a terminal (default: if there is one)")
    process.add_argument("--no-tty", dest="tty", action="store_false", help="never give it a terminal")
    network = parser.add_argument_group("network (docs/design/egress.md)")
    network.add_argument("--network", choices=("none", "loopback", "proxy"), help="default: loopback, or proxy with the options below")
    network.add_argument(
        "--net-allow", action="append", default=[], metavar="HOST[:PORT]", help="may be reached: a name, *.name, address, net/bits"
    )
    network.add_argument("--net-deny", action="append", default=[], metavar="HOST[:PORT]", help="may not, whatever --net-allow says")
    network.add_argument(
        "-p", "--publish", action="append", default=[], metavar="[ADDR:]HOST:GUEST", help="the host's port HOST leads to GUEST"
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument("-m", "--memory", metavar="SIZE", help="such as 512M")
    limits.add_argument("--cpus", type=int, metavar="N", help="virtual CPUs")
    limits.add_argument("--pids-limit", type=int, metavar="N")
    limits.add_argument("--timeout", metavar="SECONDS", help="end the run after this time (exit status 124)")
    output = parser.add_argument_group("output")
    output.add_argument("--strace", nargs="?", const="all", metavar="EXPR", help="trace system calls to stderr, as strace does")
    output.add_argument("--strace-output", metavar="FILE", help="write the trace there")
    output.add_argument("-q", "--quiet", action="store_true", help="no line of ours on stderr")
    output.add_argument("--log", metavar="FILE", help="write the kernel's log there")
    output.add_argument("--debug", action="store_true", help="write the kernel's log to stderr, debug messages too")
    add("command", nargs=argparse.REMAINDER, metavar="CMD", help=argparse.SUPPRESS)
    return parser


# Options that take a value, so that the first word that is none of ours is the command.
_ONE_VALUE = {
    "--rootfs", "--root", "-v", "--volume", "--mount", "--tmpfs", "--overlay", "-w", "--workdir", "--cwd", "--chdir", "-e", "--env",
    "--unsetenv", "--env-file", "-u", "--user", "--hostname", "-m", "--memory", "--cpus", "--pids-limit", "--timeout", "--strace-output", "--log",
    "--network", "--net-allow", "--net-deny", "-p", "--publish",
}  # fmt: skip
_TWO_VALUES = {"--bind", "--ro-bind", "--setenv"}


def split_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """(our options, the command). `--` is optional; options after the command's name are the command's."""
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--":
            return list(argv[:index]), list(argv[index + 1 :])
        if not word.startswith("-") or word == "-":
            break
        if word in _ONE_VALUE:
            index += 1
        elif word in _TWO_VALUES:
            index += 2
        index += 1
    return list(argv[:index]), list(argv[index:])


def config_from(argv: list[str]) -> RunConfig:
    """Errors: SystemExit (usage), ConfigError."""
    options, command = split_command(argv)
    given = _parser().parse_args(options)
    if not command:
        raise ConfigError("no command given; try `cruck run -- echo hello`")
    config = RunConfig(command)
    config.cwd = os.getcwd()
    config.rootfs = given.rootfs
    for text in given.volume:
        config.mounts.append(Mount.from_volume(text))
    for text in given.mount:
        config.mounts.append(Mount.from_mount(text))
    config.mounts += [Mount("bind", source, target, False) for source, target in given.bind]
    config.mounts += [Mount("bind", source, target, True) for source, target in given.ro_bind]
    config.mounts += [Mount("tmpfs", "", target, False) for target in given.tmpfs]
    config.overlay = given.overlay
    config.read_only = given.read_only
    config.show_diff = given.diff
    config.commit = given.commit
    config.workdir = given.workdir
    config.host_environment = dict(os.environ)
    config.clear_env = given.clear_env
    for path in given.env_file:
        config.read_env_file(path)
    for text in given.env:
        config.add_env(text)
    for name, value in given.setenv:
        config.env[name] = value
    config.unset_env = given.unsetenv
    if given.user is not None:
        config.uid, config.gid = parse_user(given.user)
    config.hostname = given.hostname
    config.tty = given.tty
    config.network = given.network
    config.net_allow = given.net_allow
    config.net_deny = given.net_deny
    config.published = given.publish
    if given.memory is not None:
        config.memory_bytes = parse_size(given.memory)
    if given.cpus is not None:
        if given.cpus < 1:
            raise ConfigError("--cpus must be 1 or more")
        config.nr_cpus = given.cpus
    if given.pids_limit is not None:
        config.pids_limit = given.pids_limit
    if given.timeout is not None:
        config.timeout_s = parse_duration(given.timeout)
    config.strace = given.strace
    config.strace_output = given.strace_output
    config.quiet = given.quiet
    config.log_file = given.log
    config.debug = given.debug
    return config


def main(argv: list[str]) -> int:
    try:
        config = config_from(argv)
        from cruck.sandbox.host_run import run_on_host_stdio

        return run_on_host_stdio(config)
    except ConfigError as error:
        sys.stderr.write(f"cruck run: {error}\n")
        return OWN_FAILURE
    except OSError as error:
        sys.stderr.write(f"cruck run: {error}; `cruck doctor` says what this host lacks\n")
        return OWN_FAILURE
