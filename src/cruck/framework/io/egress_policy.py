# SPDX-License-Identifier: MPL-2.0
"""EgressPolicy: which addresses of the host's network a run may reach. Pure data and arithmetic: no I/O.

Nothing may be reached that no rule allows, and a deny rule wins over every allow rule. A rule is `HOST[:PORT]`: HOST is an IPv4
address, a network (10.0.0.0/8), an IPv6 address or network in brackets ([::1], [2001:db8::/32]), a name or `*.name`; PORT a number, a
range (8000-8010) or left out for all. A name's rule allows the addresses that *we* found for the name (`_pin`), and those only for
ever: a second answer is not asked for. Private, loopback and link-local addresses must be named by a rule as addresses; a name that
leads there is not enough (`localhost` names 127.0.0.1). An address is a number: IPv4 below 2**32, IPv6 plus 2**128, so none is both.

Safety: `HostNetwork` asks here before every connection; nothing a service holds can change the rules, pins only grow by lookups of
names that a rule allows, and their number is bounded.
"""

from _socket import AF_INET6, inet_ntop, inet_pton
from typing import Final

MAX_PINS: Final = 4096
_ALL_PORTS: Final = (0, 65_535)
# Addresses that are not the public internet's: a name may not lead there.
_SPECIAL: Final = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    # All but 2000::/3, and what of that leads elsewhere (Teredo, 6to4, …); mapped, compatible and NAT64 ones stand for IPv4.
    "[::/3]", "[4000::/2]", "[8000::/1]", "[2001::/23]", "[2001:db8::/32]", "[2002::/16]", "[64:ff9b::/32]", "[fc00::/7]", "[fe80::/10]",
    "[ff00::/8]", "[::1/128]",
)  # fmt: skip
_IPV6: Final = 1 << 128
_MAPPED: Final = 1 << 96 | 0xFFFF  # the upper bits of ::ffff:0:0/96


class Decision:
    is_allowed: bool
    rule: str  # what decided: a flag as it was given, or a sentence
    advice: str  # the flag that would allow it; "" if it is allowed, or a deny rule forbids it

    def __init__(self, is_allowed: bool, rule: str, advice: str) -> None:
        self.is_allowed = is_allowed
        self.rule = rule
        self.advice = advice


class Rule:
    text: str
    name: str  # "": an address rule
    network: int
    is_v6: bool
    bits: int  # length of the prefix
    ports: tuple[int, int]

    def __init__(self, text: str) -> None:
        """Errors: ValueError with a sentence."""
        self.text = text
        is_v6 = text.startswith("[")
        host, colon, port = text.partition(":")
        if is_v6:
            host, _, rest = text[1:].partition("]") if "]" in text else ("", "", "")
            colon, port = rest[:1], rest[1:]
        if ":" in port or not host or colon not in ("", ":"):
            raise ValueError(f"not HOST[:PORT]: {text!r} (IPv6 addresses stand in brackets)")
        self.ports = _parse_ports(port) if colon else _ALL_PORTS
        address, _, bits = host.partition("/")
        if address.lower() == "localhost":
            address = "127.0.0.1"
        self.name, self.network, self.is_v6 = "", 0, is_v6
        self.bits = most = 128 if is_v6 else 32
        if is_v6 or address.replace(".", "").isdigit():
            self.network = parse_address(address)
            if is_v6 != (self.network >= _IPV6):
                raise ValueError(f"not an IPv6 address: {address!r}")
            if bits:
                if not bits.isdigit() or int(bits) > most:
                    raise ValueError(f"not a network: {host!r}")
                self.bits = int(bits)
            if self.network & ((1 << most - self.bits) - 1):
                raise ValueError(f"{host!r} has bits beyond its prefix")
        else:
            self.name = normal_name(host)
            if not self.name.removeprefix("*.").replace("-", "").replace(".", "").replace("_", "").isalnum():
                raise ValueError(f"neither a name nor an IPv4 address: {host!r}")

    def has_port(self, port: int) -> bool:
        return self.ports[0] <= port <= self.ports[1]

    def has_address(self, address: int) -> bool:
        shift = (128 if self.is_v6 else 32) - self.bits
        return not self.name and self.is_v6 == (address >= _IPV6) and address >> shift == self.network >> shift

    def has_name(self, name: str) -> bool:
        return name == self.name or (self.name.startswith("*.") and name.endswith(self.name[1:]))

    def is_within(self, other: "Rule") -> bool:
        """Does it name nothing but addresses of the network `other`?"""
        return not self.name and self.is_v6 == other.is_v6 and self.bits >= other.bits and other.has_address(self.network)


class EgressPolicy:
    _allow: list[Rule]
    _deny: list[Rule]
    _special: list[Rule]
    _pins: dict[str, tuple[int, ...]]  # by name: the addresses that were found for it
    _names: dict[int, list[str]]  # by address: the names that led to it

    def __init__(self, allow: list[str], deny: list[str]) -> None:
        """Errors: ValueError with a sentence: a malformed rule."""
        self._allow = [Rule(text) for text in allow]
        self._deny = [Rule(text) for text in deny]
        self._special = [Rule(text) for text in _SPECIAL]
        self._pins = {}
        self._names = {}

    def has_ipv6(self) -> bool:
        """Does any rule allow an IPv6 address?"""
        return any(rule.is_v6 for rule in self._allow)

    def decide(self, address: int, port: int) -> Decision:
        """May (address, port) be reached?"""
        if address >> 32 == _MAPPED:
            return Decision(False, "an IPv4 address in disguise", "")
        names = self._names.get(address)
        for rule in self._deny:
            if rule.has_port(port) and (rule.has_address(address) or (names is not None and any(rule.has_name(name) for name in names))):
                return Decision(False, f"--net-deny {rule.text}", "")
        special: Rule | None = None
        for network in self._special:
            if network.has_address(address):
                special = network
        shown = f"[{format_address(address)}]" if address >= _IPV6 else format_address(address)
        for rule in self._allow:
            if rule.has_port(port) and rule.has_address(address) and (special is None or rule.is_within(special)):
                return Decision(True, f"--net-allow {rule.text}", "")
        if special is not None:
            reason = f"{special.text} is not public: it must be named by its address"
            return Decision(False, reason, f"--net-allow {shown}:{port}")
        for name in names if names is not None else ():
            for rule in self._allow:
                if rule.has_port(port) and rule.has_name(name):
                    return Decision(True, f"--net-allow {rule.text} ({name} is {shown})", "")
        return Decision(False, "no rule allows it", f"--net-allow {names[0] if names else shown}:{port}")

    def decide_name(self, name: str) -> Decision:
        """May the name be looked up? Only names of allow rules: a question can carry data away too."""
        for rule in self._deny:
            if rule.has_name(name) and rule.ports == _ALL_PORTS:
                return Decision(False, f"--net-deny {rule.text}", "")
        for rule in self._allow:
            if rule.has_name(name):
                if len(self._pins) >= MAX_PINS:
                    return Decision(False, f"{MAX_PINS} names were looked up already", "")
                return Decision(True, f"--net-allow {rule.text}", "")
        return Decision(False, "no rule allows it", f"--net-allow {name}")

    def _pin(self, name: str, addresses: tuple[int, ...]) -> None:
        """What was found for `name`; the first answer stays."""
        if name not in self._pins and len(self._pins) < MAX_PINS:
            self._pins[name] = addresses
            for address in addresses:
                self._names.setdefault(address, []).append(name)


def normal_name(name: str) -> str:
    return name.lower().removesuffix(".")


def parse_address(text: str) -> int:
    """a.b.c.d, or an IPv6 address. Errors: ValueError."""
    if ":" in text:
        try:
            return _IPV6 | int.from_bytes(inet_pton(AF_INET6, text), "big")
        except OSError:
            raise ValueError(f"not an IPv6 address: {text!r}") from None
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError(f"not an IPv4 address: {text!r}")
    return int.from_bytes(bytes([int(part) for part in parts]), "big")


def format_address(address: int) -> str:
    if address >= _IPV6:
        return inet_ntop(AF_INET6, (address ^ _IPV6).to_bytes(16, "big"))
    return ".".join([str(part) for part in address.to_bytes(4, "big")])


def _parse_ports(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if text == "*":
        return _ALL_PORTS
    if not first.isdigit() or (dash and not last.isdigit()) or not 0 < int(first) <= int(last or first) < 65_536:
        raise ValueError(f"not a port or a range of ports: {text!r}")
    return int(first), int(last or first)
