# SPDX-License-Identifier: MPL-2.0
"""A row of the system-call table: number, name, handler, and how far the call is supported."""

from collections.abc import Callable


class Row:
    number: int
    name: str
    handler: Callable[..., int]
    support: str  # "full" or "partial"; a number without a row is "none"
    note: str  # what is missing; shown to users

    def __init__(self, number: int, name: str, handler: Callable[..., int], note: str) -> None:
        self.number = number
        self.name = name
        self.handler = handler
        self.support = "partial" if note else "full"
        self.note = note


def row(number: int, name: str, handler: Callable[..., int], note: str = "") -> Row:
    """`note`: from partial()."""
    return Row(number, name, handler, note)


def partial(what_is_missing: str) -> str:
    """Marks a row as partly supported."""
    return what_is_missing
