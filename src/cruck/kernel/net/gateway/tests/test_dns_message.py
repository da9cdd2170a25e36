# SPDX-License-Identifier: MPL-2.0
"""DNS messages byte by byte."""

import random

from cruck.kernel.net.gateway import dns_message as dns

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07Example\x03com\x00\x00\x01\x00\x01"


def test_question_and_answer() -> None:
    question = dns.parse_question(QUERY)
    assert isinstance(question, dns.Question)
    assert (question.identity, question.recursion_desired, question.name, question.kind) == (0x1234, True, "example.com", dns.TYPE_A)
    found = dns.answer(question, (0x01020304,))
    assert found == (
        b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07Example\x03com\x00\x00\x01\x00\x01"
        b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04"
    )
    assert dns.refusal(question, dns.NAME_ERROR)[2:8] == b"\x81\x83\x00\x01\x00\x00"
    assert len(dns.answer(question, tuple(range(100)))) <= 512


def test_what_is_no_question() -> None:
    assert dns.parse_question(b"") == -1
    assert dns.parse_question(QUERY[:2] + b"\x81\x80" + QUERY[4:]) == -1  # an answer
    assert dns.parse_question(QUERY[:2] + b"\x11\x00" + QUERY[4:]) == dns.NOT_IMPLEMENTED  # another opcode
    assert dns.parse_question(QUERY[:4] + b"\x00\x02" + QUERY[6:]) == dns.FORMAT_ERROR
    assert dns.parse_question(QUERY[:12] + b"\xc0\x0c\x00\x01\x00\x01") == dns.FORMAT_ERROR  # a pointer to itself
    assert dns.parse_question(QUERY[:-1] + b"\x03") == dns.NOT_IMPLEMENTED  # another class
    for cut in range(12, len(QUERY)):
        assert dns.parse_question(QUERY[:cut]) == dns.FORMAT_ERROR
    assert dns.bare_refusal(QUERY, dns.FORMAT_ERROR) == b"\x12\x34\x81\x81" + bytes(8)


def test_any_bytes_have_an_answer() -> None:
    chance = random.Random(6)
    for _ in range(3000):
        data = bytearray(QUERY)
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        question = dns.parse_question(bytes(data[: chance.randrange(len(data) + 1)]))
        if isinstance(question, dns.Question):
            assert len(dns.answer(question, (1, 2))) <= 512
