# SPDX-License-Identifier: MPL-2.0
"""Coverage-guided fuzzing of every parser of bytes in the framework: libFuzzer on the C ones, atheris on the Python ones.

    python run.py c|python SECONDS [TARGET …]      each target that long, two at a time; 77: clang or atheris is missing

Inputs that were found to reach something new stay in build/fuzz/<target>/corpus and are where the next run starts. An input that fails is
kept beside it as crash-…: put it into tests/fuzz/regressions/<target>-<what>, which tests/fuzz/test_parsers.py replays.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
MACHINE = os.path.join(ROOT, "src", "cruck", "framework", "machine")
BUILD = os.path.join(ROOT, "build", "fuzz")
REGRESSIONS = os.path.join(ROOT, "tests", "fuzz", "regressions")
C_TARGETS = ("context_area", "order_batches", "maps_text", "stat_text")
PYTHON_TARGETS = ("vdso", "cpuinfo", "auxv", "egress", "cursors", "host_paths")
MISSING_TOOL = 77
QUICK_SECONDS = 10  # up to here the mutations are the same each time: CI shall not find by chance what it is not asked for


def compile_target(compiler: str, target: str, output: str, *flags: str) -> None:
    """Errors: CalledProcessError, with the compiler's words on stderr."""
    subprocess.run(
        [
            compiler, "-std=gnu11", "-D_GNU_SOURCE", "-DSTUB_ABI=1u", f"-I{MACHINE}", f"-I{HERE}", "-g", "-O1", "-Wall", "-Wno-unused-function",
            "-fno-sanitize-recover=all", *flags, "-o", output, os.path.join(HERE, f"{target}.c"),
        ],
        check=True,
    )  # fmt: skip


def find_clang() -> str | None:
    """One that has libFuzzer."""
    for name in ("clang", *(f"clang-{version}" for version in range(21, 13, -1))):
        path = shutil.which(name)
        if path is None:
            continue
        found = subprocess.run([path, "-print-runtime-dir"], capture_output=True, text=True).stdout.strip()
        if glob.glob(os.path.join(found, "libclang_rt.fuzzer*.a")) or glob.glob(os.path.join(found, "*", "libclang_rt.fuzzer*.a")):
            return path
    return None


def fuzz(target: str, command: list[str], seconds: float) -> tuple[str, bool]:
    """(what to say, has it failed)."""
    folder = os.path.join(BUILD, target)
    seeds, corpus = os.path.join(folder, "seeds"), os.path.join(folder, "corpus")
    for path in (seeds, corpus):
        os.makedirs(path, exist_ok=True)
    for path in glob.glob(os.path.join(REGRESSIONS, f"{target}-*")):
        shutil.copy(path, seeds)
    command = [*command, f"-max_total_time={seconds:.0f}", "-max_len=20000", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    command += [f"-artifact_prefix={folder}/", *(["-seed=1"] if seconds <= QUICK_SECONDS else []), corpus, seeds]
    environment = os.environ | {"SEEDS": seeds, "PYTHONPATH": os.path.join(ROOT, "src")}  # interpreted: what is compiled shows no coverage
    result = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    output = result.stdout + result.stderr
    if result.returncode != 0:
        return f"{target}: status {result.returncode}; see {folder}\n{output[-6000:]}", True
    executed = re.search(r"number_of_executed_units: (\d+)", output)
    covered = re.findall(r"cov: (\d+)", output)
    return f"{target} {int(executed[1]) if executed else 0:,} inputs, {covered[-1] if covered else '?'} edges", False


def main(arguments: list[str]) -> int:
    kind, seconds, wanted = arguments[0], float(arguments[1]), arguments[2:]
    targets = [target for target in (C_TARGETS if kind == "c" else PYTHON_TARGETS) if not wanted or target in wanted]
    commands: dict[str, list[str]] = {}
    if kind == "c":
        clang = find_clang()
        if clang is None:
            print("needs clang with libFuzzer (Debian: clang-14 and libclang-rt-14-dev)", file=sys.stderr)
            return MISSING_TOOL
        for target in targets:
            os.makedirs(os.path.join(BUILD, target), exist_ok=True)
            program = os.path.join(BUILD, target, "program")
            compile_target(clang, target, program, "-fsanitize=fuzzer,address,undefined")
            commands[target] = [program]
    else:
        try:
            import atheris  # noqa: F401
        except ImportError:
            print("needs atheris (pip install atheris)", file=sys.stderr)
            return MISSING_TOOL
        commands = {target: [sys.executable, os.path.join(HERE, "python_targets.py"), target] for target in targets}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda target: fuzz(target, commands[target], seconds), targets))
    for text, has_failed in results:
        print(text if has_failed else f"figures: {text}")
    return 1 if any(has_failed for _, has_failed in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
