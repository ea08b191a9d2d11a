# SPDX-License-Identifier: GPL-2.0-only
"""For tests in Python in a VM: what is on the wires, and whether it adds up."""
import fcntl
import os
import select
import socket
import struct
import time

import rawtc
from guest import batch, must, netns, wait_for
from tap import ok

ETH_P_ALL, SO_RCVBUFFORCE = 3, 33
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000
FRAMES_MAX = 20000              # of a tap: in a storm there would be no end
OUTGOING, ARPHRD_NONE = socket.PACKET_OUTGOING, 0xfffe
REASONS = rawtc.REASONS


class Copy:
    """An ERSPAN type III packet, taken apart from its IP header on."""

    def __init__(self, packet, frame=b""):
        self.frame, self.packet = frame, packet         # Ethernet header, outer packet
        if packet[0] >> 4 == 4:
            self.src, self.dst = (socket.inet_ntop(socket.AF_INET, packet[n:n + 4]) for n in (12, 16))
            self.tos, self.ttl, gre = packet[1], packet[8], packet[20:]
            packet = packet[:int.from_bytes(packet[2:4], "big")]
        else:
            self.src, self.dst = (socket.inet_ntop(socket.AF_INET6, packet[n:n + 16]) for n in (8, 24))
            self.tos, self.ttl, gre = int.from_bytes(packet[:2], "big") >> 4 & 255, packet[7], packet[40:]
        self.gre(gre)

    def gre(self, gre):
        flags, proto, self.seq, word0, _, word2 = struct.unpack_from("!HHIIII", gre)
        assert (flags, proto, word0 >> 28) == (0x1000, 0x22eb, 2)
        self.session, self.truncated, self.egress = word0 & 0x3ff, bool(word0 & 0x400), bool(word2 & 8)
        self.inner = gre[20 + 8 * (word2 & 1):]


def copy_in(frame):
    """The copy in a frame, or None."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    proto, packet = frame[at:at + 2], frame[at + 2:]
    if proto == b"\x08\x00" and packet[9] == 47 or proto == b"\x86\xdd" and packet[6] == 47:
        return Copy(packet, frame[:at + 2])
    return None


class Carried:
    """What a packet of Ethernet in GRE, VXLAN or Geneve carries."""

    def __init__(self, inner):
        self.inner = inner


def tunnelled_in(frame):
    """Likewise, but for ERSPAN: by the usual ports"""
    proto, packet = frame[12:14], frame[14:]
    if proto == b"\x08\x00" and packet[6:8] == b"\x40\x00":
        upper, rest = packet[9], packet[20:int.from_bytes(packet[2:4], "big")]
    elif proto == b"\x86\xdd":
        upper, rest = packet[6], packet[40:]
    else:
        return None
    if upper == 47 and rest[:4] == b"\0\0\x65\x58":
        return Carried(rest[4:])
    if upper == 17 and rest[2:4] in ((4789).to_bytes(2, "big"), (6081).to_bytes(2, "big")):
        return Carried(rest[16:])
    return None


class Listener:
    """Takes copies like a collector: a host where nobody does answers them with ICMP."""

    def __init__(self, ns, *ports):
        with netns(ns):
            self.sockets = [socket.socket(family, socket.SOCK_RAW, 47)
                            for family in (socket.AF_INET, socket.AF_INET6)]
            for port in ports:
                self.sockets.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
                self.sockets[-1].bind(("::", port))

    def close(self):
        for sock in self.sockets:
            sock.close()


class Tap:
    """All frames of a device, one direction, from now on."""

    def __init__(self, ns, dev, outgoing=False):
        with netns(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.socket.bind((dev, ETH_P_ALL))
        self.socket.setblocking(False)
        self.outgoing, self.frames = outgoing, []

    def all(self):
        while self.socket.fileno() >= 0 and len(self.frames) < FRAMES_MAX:
            try:
                frame, where = self.socket.recvfrom(1 << 16)
            except BlockingIOError:
                return self.frames
            except OSError:             # the device went down; what came before is still there
                continue
            if (where[2] == OUTGOING) == self.outgoing:
                bare = where[3] == ARPHRD_NONE
                self.frames.append(12 * b"\0" + where[1].to_bytes(2, "big") + frame if bare else frame)
        return self.frames

    def copies(self):
        return [copy for copy in map(copy_in, self.all()) if copy]

    def close(self):
        """An open socket keeps its namespace; the frames stay."""
        self.all()
        self.socket.close()


def cable_end(ns, dev, flags=0):
    """The other end of a new tap device: what is written there is received, and so on."""
    with netns(ns):
        handle = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", dev.encode(), IFF_TAP | IFF_NO_PI | flags))
    return handle


class Pinger:
    """ICMP echoes, without a process for each."""

    def __init__(self, ns, dst):
        self.v6 = ":" in dst
        family, proto = (socket.AF_INET6, 58) if self.v6 else (socket.AF_INET, 1)
        with netns(ns):
            self.socket = socket.socket(family, socket.SOCK_RAW, proto)
        self.dst, self.sequence, self.lost = dst, 0, 0

    def ping(self, count=1, size=56, seconds=1):
        """How many were answered."""
        answered = 0
        for _ in range(count):
            self.sequence += 1
            answered += self.one(bytes(i & 255 for i in range(size)), seconds)
        self.lost += count - answered
        return answered

    def one(self, payload, seconds):
        head = struct.pack("!BBHHH", 128 if self.v6 else 8, 0, 0, 0x4d58, self.sequence & 0xffff)
        if not self.v6:
            words = struct.unpack(f"!{(len(head + payload) + 1) // 2}H",
                                  head + payload + bytes(len(payload) % 2))
            total = sum(words)
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            head = head[:2] + struct.pack("!H", ~total & 0xffff) + head[4:]
        try:
            self.socket.sendto(head + payload, (self.dst, 0))
        except OSError:
            return 0
        return self.answered(payload, seconds)

    def answered(self, payload, seconds):
        """Whether the answer to the last echo is there, or comes."""
        wanted = struct.pack("!HH", 0x4d58, self.sequence & 0xffff) + payload
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([self.socket], [], [], left)[0]:
            data = self.socket.recv(1 << 16)
            data = data if self.v6 else data[(data[0] & 15) * 4:]
            if data[0] == (129 if self.v6 else 0) and data[4:] == wanted:
                return 1
        return 0


def namespaces(*names):
    """New namespaces, where IPv6 addresses are usable at once."""
    batch("ip", "\n".join(f"netns add {name}" for name in names))
    for name in names:
        with netns(name):
            for key in "accept_dad", "router_solicitations":
                for conf in "all", "default":
                    with open(f"/proc/sys/net/ipv6/conf/{conf}/{key}", "w") as out:
                        out.write("0")
        must(f"ip -n {name} link set lo up")


def sysctl(ns, key, value):
    with netns(ns), open(f"/proc/sys/{key.replace('.', '/')}", "w") as out:
        out.write(str(value))


class Account:
    """Do the counters of the actions in a namespace and what the taps saw agree?

    seen == sent + reasons, what the taps at the source saw is what was seen,
    what those at the collector saw is what was sent.
    """

    def __init__(self, ns="src"):
        with netns(ns):
            self.netlink = rawtc.Netlink()
        self.sources, self.collectors, self.known = [], [], 0

    def counts(self):
        """{counter: sum over the actions}, "seen" among them."""
        total = dict.fromkeys([*rawtc.COUNTERS, "seen"], 0)
        for act in self.netlink.list().actions().values():
            for name, count in rawtc.counters(act).items():
                total[name] += count
            total["seen"] += act["seen"]
        return total

    def originals(self):
        return [frame for tap in self.sources for frame in tap.all()]

    def copies(self):
        return [copy for tap in self.collectors for copy in tap.copies()]

    def difference(self):
        """What does not add up: "" if all does."""
        counts = self.counts()
        away = sum(counts[reason] for reason in REASONS)
        wrong = []
        if counts["seen"] != counts["sent"] + away:
            wrong.append(f"{counts['seen']} seen, but {counts['sent']} sent and {away} not")
        if self.sources and len(self.originals()) != counts["seen"]:
            wrong.append(f"{len(self.originals())} originals, but {counts['seen']} seen")
        missing = counts["sent"] - len(self.copies()) - self.known
        if self.collectors and missing:
            wrong.append(f"{counts['sent']} sent, of which {missing} did not arrive")
        return "; ".join(wrong)

    def wrong(self, seconds=3):
        """The difference since the last time, once all that is under way has come."""
        wait_for(seconds, lambda: not self.difference())
        found = self.difference()
        self.known = self.counts()["sent"] - len(self.copies())
        return found


class Scene(Account):
    """A device m0 in src whose egress is mirrored by action 1; what there is between it and the
    collectors is up to the test."""

    def __init__(self, dst, *more):
        batch("ip", """link add m0 up type dummy
            link set m0 address 02:00:00:00:00:01""", "src")
        super().__init__()
        self.mirror(dst, *more)
        with netns("src"):
            batch("tc", """qdisc add dev m0 clsact
                filter add dev m0 egress matchall action mirrorx index 1""")
            self.sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.sender.bind(("m0", 0))
        self.sources = [Tap("src", "m0", outgoing=True)]
        self.sent = 0

    def mirror(self, dst, *more):
        """Configure action 1 anew."""
        answer = self.netlink.replace(rawtc.action(rawtc.options(*more, dst=dst, index=1)))
        if answer.error:
            raise RuntimeError(answer)
        return answer.message

    def tap(self, ns, dev):
        self.collectors.append(Tap(ns, dev))
        return self.collectors[-1]

    def send(self, count=1, size=100):
        """Frames that differ."""
        frames = []
        for _ in range(count):
            self.sent += 1
            head = bytes.fromhex("020000000002 020000000001 88b5") + self.sent.to_bytes(4, "big")
            frames.append(head + bytes(i & 255 for i in range(size - len(head))))
            self.sender.send(frames[-1])
        return frames

    def arrive(self, tap, count=3, size=100, **expected):
        """Send frames: "" if they all come to this tap as whole copies like that, else what came."""
        before = len(tap.copies())
        frames = self.send(count, size)
        wait_for(3, lambda: len(tap.copies()) >= before + count)
        copies = tap.copies()[before:]
        length = expected.pop("length", size)
        same = [copy.inner for copy in copies] == [frame[:length] for frame in frames]
        right = all(getattr(copy, key) == value for copy in copies for key, value in expected.items())
        return "" if same and right else (
            f"{len(copies)} of {count} came, the bytes are {'' if same else 'not '}the same: "
            f"{[{key: getattr(copy, key) for key in expected} for copy in copies]}, {self.counts()}")

    def arrives(self, description, tap, **expected):
        wrong = self.arrive(tap, **expected)
        return ok(not wrong, description, wrong)

    def count(self, count=3, size=100):
        """Send frames: the counters that went up, and by how much."""
        before = self.counts()
        self.send(count, size)
        after = self.counts()
        return {name: after[name] - before[name] for name in after
                if after[name] != before[name] and name not in ("seen", "bytes", "in_flight")}

    def adds_up(self, description):
        wrong = self.wrong()
        return ok(not wrong, description, wrong, self.counts())
