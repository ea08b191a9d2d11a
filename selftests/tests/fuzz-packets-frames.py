#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for fuzz-packets.sh: damaged frames, lying offloads, any options.

    p0 - m0 src und0, und1 - col        m0, and the tap t0, are mirrored; what t0 and m0 receive goes to d0
    p1 - c0                             the same way without a mirror, as are t1 and d1

Each packet is sent twice, the other way is the oracle: what the kernel makes of it without a mirror is what
has to come of it, and is what its copies are made of.  No other test sends what no sane sender would.
"""
import fcntl
import os
import socket
import struct
import time

import rawtc as tc
from cases import (ACK, CTAG, ECN, PSH, STAG, TCP4, TCP6, UDP_L4, pattern, super_packet)
from guest import batch, must, netns, wait_for
from rawtc import attr
from seeded import cases, chance
from tap import finish, ok
from wire import OUTGOING, SO_RCVBUFFORCE, cable_end, namespaces

CHANCE, SEED = chance()
PACKETS = cases(3000)
BATCH = 25                      # packets with the same options
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR = 263, 8, 15
TP_STATUS_VLAN_VALID = 0x10
IFF_VNET_HDR, SIOCSIFMTU = 0x4000, 0x8922
ETH_P_ALL, GRE = 3, 47
MACS, IDENT = bytes.fromhex("0200000000020200"), slice(8, 12)   # each packet has an address of its own
OFF = "tx off tso off gso off gro off txvlan off rxvlan off"
COLLECTORS = {"wide 4": "192.0.2.9", "wide 6": "2001:db8:9::9", "narrow 4": "192.0.3.9"}
TAGS_MAX = 8
CHANGED_MOST = 8                # bytes that fixlen may change: two lengths, two checksums
PIECE_MOST = 14                 # and that differ in pieces: also sequence, flags, urgent pointer


def seldom(one_in):
    return CHANCE.randrange(one_in) == 0


class Eye:
    """Frames at a device, tags in their place."""

    def __init__(self, ns, dev, outgoing):
        with netns(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self.socket.bind((dev, ETH_P_ALL))
        self.socket.setblocking(False)
        self.outgoing = outgoing

    def drain(self):
        """{identity of the packet: its frames}"""
        found = {}
        while True:
            try:
                frame, more, _, where = self.socket.recvmsg(1 << 17, 64)
            except BlockingIOError:
                return found
            if (where[2] == OUTGOING) != self.outgoing:
                continue
            for _, kind, data in more:
                if kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack_from("=IIIHHHH", data)
                    if status & TP_STATUS_VLAN_VALID:
                        frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
            found.setdefault(frame[IDENT], []).append(frame)


class Collector:
    """What the kernel of the collector takes out of IP: put together, without the outer header."""

    def __init__(self):
        with netns("col"):
            self.sockets = [socket.socket(family, socket.SOCK_RAW, GRE)
                            for family in (socket.AF_INET, socket.AF_INET6)]
        for sock in self.sockets:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            sock.setblocking(False)

    def drain(self):
        """(frame, T) of each copy, in the order of arrival"""
        for sock in self.sockets:
            while True:
                try:
                    data = sock.recv(1 << 17)
                except BlockingIOError:
                    break
                yield unwrap(data[(data[0] & 15) * 4:] if sock.family == socket.AF_INET else data)


def unwrap(gre):
    """(frame, T), T is None for type I"""
    flags, proto = struct.unpack_from("!HH", gre)
    if (flags, proto) == (0, 0x88be):
        return gre[4:], None
    assert flags == 0x1000, gre[:32].hex()
    cut = bool(gre[10] & 4)
    if proto == 0x88be:
        return gre[16:], cut
    return gre[28 if gre[19] & 1 else 20:], cut


# --- frames ------------------------------------------------------------------

class Packet:
    """What is sent: a frame, behind a struct virtio_net_hdr if the way takes one."""

    def __init__(self, frame, vnet=None, ends=None):
        self.ends, self.vnet = ends, vnet
        self.ident = struct.pack("!I", next(IDENTS))
        self.frame = MACS + self.ident + frame[12:]

    def __str__(self):
        return f"{self.vnet.hex() if self.vnet else 'without'} {self.frame[:80].hex()}"

    def bytes(self, vnet):
        return (self.vnet or bytes(10)) + self.frame if vnet else self.frame


def corpus():
    """(frame, where its headers end) of each kind"""
    with open("/selftests/corpus.data") as lines:
        for line in lines:
            *ends, _, data, _ = line.rstrip("\n").split("\t")
            yield bytes.fromhex(data), [int(n) for n in ends]


def mutate(data, ends):
    """Damage behind the addresses."""
    data, count = bytearray(data), CHANCE.choice((1, 1, 2, 3, 8))
    for _ in range(count):
        CHANCE.choice(DAMAGES)(data, ends)
    return bytes(data) if len(data) >= 14 else bytes(data) + bytes(14 - len(data))


def place(data, ends):
    """More often in the headers than behind them."""
    high = len(data) if seldom(3) else min(len(data), ends[2] + 4)
    return CHANCE.randrange(12, max(high, 13))


def damage_bit(data, ends):
    data[min(place(data, ends), len(data) - 1)] ^= 1 << CHANCE.randrange(8)


def damage_byte(data, ends):
    value = CHANCE.choice((0, 1, 0x7f, 0x80, 0xff, CHANCE.randrange(256)))
    data[min(place(data, ends), len(data) - 1)] = value


def damage_length(data, ends):
    """Fields of lengths: IPv4, IPv6, of headers, UDP, extensions"""
    l3, l4, _ = ends
    at = CHANCE.choice((l3 - 2, l3, l3 + 2, l3 + 4, l4 + 4, l4 + 12, l3 + 41))
    if at + 2 <= len(data):
        value = CHANCE.choice((0, 1, 7, 8, 19, 20, len(data) - l3, len(data), 0xffff,
                               CHANCE.randrange(1 << 16)))
        data[at:at + 2] = value.to_bytes(2, "big")


def damage_cut(data, ends):
    del data[CHANCE.randrange(14, max(len(data), 15)):]


def damage_longer(data, _):
    data += CHANCE.randbytes(CHANCE.choice((1, 2, 7, 46, 1000, 3000)))


def draw_tags(*counts):
    return [(CHANCE.choice((CTAG, STAG)), CHANCE.randrange(1 << 16)) for _ in range(CHANCE.choice(counts))]


def damage_tag(data, _):
    data[12:12] = b"".join(struct.pack("!HH", *tag) for tag in draw_tags(1, 1, 2, 3, 8))


def damage_splice(data, ends):
    """The front of this one and the back of another one"""
    other, others = CHANCE.choice(CORPUS)
    at = CHANCE.randrange(3)
    data[ends[at]:] = other[others[CHANCE.choice((at, CHANCE.randrange(3)))]:]


def damage_wrap(data, ends):
    """All of it within GRE, and ERSPAN at times, of a first header"""
    head = bytes(data[:ends[1]])
    if len(head) >= 34 and head[12:14] == b"\x08\0":
        kind = CHANCE.choice((0x6558, 0x88be, 0x22eb))
        data[:] = head[:23] + bytes([GRE]) + head[24:] + struct.pack("!HH", 0, kind) + data


DAMAGES = [damage_bit, damage_bit, damage_byte, damage_length, damage_cut, damage_longer, damage_tag,
           damage_splice, damage_wrap]


def super_frame():
    """A packet to be segmented, its offsets right, more often than not."""
    kind = CHANCE.choice((TCP4, TCP6, UDP_L4, TCP4 | ECN, TCP6 | ECN))
    tags = draw_tags(0, 0, 0, 1, 2)
    size = CHANCE.choice((1, 100, 536, 1000, 1400, 1448))
    made = super_packet(kind, size, pattern(CHANCE.randint(1, min(20 * size, 9000)), CHANCE.randrange(256)),
                        CHANCE.choice((ACK, PSH | ACK, 0xff)), tags=tags)
    vnet, frame = made[:10], made[10:]
    l3 = 14 + 4 * len(tags)
    l4 = l3 + (20 if frame[l3] >> 4 == 4 else 40)
    ends = [l3, l4, min(l4 + 20, len(frame))]
    if seldom(2):
        vnet = lie(vnet, len(frame))
    if seldom(3):
        frame = mutate(frame, ends)
    return Packet(frame, vnet)


def lie(vnet, length):
    """Other flags, another kind, other lengths and offsets"""
    fields = list(struct.unpack("=BBHHHH", vnet))
    lengths = (0, 1, 13, 14, 34, 38, 54, 74, length - 2, length, length + 1, 0xffff,
               CHANCE.randrange(length + 1))
    for _ in range(CHANCE.choice((1, 1, 2))):
        at = CHANCE.randrange(6)
        fields[at] = CHANCE.choice({0: (0, 1, 2, 3), 1: (0, 1, 3, 4, 5, 0x81, 0x84)}.get(at, lengths))
    return struct.pack("=BBHHHH", *(v & 0xffff for v in fields))


def unfinished(frame, ends):
    """Checksums, or where they are said to be, left to the device"""
    offset = CHANCE.choice((16, 6, 2, 8))
    vnet = struct.pack("=BBHHHH", CHANCE.choice((0, 1, 2)), 0, CHANCE.choice((0, 14, ends[2], len(frame))), 0,
                       ends[1], offset)
    return lie(vnet, len(frame)) if seldom(3) else vnet


def draw():
    if seldom(6):
        return super_frame()
    frame, ends = CHANCE.choice(CORPUS)
    if seldom(5):
        return Packet(frame, None, ends)
    data = mutate(frame, ends) if seldom(2) else frame
    return Packet(data, unfinished(data, ends) if seldom(3) else None, ends if data == frame else None)


# --- options -----------------------------------------------------------------

class Session:
    """The options of the action, drawn."""

    def __init__(self):
        pick = CHANCE.choice
        self.way, self.type = pick(sorted(COLLECTORS)), pick((0, 1, 2, 2))
        self.subheader = pick((0, 0, 3, 5, 7)) if self.type == 2 else 0
        self.strip = self.type > 0 and seldom(3)
        self.after = pick((0, 0, 0, 0, 1, 2, 3))
        self.trunc = pick((0, 1, 9, 64, 999)) if self.after else pick((0, 0, 0, 0, 0, 14, 15, 33, 60, 128, 1000))
        self.fixlen = bool(self.trunc or self.after) and seldom(2)
        self.oversize = pick((0, 1, 2))
        self.mtu = pick((1280, 1500, 9000, 65535, 65535))
        if "narrow" in self.way:
            self.mtu = CHANCE.randint(120, pick((200, 1500)))

    def __str__(self):
        return f"{ {k: v for k, v in vars(self).items() if v} }"

    def attributes(self):
        values = {tc.ERSPAN_VER: self.type, tc.VLAN_TAG: int(self.strip), tc.TRUNC: self.trunc,
                  tc.TRUNC_AFTER: self.after, tc.FIXLEN: int(self.fixlen), tc.OVERSIZE: self.oversize}
        if self.type == 2:
            values |= {tc.SUBHEADER: self.subheader, tc.ID: CHANCE.randrange(1024),
                       tc.SGT: CHANCE.randrange(1 << 16)}
        return [attr(number, value) for number, value in values.items()]

    def room(self):
        headers = (40 if "6" in self.way else 20) + (4, 16, 20)[self.type] + (8 if self.subheader else 0)
        return self.mtu - headers

    def stripped(self, frame):
        tagged = frame[12:14] in (b"\x81\0", b"\x88\xa8") and len(frame) >= 16
        return frame[:12] + frame[16:] if self.strip and tagged else frame

    def limit(self, packet, frame):
        """The longest a copy may be, and whether it has to be as long as that."""
        asked, exact = self.trunc or 1 << 17, True
        if self.after:
            ends = packet.ends
            exact = ends is not None and packet.vnet is None
            if exact and self.strip:    # of more tags than are looked at one more comes into sight
                exact = ends[0] < 14 + 4 * TAGS_MAX
            if exact:           # a tag that was taken out was counted
                tag = len(packet.frame) - len(self.stripped(packet.frame))
                asked = ends[self.after - 1] - tag + self.trunc
            else:
                asked = 1 << 17
        room = 65535 - (self.mtu - self.room()) if self.oversize == 1 else self.room()
        return min(len(frame), asked, room), exact


class Judge:
    """Do the copies of each packet say what is on the wire?"""

    def __init__(self):
        self.wrong = {"original": [], "copy": [], "count": []}
        self.total = dict.fromkeys(("packets", "frames", "refused", "unsent", "copies", "shorter", "changed",
                                    "pieces", "none", "GSO"), 0)

    def complain(self, kind, what):
        self.wrong[kind].append(what)

    def match(self, session, packet, frame, copies):
        """How many of the copies are this frame's; 0 with a complaint."""
        frame, (limit, exact) = session.stripped(frame), session.limit(packet, frame)
        limit = min(limit, len(frame))
        copy, cut = copies[0]
        changed, short = sum(a != b for a, b in zip(copy, frame)), len(copy) < len(frame)
        sizes = f"{len(copy)} of {len(frame)} bytes"
        if session.oversize == 2 and short and not cut:         # which the first piece might look like
            for count in range(2, len(copies) + 1):
                if self.pieces([c for c, _ in copies[:count]], frame, limit):
                    self.total["pieces"] += count
                    self.batch_pieces += count - 1
                    return count
        if len(copy) <= len(frame) and changed <= (CHANGED_MOST if session.fixlen and short else 0):
            self.total["shorter"] += short
            self.total["changed"] += changed > 0
            self.batch_changed += changed > 0
            self.batch_short += short
            if cut is not None and cut != short:
                self.complain("copy", f"T is {cut} for {sizes}")
            if len(copy) > limit or exact and len(copy) != limit or len(copy) < min(14, limit):
                self.complain("copy", f"{session}: {sizes}, not {limit}: {frame[:80].hex()}")
            return 1
        self.complain("copy", f"{session}: {len(copies)} copies are not of this frame, {sizes}:\n"
                      f"  {copy[:120].hex()}\n  {frame[:120].hex()} {packet.vnet and packet.vnet.hex()}")
        return 0

    @staticmethod
    def pieces(copies, frame, room):
        """Is what lies behind the same headers all that lay there?"""
        head, rest = divmod(sum(map(len, copies)) - len(frame), len(copies) - 1)
        return not rest and 14 < head < len(frame) and all(len(c) <= room for c in copies) and \
            b"".join(c[head:] for c in copies) == frame[head:] and \
            all(sum(a != b for a, b in zip(c[:head], frame)) <= PIECE_MOST for c in copies)

    def packet(self, session, packet, frames, copies):
        """One packet, which became these frames."""
        self.total["packets"] += 1
        self.total["frames"] += len(frames)
        self.total["copies"] += len(copies)
        self.total["GSO"] += len(frames) > 1
        if not frames:          # the kernel dropped it behind the mirror, or in front of it
            self.total["unsent"] += 1
            self.unknown += 1
            return
        if not copies:
            self.total["none"] += len(frames)
            self.batch_none += len(frames)
            return
        for number, frame in enumerate(frames):
            if not copies:
                self.complain("copy", f"{session}: none of frame {number} of {len(frames)}: {packet}")
                return
            taken = self.match(session, packet, frame, copies)
            if not taken:
                return
            copies = copies[taken:]
        if copies:
            self.complain("copy", f"{session}: {len(copies)} more than {len(frames)} frames: {packet}")

    def begin(self):
        self.unknown = self.batch_none = self.batch_changed = self.batch_short = self.batch_pieces = 0

    def counters(self, session, counts, received):
        """What was counted is what was seen."""
        reasons = {name: counts[name] for name in tc.REASONS if counts[name]}
        wrong = []
        if counts["sent"] != received:
            wrong.append(f"{counts['sent']} sent, {received} came")
        if set(reasons) - {"loop", "bad_frame"}:
            wrong.append(f"{reasons}")
        if not self.unknown:
            short, changed = self.batch_short, self.batch_changed
            want = {"truncated + cut": short, "split": self.batch_pieces, "no copy": self.batch_none}
            found = {"truncated + cut": counts["truncated"] + counts["cut"], "split": counts["split"],
                     "no copy": sum(reasons.values())}
            if found != want:
                wrong.append(f"{found}, not {want}")
            if session.fixlen and changed > short - counts["unfixed"]:
                wrong.append(f"{changed} of {short} were fixed, and {counts['unfixed']} not")
        if wrong:
            self.complain("count", f"{session}: {'; '.join(wrong)}")


# --- the bed -----------------------------------------------------------------

def packet_socket(ns, dev, vnet):
    with netns(ns):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        if vnet:
            made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        made.setsockopt(socket.SOL_SOCKET, 32, 8 << 20)         # SO_SNDBUFFORCE
        made.bind((dev, 0))
    return made.send


def by_tap(dev):
    """A device whose wire is this process; it takes offloads."""
    handle = cable_end("src", dev, IFF_VNET_HDR)
    return lambda data: os.write(handle, data)


def attempt(send, data):
    """The error, if it was refused."""
    try:
        send(data)
    except OSError as error:
        return error.errno
    return 0


class Bed:
    """Topology, ways to send, eyes."""

    def __init__(self):
        namespaces("src", "peer", "col")
        must("modprobe -a tun act_mirrorx act_mirred sch_ingress cls_matchall")
        taps = {dev: by_tap(dev) for dev in ("t0", "t1")}
        batch("ip", """link add m0 netns src type veth peer name p0 netns peer
            link add c0 netns src type veth peer name p1 netns peer
            link add und0 netns src mtu 65535 type veth peer name eth0 netns col mtu 65535
            link add und1 netns src mtu 1500 type veth peer name eth1 netns col mtu 65535
            link add d0 netns src type dummy
            link add d1 netns src type dummy""")
        for ns, devs in ("src", "m0 c0 t0 t1 d0 d1"), ("peer", "p0 p1"):
            for dev in devs.split():
                with netns(ns), open(f"/proc/sys/net/ipv6/conf/{dev}/disable_ipv6", "w") as out:
                    out.write("1")
                if dev[0] != "t":
                    must(f"ethtool -K {dev} {OFF}", ns)
            batch("ip", "\n".join(f"link set {dev} mtu 65000 arp off up" for dev in devs.split()), ns)
        for ns, low, devs in ("src", 1, ("und0", "und1")), ("col", 9, ("eth0", "eth1")):
            batch("ip", f"""address add 192.0.2.{low}/24 dev {devs[0]}
                address add 192.0.3.{low}/24 dev {devs[1]}
                link set {devs[0]} up
                link set {devs[1]} up
                address add 2001:db8:9::{low}/64 dev {devs[0]}""", ns)
        self.kernel = self.configure()
        self.collector = Collector()
        eye = {dev: Eye("src", dev, True) for dev in ("m0", "c0", "d0", "d1")}
        self.arrivals = Eye("peer", "p0", False), Eye("peer", "p1", False)
        # way: (mirrored, not mirrored) to send, whether with a vnet header; eyes there
        self.ways = {
            "egress": (packet_socket("src", "m0", True), packet_socket("src", "c0", True), True,
                       eye["m0"], eye["c0"]),
            "received by a tap": (taps["t0"], taps["t1"], True, eye["d0"], eye["d1"]),
            "received by veth": (packet_socket("peer", "p0", False), packet_socket("peer", "p1", False),
                                 False, eye["d0"], eye["d1"])}
        with netns("src"):
            self.ioctl = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def configure(self):
        with netns("src"):
            kernel = tc.Netlink()
        answer = kernel.add(tc.action(tc.options(dst="192.0.2.9", index=1)))
        assert not answer.error, answer
        batch("tc", """qdisc add dev m0 clsact
            qdisc add dev c0 clsact
            qdisc add dev t0 clsact
            qdisc add dev t1 clsact
            filter add dev m0 egress matchall action mirrorx index 1
            filter add dev m0 ingress matchall action mirrorx index 1 action mirred egress redirect dev d0
            filter add dev t0 ingress matchall action mirrorx index 1 action mirred egress redirect dev d0
            filter add dev c0 ingress matchall action mirred egress redirect dev d1
            filter add dev t1 ingress matchall action mirred egress redirect dev d1""", "src")
        for dst, dev, ns in (("192.0.2.9", "und0", "src"), ("192.0.3.9", "und1", "src"),
                             ("2001:db8:9::9", "und0", "src")):
            far = must(f"ip -n col -br link show dev {'eth0' if dev == 'und0' else 'eth1'}").split()[2]
            must(f"ip -n {ns} neigh replace {dst} dev {dev} lladdr {far} nud permanent")
        return kernel

    def counts(self):
        return tc.counters(self.kernel.get(tc.by_index(1)).actions()[1])

    def session(self, session):
        dev = "und1" if "narrow" in session.way else "und0"
        fcntl.ioctl(self.ioctl, SIOCSIFMTU, struct.pack("16si20x", dev.encode(), session.mtu))
        words = tc.options(*session.attributes(), dst=COLLECTORS[session.way], index=1)
        answer = self.kernel.replace(tc.action(words))
        assert not answer.error, (answer, str(session))

    def run(self, judge, session, way, packets):
        """A batch: all is sent, then looked at."""
        mirrored, plain, vnet, eye, other = self.ways[way]
        self.session(session)
        before = self.counts()
        for packet in packets:
            data = packet.bytes(vnet)
            errors = attempt(plain, data), attempt(mirrored, data)
            judge.total["refused"] += errors[0] != 0
            if errors[0] != errors[1]:
                judge.complain("original", f"{way}: errors {errors}")
        time.sleep(0.001)
        frames, same, copies, got = other.drain(), eye.drain(), {}, []

        def arrived():
            got.extend(self.collector.drain())
            return len(got) >= self.counts()["sent"] - before["sent"]

        wait_for(3, arrived)
        after = self.counts()
        wait_for(1, lambda: sum(map(len, same.values())) >= sum(map(len, frames.values())) or
                 same.update({k: same.get(k, []) + v for k, v in eye.drain().items()}))
        for frame, cut in got:
            copies.setdefault(frame[IDENT], []).append((frame, cut))
        judge.begin()
        for packet in packets:
            expected = frames.get(packet.ident, [])
            if same.pop(packet.ident, []) != expected:
                judge.complain("original", f"{way}, {session}: other than the {len(expected)} frames without "
                               f"a mirror: {packet}")
            judge.packet(session, packet, expected, copies.pop(packet.ident, []))
        there, other = (eye.drain() for eye in self.arrivals)
        if there != other:
            judge.complain("original", f"{way}: {sum(map(len, there.values()))} frames arrive, "
                           f"{sum(map(len, other.values()))} do without a mirror")
        if same or copies:
            judge.complain("copy", f"{way}, {session}: {len(copies)} copies, {len(same)} frames of nothing "
                           "that was sent")
        judge.counters(session, {name: after[name] - before[name] for name in after}, len(got))


def main():
    bed, judge = Bed(), Judge()
    for _ in range(PACKETS // BATCH):
        way = CHANCE.choice(sorted(bed.ways))
        bed.run(judge, Session(), way, [draw() for _ in range(BATCH)])
    counts, total = bed.counts(), judge.total
    for kind, description in (
            ("original", "{packets} packets pass like those without a mirror, {frames} frames"),
            ("copy", "{copies} copies are true, {shorter} of them cut, {pieces} pieces"),
            ("count", "the counters say what happened")):
        wrong = judge.wrong[kind]
        ok(not wrong, f"seed {SEED}: {description.format(**total)}", *wrong[:8], len(wrong))
    print(f"# {total}\n# {counts}")
    ok(total["copies"] > total["packets"] * 2 // 3 and total["none"] < total["frames"] // 5 and
       total["unsent"] < total["packets"] // 3 and all(total.values()) and
       all(counts[n] for n in ("loop", "truncated", "cut", "split", "fragmented", "unfixed")),
       "there was enough of everything", total, counts)
    finish()


IDENTS = iter(range(1, 1 << 31))
CORPUS = list(corpus())
main()
