# SPDX-License-Identifier: MPL-2.0
"""Sentences for the user on standard error. A terminal or pipe that has gone away must not change the program's exit status."""

import os


def say(text: str) -> None:
    """Writes `text`, each line preceded by "cruck: "."""
    lines = [line if line.startswith("cruck: ") else f"cruck: {line}" for line in text.splitlines()]
    write("".join(line + "\n" for line in lines))


def write(text: str) -> None:
    """Unbuffered, so that it keeps its place among the program's own output."""
    data = text.encode("utf-8", "surrogateescape")
    while data:
        try:
            data = data[os.write(2, data) :]
        except OSError:
            return
