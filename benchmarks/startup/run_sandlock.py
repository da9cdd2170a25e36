# SPDX-License-Identifier: MPL-2.0
"""python run_sandlock.py CMD...: what `cruck run` is, with PyPI's sandlock."""

import sys

from sandlock import Sandbox  # type: ignore[import-not-found]

READABLE = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", "/dev"]
raise SystemExit(Sandbox(fs_readable=READABLE).run(sys.argv[1:]).exit_code)
