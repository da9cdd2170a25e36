# SPDX-License-Identifier: MPL-2.0
"""Every errno that a handler's docstring names is proved by a conformance program, or unproved.txt says why it cannot be."""

import shutil
from pathlib import Path

import pytest
from errno_coverage import docstrings, errnos_of, named, proved

UNPROVED = Path(__file__).parent / "unproved.txt"

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C preprocessor")


def listed() -> set[tuple[str, str]]:
    lines = [line.split() for line in UNPROVED.read_text().splitlines() if line and not line.startswith("#")]
    return {(call, error) for call, *errors in lines for error in errors}


def test_every_errno_of_the_docstrings_is_proved_or_listed() -> None:
    assert sorted(named() - proved() - listed()) == []


def test_the_list_names_nothing_that_is_proved_or_not_named() -> None:
    assert sorted(listed() & proved()) == []
    assert sorted(listed() - named()) == []


def test_docstrings_are_understood() -> None:
    texts = {
        "a": "Errors: the path's, EBUSY (EINVALID is none).",
        "b": "As a. Errors: also EPERM.",
        "c": "As b and d.",
        "d": "−ESRCH, E2BIG",
        "e": "Always 0.",
    }
    assert errnos_of("a", texts) == {"EACCES", "EFAULT", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EBUSY"}
    assert errnos_of("b", texts) == errnos_of("a", texts) | {"EPERM"}
    assert errnos_of("c", texts) == errnos_of("b", texts) | {"ESRCH", "E2BIG"}
    assert errnos_of("e", texts) == set()
    assert len(docstrings()) > 300
