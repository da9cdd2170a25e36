# SPDX-License-Identifier: MPL-2.0
"""python warm_cruck.py COUNT: nanoseconds of each of COUNT sandboxes that run `true`, made one after another in this process.

The first, which pays for imports, is not printed.
"""

import sys
import time

import cruck

for number in range(int(sys.argv[1]) + 1):
    start_ns = time.perf_counter_ns()
    cruck.run(["/bin/true"], capture_output=True, check=True)
    if number:
        print(time.perf_counter_ns() - start_ns)
