# SPDX-License-Identifier: MPL-2.0
"""Servers under load, on Linux and on cruck."""

from collections.abc import Iterator

import pytest
from compare import fresh_sandbox
from serving import ServerSandbox


@pytest.fixture
def servers() -> Iterator[ServerSandbox]:
    for sandbox in fresh_sandbox():
        yield ServerSandbox(sandbox.path)
