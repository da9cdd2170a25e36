# SPDX-License-Identifier: MPL-2.0
"""`cruck run [OPTIONS] [--] CMD [ARG...]`: options to a RunConfig, the run, its report on stderr, its exit status."""

import gc
import os
import sys

from cruck.cli.options import UsageError, parse
from cruck.sandbox.config import ConfigError, Mount, RunConfig, parse_duration, parse_size, parse_user

OWN_FAILURE = 125


def config_from(argv: list[str]) -> RunConfig:
    """Errors: UsageError, ConfigError."""
    given = parse(argv)
    if given.wants_help:
        from cruck.cli.help import run_help

        sys.stdout.write(run_help())
        raise SystemExit(0)
    if not given.command:
        raise ConfigError("no command given; try `cruck run -- echo hello`")
    values, lists, pairs = given.values, given.lists, given.pairs
    config = RunConfig(given.command)
    config.cwd = os.getcwd()
    config.rootfs = values.get("rootfs")
    config.mounts += [Mount.from_volume(text) for text in lists.get("volume", ())]
    config.mounts += [Mount.from_mount(text) for text in lists.get("mount", ())]
    config.mounts += [Mount("bind", source, target, False) for source, target in pairs.get("bind", ())]
    config.mounts += [Mount("bind", source, target, True) for source, target in pairs.get("ro-bind", ())]
    config.mounts += [Mount("tmpfs", "", target, False) for target in lists.get("tmpfs", ())]
    config.overlay = values.get("overlay", config.overlay)
    config.read_only = given.flag("read-only")
    config.show_diff = given.flag("diff")
    config.commit = values.get("commit")
    config.workdir = values.get("workdir")
    config.host_environment = dict(os.environ)
    config.clear_env = given.flag("clear-env")
    for path in lists.get("env-file", ()):
        config.read_env_file(path)
    for text in lists.get("env", ()):
        config.add_env(text)
    for name, value in pairs.get("setenv", ()):
        config.env[name] = value
    config.unset_env = lists.get("unsetenv", [])
    if "user" in values:
        config.uid, config.gid = parse_user(values["user"])
    config.hostname = values.get("hostname")
    config.tty = given.flag("tty") if "tty" in values else None
    config.network = values.get("network")
    config.net_allow = lists.get("net-allow", [])
    config.net_deny = lists.get("net-deny", [])
    config.published = lists.get("publish", [])
    if "memory" in values:
        config.memory_bytes = parse_size(values["memory"])
    config.nr_cpus = given.number("cpus")
    if config.nr_cpus is not None and config.nr_cpus < 1:
        raise ConfigError("--cpus must be 1 or more")
    config.pids_limit = given.number("pids-limit")
    if "timeout" in values:
        config.timeout_s = parse_duration(values["timeout"])
    config.strace = values.get("strace")
    config.strace_output = values.get("strace-output")
    config.quiet = given.flag("quiet")
    config.log_file = values.get("log")
    config.debug = given.flag("debug")
    return config


def main(argv: list[str], owns_process: bool = False) -> int:
    gc.disable()  # until the program runs (host_run.py): what a start makes stays
    try:
        config = config_from(argv)
        from cruck.sandbox.host_run import run_on_host_stdio

        return run_on_host_stdio(config, owns_process)
    except UsageError as error:
        sys.stderr.write(f"cruck run: {error}; see `cruck run --help`\n")
        return OWN_FAILURE
    except ConfigError as error:
        sys.stderr.write(f"cruck run: {error}\n")
        return OWN_FAILURE
    except OSError as error:
        sys.stderr.write(f"cruck run: {error}; `cruck doctor` says what this host lacks\n")
        return OWN_FAILURE
