# SPDX-License-Identifier: MPL-2.0
"""--network, --net-allow, --net-deny, -p: what of the host's network a kernel is given. Imported only by runs that ask for one.

`none`: not even loopback. `loopback`: the default, nothing leaves. `proxy`: a gateway whose HostNetwork applies the policy; without
--net-allow it denies everything.
"""

from cruck.abi.socket import AF_INET
from cruck.framework.io.egress_policy import EgressPolicy, parse_address
from cruck.framework.io.host_socket import HostListener, HostNetwork
from cruck.kernel.kernel import Kernel
from cruck.kernel.net.gateway.gateway import Gateway
from cruck.kernel.net.inet.family import InetFamily
from cruck.kernel.net.inet.interface import loopback
from cruck.sandbox.config import ConfigError, RunConfig


def set_up(kernel: Kernel, config: RunConfig) -> None:
    """Errors: ConfigError (a malformed rule, options that contradict each other, a port of the host that cannot be had)."""
    mode = config.network_mode()
    if mode != "proxy" and (config.net_allow or config.net_deny or config.published):
        raise ConfigError(f"--network {mode} leaves nothing for --net-allow, --net-deny and -p to decide; use --network proxy")
    family = kernel.families.get(AF_INET)
    assert isinstance(family, InetFamily)
    if mode == "none":
        family.stack.interfaces[0] = loopback(False)
        return
    try:
        policy = EgressPolicy(config.net_allow, config.net_deny)
    except ValueError as error:
        raise ConfigError(f"network rule: {error}") from None
    gateway = Gateway(family.stack, HostNetwork(policy))
    for text in config.published:
        address, host_port, guest_port = parse_publish(text)
        try:
            listener = HostListener(address, host_port)
        except OSError as error:
            raise ConfigError(f"-p {text}: cannot listen on {address}:{host_port}: {error.strerror}") from None
        gateway.publish(kernel, listener, guest_port)


def parse_publish(text: str) -> tuple[str, int, int]:
    """(host address, host port, guest port) of [ADDR:]HOST:GUEST; without ADDR only this host can connect. Errors: ConfigError."""
    parts = text.split(":")
    if len(parts) == 2:
        parts.insert(0, "127.0.0.1")
    try:
        address, host_port, guest_port = parts[0], int(parts[1]), int(parts[2])
        parse_address(address)
        if len(parts) == 3 and 0 <= host_port < 65_536 and 0 < guest_port < 65_536:
            return address, host_port, guest_port
    except (ValueError, IndexError):
        pass
    raise ConfigError(f"-p takes [ADDR:]HOST:GUEST, such as 8080:80 or 0.0.0.0:8080:80, not {text!r}")
