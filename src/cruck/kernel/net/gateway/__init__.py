# SPDX-License-Identifier: MPL-2.0
"""The way from AF_INET sockets to the host's network, through a HostNetwork that applies the egress policy (docs/design/egress.md).

gateway.py       who may go where; the addresses of the virtual network
stream_relay.py  one TCP connection between a guest's socket and the host's
datagrams.py     UDP: one host socket for each pair of guest socket and destination
dns_message.py   questions and answers as bytes (sans-IO)
resolver.py      the name server at 10.0.2.3
published.py     -p: connections to a port of the host
"""
