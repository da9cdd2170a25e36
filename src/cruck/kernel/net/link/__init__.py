# SPDX-License-Identifier: MPL-2.0
"""Kernels joined by links: IPv4 packets with TCP and UDP in them, through a network in memory that delays, loses and partitions.

The loopback has no packets (net/inet/tcp.py); here everything is one, so that loss, order and time can be tested. Sans-IO, bottom up:

packet.py      IPv4 and UDP as bytes           segment.py   TCP segments as bytes
rtt.py         when to send again (RFC 6298)   reassembly.py  what came out of order
connection.py  one TCP connection's state machine (RFC 9293): segments and time in, segments out
network.py     who is joined to whom, and what the way does to a packet
node.py        one kernel's place in it: an interface, its connections and datagrams
link_relay.py  carries bytes between a socket of the guest and a connection
"""
