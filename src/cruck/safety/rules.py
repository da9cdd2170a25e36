# SPDX-License-Identifier: MPL-2.0
"""The rules of `cruck check`: a name, why breaking it is unsafe, what to use instead, a good and a bad example.

docs/soundness/checker.md is generated from this table (tools/gen_report.py) and tests/safety runs every example: the bad one
must be caught under its rule's name, the good one must pass. Who enforces a rule: checker.py; the lists behind: allowed.py.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Rule:
    name: str
    reason: str  # why it is unsafe
    instead: str
    bad: str  # a whole module that breaks this rule
    good: str  # a whole module that says the same safely


_TABLE: Final = (
    Rule(
        "import-not-allowed",
        "a module outside the allow-list can reach the host, or hands out modules that can",
        "the framework's public API, cruck.abi, cruck.kernel, or one of the pure standard modules listed in the documentation",
        "import os\n\ndef size(path: str) -> int:\n    return os.stat(path).st_size\n",
        "from cruck.framework.io.host_file import HostFile\n\ndef size(file: HostFile) -> int:\n    return file.size()\n",
    ),
    Rule(
        "framework-internal",
        "the framework's promise covers its public API only; its other parts hold raw descriptors and native code",
        "the public class that wraps it: Machine, AddressSpace, HostFile … in cruck.framework",
        "from cruck.framework import _machine\n",
        "from cruck.framework.hardware import Machine\n\ndef frames(machine: Machine) -> int:\n    return machine.nr_free_frames()\n",
    ),
    Rule(
        "star-import",
        "names that cannot be seen in the source cannot be checked",
        "from module import the, names",
        "from struct import *\n",
        "from struct import pack\n\nWORD = pack('<I', 1)\n",
    ),
    Rule(
        "native-module",
        "compiled code is not safe Python: nothing of it can be checked, and the import system prefers it to the source",
        "Python source; what only native code can do belongs into the framework",
        "# a file fast.cpython-311-x86_64-linux-gnu.so in the tree\n",
        "def fast() -> int:\n    return 1\n",
    ),
    Rule(
        "dynamic-code",
        "code that is made at run time was never checked",
        "a function, a table of functions, or a parser for the format",
        "def calculate(text: str) -> object:\n    return eval(text)\n",
        "def calculate(text: str) -> int:\n    return int(text, 0)\n",
    ),
    Rule(
        "host-io",
        "the built-in reaches the host's files, terminal or process without a capability",
        "the HostFile or HostDirectory the service was given; kernel.log for messages",
        "def read() -> bytes:\n    with open('/etc/passwd', 'rb') as file:\n        return file.read()\n",
        "from cruck.framework.io.host_file import HostFile\n\ndef read(file: HostFile) -> bytes | int:\n    return file.pread(4096, 0)\n",
    ),
    Rule(
        "namespace-reach",
        "a namespace as a dictionary gives every name in it, private and built-in ones too, and lets them be replaced",
        "name the attribute; keep what is looked up by name in a dict of your own",
        "def call(name: str) -> object:\n    return globals()[name]()\n",
        "def one() -> int:\n    return 1\n\nCALLS = {'one': one}\n\ndef call(name: str) -> int:\n    return CALLS[name]()\n",
    ),
    Rule(
        "unknown-name",
        "a name that is neither defined here nor on the list of safe built-ins can mean anything at run time",
        "define or import it",
        "def size() -> int:\n    return quota\n",
        "QUOTA = 5\n\ndef size() -> int:\n    return QUOTA\n",
    ),
    Rule(
        "buffer-alias",
        "a view aliases memory that its owner may change or free; guest and device memory is only ever copied",
        "bytes, bytearray, and UserMemory, VmReader, VmWriter",
        "def head(data: bytearray) -> object:\n    return memoryview(data)[:4]\n",
        "def head(data: bytearray) -> bytes:\n    return bytes(data[:4])\n",
    ),
    Rule(
        "private-attribute",
        "what begins with _ belongs to the module that defines it: of framework objects it is the raw handle behind the promise",
        "the object's public methods; ask its owner for one if none fits",
        "from cruck.framework.io.host_file import HostFile\n\ndef number(file: HostFile) -> int:\n    return file._fd\n",
        "class Node:\n    def __init__(self) -> None:\n        self._size = 0\n\n    def size(self) -> int:\n        return self._size\n",
    ),
    Rule(
        "dunder-reach",
        "special attributes lead from any object to its class, its module, every loaded class and so to the host",
        "isinstance, a method of your own, super().__init__()",
        "def subclasses() -> object:\n    return ().__class__.__base__.__subclasses__()\n",
        "def is_tuple(value: object) -> bool:\n    return isinstance(value, tuple)\n",
    ),
    Rule(
        "interpreter-internals",
        "frames, code objects and tracebacks give the variables and built-ins of every caller, the framework's too",
        "pass what is needed as an argument; traceback.format_exc() for an oops",
        "def caller(generator: object) -> object:\n    return generator.gi_frame.f_back\n",
        "import traceback\n\ndef oops() -> str:\n    return traceback.format_exc()\n",
    ),
    Rule(
        "computed-attribute",
        "an attribute whose name is computed can be any attribute: no reader and no checker can tell which",
        "the attribute itself, getattr(x, 'literal', default), or a dict of functions",
        "def field(value: object, name: str) -> object:\n    return getattr(value, name)\n",
        "def field(value: object) -> object:\n    return getattr(value, 'size', 0)\n",
    ),
    Rule(
        "monkey-patch",
        "changing a module, a class or a method of somebody else's object changes what the framework and other services run",
        "a subclass, a parameter, or state of your own object",
        "import struct\n\ndef quiet(*values: object) -> bytes:\n    return b''\n\nstruct.pack = quiet\n",
        "class Counter:\n    def __init__(self) -> None:\n        self.total = 0\n\ndef reset(counter: Counter) -> None:\n    counter.total = 0\n",
    ),
    Rule(
        "module-as-value",
        "a module that is passed around or renamed cannot be followed: its attributes would escape the allow-list",
        "module.name written out, or `import module as name` at the top",
        "import collections\n\nPLACES = [collections]\n",
        "import collections as c\n\nQUEUE: c.deque[int] = c.deque()\n",
    ),
    Rule(
        "class-as-value",
        "a framework class that is passed around or renamed can be patched or called where nobody sees it",
        "call it, subclass it, annotate with it, isinstance with it: by its name",
        "from cruck.framework.mm.user_memory import UserMemory\n\ndef patch(c: object) -> None:\n    pass\n\npatch(UserMemory)\n",
        "from cruck.framework.mm.user_memory import BytesReader\n\ndef reader(data: bytes) -> BytesReader:\n    return BytesReader(data)\n",
    ),
    Rule(
        "forged-capability",
        "an object that stands for something of the host is a permission: who can make one from a number or a path needs no permission",
        "take it as a parameter: the host side (sandbox/world.py) makes capabilities and hands them out",
        "from cruck.framework.io.host_file import HostFile\n\nFILE = HostFile(3)\n",
        "from cruck.framework.io.host_file import HostFile\n\nclass Disk:\n    def __init__(self, file: HostFile) -> None:\n        self.file = file\n",
    ),
    Rule(
        "format-reach",
        "the fields of a format string reach attributes: '{0.__class__}'.format(x) is x.__class__",
        "an f-string, % formatting, or a literal with plain fields",
        "def show(value: object) -> str:\n    return '{0.__class__}'.format(value)\n",
        "def show(value: int) -> str:\n    return f'{value:#x}' + '{:>4}'.format(value)\n",
    ),
    Rule(
        "dynamic-type",
        "type() makes classes and hands out constructors that the source does not name; a metaclass runs in every subclass",
        "a class statement; isinstance; `type(x) is Y`",
        "Evil = type('Evil', (), {})\n",
        "def same(a: object, b: object) -> bool:\n    return type(a) is type(b)\n",
    ),
    Rule(
        "special-method",
        "the interpreter calls it behind the reader's back, so objects lie about their class, attributes or value to the framework",
        "an ordinary method; properties for computed attributes",
        "class Any:\n    def __getattr__(self, name: str) -> object:\n        return name\n",
        "class Box:\n    def __init__(self, size: int) -> None:\n        self.size = size\n\n    def __len__(self) -> int:\n        return self.size\n",
    ),
    Rule(
        "decorator",
        "a decorator is a call: what it returns replaces the checked function or class",
        "property, staticmethod, classmethod, final, overload, dataclass …, or a function of a service",
        "TABLE = [str]\n\n@TABLE[0]\ndef f() -> None:\n    pass\n",
        "from dataclasses import dataclass\n\n@dataclass\nclass Pair:\n    a: int\n    b: int\n",
    ),
    Rule(
        "super-arguments",
        "super(Class, object) calls another class's method on an object that is not its own, past its overrides",
        "super().method() in a method",
        "def raw(c: object, x: object) -> object:\n    return super(c, x)\n",
        "class Base:\n    def close(self) -> None:\n        pass\n\nclass Log(Base):\n    def close(self) -> None:\n        super().close()\n",
    ),
    Rule(
        "syntax",
        "what cannot be parsed cannot be checked",
        "valid Python in UTF-8",
        "def f(:\n",
        "def f() -> None:\n    pass\n",
    ),
)

RULES: Final[dict[str, Rule]] = {rule.name: rule for rule in _TABLE}
