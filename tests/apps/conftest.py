# SPDX-License-Identifier: MPL-2.0
"""Fixtures of the comparison with native Linux."""

from collections.abc import Iterator

import pytest
from compare import Sandbox, fresh_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh directory for one test; see compare.Sandbox."""
    yield from fresh_sandbox()
