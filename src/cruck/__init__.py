# SPDX-License-Identifier: MPL-2.0
"""cruck: a framekernel. `cruck.run(["ls", "-l"], capture_output=True, text=True)` runs an unmodified Linux program on a
kernel made of Python objects; `subprocess.run` is the model of its arguments and results."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["CompletedProcess", "TimeoutExpired", "__version__", "run"]

if TYPE_CHECKING:
    from cruck.sandbox.api import CompletedProcess, TimeoutExpired, run


def __getattr__(name: str) -> object:
    """Imports the API on first use: start-up is a feature."""
    if name in __all__:
        from cruck.sandbox import api

        return getattr(api, name)
    raise AttributeError(f"module 'cruck' has no attribute {name!r}")
