# SPDX-License-Identifier: MPL-2.0
"""--strace: where the trace of a run goes. Imported only by runs that trace: the tracer's tables cost start-up time."""

import sys
from collections.abc import Callable
from typing import TextIO

from cruck.kernel.syscalls.strace.filter import parse_expression
from cruck.kernel.syscalls.strace.tracer import Sink, Tracer
from cruck.sandbox.box import Box
from cruck.sandbox.config import ConfigError, RunConfig


class StreamSink(Sink):
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        self.stream.write(text)


def attach_tracer(box: Box, config: RunConfig) -> Callable[[], None]:
    """Installs a tracer. Returns what is to be called at the end. Errors: ConfigError."""
    assert config.strace is not None
    try:
        wanted = parse_expression(config.strace)
    except ValueError as error:
        raise ConfigError(f"--strace: {error}") from None
    stream: TextIO = sys.stderr
    if config.strace_output is not None:
        try:
            stream = open(config.strace_output, "w", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115  (closed below)
        except OSError as error:
            raise ConfigError(f"cannot write the trace to {config.strace_output}: {error.strerror}") from None
    box.kernel.tracer = Tracer(StreamSink(stream), wanted)
    return stream.flush if stream is sys.stderr else stream.close
