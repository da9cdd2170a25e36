# SPDX-License-Identifier: MPL-2.0
"""The kernel's log: levelled lines kept in a bounded ring and optionally written to a stream of the host.

Guard anything that formats by `level`: a message that is not wanted must cost nothing.
"""

from typing import Final, TextIO

DEBUG: Final = 0
INFO: Final = 1
WARNING: Final = 2
ERROR: Final = 3
NAMES: Final = ("debug", "info", "warning", "error")
RING_LINES: Final = 1000


class Log:
    level: int  # messages below it are dropped
    lines: list[str]  # the last RING_LINES

    def __init__(self, level: int = INFO, stream: TextIO | None = None) -> None:
        self.level = level
        self.lines = []
        self._stream = stream

    def _emit(self, level: int, text: str) -> None:
        if level < self.level:
            return
        line = f"cruck: {NAMES[level]}: {text}"
        self.lines.append(line)
        if len(self.lines) > RING_LINES:
            del self.lines[: RING_LINES // 2]
        if self._stream is not None:
            self._stream.write(line + "\n")
            self._stream.flush()

    def debug(self, text: str) -> None:
        self._emit(DEBUG, text)

    def info(self, text: str) -> None:
        self._emit(INFO, text)

    def warning(self, text: str) -> None:
        self._emit(WARNING, text)

    def error(self, text: str) -> None:
        self._emit(ERROR, text)

    def __getstate__(self) -> tuple[int, list[str]]:
        """The stream is the host's: a copy of a kernel logs to its ring only."""
        return self.level, self.lines

    def __setstate__(self, state: tuple[int, list[str]]) -> None:
        self.level, self.lines = state
        self._stream = None
