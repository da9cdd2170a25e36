# SPDX-License-Identifier: MPL-2.0
"""`cruck`: finds the subcommand and imports only that one. Exit statuses as Docker's: 125 our own failure, 126 the program
cannot be executed, 127 it was not found, 128+n it died of signal n, else its own."""

import os
import sys
from typing import NoReturn

USAGE = """\
usage: cruck COMMAND ...

  cruck run [OPTIONS] [--] CMD [ARG...]   run an unmodified Linux program on a kernel of Python objects
  cruck doctor                            say what this host offers and what would be missing
  cruck syscalls [--json]                 list the system calls and how far each is supported
  cruck check PATH...                     check that services are safe Python; --report counts the privileged half
  cruck --version

`cruck run --help` lists its options.
"""


def main(argv: list[str] | None = None) -> int:
    """argv: None: this process is ours alone, its arguments are the command; a list: we are called inside somebody's program."""
    try:
        status = dispatch(sys.argv[1:] if argv is None else argv, argv is None)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has left, as in `cruck syscalls | head`: no news for anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 128 + 13
    return status


def dispatch(arguments: list[str], owns_process: bool) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0 if arguments else 125
    command, rest = arguments[0], arguments[1:]
    if command == "run":
        from cruck.cli import run

        return run.main(rest, owns_process)
    if command == "doctor":
        from cruck.cli import doctor

        return doctor.main(rest)
    if command == "syscalls":
        from cruck.cli import syscalls

        return syscalls.main(rest)
    if command == "check":
        from cruck.cli import check

        return check.main(rest)
    if command in ("--version", "version"):
        from cruck import __version__

        sys.stdout.write(f"cruck {__version__}\n")
        return 0
    sys.stderr.write(f"cruck: unknown command {command!r}; `cruck --help` lists them\n")
    return 125


def script() -> NoReturn:
    """The console script: leaves without taking the interpreter apart object by object, a tenth of a short run."""
    status = main()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    script()
