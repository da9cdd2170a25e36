# SPDX-License-Identifier: MPL-2.0
"""Format strings: which of their fields reach attributes or items ("{0.x}", "{0[x]}", "{:{0.x}}")."""

from string import Formatter


def reaches_attributes(text: str, depth: int = 0) -> bool:
    """True also for what cannot be parsed."""
    if depth > 3:
        return True
    try:
        for _, name, spec, _ in Formatter().parse(text):
            if name is not None and ("." in name or "[" in name):
                return True
            if spec and reaches_attributes(spec, depth + 1):
                return True
    except ValueError:
        return True
    return False
