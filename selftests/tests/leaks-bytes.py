#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for leaks.sh: is there a byte that was not put there on purpose?

Each packet is built anew from what was configured and sent (the draft's figures, struct), and has to
be the same in all its bytes; only the time is taken from the packet, and has to be that of the
frame.  Memory is filled with a pattern first, and the kernel does not clear it (boot: init_on_alloc=0),
so that a byte that nobody wrote shows.  Without this test, headers that are not all written would
export what other packets or processes left there, and fields would still decode well.
"""
import socket
import struct
import time

import rawtc
from guest import batch, must, netns, wait_for
from tap import finish, ok
from wire import Scene, namespaces

STALE = b"\xd5"
HERE, COLLECTOR = {4: "192.0.2.1", 6: "2001:db8:9::1"}, {4: "192.0.2.9", 6: "2001:db8:9::9"}
UNIT = {"100us": 100000, "100ns": 100, "ns": 1}
ETH_P_8021Q = b"\x81\x00"
SOL_PACKET, PACKET_VNET_HDR = 263, 15
RTNLGRP_TC = 1 << 3

# words, and what they mean for the header
SESSIONS = [
    ("erspan_ver 0", {"type": 0}),
    ("erspan_ver 1 id 1023", {"type": 1, "session": 1023}),
    ("erspan_ver 1 id 5 port 7", {"type": 1, "session": 5, "port": 7}),
    ("id 0", {}),
    ("id 682 sgt 43690 erspan_hwid 42 tos 84 ttl 3", {"session": 682, "sgt": 43690, "hwid": 42, "tos": 84,
                                                     "ttl": 3}),
    ("id 1 timestamp 100ns", {"session": 1, "unit": "100ns"}),
    ("id 1 timestamp ns", {"session": 1, "unit": "ns", "platf": 5}),
    ("id 1 timestamp 100ns subheader 3 port 1", {"session": 1, "unit": "100ns", "platf": 3, "port": 1}),
    ("id 1 subheader 1 port 305419896", {"session": 1, "platf": 1, "port": 305419896}),
    ("id 1 subheader 3 port 5461", {"session": 1, "platf": 3, "port": 5461}),
    ("id 1 timestamp ns subheader 7", {"session": 1, "unit": "ns", "platf": 7}),
    ("id 1 trunc 30", {"session": 1, "trunc": 30}),
    ("id 1 trunc 30 vlan_tag strip erspan_ver 1", {"type": 1, "session": 1, "trunc": 30, "strip": True}),
    ("id 1 vlan_tag strip", {"session": 1, "strip": True}),
]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def label():
    """The IPv6 flow label of all frames here: of their MAC addresses and EtherType, as they are no IP"""
    total = 0
    for word, in struct.iter_unpack("<Q", bytes.fromhex("020000000001 020000000002 88b6 00 02")):
        total = (total ^ word) * 0x61c8864680b583eb & (1 << 64) - 1
        total ^= total >> 32
    return total >> 32 & 0xfffff


class Expected:
    """The bytes of one copy, built from what it is to say."""

    def __init__(self, family, ifindex, **what):
        defaults = {"type": 2, "session": 0, "sgt": 0, "hwid": 0, "tos": 0, "ttl": 64, "unit": "100us",
                    "platf": 0, "port": ifindex, "trunc": 1 << 16, "strip": False}
        self.__dict__.update(defaults | what)
        self.family = family

    def ip(self, size):
        own, other = (rawtc.address(where[self.family]) for where in (HERE, COLLECTOR))
        if self.family == 6:
            return struct.pack("!IHBB16s16s", 6 << 28 | self.tos << 20 | label(), size, 47, self.ttl,
                               own, other)
        head = struct.pack("!BBHHHBBH4s4s", 0x45, self.tos, 20 + size, 0, 0x4000, self.ttl, 47, 0, own, other)
        return head[:10] + checksum(head).to_bytes(2, "big") + head[12:]

    def subheader(self, upper):
        return b"" if not self.platf else {
            1: lambda: struct.pack("!II", 1 << 26, self.port),
            3: lambda: struct.pack("!II", 3 << 26 | self.port, upper),
            5: lambda: struct.pack("!II", 5 << 26 | self.port, upper),
            7: lambda: struct.pack("!II", 7 << 26 | self.port, upper)}[self.platf]()

    def gra(self):
        return {"100us": 0, "100ns": 1, "ns": 2 if self.platf == 5 else 3}[self.unit]

    def packet(self, frame, seq, stamp, upper):
        tag = int.from_bytes(frame[14:16], "big") if frame[12:14] == ETH_P_8021Q else None
        if self.strip and tag is not None:
            frame = frame[:12] + frame[16:]
        inner, cos, vlan = frame[:self.trunc], (tag or 0) >> 13, (tag or 0) & 0xfff
        low = cos << 13 | (len(inner) < len(frame)) << 10 | self.session
        if self.type == 0:
            rest = struct.pack("!HH", 0, 0x88be)
        elif self.type == 1:
            en = 0 if tag is None else 2 if self.strip else 3
            low |= 1 << 28 | (self.strip and vlan) << 16 | en << 11
            rest = struct.pack("!HHIII", 0x1000, 0x88be, seq, low, self.port)
        else:
            rest = struct.pack("!HHIIII", 0x1000, 0x22eb, seq, 2 << 28 | vlan << 16 | low, stamp,
                               self.sgt << 16 | 1 << 15 | self.hwid << 4 | 1 << 3 | self.gra() << 1 |
                               bool(self.platf)) + self.subheader(upper)
        rest += inner
        return self.ip(len(rest)) + rest

    def seq(self, packet):
        """The session goes on from where it was, which the first packet tells."""
        at = (20 if self.family == 4 else 40) + 4
        return int.from_bytes(packet[at:at + 4], "big") if self.type else 0

    def stamps(self, packet):
        """(timestamp, upper half) that the packet has, and whether they lie between two times"""
        at = (20 if self.family == 4 else 40) + 12
        if self.type < 2:
            return 0, 0, lambda begin, end: True
        stamp = int.from_bytes(packet[at:at + 4], "big")
        if self.platf == 5:
            seconds = int.from_bytes(packet[at + 12:at + 16], "big")
            return stamp, seconds, lambda begin, end: begin <= seconds * 10 ** 9 + stamp <= end
        unit = UNIT[self.unit]
        if self.platf in (3, 7):
            upper = int.from_bytes(packet[at + 12:at + 16], "big")
            return stamp, upper, lambda begin, end: begin // unit <= upper << 32 | stamp <= end // unit
        return stamp, 0, lambda begin, end: (stamp - begin // unit) % (1 << 32) <= end // unit - begin // unit


class Bench:
    def __init__(self):
        namespaces("src", "col")
        batch("ip", "link add und0 netns src mtu 9000 type veth peer name eth0 netns col mtu 9000")
        for ns, dev, addresses in ("src", "und0", HERE), ("col", "eth0", COLLECTOR):
            batch("ip", f"""link set {dev} up
                address add {addresses[4]}/24 dev {dev}
                address add {addresses[6]}/64 dev {dev}""", ns)
        macs = {ns: must(f"ip netns exec {ns} cat /sys/class/net/{dev}/address").strip()
                for ns, dev in (("src", "und0"), ("col", "eth0"))}
        for family in 4, 6:
            must(f"ip -n src neigh replace {COLLECTOR[family]} lladdr {macs['col']} dev und0 nud permanent")
        self.link = bytes.fromhex((macs["col"] + macs["src"]).replace(":", ""))
        self.scene = Scene(COLLECTOR[4])
        self.scene.netlink.flush()
        with netns("src"):
            self.ifindex = socket.if_nametoindex("m0")
            self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            self.raw.bind(("m0", 0))
        self.tap = self.scene.tap("col", "eth0")
        self.scene.collectors.remove(self.tap)
        self.index = 10

    def mirror(self, family, words):
        self.index += 1
        act = f"mirrorx dst_ip {COLLECTOR[family]} {words} index {self.index}"
        batch("tc", f"""filter delete dev m0 egress
            filter add dev m0 egress matchall action {act}""", "src")

    def dirty(self):
        """Leave the pattern in pages and slabs of all sizes: of sockets, and of copies before."""
        with netns("src"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            for size in 60, 200, 450, 900, 1900, 4000, 8000:
                for _ in range(8):
                    sock.sendto(STALE * size, sock.getsockname())
        head = bytes.fromhex("020000000002 020000000001 88b5")
        for _ in range(24):           # more than fit the pages that heads of copies come from
            self.raw.send(bytes(10) + head + STALE * 1480)
        return 24

    def frames(self):
        macs = bytes.fromhex("020000000002 020000000001")
        found = [macs + b"\x88\xb6" + bytes(i & 127 for i in range(size - 14))
                 for size in (14, 15, 29, 30, 31, 60, 100, 1500)]
        return found + [macs + ETH_P_8021Q + b"\xea\xbc" + frame[12:] for frame in found[1:]]

    def send(self, frames):
        for frame in frames:
            self.raw.send(bytes(10) + frame)

    def got(self, count):
        """The frames that came; None if there are not as many."""
        wait_for(5, lambda: len(self.tap.all()) >= count)
        found, self.tap.frames = self.tap.all(), []
        return [frame for frame in found if frame[12:14] == b"\x08\0" and frame[23] == 47 or
                frame[12:14] == b"\x86\xdd" and frame[20] in (44, 47)]


def compare(bench, family, how, words, what):
    name = f"IPv{family}, {how}: {words}"
    bench.mirror(family, words)
    bench.tap.all().clear()
    expected = Expected(family, bench.ifindex, **what)
    first = bench.dirty()
    frames = bench.frames()
    begin = time.time_ns()
    bench.send(frames)
    end = time.time_ns()
    got = bench.got(first + len(frames))
    wrong = [] if len(got) == first + len(frames) else [f"{len(got)} came"]
    kind = b"\x08\0" if family == 4 else b"\x86\xdd"
    seq = first + expected.seq(got[0][14:]) if got else 0
    for number, (frame, packet) in enumerate(zip(frames, got[first:])):
        stamp, upper, right = expected.stamps(packet[14:])
        want = bench.link + kind + expected.packet(frame, seq + number, stamp, upper)
        if packet != want or not right(begin, end):
            at = next((i for i, (a, b) in enumerate(zip(packet, want)) if a != b),
                      min(len(packet), len(want)))
            wrong.append(f"frame of {len(frame)}: byte {at} of {len(packet)}, {len(want)} expected\n"
                         f"{packet[:110].hex()}\n{want[:110].hex()}")
    return ok(not wrong, f"{name}: each byte is what it is to be", *wrong[:3])


def fragments(bench, family):
    """Of the copies too large for the underlay: their headers, and that they put together the copy."""
    name = f"IPv{family}, fragments"
    bench.mirror(family, "id 9 oversize fragment")
    bench.tap.all().clear()
    expected, first = Expected(family, bench.ifindex, session=9), bench.dirty()
    whole = [frame for frame in bench.frames() if len(frame) == 1500]
    must("ip -n src link set und0 mtu 1300")
    for _ in range(3):
        bench.send(whole)
    time.sleep(0.2)
    wait_for(5, lambda: bench.scene.counts()["fragmented"] >= 3 * len(whole))
    got = bench.got(first + 6 * len(whole))
    pieces = [frame[14:] for frame in got[first:]]
    seq = first + expected.seq(got[0][14:]) if got else 0
    must("ip -n src link set und0 mtu 9000")
    wrong, at = [], 20 if family == 4 else 40
    packets, idents = pieces[::2], []
    for number, (head, tail) in enumerate(zip(packets, pieces[1::2])):
        if family == 4:
            ident, size = head[4:6], len(head)
            data = head[20:] + tail[20:]
        else:
            ident, size = head[44:48], len(head)
            data = head[48:] + tail[48:]
        idents.append(ident)
        stamp, upper, _ = expected.stamps(head[:at] + data)
        copy = expected.packet(whole[0], seq + number, stamp, upper)
        if family == 4:
            def piece(offset, more, data):
                ip = copy[:2] + struct.pack("!H", 20 + len(data)) + ident + \
                    struct.pack("!H", more << 13 | offset >> 3) + copy[8:10] + b"\0\0" + copy[12:20]
                return ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:] + data
            room = size - 20
        else:
            def piece(offset, more, data):
                return copy[:4] + struct.pack("!HB", 8 + len(data), 44) + copy[7:40] + \
                    struct.pack("!BBH", 47, 0, offset | more) + ident + data
            room = size - 48
        want = piece(0, 1, copy[at:at + room]), piece(room, 0, copy[at + room:])
        if (head, tail) != want:
            wrong.append("\n".join(f"{a[:90].hex()} ({len(a)})" for a in (head, want[0], tail, want[1])))
    ok(len(pieces) == 6 and not wrong, f"{name}: each byte is what it is to be", len(pieces), *wrong[:2])
    ok(len(set(idents)) == len(idents), f"{name}: each copy has an ID of its own", idents)


def segments(bench):
    """The last one is short, and its memory goes on behind it."""
    data = bytes(i & 127 for i in range(4100))
    tcp = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 0x10, 999, 0, 0)
    ip = struct.pack("!BBHHHBBH8s", 0x45, 0, 20 + 20 + len(data), 1, 0x4000, 64, 6, 0, b"addresss")
    frame = bytes.fromhex("020000000002 020000000001 0800") + ip + tcp + data
    bench.mirror(4, "id 3")
    bench.tap.all().clear()
    first = bench.dirty()
    bench.raw.send(struct.pack("=BBHHHH", 1, 1, 54, 1000, 34, 16) + frame)
    got = bench.got(first + 5)[first:]
    inner = [packet[14 + 40:] for packet in got]
    sizes, joined = [len(frame) for frame in inner], b"".join(frame[54:] for frame in inner)
    ok(sizes == [1054] * 4 + [154] and joined == data, "GSO: the last segment ends where its data does",
       sizes)


# --- netlink

def walk(data, path=()):
    """(path, payload) of all leaves; what lies between attributes has to be zero."""
    while data:
        if len(data) < 4:
            yield path + ("rest",), data
            return
        size, number = struct.unpack_from("=HH", data)
        number &= 0x3fff
        if not 4 <= size <= len(data):
            yield path + (number, "broken"), data
            return
        body, end = data[4:size], (size + 3) & ~3
        if any(data[size:end]):
            yield path + (number, "padding"), data[size:end]
        data, here = data[end:], path + (number,)
        if nested(here):
            yield from walk(body, here)
        else:
            yield here, body


def nested(path):
    """TCA_ACT_TAB, its actions, their options and statistics, the counters"""
    return path[0] == rawtc.TAB and len(path) < 3 or \
        len(path) == 3 and path[2] in (rawtc.OPTIONS, rawtc.STATS) or \
        len(path) == 4 and path[2:] == (rawtc.OPTIONS, rawtc.MSTATS)


CHANGES = {(rawtc.OPTIONS, rawtc.TM)}


def leaves(messages):
    found = {}
    for message in messages:
        found["head"] = message[:4]
        for path, data in walk(message[4:]):
            found[path] = data
    return found


def bad(found):
    """Padding that is not zero, broken attributes, holes in structures, the pattern"""
    wrong = [(path, data.hex()) for path, data in found.items()
             if path[-1] in ("padding", "broken", "rest") or STALE * 3 in data]
    for path, data in found.items():
        # struct gnet_stats_basic ends with a hole, with and without the hardware's
        if len(path) == 4 and path[2] == rawtc.STATS and path[3] in (1, 7) and any(data[12:16]):
            wrong.append((path, data.hex()))
    if any(found["head"]):          # struct tcamsg: a family and three bytes of padding
        wrong.append(("tcamsg", found["head"].hex()))
    return wrong


def options(family):
    numbers = {rawtc.SRC_IP4 if family == 4 else rawtc.SRC_IP6: rawtc.address(HERE[family]),
               rawtc.ID: 1023, rawtc.SGT: 65535, rawtc.TIMESTAMP: 2, rawtc.SUBHEADER: 7, rawtc.PORT: 9,
               rawtc.VLAN_TAG: 1, rawtc.TRUNC: 777, rawtc.FIXLEN: 1, rawtc.OVERSIZE: 1, rawtc.SAMPLE: 3,
               rawtc.TOS: 255, rawtc.TTL: 1, rawtc.MARK: 1 << 31, rawtc.PRIORITY: 5, rawtc.PLAINTEXT: 1,
               rawtc.ERSPAN_HWID: 63, rawtc.LIMIT_RATE: struct.pack("=Q", 1 << 40),
               rawtc.LIMIT_BURST: 1 << 30, rawtc.LIMIT_PACKETS: 1 << 30, rawtc.LIMIT_PACKET_BURST: 99,
               rawtc.SAMPLE_MODE: 2, rawtc.FLOW_SEED: struct.pack("=Q", 1 << 63), rawtc.FLOW_INNER: 1,
               rawtc.ANON_KEY: bytes(range(32)), rawtc.ANON_MAC: 1, rawtc.ZERO_PAYLOAD: 1}
    return [rawtc.attr(number, value) for number, value in numbers.items()]


def notified(listener):
    """The last one that tells of a new action"""
    found = []
    while True:
        try:
            data = listener.socket.recv(1 << 16)
        except BlockingIOError:
            return found[-1:]
        if struct.unpack_from("=H", data, 4)[0] == rawtc.NEWACTION:
            found.append(data[16:])


def netlink(bench):
    """In all directions in which an action is told of."""
    must("tc -n src filter delete dev m0 egress")
    with netns("src"):
        listener = rawtc.Netlink(groups=RTNLGRP_TC)
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listener.socket.setblocking(False)
        talker = rawtc.Netlink()
        talker.flush()
        for family in 4, 6:
            index = 1000 + family
            act = rawtc.action(rawtc.options(*options(family), dst=COLLECTOR[family], index=index))
            told = {}
            for name, flags in ("a notification", 0), ("an echo", rawtc.NLM_F_ECHO):
                bench.dirty()
                answer = talker.replace(act, flags=flags)
                ok(not answer.error, f"netlink, IPv{family}: all options are taken", answer)
                told[name] = answer.replies or notified(listener)
            for name in "a dump", "a dump later":
                bench.dirty()
                told[name] = talker.list().replies
            told["an answer"] = talker.get(rawtc.by_index(index)).replies
            for name, messages in told.items():
                found = leaves(messages)
                names = {path[3] for path in found if len(path) > 3 and path[2] == rawtc.OPTIONS}
                ok({rawtc.PLAINTEXT, rawtc.ANON_ID} <= names and rawtc.TTL in names and not bad(found),
                   f"netlink, IPv{family}: no stray byte in {name}", bad(found), len(found))
            one, two = (leaves(told[name]) for name in ("a dump", "a dump later"))
            differ = [path for path in one.keys() | two.keys() if one.get(path) != two.get(path)
                      and path[2:] not in CHANGES]
            ok(not differ, f"netlink, IPv{family}: dumps differ in nothing but times", differ)
            talker.delete(rawtc.by_index(index))


def main():
    must("modprobe -a sch_ingress cls_matchall")
    bench = Bench()
    for how in "direct", "by the stack":
        if how == "by the stack":
            must("nft -f -", "src", """table inet t { chain output {
                type filter hook output priority 0; counter;
                }
                }""")
        for family in 4, 6:
            for words, what in SESSIONS if how == "direct" else SESSIONS[::3]:
                compare(bench, family, how, words, what)
            if how == "direct":
                fragments(bench, family)
    segments(bench)
    netlink(bench)
    finish()


main()
