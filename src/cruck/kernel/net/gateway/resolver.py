# SPDX-License-Identifier: MPL-2.0
"""Resolver: the name server that guests are given, at 10.0.2.3. Names are looked up by us, on the host, if the policy has a rule for them; the
first answer is pinned, and only pinned addresses may then be reached under the name's rule. Every other name does not exist.

IPv4 only: questions for other kinds of records of an allowed name are answered "none of the kind".
"""

from typing import TYPE_CHECKING

from cruck.framework.io.host_socket import HostLookup
from cruck.kernel.drivers.host_watch import POLLIN
from cruck.kernel.net.gateway import dns_message as dns
from cruck.kernel.net.inet.udp import Datagram, UdpSocket
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.net.gateway.gateway import Gateway


class PendingAnswer(Waiter):
    """A question whose name is being looked up."""

    resolver: "Resolver"
    socket: UdpSocket
    asked: Datagram
    question: dns.Question
    lookup: HostLookup
    done: WaitQueue

    def __init__(self, resolver: "Resolver", socket: UdpSocket, asked: Datagram, question: dns.Question, lookup: HostLookup) -> None:
        self.resolver = resolver
        self.socket = socket
        self.asked = asked
        self.question = question
        self.lookup = lookup
        self.done = WaitQueue()
        self.done.add(self, ALL_EVENTS)
        resolver.pending[self] = None
        socket.kernel.watch_host(lookup, POLLIN, self.done)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        if self.resolver.pending.pop(self, self) is self:
            return False  # told already
        found = self.lookup.addresses
        self.lookup.close()
        question = self.question
        self.resolver.reply(self.socket, self.asked, dns.answer(question, found) if found else dns.refusal(question, dns.NAME_ERROR))
        return False


class Resolver:
    gateway: "Gateway"
    pending: dict[PendingAnswer, None]

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.pending = {}

    def ask(self, socket: UdpSocket, asked: Datagram) -> None:
        """A datagram of the guest to the name server; the answer comes by `socket.deliver`, at once or later."""
        question = dns.parse_question(asked.data)
        if isinstance(question, int):
            if question >= 0:
                self.reply(socket, asked, dns.bare_refusal(asked.data, question))
            return
        decision = self.gateway.network.policy.decide_name(question.name)
        stack = self.gateway.stack
        stack.decisions.note(socket.kernel, f"name {question.name}", decision.is_allowed, decision.rule, decision.advice)
        if not decision.is_allowed:
            self.reply(socket, asked, dns.refusal(question, dns.NAME_ERROR))
        elif question.kind != dns.TYPE_A:
            self.reply(socket, asked, dns.answer(question, ()))
        else:
            lookup = self.gateway.network.look_up(question.name)
            if isinstance(lookup, int):
                self.reply(socket, asked, dns.refusal(question, dns.SERVER_FAILURE))
            else:
                PendingAnswer(self, socket, asked, question, lookup)

    def reply(self, socket: UdpSocket, asked: Datagram, message: bytes) -> None:
        if socket in self.gateway.stack.udp_sockets and socket.port == asked.source_port:
            socket.deliver(Datagram(message, asked.to, asked.to_port, asked.source, asked.source_port, 64, 0))
