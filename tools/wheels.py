# SPDX-License-Identifier: MPL-2.0
"""Builds a wheel for each CPython of this machine that cruck supports, and tests each in an environment that has nothing else.

python tools/wheels.py [VERSION ...]    e.g. 3.12; all that are found without one. Exits 1 when a build or a test fails.

These wheels are for machines like this one (tag linux_x86_64). Those for everybody are built by cibuildwheel in manylinux containers,
from the settings in pyproject.toml. A build takes two minutes of two processors.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Final

SUPPORTED: Final = ("3.11", "3.12", "3.13", "3.14")
TARGET: Final = os.path.join("build", "wheels")


def main(wanted: list[str]) -> int:
    found = {version: path for version in wanted or SUPPORTED if (path := find_python(version))}
    for version in wanted or SUPPORTED:
        if version not in found:
            print(f"wheels: no CPython {version} here; its wheel is not built", file=sys.stderr)
    os.makedirs(TARGET, exist_ok=True)
    failed = [version for version in found if not make(version, found[version])]
    for version in failed:
        print(f"wheels: CPython {version} FAILED", file=sys.stderr)
    return 1 if failed or not found or set(wanted) - set(found) else 0


def find_python(version: str) -> str:
    """The path of an interpreter that works (a pyenv shim may be there without its version), or nothing."""
    pyenv = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}")))
    for path in [shutil.which(f"python{version}"), *pyenv]:
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    return ""


def make(version: str, python: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="cruck-wheel-") as folder:
        # From a copy: other builds' leftovers below build/ are not this one's.
        source = os.path.join(folder, "source")
        shutil.copytree(".", source, ignore=shutil.ignore_patterns(".git", ".venv*", "build", "*.so", ".*cache", "local.mk"))
        environment = os.path.join(folder, "environment")
        clean = os.path.join(environment, "bin", "python")
        pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
        steps = [
            [python, "-m", "venv", environment],
            [clean, *pip, "wheel", "--no-deps", "--wheel-dir", folder, source],
        ]
        if not all(run(step, folder) for step in steps):
            return False
        (wheel,) = glob.glob(os.path.join(folder, "cruck-*.whl"))
        steps = [
            [clean, *pip, "install", wheel, "pytest", "hypothesis"],
            [os.path.join(environment, "bin", "cruck"), "run", "--", "/bin/sh", "-c", "echo a guest of cruck"],
            [clean, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "cruck"],
        ]
        if not all(run(step, folder) for step in steps):
            return False
        shutil.copy(wheel, TARGET)
        print(f"wheels: {os.path.join(TARGET, os.path.basename(wheel))} built and tested with CPython {version}")
        return True


def run(command: list[str], folder: str) -> bool:
    """Away from the sources, so that nothing of them is imported by accident."""
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, cwd=folder, env={**os.environ, "CRUCK_COMPILE": "1"}).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
