# SPDX-License-Identifier: MPL-2.0
"""Sockets: include/linux/socket.h, include/linux/net.h, include/uapi/asm-generic/socket.h and linux/socket.h.

The address structs are in `un` and `inet`.
"""

from typing import Final

from cruck.abi.layout import Layout

# Address families; PF_* have the same values
AF_UNSPEC: Final = 0
AF_LOCAL: Final = 1
AF_UNIX: Final = 1
AF_FILE: Final = 1
AF_INET: Final = 2
AF_AX25: Final = 3
AF_IPX: Final = 4
AF_APPLETALK: Final = 5
AF_NETROM: Final = 6
AF_BRIDGE: Final = 7
AF_ATMPVC: Final = 8
AF_X25: Final = 9
AF_INET6: Final = 10
AF_ROSE: Final = 11
AF_DECnet: Final = 12
AF_NETBEUI: Final = 13
AF_SECURITY: Final = 14
AF_KEY: Final = 15
AF_NETLINK: Final = 16
AF_ROUTE: Final = 16
AF_PACKET: Final = 17
AF_ASH: Final = 18
AF_ECONET: Final = 19
AF_ATMSVC: Final = 20
AF_RDS: Final = 21
AF_SNA: Final = 22
AF_IRDA: Final = 23
AF_PPPOX: Final = 24
AF_WANPIPE: Final = 25
AF_LLC: Final = 26
AF_IB: Final = 27
AF_MPLS: Final = 28
AF_CAN: Final = 29
AF_TIPC: Final = 30
AF_BLUETOOTH: Final = 31
AF_IUCV: Final = 32
AF_RXRPC: Final = 33
AF_ISDN: Final = 34
AF_PHONET: Final = 35
AF_IEEE802154: Final = 36
AF_CAIF: Final = 37
AF_ALG: Final = 38
AF_NFC: Final = 39
AF_VSOCK: Final = 40
AF_KCM: Final = 41
AF_QIPCRTR: Final = 42
AF_SMC: Final = 43
AF_XDP: Final = 44
AF_MCTP: Final = 45
AF_MAX: Final = 46

# Types, and the flags beside them
SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_RAW: Final = 3
SOCK_RDM: Final = 4
SOCK_SEQPACKET: Final = 5
SOCK_DCCP: Final = 6
SOCK_PACKET: Final = 10
SOCK_TYPE_MASK: Final = 0xF
SOCK_CLOEXEC: Final = 0o2000000
SOCK_NONBLOCK: Final = 0o4000

# listen: the most that a backlog may be
SOMAXCONN: Final = 4096

# shutdown
SHUT_RD: Final = 0
SHUT_WR: Final = 1
SHUT_RDWR: Final = 2

# getsockopt, setsockopt: levels
SOL_SOCKET: Final = 1
SOL_IP: Final = 0
SOL_TCP: Final = 6
SOL_UDP: Final = 17
SOL_IPV6: Final = 41
SOL_ICMPV6: Final = 58
SOL_RAW: Final = 255
SOL_DECNET: Final = 261
SOL_X25: Final = 262
SOL_PACKET: Final = 263
SOL_ATM: Final = 264
SOL_AAL: Final = 265
SOL_IRDA: Final = 266
SOL_NETBEUI: Final = 267
SOL_LLC: Final = 268
SOL_DCCP: Final = 269
SOL_NETLINK: Final = 270
SOL_TIPC: Final = 271
SOL_RXRPC: Final = 272
SOL_PPPOL2TP: Final = 273
SOL_BLUETOOTH: Final = 274
SOL_PNPIPE: Final = 275
SOL_RDS: Final = 276
SOL_IUCV: Final = 277
SOL_CAIF: Final = 278
SOL_ALG: Final = 279
SOL_NFC: Final = 280
SOL_KCM: Final = 281
SOL_TLS: Final = 282
SOL_XDP: Final = 283
SOL_MPTCP: Final = 284
SOL_MCTP: Final = 285
SOL_SMC: Final = 286
SOL_VSOCK: Final = 287

# SOL_SOCKET: options
SO_DEBUG: Final = 1
SO_REUSEADDR: Final = 2
SO_TYPE: Final = 3
SO_ERROR: Final = 4
SO_DONTROUTE: Final = 5
SO_BROADCAST: Final = 6
SO_SNDBUF: Final = 7
SO_RCVBUF: Final = 8
SO_KEEPALIVE: Final = 9
SO_OOBINLINE: Final = 10
SO_NO_CHECK: Final = 11
SO_PRIORITY: Final = 12
SO_LINGER: Final = 13
SO_BSDCOMPAT: Final = 14
SO_REUSEPORT: Final = 15
SO_PASSCRED: Final = 16
SO_PEERCRED: Final = 17
SO_RCVLOWAT: Final = 18
SO_SNDLOWAT: Final = 19
SO_RCVTIMEO_OLD: Final = 20
SO_SNDTIMEO_OLD: Final = 21
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
SO_SNDBUFFORCE: Final = 32
SO_RCVBUFFORCE: Final = 33
SO_SECURITY_AUTHENTICATION: Final = 22
SO_SECURITY_ENCRYPTION_TRANSPORT: Final = 23
SO_SECURITY_ENCRYPTION_NETWORK: Final = 24
SO_BINDTODEVICE: Final = 25
SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27
SO_GET_FILTER: Final = 26
SO_PEERNAME: Final = 28
SO_ACCEPTCONN: Final = 30
SO_PEERSEC: Final = 31
SO_PASSSEC: Final = 34
SO_MARK: Final = 36
SO_PROTOCOL: Final = 38
SO_DOMAIN: Final = 39
SO_RXQ_OVFL: Final = 40
SO_WIFI_STATUS: Final = 41
SO_PEEK_OFF: Final = 42
SO_NOFCS: Final = 43
SO_LOCK_FILTER: Final = 44
SO_SELECT_ERR_QUEUE: Final = 45
SO_BUSY_POLL: Final = 46
SO_MAX_PACING_RATE: Final = 47
SO_BPF_EXTENSIONS: Final = 48
SO_INCOMING_CPU: Final = 49
SO_ATTACH_BPF: Final = 50
SO_DETACH_BPF: Final = 27
SO_ATTACH_REUSEPORT_CBPF: Final = 51
SO_ATTACH_REUSEPORT_EBPF: Final = 52
SO_CNX_ADVICE: Final = 53
SO_MEMINFO: Final = 55
SO_INCOMING_NAPI_ID: Final = 56
SO_COOKIE: Final = 57
SO_PEERGROUPS: Final = 59
SO_ZEROCOPY: Final = 60
SO_TXTIME: Final = 61
SO_BINDTOIFINDEX: Final = 62
SO_TIMESTAMP_OLD: Final = 29
SO_TIMESTAMPNS_OLD: Final = 35
SO_TIMESTAMPING_OLD: Final = 37
SO_TIMESTAMP_NEW: Final = 63
SO_TIMESTAMPNS_NEW: Final = 64
SO_TIMESTAMPING_NEW: Final = 65
SO_DETACH_REUSEPORT_BPF: Final = 68
SO_PREFER_BUSY_POLL: Final = 69
SO_BUSY_POLL_BUDGET: Final = 70
SO_NETNS_COOKIE: Final = 71
SO_BUF_LOCK: Final = 72
SO_RESERVE_MEM: Final = 73
SO_TXREHASH: Final = 74
SO_RCVMARK: Final = 75
SO_TIMESTAMP: Final = 29
SO_TIMESTAMPNS: Final = 35
SO_TIMESTAMPING: Final = 37
SO_RCVTIMEO_NEW: Final = 66
SO_SNDTIMEO_NEW: Final = 67
SO_PASSPIDFD: Final = 76  # Linux 6.5
SO_PEERPIDFD: Final = 77
SO_DEVMEM_LINEAR: Final = 78  # Linux 6.12
SO_DEVMEM_DMABUF: Final = 79
SO_DEVMEM_DONTNEED: Final = 80
SCM_TS_OPT_ID: Final = 81  # Linux 6.13
SO_RCVPRIORITY: Final = 82  # Linux 6.14
SO_PASSRIGHTS: Final = 83  # Linux 6.16
SO_PEEK_OFF_DISABLED: Final = -1

# send, recv
MSG_OOB: Final = 0x00000001
MSG_PEEK: Final = 0x00000002
MSG_DONTROUTE: Final = 0x00000004
MSG_TRYHARD: Final = 0x00000004
MSG_CTRUNC: Final = 0x00000008
MSG_PROXY: Final = 0x00000010
MSG_TRUNC: Final = 0x00000020
MSG_DONTWAIT: Final = 0x00000040
MSG_EOR: Final = 0x00000080
MSG_WAITALL: Final = 0x00000100
MSG_FIN: Final = 0x00000200
MSG_SYN: Final = 0x00000400
MSG_CONFIRM: Final = 0x00000800
MSG_RST: Final = 0x00001000
MSG_ERRQUEUE: Final = 0x00002000
MSG_NOSIGNAL: Final = 0x00004000
MSG_MORE: Final = 0x00008000
MSG_WAITFORONE: Final = 0x00010000
MSG_BATCH: Final = 0x00040000
MSG_ZEROCOPY: Final = 0x04000000
MSG_FASTOPEN: Final = 0x20000000
MSG_CMSG_CLOEXEC: Final = 0x40000000
MSG_PROBE: Final = 0x00000010
MSG_SENDPAGE_NOTLAST: Final = 0x00020000
MSG_SOCK_DEVMEM: Final = 0x02000000  # Linux 6.12

# SOL_SOCKET: control messages
SCM_RIGHTS: Final = 1
SCM_CREDENTIALS: Final = 2
SCM_SECURITY: Final = 3
SCM_PIDFD: Final = 4  # Linux 6.5
SCM_WIFI_STATUS: Final = 41
SCM_TIMESTAMPING_OPT_STATS: Final = 54
SCM_TIMESTAMPING_PKTINFO: Final = 58
SCM_TXTIME: Final = 61
SCM_TIMESTAMP: Final = 29
SCM_TIMESTAMPNS: Final = 35
SCM_TIMESTAMPING: Final = 37
SCM_TSTAMP_SND: Final = 0
SCM_TSTAMP_SCHED: Final = 1
SCM_TSTAMP_ACK: Final = 2
SCM_MAX_FD: Final = 253

# Sizes of addresses, without those that depend on the path
SOCKADDR_STORAGE_SIZE: Final = 128
SOCKADDR_SIZE: Final = 16
SOCKADDR_IN_SIZE: Final = 16
SOCKADDR_IN6_SIZE: Final = 28
SOCKADDR_UN_SIZE: Final = 110
SOCKADDR_NL_SIZE: Final = 12
SOCKADDR_VM_SIZE: Final = 16

SOCKADDR: Final = Layout("sockaddr", (("sa_family", "u16"), ("sa_data", "char[14]")))

MSGHDR: Final = Layout(
    "msghdr",
    (
        ("msg_name", "ptr"),
        ("msg_namelen", "s32"),
        ("msg_iov", "ptr"),
        ("msg_iovlen", "u64"),
        ("msg_control", "ptr"),
        ("msg_controllen", "u64"),
        ("msg_flags", "u32"),
    ),
)
MMSGHDR: Final = Layout(
    "mmsghdr",
    (
        ("msg_hdr.msg_name", "ptr"),
        ("msg_hdr.msg_namelen", "s32"),
        ("msg_hdr.msg_iov", "ptr"),
        ("msg_hdr.msg_iovlen", "u64"),
        ("msg_hdr.msg_control", "ptr"),
        ("msg_hdr.msg_controllen", "u64"),
        ("msg_hdr.msg_flags", "u32"),
        ("msg_hdr._tail", "pad[4]"),
        ("msg_len", "u32"),
    ),
)

# A control message: this header, then data; the next one starts at a multiple of 8
CMSGHDR: Final = Layout("cmsghdr", (("cmsg_len", "u64"), ("cmsg_level", "s32"), ("cmsg_type", "s32")))

UCRED: Final = Layout("ucred", (("pid", "s32"), ("uid", "u32"), ("gid", "u32")))
LINGER: Final = Layout("linger", (("l_onoff", "s32"), ("l_linger", "s32")))

# IP_RECVERR
SO_EE_ORIGIN_NONE: Final = 0
SO_EE_ORIGIN_LOCAL: Final = 1
SO_EE_ORIGIN_ICMP: Final = 2
SO_EE_ORIGIN_ICMP6: Final = 3
SO_EE_ORIGIN_TXSTATUS: Final = 4
SO_EE_ORIGIN_ZEROCOPY: Final = 5
SO_EE_ORIGIN_TXTIME: Final = 6
SO_EE_ORIGIN_TIMESTAMPING: Final = 4
SOCK_EXTENDED_ERR: Final = Layout(
    "sock_extended_err",
    (
        ("ee_errno", "u32"),
        ("ee_origin", "u8"),
        ("ee_type", "u8"),
        ("ee_code", "u8"),
        ("ee_pad", "u8"),
        ("ee_info", "u32"),
        ("ee_data", "u32"),
    ),
)

# SO_TIMESTAMPING
SOF_TIMESTAMPING_TX_HARDWARE: Final = 0x1
SOF_TIMESTAMPING_TX_SOFTWARE: Final = 0x2
SOF_TIMESTAMPING_RX_HARDWARE: Final = 0x4
SOF_TIMESTAMPING_RX_SOFTWARE: Final = 0x8
SOF_TIMESTAMPING_SOFTWARE: Final = 0x10
SOF_TIMESTAMPING_SYS_HARDWARE: Final = 0x20
SOF_TIMESTAMPING_RAW_HARDWARE: Final = 0x40
SOF_TIMESTAMPING_OPT_ID: Final = 0x80
SOF_TIMESTAMPING_TX_SCHED: Final = 0x100
SOF_TIMESTAMPING_TX_ACK: Final = 0x200
SOF_TIMESTAMPING_OPT_CMSG: Final = 0x400
SOF_TIMESTAMPING_OPT_TSONLY: Final = 0x800
SOF_TIMESTAMPING_OPT_STATS: Final = 0x1000
SOF_TIMESTAMPING_OPT_PKTINFO: Final = 0x2000
SOF_TIMESTAMPING_OPT_TX_SWHW: Final = 0x4000
SOF_TIMESTAMPING_BIND_PHC: Final = 0x8000
SOF_TIMESTAMPING_OPT_ID_TCP: Final = 0x10000  # Linux 6.2
SOF_TIMESTAMPING_OPT_RX_FILTER: Final = 0x20000  # Linux 6.12
SOF_TIMESTAMPING_TX_COMPLETION: Final = 0x40000  # Linux 6.15

# Netlink, as far as libraries ask for it
NETLINK_ROUTE: Final = 0
NETLINK_USERSOCK: Final = 2
NETLINK_SOCK_DIAG: Final = 4
NETLINK_AUDIT: Final = 9
NETLINK_KOBJECT_UEVENT: Final = 15
NETLINK_GENERIC: Final = 16
NLMSG_NOOP: Final = 1
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSG_OVERRUN: Final = 4
NLM_F_REQUEST: Final = 0x1
NLM_F_MULTI: Final = 0x2
NLM_F_ACK: Final = 0x4
NLM_F_ECHO: Final = 0x8
NLM_F_DUMP_INTR: Final = 0x10
NLM_F_DUMP_FILTERED: Final = 0x20
NLM_F_ROOT: Final = 0x100
NLM_F_MATCH: Final = 0x200
NLM_F_ATOMIC: Final = 0x400
NLM_F_DUMP: Final = 0x300
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLM_F_APPEND: Final = 0x800
NLM_F_CAPPED: Final = 0x100
NLM_F_ACK_TLVS: Final = 0x200
NLMSGHDR: Final = Layout(
    "nlmsghdr",
    (("nlmsg_len", "u32"), ("nlmsg_type", "u16"), ("nlmsg_flags", "u16"), ("nlmsg_seq", "u32"), ("nlmsg_pid", "u32")),
)
SOCKADDR_NL: Final = Layout("sockaddr_nl", (("nl_family", "u16"), ("nl_pad", "pad[2]"), ("nl_pid", "u32"), ("nl_groups", "u32")))
