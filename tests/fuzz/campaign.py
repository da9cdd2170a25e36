# SPDX-License-Identifier: MPL-2.0
"""A long run of tests/fuzz/syscall_fuzzer.c: kernel after kernel with other seeds and numbers of threads, until their guests have made so many
random calls (those of wild children come on top, uncounted).

    python campaign.py CALLS [FIRST_SEED]

Prints what is found with the command that replays it, and at the end "figures: …". Exit status 0 if nothing was found.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guest import build
from signatures_header import header

HERE = Path(__file__).parent
# (calls a round, threads, rounds): one thread is replayed exactly, many find what meets.
SHAPES = ((6_000, 1, 8), (12_000, 3, 10), (12_000, 8, 10), (12_000, 2, 10))
FIGURES = re.compile(
    r"figures: seed \d+: (\d+) random calls, (\d+) wild children, (\d+) calls in all, \d+ rounds, (\d+) oopses, (\d+) leaks"
)


def main(arguments: list[str]) -> int:
    wanted = int(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 else 1_000_000
    first = seed
    nr_calls = nr_wild = nr_served = nr_oopses = nr_leaks = nr_bad = nr_kernels = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "signatures.h").write_text(header())
        build(HERE / "syscall_fuzzer.c", directory, f"-I{directory}")
        while nr_calls < wanted:
            count, threads, rounds = SHAPES[nr_kernels % len(SHAPES)]
            command = [sys.executable, str(HERE / "fuzz_kernel.py"), name, *map(str, (seed, count, threads, rounds))]
            try:
                result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
                text, status = result.stdout.decode("utf-8", "replace"), result.returncode
            except subprocess.TimeoutExpired as error:
                text, status = (error.stdout or b"").decode("utf-8", "replace") + "\nHANG: no end after 900 s", 3
            found = FIGURES.search(text)
            if found is not None:
                nr_calls += int(found[1])
                nr_wild += int(found[2])
                nr_served += int(found[3])
                nr_oopses += int(found[4])
                nr_leaks += int(found[5])
            nr_kernels += 1
            if status or found is None:
                nr_bad += 1
                shown = [line for line in text.splitlines() if not line.endswith(" calls")]
                print(f"FOUND by {' '.join(command)}\n" + "\n".join(shown[-60:]), flush=True)
                if nr_bad > 20:
                    break
            if nr_kernels % 20 == 0:
                print(
                    f"{nr_calls} random calls, {nr_kernels} kernels, {nr_bad} with findings, {time.monotonic() - started:.0f} s", flush=True
                )
            seed += 1000
    print(
        f"figures: {nr_calls} random calls and {nr_wild} wild children ({nr_served} calls in all) in {nr_kernels} kernels, seeds {first} to {seed}, "
        f"{nr_oopses} oopses, {nr_leaks} leaks, {nr_bad} kernels with findings"
    )
    return 1 if nr_bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
