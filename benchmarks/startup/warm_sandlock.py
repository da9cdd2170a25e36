# SPDX-License-Identifier: MPL-2.0
"""python warm_sandlock.py COUNT: as warm_cruck.py, with PyPI's sandlock."""

import sys
import time

from sandlock import Sandbox  # type: ignore[import-not-found]

READABLE = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", "/dev"]
for number in range(int(sys.argv[1]) + 1):
    start_ns = time.perf_counter_ns()
    result = Sandbox(fs_readable=READABLE).run(["/bin/true"])
    assert result.success, result
    if number:
        print(time.perf_counter_ns() - start_ns)
