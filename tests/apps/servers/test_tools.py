# SPDX-License-Identifier: MPL-2.0
"""What network tools read of the kernel: ss by netlink and by /proc, netstat, ip, ping."""

from compare import needs
from serving import ServerSandbox

LISTENERS = """
import os, socket, sys
made = [socket.create_server(('127.0.0.1', 8596)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)]
made[1].bind(('127.0.0.1', 8596)); made[2].bind('listener.sock'); made[2].listen(7)
client = socket.create_connection(('127.0.0.1', 8596)); client.sendall(b'12345'); server = made[0].accept()[0]
print('up', flush=True); sys.stdin.read()
"""


@needs("ss", "iproute2")
@needs("netstat", "net-tools")
def test_sockets_are_listed(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        mkfifo hold; python3 listeners.py <hold >log & exec 3>hold; until_ok grep -q up log
        ss -tnH 'sport = :8596' | awk '{print $1, $2, $3, $4}'; ss -tlnH 'sport = :8596' | awk '{print $1, $2, $3, $4}'
        ss -ulnH 'sport = :8596' | awk '{print $1, $2, $3, $4}'; ss -xlH src listener.sock | awk '{print $1, $2, $3, $4, $5}'
        ss -tlnpH 'sport = :8596' | grep -o '"python3"'
        netstat -tln | awk '/:8596/ {print $1, $2, $3, $4, $5, $6}'; netstat -xl | awk '/listener.sock/ {print $1, $4, $5, $6}'
        exec 3>&-; wait
        """,
        files={"listeners.py": LISTENERS},
    )


@needs("ip", "iproute2")
def test_loopback_as_ip_shows_it(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        ip -4 addr show lo; ip link show lo; ip -6 -br addr show lo | tr -s ' '; ip route get 127.0.0.1 | grep -o '^.*src 127.0.0.1'
        ip route show table local dev lo | grep -v ' 127.0.1'; ip link show nonesuch; cat /proc/net/if_inet6 | grep lo
        python3 -c 'import socket; print(socket.if_nametoindex("lo"), socket.if_indextoname(1))'
        """,
        status=0,
    )
