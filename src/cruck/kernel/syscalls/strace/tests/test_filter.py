# SPDX-License-Identifier: MPL-2.0
"""strace's -e expressions."""

import pytest

from cruck.abi.syscall_numbers import NAMES
from cruck.kernel.syscalls.strace.filter import _CLASSES_TEXT, parse_expression


@pytest.mark.parametrize("text", ["open,close", "trace=open,close", "t=open,close", " open, close "])
def test_names_are_listed_with_or_without_the_qualifier(text: str) -> None:
    chosen = parse_expression(text)
    assert chosen.matches("open") and chosen.matches("close") and not chosen.matches("openat")


def test_classes_work_with_and_without_percent_sign() -> None:
    for text in ("%file", "file", "trace=%file"):
        assert parse_expression(text).matches("openat")
        assert not parse_expression(text).matches("read")
    assert parse_expression("%net").matches("socket")
    assert parse_expression("%process,read").matches("clone3")


def test_negation_all_and_none() -> None:
    assert not parse_expression("!futex").matches("futex")
    assert parse_expression("!futex").matches("read")
    assert parse_expression("all").matches("anything")
    assert not parse_expression("none").matches("read")
    assert parse_expression("!none").matches("read")
    assert not parse_expression("!all").matches("read")


def test_patterns_and_optional_names() -> None:
    assert parse_expression("/^epoll").matches("epoll_wait")
    assert not parse_expression("/^epoll").matches("poll")
    assert not parse_expression("?no_such_call").matches("read")


@pytest.mark.parametrize("text", ["no_such_call", "%nothing", "/(", "open,clsoe"])
def test_mistakes_are_named(text: str) -> None:
    with pytest.raises(ValueError):
        parse_expression(text)


def test_members_of_classes_are_calls_of_this_architecture() -> None:
    unknown = {name for names in _CLASSES_TEXT.values() for name in names.split()} - set(NAMES.values())
    assert not unknown
