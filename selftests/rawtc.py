# SPDX-License-Identifier: GPL-2.0-only
"""tc actions and filters by raw netlink: what tc itself would not send, too.

In a VM, with nothing but the standard library.
"""
import errno
import ipaddress
import socket
import struct
from pathlib import Path

NETLINK_EXT_ACK, NETLINK_CAP_ACK = 11, 10
SOL_NETLINK = 270
NLM_F_REQUEST, NLM_F_ACK, NLM_F_ECHO, NLM_F_ACK_TLVS = 0x1, 0x4, 0x8, 0x200
NLM_F_ROOT = NLM_F_REPLACE = 0x100
NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x200, 0x400, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3fff
NEWTFILTER, DELTFILTER, GETTFILTER = 44, 45, 46
NEWACTION, DELACTION, GETACTION = 48, 49, 50
TAB, ROOT_FLAGS = 1, 2
KIND, OPTIONS, INDEX, STATS, PAD, COOKIE, FLAGS, HW_STATS = range(1, 9)
OK, RECLASSIFY, SHOT, PIPE, TRAP = 0, 1, 2, 3, 8
GOTO_CHAIN, JUMP = 0x20000000, 0x10000000
INGRESS, EGRESS = 0xfffffff2, 0xfffffff3        # parents, below clsact
ACTS = {"matchall": 2, "flower": 3}             # where a filter has its actions
ETH_P_IP = 0x0800

# enum tca_mirrorx, and the sizes of the attributes that may be given
(TM, PARMS, MPAD, DST_IP4, DST_IP6, SRC_IP4, SRC_IP6, IFINDEX, ID, ERSPAN_VER, ERSPAN_DIR,
 ERSPAN_HWID, SGT, TIMESTAMP, TRUNC, SAMPLE, TOS, TTL, MARK, PRIORITY, MSTATS, SUBHEADER, PORT,
 VLAN_TAG, TRUNC_AFTER, FIXLEN, OVERSIZE, LIMIT_RATE, LIMIT_BURST, LIMIT_PACKETS,
 LIMIT_PACKET_BURST, PLAINTEXT, SAMPLE_MODE, SAMPLE_BURST, FLOW_SEED, FLOW_INNER,
 ENCAP, VNI, DST_PORT, MORE_IP4, MORE_IP6, SPREAD, COLLECTORS,
 ANON_KEY, ANON_ID, ANON_MAC, ZERO_PAYLOAD) = range(1, 48)
LAST = ZERO_PAYLOAD
LISTS = {MORE_IP4: 4, MORE_IP6: 16}     # of so many bytes each
SIZES = {number: 4 for number in range(IFINDEX, LAST + 1)
         if number not in (MSTATS, COLLECTORS, ANON_ID, *LISTS)} | {
    PARMS: 20, DST_IP4: 4, DST_IP6: 16, SRC_IP4: 4, SRC_IP6: 16, LIMIT_RATE: 8, FLOW_SEED: 8,
    ANON_KEY: 32}
NAMES = {value: name for name, value in list(globals().items())
         if name in ("TM PARMS DST_IP4 DST_IP6 SRC_IP4 SRC_IP6 IFINDEX ID ERSPAN_VER ERSPAN_DIR"
                     " ERSPAN_HWID SGT TIMESTAMP TRUNC SAMPLE TOS TTL MARK PRIORITY"
                     " SUBHEADER PORT VLAN_TAG TRUNC_AFTER FIXLEN OVERSIZE LIMIT_RATE LIMIT_BURST"
                     " LIMIT_PACKETS LIMIT_PACKET_BURST PLAINTEXT SAMPLE_MODE SAMPLE_BURST FLOW_SEED"
                     " FLOW_INNER ENCAP VNI DST_PORT MORE_IP4 MORE_IP6 SPREAD COLLECTORS"
                     " ANON_KEY ANON_ID ANON_MAC ZERO_PAYLOAD").split()
         } | {MPAD: "PAD", MSTATS: "STATS"}
COUNTERS = ("sent bytes truncated cut unsampled loop secret no_route no_neigh dev_down mtu no_mem"
            " bad_frame xmit fragmented split unfixed rebuilt limited congested in_flight"
            " in_flight_max").split()                                   # from 2 on
REASONS = COUNTERS[COUNTERS.index("unsampled"):COUNTERS.index("xmit") + 1] + ["limited", "congested"]


def attr(number, data=b""):
    """One attribute; a number stands for 32 bits of it."""
    data = struct.pack("=I", data) if isinstance(data, int) else data
    return struct.pack("=HH", 4 + len(data), number) + data + bytes(-len(data) % 4)


def nest(number, *attrs):
    return attr(number | NLA_F_NESTED, b"".join(attrs))


def attrs(data):
    """{number: bytes} of a row of attributes."""
    found = {}
    while len(data) >= 4:
        size, number = struct.unpack_from("=HH", data)
        found[number & NLA_TYPE_MASK] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


def address(text):
    return ipaddress.ip_address(text).packed


def parms(index=0, control=PIPE):
    return attr(PARMS, struct.pack("=IIiii", index, 0, control, 0, 0))


def options(*more, index=0, control=PIPE, dst=None):
    """The nest TCA_ACT_OPTIONS of an action."""
    where = ()
    if dst:
        packed = address(dst)
        where = (attr(DST_IP4 if len(packed) == 4 else DST_IP6, packed),)
    return nest(OPTIONS, parms(index, control), *where, *more)


def action(*more, kind="mirrorx", order=1):
    return nest(order, attr(KIND, kind.encode() + b"\0"), *more)


def by_index(index, kind="mirrorx", order=1):
    return action(attr(INDEX, index), kind=kind, order=order)


class Answer:
    """What the kernel said: an errno's name or "", its message, other messages."""

    def __init__(self):
        self.error, self.message, self.offset, self.replies = "", "", 0, []

    def __str__(self):
        return f"{self.error or 'accepted'}{': ' if self.message else ''}{self.message}"

    def actions(self):
        """{index: attributes} of the mirrorx actions in the replies, "seen" among them."""
        found = {}
        for reply in self.replies:
            for tab in attrs(attrs(reply[4:]).get(TAB, b"")).values():
                outer = attrs(tab)
                if OPTIONS in outer and outer[KIND] == b"mirrorx\0":
                    act = attrs(outer[OPTIONS])
                    # struct gnet_stats_basic
                    basic = attrs(outer.get(STATS, b"")).get(1, bytes(12))
                    act["seen"] = struct.unpack_from("=QI", basic)[1]
                    found[struct.unpack_from("=I", act[PARMS])[0]] = act
        return found


class Netlink:
    """A socket, and the requests that are made by it."""

    def __init__(self, groups=0):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.socket.bind((0, groups))
        self.socket.settimeout(20)
        self.sequence = 0

    def talk(self, what, flags, body):
        """Send one request and take everything up to its end."""
        self.sequence += 1
        flags |= NLM_F_REQUEST | NLM_F_ACK
        self.socket.send(struct.pack("=IHHII", 16 + len(body), what, flags, self.sequence, 0) + body)
        answer = Answer()
        while not self.take(self.socket.recv(1 << 20), answer):
            pass
        return answer

    def take(self, data, answer):
        """Whether this was the end."""
        while len(data) >= 16:
            size, what, flags, sequence, _ = struct.unpack_from("=IHHII", data)
            message, data = data[16:size], data[(size + 3) & ~3:]
            if sequence != self.sequence:
                continue
            if what not in (NLMSG_ERROR, NLMSG_DONE):
                answer.replies.append(message)
                continue
            code = -struct.unpack_from("=i", message)[0]
            answer.error = errno.errorcode.get(code, str(code)) if code else ""
            if flags & NLM_F_ACK_TLVS:
                said = attrs(message[20 if what == NLMSG_ERROR else 4:])
                answer.message = said.get(1, b"").rstrip(b"\0").decode()
                answer.offset = struct.unpack("=I", said.get(2, bytes(4)))[0]
            return True
        return False

    def add(self, *actions, flags=NLM_F_CREATE | NLM_F_EXCL):
        return self.talk(NEWACTION, flags, bytes(4) + nest(TAB, *actions))

    def replace(self, *actions, flags=0):
        return self.add(*actions, flags=NLM_F_CREATE | NLM_F_REPLACE | flags)

    def get(self, *actions):
        return self.talk(GETACTION, 0, bytes(4) + nest(TAB, *actions))

    def delete(self, *actions):
        return self.talk(DELACTION, 0, bytes(4) + nest(TAB, *actions))

    def list(self, kind="mirrorx"):
        body = bytes(4) + nest(TAB, action(kind=kind))
        return self.talk(GETACTION, NLM_F_DUMP, body + attr(ROOT_FLAGS, struct.pack("=II", 1, 1)))

    def flush(self, kind="mirrorx"):
        return self.talk(DELACTION, NLM_F_ROOT, bytes(4) + nest(TAB, action(kind=kind)))

    def has_room(self):
        """Whether an answer grows with what is asked for; in old kernels not, for actions of any kind."""
        made = self.add(*(action(nest(OPTIONS, parms(n)), kind="gact", order=n) for n in range(1, 33)))
        named = [by_index(n, kind="gact", order=n) for n in range(1, 33)]
        got, gone = self.get(*named), self.delete(*named)
        if made.error or gone.error:
            raise RuntimeError(f"{made}, {gone}")
        return not got.error

    def filter(self, dev, *actions, kind="matchall", what=NEWTFILTER, parent=INGRESS, prio=1,
               protocol=ETH_P_IP, flags=NLM_F_CREATE | NLM_F_EXCL):
        """A filter that matches everything of the protocol."""
        info = prio << 16 | socket.htons(protocol)
        body = struct.pack("=BxxxiIII", 0, socket.if_nametoindex(dev), 0, parent, info)
        opts = nest(OPTIONS, nest(ACTS[kind], *actions)) if actions else b""
        return self.talk(what, flags, body + attr(KIND, kind.encode() + b"\0") + opts)

    def unfilter(self, dev, parent=INGRESS):
        """Delete all filters."""
        body = struct.pack("=BxxxiIII", 0, socket.if_nametoindex(dev), 0, parent, 0)
        return self.talk(DELTFILTER, 0, body)

    def filters(self, dev, parent=INGRESS):
        body = struct.pack("=BxxxiIII", 0, socket.if_nametoindex(dev), 0, parent, 0)
        return self.talk(GETTFILTER, NLM_F_DUMP, body).replies


def counters(act):
    """{name: count} of an action's attributes."""
    return {COUNTERS[number - 2]: struct.unpack("=Q", data)[0]
            for number, data in attrs(act[MSTATS]).items() if number >= 2}


def configuration(act):
    """An action's attributes less what changes by itself."""
    return {number: data for number, data in act.items() if number not in (TM, MSTATS, COLLECTORS, "seen")}


def references():
    """The module's reference count."""
    return int(Path("/sys/module/act_mirrorx/refcnt").read_text())
