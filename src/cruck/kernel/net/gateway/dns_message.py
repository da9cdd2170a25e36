# SPDX-License-Identifier: MPL-2.0
"""DNS messages (RFC 1035) as far as a stub's questions about names need them: bytes to Question, answer to bytes. No I/O, no state."""

import struct
from typing import Final

TYPE_A: Final = 1
CLASS_IN: Final = 1
NO_ERROR: Final = 0
FORMAT_ERROR: Final = 1
SERVER_FAILURE: Final = 2
NAME_ERROR: Final = 3  # there is no such name
NOT_IMPLEMENTED: Final = 4
MOST_ANSWERS: Final = 16  # 512 bytes hold them with any name
ANSWER_TTL_S: Final = 60

_HEADER: Final = struct.Struct(">HHHHHH")
_QR: Final = 0x8000
_OPCODE: Final = 0x7800
_RD: Final = 0x0100
_RA: Final = 0x0080


class Question:
    identity: int
    recursion_desired: bool
    name: str  # lower case, without the last dot
    kind: int  # TYPE_A, …
    raw: bytes  # the question section, which an answer repeats

    def __init__(self, identity: int, recursion_desired: bool, name: str, kind: int, raw: bytes) -> None:
        self.identity = identity
        self.recursion_desired = recursion_desired
        self.name = name
        self.kind = kind
        self.raw = raw


def parse_question(message: bytes) -> "Question | int":
    """The one question of a query, or the response code it is refused with (FORMAT_ERROR, NOT_IMPLEMENTED); −1: no query at all, stay silent."""
    if len(message) < _HEADER.size:
        return -1
    identity, flags, nr_questions, _, _, _ = _HEADER.unpack_from(message)
    if flags & _QR:
        return -1
    if flags & _OPCODE:
        return NOT_IMPLEMENTED
    if nr_questions != 1:
        return FORMAT_ERROR
    labels: list[str] = []
    at = _HEADER.size
    length = 0
    while True:
        if at >= len(message):
            return FORMAT_ERROR
        size = message[at]
        if size == 0:
            break
        label = message[at + 1 : at + 1 + size]
        length += size + 1
        if size > 63 or len(label) < size or length > 254:
            return FORMAT_ERROR  # compression makes no sense in a first name
        try:
            labels.append(label.decode("ascii"))
        except UnicodeDecodeError:
            return FORMAT_ERROR
        at += size + 1
    if at + 5 > len(message):
        return FORMAT_ERROR
    kind, group = struct.unpack_from(">HH", message, at + 1)
    if group != CLASS_IN:
        return NOT_IMPLEMENTED
    return Question(identity, flags & _RD != 0, ".".join(labels).lower(), kind, message[_HEADER.size : at + 5])


def answer(question: Question, addresses: tuple[int, ...]) -> bytes:
    """The addresses as A records; none: the name exists without any of the kind."""
    records = [
        b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, CLASS_IN, ANSWER_TTL_S, 4) + address.to_bytes(4, "big")
        for address in addresses[:MOST_ANSWERS]
    ]
    return _header(question.identity, question.recursion_desired, NO_ERROR, 1, len(records)) + question.raw + b"".join(records)


def refusal(question: Question, code: int) -> bytes:
    return _header(question.identity, question.recursion_desired, code, 1, 0) + question.raw


def bare_refusal(message: bytes, code: int) -> bytes:
    """For a query whose question was not understood. `message` has at least a header."""
    return _header(int.from_bytes(message[:2], "big"), bool(message[2] & 1), code, 0, 0)


def _header(identity: int, recursion_desired: bool, code: int, nr_questions: int, nr_answers: int) -> bytes:
    return _HEADER.pack(identity, _QR | _RA | (_RD if recursion_desired else 0) | code, nr_questions, nr_answers, 0, 0)
