# SPDX-License-Identifier: MPL-2.0
"""IPv4, IPv6, TCP and UDP: include/uapi/linux/in.h, in6.h, tcp.h, udp.h and if.h.

Ports and IPv4 addresses are big-endian in memory, and a `Layout` is little-endian: they are declared as bytes.
"""

from typing import Final

from cruck.abi.layout import Layout

# Protocols
IPPROTO_IP: Final = 0
IPPROTO_ICMP: Final = 1
IPPROTO_IGMP: Final = 2
IPPROTO_IPIP: Final = 4
IPPROTO_TCP: Final = 6
IPPROTO_EGP: Final = 8
IPPROTO_PUP: Final = 12
IPPROTO_UDP: Final = 17
IPPROTO_IDP: Final = 22
IPPROTO_TP: Final = 29
IPPROTO_DCCP: Final = 33
IPPROTO_IPV6: Final = 41
IPPROTO_RSVP: Final = 46
IPPROTO_GRE: Final = 47
IPPROTO_ESP: Final = 50
IPPROTO_AH: Final = 51
IPPROTO_MTP: Final = 92
IPPROTO_BEETPH: Final = 94
IPPROTO_ENCAP: Final = 98
IPPROTO_PIM: Final = 103
IPPROTO_COMP: Final = 108
IPPROTO_L2TP: Final = 115
IPPROTO_SCTP: Final = 132
IPPROTO_UDPLITE: Final = 136
IPPROTO_MPLS: Final = 137
IPPROTO_ETHERNET: Final = 143
IPPROTO_RAW: Final = 255
IPPROTO_MPTCP: Final = 262
IPPROTO_MAX: Final = 263
IPPROTO_HOPOPTS: Final = 0
IPPROTO_ROUTING: Final = 43
IPPROTO_FRAGMENT: Final = 44
IPPROTO_ICMPV6: Final = 58
IPPROTO_NONE: Final = 59
IPPROTO_DSTOPTS: Final = 60
IPPROTO_MH: Final = 135

# Ports below are for the privileged
IPPORT_RESERVED: Final = 1024
PROT_SOCK: Final = 1024

# IPv4 addresses, in the host's byte order
INADDR_ANY: Final = 0x00000000
INADDR_BROADCAST: Final = 0xFFFFFFFF
INADDR_NONE: Final = 0xFFFFFFFF
INADDR_LOOPBACK: Final = 0x7F000001
INADDR_UNSPEC_GROUP: Final = 0xE0000000
INADDR_ALLHOSTS_GROUP: Final = 0xE0000001
INADDR_ALLRTRS_GROUP: Final = 0xE0000002
INADDR_MAX_LOCAL_GROUP: Final = 0xE00000FF

# SOL_IP
IP_TOS: Final = 1
IP_TTL: Final = 2
IP_HDRINCL: Final = 3
IP_OPTIONS: Final = 4
IP_ROUTER_ALERT: Final = 5
IP_RECVOPTS: Final = 6
IP_RETOPTS: Final = 7
IP_PKTINFO: Final = 8
IP_PKTOPTIONS: Final = 9
IP_MTU_DISCOVER: Final = 10
IP_RECVERR: Final = 11
IP_RECVTTL: Final = 12
IP_RECVTOS: Final = 13
IP_MTU: Final = 14
IP_FREEBIND: Final = 15
IP_IPSEC_POLICY: Final = 16
IP_XFRM_POLICY: Final = 17
IP_PASSSEC: Final = 18
IP_TRANSPARENT: Final = 19
IP_RECVRETOPTS: Final = 7
IP_ORIGDSTADDR: Final = 20
IP_RECVORIGDSTADDR: Final = 20
IP_MINTTL: Final = 21
IP_NODEFRAG: Final = 22
IP_CHECKSUM: Final = 23
IP_BIND_ADDRESS_NO_PORT: Final = 24
IP_RECVFRAGSIZE: Final = 25
IP_RECVERR_RFC4884: Final = 26
IP_MULTICAST_IF: Final = 32
IP_MULTICAST_TTL: Final = 33
IP_MULTICAST_LOOP: Final = 34
IP_ADD_MEMBERSHIP: Final = 35
IP_DROP_MEMBERSHIP: Final = 36
IP_UNBLOCK_SOURCE: Final = 37
IP_BLOCK_SOURCE: Final = 38
IP_ADD_SOURCE_MEMBERSHIP: Final = 39
IP_DROP_SOURCE_MEMBERSHIP: Final = 40
IP_MSFILTER: Final = 41
IP_MULTICAST_ALL: Final = 49
IP_UNICAST_IF: Final = 50
IP_LOCAL_PORT_RANGE: Final = 51
IP_PROTOCOL: Final = 52
IP_DEFAULT_MULTICAST_TTL: Final = 1
IP_DEFAULT_MULTICAST_LOOP: Final = 1
IP_PMTUDISC: Final = 10
IP_MAX_MEMBERSHIPS: Final = 20
IP_PMTUDISC_DONT: Final = 0
IP_PMTUDISC_WANT: Final = 1
IP_PMTUDISC_DO: Final = 2
IP_PMTUDISC_PROBE: Final = 3
IP_PMTUDISC_INTERFACE: Final = 4
IP_PMTUDISC_OMIT: Final = 5
MCAST_JOIN_GROUP: Final = 42
MCAST_BLOCK_SOURCE: Final = 43
MCAST_UNBLOCK_SOURCE: Final = 44
MCAST_LEAVE_GROUP: Final = 45
MCAST_JOIN_SOURCE_GROUP: Final = 46
MCAST_LEAVE_SOURCE_GROUP: Final = 47
MCAST_MSFILTER: Final = 48
MCAST_EXCLUDE: Final = 0
MCAST_INCLUDE: Final = 1

# SOL_IPV6
IPV6_ADDRFORM: Final = 1
IPV6_2292PKTINFO: Final = 2
IPV6_2292HOPOPTS: Final = 3
IPV6_2292DSTOPTS: Final = 4
IPV6_2292RTHDR: Final = 5
IPV6_2292PKTOPTIONS: Final = 6
IPV6_2292HOPLIMIT: Final = 8
IPV6_CHECKSUM: Final = 7
IPV6_NEXTHOP: Final = 9
IPV6_AUTHHDR: Final = 10
IPV6_FLOWINFO: Final = 11
IPV6_UNICAST_HOPS: Final = 16
IPV6_MULTICAST_IF: Final = 17
IPV6_MULTICAST_HOPS: Final = 18
IPV6_MULTICAST_LOOP: Final = 19
IPV6_ADD_MEMBERSHIP: Final = 20
IPV6_DROP_MEMBERSHIP: Final = 21
IPV6_ROUTER_ALERT: Final = 22
IPV6_MTU_DISCOVER: Final = 23
IPV6_MTU: Final = 24
IPV6_RECVERR: Final = 25
IPV6_V6ONLY: Final = 26
IPV6_JOIN_ANYCAST: Final = 27
IPV6_LEAVE_ANYCAST: Final = 28
IPV6_MULTICAST_ALL: Final = 29
IPV6_ROUTER_ALERT_ISOLATE: Final = 30
IPV6_RECVERR_RFC4884: Final = 31
IPV6_FLOWLABEL_MGR: Final = 32
IPV6_IPSEC_POLICY: Final = 34
IPV6_XFRM_POLICY: Final = 35
IPV6_HDRINCL: Final = 36
IPV6_RECVPKTINFO: Final = 49
IPV6_PKTINFO: Final = 50
IPV6_RECVHOPLIMIT: Final = 51
IPV6_HOPLIMIT: Final = 52
IPV6_RECVHOPOPTS: Final = 53
IPV6_HOPOPTS: Final = 54
IPV6_RTHDRDSTOPTS: Final = 55
IPV6_RECVRTHDR: Final = 56
IPV6_RTHDR: Final = 57
IPV6_RECVDSTOPTS: Final = 58
IPV6_DSTOPTS: Final = 59
IPV6_RECVPATHMTU: Final = 60
IPV6_PATHMTU: Final = 61
IPV6_DONTFRAG: Final = 62
IPV6_RECVTCLASS: Final = 66
IPV6_TCLASS: Final = 67
IPV6_AUTOFLOWLABEL: Final = 70
IPV6_ADDR_PREFERENCES: Final = 72
IPV6_PREFER_SRC_TMP: Final = 1
IPV6_PREFER_SRC_PUBLIC: Final = 2
IPV6_PREFER_SRC_PUBTMP_DEFAULT: Final = 256
IPV6_PREFER_SRC_COA: Final = 4
IPV6_PREFER_SRC_HOME: Final = 1024
IPV6_PREFER_SRC_CGA: Final = 8
IPV6_PREFER_SRC_NONCGA: Final = 2048
IPV6_MINHOPCOUNT: Final = 73
IPV6_ORIGDSTADDR: Final = 74
IPV6_RECVORIGDSTADDR: Final = 74
IPV6_TRANSPARENT: Final = 75
IPV6_UNICAST_IF: Final = 76
IPV6_RECVFRAGSIZE: Final = 77
IPV6_FREEBIND: Final = 78
IPV6_JOIN_GROUP: Final = 20
IPV6_LEAVE_GROUP: Final = 21
IPV6_RXHOPOPTS: Final = 54
IPV6_RXDSTOPTS: Final = 59
IPV6_RTHDR_LOOSE: Final = 0
IPV6_RTHDR_STRICT: Final = 1
IPV6_RTHDR_TYPE_0: Final = 0
IPV6_PMTUDISC_DONT: Final = 0
IPV6_PMTUDISC_WANT: Final = 1
IPV6_PMTUDISC_DO: Final = 2
IPV6_PMTUDISC_PROBE: Final = 3
IPV6_PMTUDISC_INTERFACE: Final = 4
IPV6_PMTUDISC_OMIT: Final = 5

# SOL_TCP
TCP_NODELAY: Final = 1
TCP_MAXSEG: Final = 2
TCP_CORK: Final = 3
TCP_KEEPIDLE: Final = 4
TCP_KEEPINTVL: Final = 5
TCP_KEEPCNT: Final = 6
TCP_SYNCNT: Final = 7
TCP_LINGER2: Final = 8
TCP_DEFER_ACCEPT: Final = 9
TCP_WINDOW_CLAMP: Final = 10
TCP_INFO: Final = 11
TCP_QUICKACK: Final = 12
TCP_CONGESTION: Final = 13
TCP_MD5SIG: Final = 14
TCP_THIN_LINEAR_TIMEOUTS: Final = 16
TCP_THIN_DUPACK: Final = 17
TCP_USER_TIMEOUT: Final = 18
TCP_REPAIR: Final = 19
TCP_REPAIR_QUEUE: Final = 20
TCP_QUEUE_SEQ: Final = 21
TCP_REPAIR_OPTIONS: Final = 22
TCP_FASTOPEN: Final = 23
TCP_TIMESTAMP: Final = 24
TCP_NOTSENT_LOWAT: Final = 25
TCP_CC_INFO: Final = 26
TCP_SAVE_SYN: Final = 27
TCP_SAVED_SYN: Final = 28
TCP_REPAIR_WINDOW: Final = 29
TCP_FASTOPEN_CONNECT: Final = 30
TCP_ULP: Final = 31
TCP_MD5SIG_EXT: Final = 32
TCP_FASTOPEN_KEY: Final = 33
TCP_FASTOPEN_NO_COOKIE: Final = 34
TCP_ZEROCOPY_RECEIVE: Final = 35
TCP_INQ: Final = 36
TCP_CM_INQ: Final = 36
TCP_TX_DELAY: Final = 37
TCP_RTO_MAX_MS: Final = 44  # Linux 6.15

# TCP states, in tcp_info and /proc/net/tcp
TCP_ESTABLISHED: Final = 1
TCP_SYN_SENT: Final = 2
TCP_SYN_RECV: Final = 3
TCP_FIN_WAIT1: Final = 4
TCP_FIN_WAIT2: Final = 5
TCP_TIME_WAIT: Final = 6
TCP_CLOSE: Final = 7
TCP_CLOSE_WAIT: Final = 8
TCP_LAST_ACK: Final = 9
TCP_LISTEN: Final = 10
TCP_CLOSING: Final = 11
TCP_NEW_SYN_RECV: Final = 12

# SOL_UDP
UDP_CORK: Final = 1
UDP_ENCAP: Final = 100
UDP_NO_CHECK6_TX: Final = 101
UDP_NO_CHECK6_RX: Final = 102
UDP_SEGMENT: Final = 103
UDP_GRO: Final = 104

SOCKADDR_IN: Final = Layout(
    "sockaddr_in",
    (("sin_family", "u16"), ("sin_port", "char[2]"), ("sin_addr", "char[4]"), ("__pad", "pad[8]")),
)
SOCKADDR_IN6: Final = Layout(
    "sockaddr_in6",
    (
        ("sin6_family", "u16"),
        ("sin6_port", "char[2]"),
        ("sin6_flowinfo", "char[4]"),
        ("sin6_addr", "char[16]"),
        ("sin6_scope_id", "u32"),
    ),
)
IP_MREQ: Final = Layout("ip_mreq", (("imr_multiaddr", "char[4]"), ("imr_interface", "char[4]")))
IP_MREQN: Final = Layout("ip_mreqn", (("imr_multiaddr", "char[4]"), ("imr_address", "char[4]"), ("imr_ifindex", "s32")))
IPV6_MREQ: Final = Layout("ipv6_mreq", (("ipv6mr_multiaddr", "char[16]"), ("ipv6mr_ifindex", "s32")))
IN_PKTINFO: Final = Layout("in_pktinfo", (("ipi_ifindex", "s32"), ("ipi_spec_dst", "char[4]"), ("ipi_addr", "char[4]")))
IN6_PKTINFO: Final = Layout("in6_pktinfo", (("ipi6_addr", "char[16]"), ("ipi6_ifindex", "s32")))

# TCP_INFO. Callers give the size they know; bit fields stand as their bytes.
TCP_INFO_STRUCT: Final = Layout(
    "tcp_info",
    (
        ("tcpi_state", "u8"),
        ("tcpi_ca_state", "u8"),
        ("tcpi_retransmits", "u8"),
        ("tcpi_probes", "u8"),
        ("tcpi_backoff", "u8"),
        ("tcpi_options", "u8"),
        ("tcpi_wscale", "u8"),  # snd_wscale in the low four bits, rcv_wscale above
        ("tcpi_delivery_rate_app_limited", "u8"),  # and fastopen_client_fail in bits 1 and 2
        ("tcpi_rto", "u32"),
        ("tcpi_ato", "u32"),
        ("tcpi_snd_mss", "u32"),
        ("tcpi_rcv_mss", "u32"),
        ("tcpi_unacked", "u32"),
        ("tcpi_sacked", "u32"),
        ("tcpi_lost", "u32"),
        ("tcpi_retrans", "u32"),
        ("tcpi_fackets", "u32"),
        ("tcpi_last_data_sent", "u32"),
        ("tcpi_last_ack_sent", "u32"),
        ("tcpi_last_data_recv", "u32"),
        ("tcpi_last_ack_recv", "u32"),
        ("tcpi_pmtu", "u32"),
        ("tcpi_rcv_ssthresh", "u32"),
        ("tcpi_rtt", "u32"),
        ("tcpi_rttvar", "u32"),
        ("tcpi_snd_ssthresh", "u32"),
        ("tcpi_snd_cwnd", "u32"),
        ("tcpi_advmss", "u32"),
        ("tcpi_reordering", "u32"),
        ("tcpi_rcv_rtt", "u32"),
        ("tcpi_rcv_space", "u32"),
        ("tcpi_total_retrans", "u32"),
        ("tcpi_pacing_rate", "u64"),
        ("tcpi_max_pacing_rate", "u64"),
        ("tcpi_bytes_acked", "u64"),
        ("tcpi_bytes_received", "u64"),
        ("tcpi_segs_out", "u32"),
        ("tcpi_segs_in", "u32"),
        ("tcpi_notsent_bytes", "u32"),
        ("tcpi_min_rtt", "u32"),
        ("tcpi_data_segs_in", "u32"),
        ("tcpi_data_segs_out", "u32"),
        ("tcpi_delivery_rate", "u64"),
        ("tcpi_busy_time", "u64"),
        ("tcpi_rwnd_limited", "u64"),
        ("tcpi_sndbuf_limited", "u64"),
        ("tcpi_delivered", "u32"),
        ("tcpi_delivered_ce", "u32"),
        ("tcpi_bytes_sent", "u64"),
        ("tcpi_bytes_retrans", "u64"),
        ("tcpi_dsack_dups", "u32"),
        ("tcpi_reord_seen", "u32"),
        ("tcpi_rcv_ooopack", "u32"),
        ("tcpi_snd_wnd", "u32"),
    ),
)

# ICMP
ICMP_ECHOREPLY: Final = 0
ICMP_DEST_UNREACH: Final = 3
ICMP_ECHO: Final = 8
ICMP_TIME_EXCEEDED: Final = 11

# Interfaces
IFNAMSIZ: Final = 16
IFF_UP: Final = 0x1
IFF_BROADCAST: Final = 0x2
IFF_DEBUG: Final = 0x4
IFF_LOOPBACK: Final = 0x8
IFF_POINTOPOINT: Final = 0x10
IFF_NOTRAILERS: Final = 0x20
IFF_RUNNING: Final = 0x40
IFF_NOARP: Final = 0x80
IFF_PROMISC: Final = 0x100
IFF_ALLMULTI: Final = 0x200
IFF_MULTICAST: Final = 0x1000
ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772
ARPHRD_NONE: Final = 65534
ETH_P_ALL: Final = 0x0003
ETH_P_IP: Final = 0x0800
ETH_P_ARP: Final = 0x0806
ETH_P_IPV6: Final = 0x86DD
IFREQ_SIZE: Final = 40
IFCONF: Final = Layout("ifconf", (("ifc_len", "s32"), ("ifc_buf", "ptr")))
