# SPDX-License-Identifier: MPL-2.0
"""What a service may name: the framework's public API, pure standard modules, built-ins, special methods.

Lists of what is allowed, never of what is not: what nobody thought of is refused. The few lists of forbidden names here only
choose a better rule name for the diagnostic. A test compares the framework's list with the framework (no name that is absent).
"""

from typing import Final

# Public API of the framework: module → names.
FRAMEWORK: Final[dict[str, frozenset[str]]] = {
    "cruck.framework.hardware": frozenset("""
        PAGE_SIZE PAGE_MASK PROT_READ PROT_WRITE PROT_EXEC
        STOP_SYSCALL STOP_FAULT STOP_EXCEPTION STOP_INTERRUPTED STOP_DEAD STOP_HOST PTE_COW PTE_HOST PTE_SEGMENT
        R15 R14 R13 R12 RBP RBX R11 R10 R9 R8 RAX RCX RDX RSI RDI ORIG_RAX RIP CS EFLAGS RSP SS FS_BASE GS_BASE NR_REGS
        Segment AddressSpace Context Machine Stop
        """.split()),
    "cruck.framework.mm.user_memory": frozenset("""
        UserFault FaultResolver UserMemory VmReader VmWriter UserReader UserWriter BytesReader BytesWriter
        """.split()),
    "cruck.framework.clock": frozenset({"Clock", "HostClock", "ManualClock"}),
    "cruck.framework.entropy": frozenset({"Entropy", "HostEntropy", "SeededEntropy"}),
    "cruck.framework.log": frozenset({"Log", "DEBUG", "INFO", "WARNING", "ERROR"}),
    "cruck.framework.host_info": frozenset({"HostInfo"}),
    "cruck.framework.vdso_image": frozenset({"load"}),
    "cruck.framework.io.host_file": frozenset({"HostFile"}),
    "cruck.framework.io.host_stream": frozenset({"HostStream", "PIPE_BUF"}),
    "cruck.framework.io.host_terminal": frozenset({"HostTerminal"}),
    "cruck.framework.io.host_socket": frozenset({"HostNetwork", "HostSocket", "HostListener", "HostLookup"}),
    "cruck.framework.io.egress_policy": frozenset({"EgressPolicy", "Decision"}),
    "cruck.framework.io.host_directory": frozenset({"HostDirectory"}),
    "cruck.framework.io.host_tree_file": frozenset({"HostTreeFile", "HostStat"}),
}  # fmt: skip

# Objects of the host: services use those they are given and make none.
CAPABILITIES: Final = frozenset({
    ("cruck.framework.io.host_file", "HostFile"),
    ("cruck.framework.io.host_stream", "HostStream"),
    ("cruck.framework.io.host_terminal", "HostTerminal"),
    ("cruck.framework.io.host_socket", "HostNetwork"),
    ("cruck.framework.io.host_socket", "HostSocket"),
    ("cruck.framework.io.host_socket", "HostListener"),
    ("cruck.framework.io.host_socket", "HostLookup"),
    ("cruck.framework.io.egress_policy", "EgressPolicy"),
    ("cruck.framework.io.host_directory", "HostDirectory"),
    ("cruck.framework.io.host_tree_file", "HostTreeFile"),
    ("cruck.framework.clock", "HostClock"),
    ("cruck.framework.entropy", "HostEntropy"),
})  # fmt: skip

# Packages whose modules are services: anything public in them, checked by the same rules.
SERVICES: Final = ("cruck.abi", "cruck.kernel")

# Pure standard modules: module → names. The modules inside (collections._sys, dataclasses.inspect) are not among them, nor what
# evaluates strings (typing.get_type_hints, dataclasses.make_dataclass) or reaches by strings (operator.attrgetter, string.Formatter).
STANDARD: Final[dict[str, frozenset[str]]] = {
    "__future__": frozenset({"annotations"}),
    "abc": frozenset({"ABC", "abstractmethod"}),
    "bisect": frozenset({"bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque", "namedtuple"}),
    "collections.abc": frozenset("""
        Buffer ByteString Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping
        MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView
        """.split()),
    "dataclasses": frozenset({"dataclass", "field", "KW_ONLY"}),
    "enum": frozenset({"Enum", "Flag", "IntEnum", "IntFlag", "auto", "unique"}),
    "functools": frozenset({"cmp_to_key", "reduce", "total_ordering"}),
    "heapq": frozenset({"heapify", "heappop", "heappush", "heappushpop", "heapreplace", "merge", "nlargest", "nsmallest"}),
    "itertools": frozenset("""
        accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby islice
        pairwise permutations product repeat starmap takewhile tee zip_longest
        """.split()),
    "math": frozenset({"ceil", "comb", "floor", "gcd", "inf", "isqrt", "lcm", "log", "log2", "perm", "pow", "prod", "sqrt", "trunc"}),
    "re": frozenset("""
        ASCII DOTALL IGNORECASE MULTILINE VERBOSE Match Pattern compile error escape findall finditer fullmatch match search split sub
        """.split()),
    "string": frozenset("""
        ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation whitespace
        """.split()),
    "struct": frozenset({"Struct", "calcsize", "error", "iter_unpack", "pack", "pack_into", "unpack", "unpack_from"}),
    "traceback": frozenset({"format_exc", "format_exception"}),
    "typing": frozenset("""
        Annotated Any AnyStr BinaryIO Callable ClassVar Collection Concatenate Container Final Generator Generic Hashable Iterable Iterator
        Literal LiteralString Mapping MutableMapping MutableSequence MutableSet Never NamedTuple NewType NoReturn NotRequired Optional
        ParamSpec Protocol Required Self Sequence Sized SupportsInt TYPE_CHECKING Text TypeAlias TypeGuard TypeVar TypedDict Union
        Unpack assert_never cast final no_type_check overload override runtime_checkable
        """.split()),
}  # fmt: skip

BUILTINS: Final = frozenset("""
    False None True Ellipsis NotImplemented
    abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format frozenset hash
    hex id int isinstance issubclass iter len list map max min next object oct ord pow property range repr reversed round set slice sorted
    staticmethod str sum tuple zip
    ArithmeticError AssertionError AttributeError BufferError EOFError Exception ExceptionGroup FloatingPointError IndexError KeyError
    ImportError LookupError MemoryError ModuleNotFoundError NameError NotImplementedError OSError OverflowError RecursionError ReferenceError RuntimeError
    StopIteration TypeError UnicodeDecodeError UnicodeEncodeError UnicodeError UnboundLocalError ValueError ZeroDivisionError
    BlockingIOError BrokenPipeError ConnectionError FileExistsError FileNotFoundError InterruptedError IsADirectoryError
    NotADirectoryError PermissionError TimeoutError BaseException Warning
    """.split())  # fmt: skip
# Allowed in one form only; checker.py says which.
FORMS: Final = frozenset({"getattr", "hasattr", "setattr", "delattr", "type", "super"})
# Forbidden built-ins → the rule they break. What is not named here breaks unknown-name.
FORBIDDEN: Final[dict[str, str]] = {
    **dict.fromkeys(("exec", "eval", "compile", "__import__", "__build_class__"), "dynamic-code"),
    **dict.fromkeys(
        (
            "open",
            "input",
            "print",
            "breakpoint",
            "help",
            "exit",
            "quit",
            "copyright",
            "credits",
            "license",
            "SystemExit",
            "KeyboardInterrupt",
        ),
        "host-io",
    ),
    **dict.fromkeys(("globals", "locals", "vars", "dir"), "namespace-reach"),
    "memoryview": "buffer-alias",
}

# Special names.
READABLE_NAMES: Final = frozenset({"__name__", "__debug__"})  # as plain names
WRITABLE_NAMES: Final = frozenset({"__all__", "__slots__", "__match_args__", "__version__"})
READABLE_ATTRIBUTES: Final = frozenset({"__name__", "__qualname__"})  # of anything: strings
SUPER_ATTRIBUTES: Final = frozenset(
    {"__init__", "__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__enter__", "__exit__", "__post_init__"}
)
SPECIAL_METHODS: Final = frozenset("""
    __init__ __post_init__ __repr__ __str__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __bool__ __len__ __iter__ __next__
    __reversed__ __contains__ __getitem__ __setitem__ __delitem__ __enter__ __exit__ __call__ __add__ __sub__ __mul__ __and__ __or__
    __xor__ __invert__ __neg__ __lshift__ __rshift__ __floordiv__ __mod__ __iadd__ __isub__ __iand__ __ior__ __getstate__ __setstate__
    """.split())  # fmt: skip
# Underscored, but the documented interface of NamedTuple.
PUBLIC_UNDERSCORED: Final = frozenset({"_asdict", "_fields", "_make", "_replace"})

# Methods of the framework's objects that are plain fields of services' objects (a file's size, a task's wait), so assigning is allowed.
FIELDS_OF_SERVICES: Final = frozenset({"error", "nr_pages", "size", "wait"})

# Attributes of frames, code, generators, tracebacks, functions and classes; no service has fields of these names.
INTERPRETER_ATTRIBUTES: Final = frozenset("""
    f_back f_builtins f_code f_globals f_lineno f_locals f_trace tb_frame tb_lasti tb_lineno tb_next
    gi_code gi_frame gi_running gi_yieldfrom cr_await cr_code cr_frame cr_origin cr_running ag_await ag_code ag_frame ag_running
    co_code co_consts co_names co_varnames co_freevars co_cellvars co_filename co_flags co_argcount co_stacksize
    func_code func_globals func_dict func_closure im_func im_self im_class mro cell_contents with_traceback
    """.split())  # fmt: skip

# (module or "" for a built-in, name) of decorators; besides them x.setter and the functions of services.
DECORATORS: Final = frozenset({
    ("", "property"), ("", "staticmethod"), ("", "classmethod"),
    ("typing", "final"), ("typing", "overload"), ("typing", "override"), ("typing", "no_type_check"), ("typing", "runtime_checkable"),
    ("dataclasses", "dataclass"), ("abc", "abstractmethod"), ("functools", "total_ordering"), ("enum", "unique"),
})  # fmt: skip
