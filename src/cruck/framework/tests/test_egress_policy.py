# SPDX-License-Identifier: MPL-2.0
"""Which addresses a policy lets through, and the reason it gives."""

import pytest

from cruck.framework.io.egress_policy import MAX_PINS, EgressPolicy, format_address, parse_address


def decide(policy: EgressPolicy, address: str, port: int = 443) -> bool:
    decision = policy.decide(parse_address(address), port)
    assert not decision.advice or not decision.is_allowed
    return decision.is_allowed


def test_an_empty_list_denies_everything() -> None:
    policy = EgressPolicy([], [])
    for address in ("1.2.3.4", "127.0.0.1", "10.0.0.1", "0.0.0.0", "255.255.255.255"):
        assert not decide(policy, address)
    assert not policy.decide_name("example.com").is_allowed
    assert policy.decide(parse_address("1.2.3.4"), 80).advice == "--net-allow 1.2.3.4:80"


def test_addresses_networks_and_ports() -> None:
    policy = EgressPolicy(["1.2.3.4:80", "5.6.0.0/16:8000-8010", "9.9.9.9"], [])
    assert decide(policy, "1.2.3.4", 80) and not decide(policy, "1.2.3.4", 81) and not decide(policy, "1.2.3.5", 80)
    assert decide(policy, "5.6.200.1", 8010) and not decide(policy, "5.6.200.1", 8011) and not decide(policy, "5.7.0.1", 8000)
    assert decide(policy, "9.9.9.9", 1) and decide(policy, "9.9.9.9", 65_535)


def test_private_addresses_must_be_named() -> None:
    everything = EgressPolicy(["0.0.0.0/0"], [])
    assert decide(everything, "8.8.8.8")
    special = (
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
    )
    for address in special:
        assert not decide(everything, address), address
    named = EgressPolicy(["10.0.0.0/8", "169.254.169.254:80", "localhost:5432", "172.16.0.0/13"], [])
    assert decide(named, "10.1.2.3") and decide(named, "169.254.169.254", 80) and decide(named, "127.0.0.1", 5432)
    assert not decide(named, "169.254.169.254", 81) and not decide(named, "127.0.0.2", 5432)
    assert decide(named, "172.16.9.9") and not decide(named, "172.24.0.1")


def test_a_name_allows_the_addresses_pinned_for_it_only() -> None:
    policy = EgressPolicy(["example.com:443", "*.cdn.example"], [])
    address = parse_address("93.184.216.34")
    assert not policy.decide(address, 443).is_allowed
    assert policy.decide_name("example.com").is_allowed and not policy.decide_name("www.example.com").is_allowed
    assert policy.decide_name("a.b.cdn.example").is_allowed and not policy.decide_name("cdn.example").is_allowed
    assert not policy.decide_name("evilcdn.example").is_allowed
    policy._pin("example.com", (address,))
    assert policy.decide(address, 443).is_allowed and not policy.decide(address, 80).is_allowed
    assert policy.decide(address, 80).advice == "--net-allow example.com:80"
    policy._pin("example.com", (parse_address("6.6.6.6"),))  # a second answer changes nothing
    assert not decide(policy, "6.6.6.6")


def test_a_name_does_not_lead_to_private_addresses() -> None:
    policy = EgressPolicy(["rebind.example"], [])
    policy._pin("rebind.example", tuple(parse_address(text) for text in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "1.1.1.1")))
    assert not decide(policy, "127.0.0.1") and not decide(policy, "169.254.169.254") and not decide(policy, "10.0.0.1")
    assert decide(policy, "1.1.1.1")
    assert policy.decide(parse_address("10.0.0.1"), 80).advice == "--net-allow 10.0.0.1:80"


def test_deny_wins() -> None:
    policy = EgressPolicy(["0.0.0.0/0", "*.example"], ["8.8.0.0/16", "bad.example", "1.1.1.1:53"])
    assert not decide(policy, "8.8.4.4") and decide(policy, "8.9.0.0")
    assert not decide(policy, "1.1.1.1", 53) and decide(policy, "1.1.1.1", 443)
    assert not policy.decide_name("bad.example").is_allowed
    policy._pin("bad.example", (parse_address("7.7.7.7"),))
    decision = policy.decide(parse_address("7.7.7.7"), 443)
    assert (decision.is_allowed, decision.rule, decision.advice) == (False, "--net-deny bad.example", "")


def test_pins_are_bounded() -> None:
    policy = EgressPolicy(["*.example"], [])
    for number in range(MAX_PINS + 10):
        policy._pin(f"n{number}.example", (number,))
    assert len(policy._pins) == MAX_PINS and not policy.decide_name("one-more.example").is_allowed


@pytest.mark.parametrize("text", ["", ":80", "a:b:c", "::1", "[::1", "[]", "[]:80", "[::1]80", "[1.2.3.4]", "[name]", "[::1%lo]", "[2001::1/32]", "[::/129]", "[::1]:0", "1.2.3", "1.2.3.4/33", "1.2.3.4/8", "a.b:0", "a.b:70000", "a.b:9-8", "a b", "*", "a..b/8", "x:"])  # fmt: skip
def test_malformed_rules_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        EgressPolicy([text], [])


def test_addresses_as_text() -> None:
    assert format_address(parse_address("1.2.3.255")) == "1.2.3.255"


def test_ipv6_addresses_must_be_named_unless_they_are_public() -> None:
    policy = EgressPolicy(["[::/0]:443", "0.0.0.0/0:443", "[::1]:80", "[fd00::/8]:80", "[2001:db8::/32]:80"], ["[2600::5]"])
    assert decide(policy, "2600::1", 443) and not decide(policy, "2600::1", 80) and not decide(policy, "2600::5", 443)
    assert decide(policy, "::1", 80) and decide(policy, "fd12::1", 80) and decide(policy, "2001:db8::1", 80)
    for text in (
        "::1",
        "::",
        "::2",
        "::127.0.0.1",
        "fd12::1",
        "fe80::1",
        "fec0::2",
        "ff02::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
    ):
        assert not decide(policy, text, 443)
    assert not policy.decide(parse_address("::ffff:1.2.3.4"), 443).is_allowed  # only as IPv4
    assert policy.decide(parse_address("::1"), 81).advice == "--net-allow [::1]:81"


def test_numbers_of_ipv6_and_ipv4_addresses_never_meet() -> None:
    policy = EgressPolicy(["[::1]", "0.0.0.1"], [])
    assert parse_address("::1") != parse_address("0.0.0.1")
    assert EgressPolicy(["[::7f00:1]"], []).has_ipv6() and not EgressPolicy(["127.0.0.1"], ["[::1]"]).has_ipv6()
    assert not EgressPolicy(["[::7f00:1]"], []).decide(0x7F000001, 80).is_allowed
    assert not EgressPolicy(["127.0.0.1"], []).decide(parse_address("::7f00:1"), 80).is_allowed
    assert policy.has_ipv6()
    for text in ("::1", "2001:db8::5:0:1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"):
        assert format_address(parse_address(text)) == text
