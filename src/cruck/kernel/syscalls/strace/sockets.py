# SPDX-License-Identifier: MPL-2.0
"""Socket arguments: addresses, options, messages with control data."""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.files import iov_text
from cruck.kernel.syscalls.strace.kinds import Call, Kind, addr_text, bytes_text
from cruck.kernel.syscalls.strace.text import quote

MAX_ADDRESS: Final = 128


class SocketTypeKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        text = xlat.choice(value & 0xF, xlat.SOCKET_TYPES, "SOCK_???")
        return text + "|" + xlat.flags(value & ~0xF, xlat.SOCKET_FLAGS, "SOCK_???") if value & ~0xF else text


class ProtocolKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        family = call.u32(0)
        if family in (2, 10):
            return xlat.choice(value, xlat.INET_PROTOCOLS, "IPPROTO_???")
        if family == 16:
            return xlat.choice(value, xlat.NETLINK_PROTOCOLS, "NETLINK_???")
        return str(value)


def address_text(data: bytes) -> str:
    """struct sockaddr."""
    family = int.from_bytes(data[:2], "little")
    if family == 1 and len(data) >= 2:
        path = data[2:]
        if not path:
            return "{sa_family=AF_UNIX}"
        if path[0] == 0:
            return "{sa_family=AF_UNIX, sun_path=@" + quote(path[1:], 108) + "}"
        return "{sa_family=AF_UNIX, sun_path=" + quote(path.split(b"\0", 1)[0], 108) + "}"
    if family == 2 and len(data) >= 8:
        port = int.from_bytes(data[2:4], "big")
        return f'{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr("{".".join([str(b) for b in data[4:8]])}")}}'
    if family == 10 and len(data) >= 24:
        port = int.from_bytes(data[2:4], "big")
        flow = int.from_bytes(data[4:8], "big")
        scope = int.from_bytes(data[24:28], "little")
        return (
            f"{{sa_family=AF_INET6, sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), "
            f'inet_pton(AF_INET6, "{_inet6(data[8:24])}", &sin6_addr), sin6_scope_id={scope}}}'
        )
    if family == 16 and len(data) >= 12:
        pid = int.from_bytes(data[4:8], "little")
        groups = int.from_bytes(data[8:12], "little")
        return f"{{sa_family=AF_NETLINK, nl_pid={pid}, nl_groups={groups:#010x}}}"
    name = xlat.choice(family, xlat.ADDRESS_FAMILIES, "AF_???")
    return f"{{sa_family={name}, sa_data={quote(data[2:], 126)}}}" if len(data) > 2 else f"{{sa_family={name}}}"


def _inet6(data: bytes) -> str:
    """RFC 5952: the longest run of two or more zero groups becomes "::"."""
    groups = [int.from_bytes(data[i : i + 2], "big") for i in range(0, 16, 2)]
    best_start, best_length = -1, 1
    start = 0
    while start < 8:
        end = start
        while end < 8 and groups[end] == 0:
            end += 1
        if end - start > best_length:
            best_start, best_length = start, end - start
        start = max(end, start + 1)
    if best_start < 0:
        return ":".join([f"{group:x}" for group in groups])
    head = ":".join([f"{group:x}" for group in groups[:best_start]])
    tail = ":".join([f"{group:x}" for group in groups[best_start + best_length :]])
    if best_start == 0 and best_length in (5, 6) and (best_length == 6 or groups[5] == 0xFFFF):
        return ("::ffff:" if groups[5] == 0xFFFF else "::") + ".".join([str(b) for b in data[12:]])
    return f"{head}::{tail}"


def address_at(call: Call, addr: int, length: int) -> str:
    if addr == 0:
        return "NULL"
    data = call.peek(addr, min(length, MAX_ADDRESS)) if length >= 2 else None
    return address_text(data) if data is not None else f"{addr:#x}"


class AddressKind(Kind):
    """A given address; argument index + 1 is its length."""

    def show(self, call: Call, index: int) -> str | None:
        return address_at(call, call.u64(index), call.s32(index + 1))


class OutAddressKind(Kind):
    """An address that is filled in; argument index + 1 points at its length, before and after."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        length = call.peek(call.u64(index + 1), 4) if call.u64(index + 1) else None
        if addr == 0 or call.failed() or length is None:
            return addr_text(addr)
        return address_at(call, addr, int.from_bytes(length, "little", signed=True))


class LengthAtKind(Kind):
    """[110 => 2]: the length, as given and as it became. What was given is kept by the tracer at entry."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        data = call.peek(addr, 4)
        if data is None:
            return f"{addr:#x}"
        now = int.from_bytes(data, "little", signed=True)
        given = call.entry_lengths.get(index, now)
        return f"[{given} => {now}]" if given != now and not call.failed() else f"[{given}]"


class OptionNameKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        level, option = call.u32(index - 1), call.u32(index)
        if level == 1:
            return xlat.choice(option, xlat.SOCKET_OPTIONS, "SO_???")
        if level == 6:
            return xlat.choice(option, xlat.TCP_OPTIONS, "TCP_???")
        if level == 0:
            return xlat.choice(option, xlat.IP_OPTIONS, "IP_???")
        if level == 41:
            return xlat.choice(option, xlat.IPV6_OPTIONS, "IPV6_???")
        return f"{option:#x}" if option else "0"


class OptionValueKind(Kind):
    """The value of setsockopt (length in the next argument) or getsockopt (is_out: length behind the next argument)."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        length = call.s32(index + 1)
        if self.is_out:
            size = call.peek(call.u64(index + 1), 4)
            if size is None:
                return addr_text(addr)
            length = int.from_bytes(size, "little", signed=True)
        if length < 0:
            return addr_text(addr)
        level, option = call.u32(1), call.u32(2)
        data = call.peek(addr, min(length, 64))
        if data is None:
            return addr_text(addr)
        if level == 1 and option == 13 and length >= 8:
            onoff, linger = int.from_bytes(data[:4], "little", signed=True), int.from_bytes(data[4:8], "little", signed=True)
            return f"{{l_onoff={onoff}, l_linger={linger}}}"
        if level == 1 and option == 17 and length >= 12:
            pid, uid, gid = [int.from_bytes(data[i : i + 4], "little", signed=True) for i in (0, 4, 8)]
            return f"{{pid={pid}, uid={uid}, gid={gid}}}"
        if level == 1 and option == 4 and self.is_out and length == 4:
            from cruck.abi.errno import ERRNO_NAMES

            error = int.from_bytes(data[:4], "little", signed=True)
            return f"[{ERRNO_NAMES.get(error, str(error))}]"
        if length == 4:
            return f"[{int.from_bytes(data[:4], 'little', signed=True)}]"
        return quote(data, 32)


class MessageKind(Kind):
    """struct msghdr of sendmsg and recvmsg."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        return message_text(call, addr, -2 if call.failed() and self.is_out else call.result if self.is_out else -1)


def message_text(call: Call, addr: int, limit: int) -> str:
    """limit: bytes of data to show, −1 all; −2: nothing was received, only the name's length is worth showing."""
    data = call.peek(addr, 56)
    if data is None:
        return f"{addr:#x}"
    if limit == -2:
        return f"{{msg_namelen={int.from_bytes(data[8:12], 'little')}}}"
    words = [int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in range(7)]
    name, iov, iov_count, control, control_length = words[0], words[2], words[3], words[4], words[5]
    name_length = words[1] & 0xFFFF_FFFF
    shown_name = address_at(call, name, name_length) if name_length or not name else addr_text(name)
    text = f"{{msg_name={shown_name}, msg_namelen={name_length}, msg_iov={iov_text(call, iov, iov_count, limit)}, msg_iovlen={iov_count}"
    if control_length and control:
        text += f", msg_control={_control_text(call, control, control_length)}"
    text += f", msg_controllen={control_length}"
    flags = words[6] & 0xFFFF_FFFF
    return text + f", msg_flags={xlat.flags(flags, xlat.MSG_FLAGS, 'MSG_???')}}}"


def _control_text(call: Call, addr: int, length: int) -> str:
    data = call.peek(addr, min(length, 4096))
    if data is None:
        return f"{addr:#x}"
    texts: list[str] = []
    offset = 0
    while offset + 16 <= len(data) and len(texts) < 16:
        size = int.from_bytes(data[offset : offset + 8], "little")
        level = int.from_bytes(data[offset + 8 : offset + 12], "little")
        kind = int.from_bytes(data[offset + 12 : offset + 16], "little")
        if size < 16 or offset + size > len(data):
            break
        body = data[offset + 16 : offset + size]
        shown_level = xlat.choice(level, xlat.SOCKET_LEVELS, "SOL_???")
        if level == 1 and kind == 1:
            fds = [str(int.from_bytes(body[i : i + 4], "little", signed=True)) for i in range(0, len(body) - 3, 4)]
            what = f"SCM_RIGHTS, cmsg_data=[{', '.join(fds)}]"
        elif level == 1 and kind == 2 and len(body) >= 12:
            pid, uid, gid = [int.from_bytes(body[i : i + 4], "little", signed=True) for i in (0, 4, 8)]
            what = f"SCM_CREDENTIALS, cmsg_data={{pid={pid}, uid={uid}, gid={gid}}}"
        else:
            what = f"{kind:#x}, cmsg_data={quote(body, 32)}"
        texts.append(f"{{cmsg_len={size}, cmsg_level={shown_level}, cmsg_type={what}}}")
        offset += (size + 7) & ~7
    return "[" + ", ".join(texts) + "]"


class SendBytesKind(Kind):
    """sendto's buffer."""

    def show(self, call: Call, index: int) -> str | None:
        return bytes_text(call, call.u64(index), call.u64(index + 1))
