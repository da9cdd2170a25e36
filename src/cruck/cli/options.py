# SPDX-License-Identifier: MPL-2.0
"""The options of `cruck run`: one table, and the parser of a command line.

Not argparse's: importing and building that takes a tenth of a short run. It writes the help page from the same table (help.py).
"""

FLAG, VALUE, LIST, PAIRS, OPTIONAL = range(5)


class UsageError(Exception):
    """The command line is wrong: the message says how, in a sentence."""


class Option:
    names: tuple[str, ...]
    kind: int  # FLAG; VALUE, LIST (may be repeated), PAIRS (takes two words): a value follows; OPTIONAL: only as --name=VALUE
    group: str  # heading in the help page
    metavar: str  # in the help page
    help: str | None  # None: not shown
    dest: str  # where it goes
    constant: str  # FLAG: a "" resets; OPTIONAL: the value of the bare option
    choices: tuple[str, ...]  # VALUE: what it may be; () anything

    def __init__(
        self,
        names: str,
        kind: int,
        group: str,
        metavar: str = "",
        text: str | None = "",
        dest: str = "",
        constant: str = "1",
        choices: str = "",
    ) -> None:
        self.names = tuple(names.split())
        self.kind = kind
        self.group = group
        self.metavar = metavar
        self.help = text
        self.dest = dest or next(name for name in self.names if name.startswith("--"))[2:]
        self.constant = constant
        self.choices = tuple(choices.split())


NETWORK = "network (docs/design/egress.md)"
OPTIONS = (
    Option("--rootfs --root", VALUE, "files", "DIR", "use DIR as the root file system (copy-on-write)"),
    Option("-v --volume", LIST, "files", "SRC:DST[:ro]", "show the host's SRC at DST"),
    Option("--mount", LIST, "files", "type=bind|tmpfs,src=,dst=[,ro]"),
    Option("--bind", PAIRS, "files", "SRC DST", None),
    Option("--ro-bind", PAIRS, "files", "SRC DST", None),
    Option("--tmpfs", LIST, "files", "DIR", "an empty file system in memory at DIR"),
    Option(
        "--overlay",
        VALUE,
        "files",
        "none|memory|DIR",
        "where changes of the current directory go: nowhere else (none), memory (default), DIR",
    ),
    Option("--read-only", FLAG, "files", "", "no file of the host may be changed, not even a copy"),
    Option("--diff", FLAG, "files", "", "at the end list what changed"),
    Option("--commit", OPTIONAL, "files", "PATHS", "at the end apply the changes to the host", constant="*"),
    Option("-w --workdir --cwd --chdir", VALUE, "process", "DIR"),
    Option("-e --env", LIST, "process", "K[=V]"),
    Option("--setenv", PAIRS, "process", "K V", None),
    Option("--unsetenv", LIST, "process", "K", None),
    Option("--env-file", LIST, "process", "FILE"),
    Option("--clear-env --clearenv", FLAG, "process", "", "start with -e and --env-file only"),
    Option("-u --user", VALUE, "process", "UID[:GID]"),
    Option("--hostname", VALUE, "process", "NAME"),
    Option("-i --interactive", FLAG, "process", "", "keep standard input open (it always is)"),
    Option("-t --tty", FLAG, "process", "", "give the program a terminal (default: if there is one)"),
    Option("--no-tty", FLAG, "process", "", "never give it a terminal", "tty", ""),
    Option("--network", VALUE, NETWORK, "", "default: loopback, or proxy with the options below", choices="none loopback proxy"),
    Option("--net-allow", LIST, NETWORK, "HOST[:PORT]", "may be reached: a name, *.name, address, net/bits"),
    Option("--net-deny", LIST, NETWORK, "HOST[:PORT]", "may not, whatever --net-allow says"),
    Option("-p --publish", LIST, NETWORK, "[ADDR:]HOST:GUEST", "the host's port HOST leads to GUEST"),
    Option("-m --memory", VALUE, "limits", "SIZE", "such as 512M"),
    Option("--cpus", VALUE, "limits", "N", "virtual CPUs"),
    Option("--pids-limit", VALUE, "limits", "N"),
    Option("--timeout", VALUE, "limits", "SECONDS", "end the run after this time (exit status 124)"),
    Option("--strace", OPTIONAL, "output", "EXPR", "trace system calls to stderr, as strace does", constant="all"),
    Option("--strace-output", VALUE, "output", "FILE", "write the trace there"),
    Option("-q --quiet", FLAG, "output", "", "no line of ours on stderr"),
    Option("--log", VALUE, "output", "FILE", "write the kernel's log there"),
    Option("--debug", FLAG, "output", "", "write the kernel's log to stderr, debug messages too"),
)


class Given:
    """What a command line said, by the option's `dest`."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}  # the last one counts; flags: "1" or ""
        self.lists: dict[str, list[str]] = {}
        self.pairs: dict[str, list[tuple[str, str]]] = {}
        self.command: list[str] = []
        self.wants_help = False

    def flag(self, dest: str) -> bool:
        return bool(self.values.get(dest))

    def number(self, dest: str) -> int | None:
        """Errors: UsageError."""
        text = self.values.get(dest)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"argument --{dest}: invalid int value: {text!r}") from None


def parse(argv: list[str]) -> Given:
    """`--` before the command is optional; the first word that is no option of ours begins it. Errors: UsageError."""
    by_name = {name: option for option in OPTIONS for name in option.names}
    given = Given()
    index = 0
    while index < len(argv):
        word = argv[index]
        index += 1
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            index -= 1
            break
        if word in ("-h", "--help"):
            given.wants_help = True
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = by_name.get(name)
        if option is None and not word.startswith("--") and len(word) > 2:
            # -qt, -vSRC:DST
            option = by_name.get(word[:2])
            name = word[:2]
            if option is not None and option.kind == FLAG:
                argv = [*argv[:index], "-" + word[2:], *argv[index:]]
            elif option is not None:
                equals, value = "=", word[2:].removeprefix("=")
        if option is None:
            raise UsageError(f"unrecognized arguments: {word}")
        if option.kind == FLAG:
            if equals:
                raise UsageError(f"argument {name}: ignored explicit argument {value!r}")
            given.values[option.dest] = option.constant
        elif option.kind == OPTIONAL:
            given.values[option.dest] = value if equals else option.constant
        else:
            words = [value] if equals else []
            wanted = 2 if option.kind == PAIRS else 1
            while len(words) < wanted:
                if index == len(argv):
                    raise UsageError(f"argument {name}: expected {'2 arguments' if wanted == 2 else 'one argument'}")
                words.append(argv[index])
                index += 1
            if option.choices and words[0] not in option.choices:
                raise UsageError(f"argument {name}: invalid choice: {words[0]!r} (choose from {', '.join(map(repr, option.choices))})")
            if option.kind == VALUE:
                given.values[option.dest] = words[0]
            elif option.kind == LIST:
                given.lists.setdefault(option.dest, []).append(words[0])
            else:
                given.pairs.setdefault(option.dest, []).append((words[0], words[1]))
    given.command = argv[index:]
    return given
