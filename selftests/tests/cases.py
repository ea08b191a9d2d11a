# SPDX-License-Identifier: GPL-2.0-only
"""For the packet tests, in a VM: traffic through mirrorx actions.

A case is a filter with one or more mirrorx actions, each with a Session ID of
its own, and what passes it between two marks.  The marks are frames too, so
the host (erspan.py) finds the case in every capture.  Nothing is judged here.
"""
import ctypes
import json
import os
import platform
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial

from guest import PATIENCE

SOL_PACKET, PACKET_VNET_HDR, ETH_P_ALL = 263, 15, 3
CLONE_NEWNET = 0x40000000
CTAG, STAG = 0x8100, 0x88a8
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))
TCP4, TCP6, UDP_L4, ECN = 1, 4, 5, 0x80         # VIRTIO_NET_HDR_GSO_*
# Packet sockets take GSO of TCP, and since 6.2 of UDP.
UDP_GSO = () if platform.release().startswith(("5.10.", "6.1.")) else (UDP_L4,)
MARK_TYPE = 0x88b5                      # IEEE 802 local experimental
COLLECTOR = {4: "192.0.2.9", 6: "2001:db8:9::9"}
MACS = bytes.fromhex("020000000002" "020000000001")

os.sched_setaffinity(0, {0})            # frames that several CPUs send may overtake each other
libc = ctypes.CDLL(None, use_errno=True)
cases = []
session_ids = iter(range(1, 1024))


def enter(ns):
    """From here on this process is in network namespace NS."""
    with open(f"/run/netns/{ns}") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {ns}")


def run(*words, **how):
    """A command, in the namespace entered last; gives what it printed."""
    return subprocess.run([str(w) for w in words], check=True, text=True,
                          stdout=subprocess.PIPE, **how).stdout


def in_ns(ns, *words, **how):
    enter(ns)
    return run(*words, **how)


class Wire:
    """Sends frames out of a device, as they are."""

    def __init__(self, ns, dev="eth0", vnet=False):
        enter(ns)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        if vnet:
            self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.bind((dev, 0))

    def send(self, *frames):
        for frame in frames:
            self.socket.send(frame)


class Datagrams:
    """Sends frames' payload over UDP: marks for devices that have no frames."""

    def __init__(self, ns, here, there, port=9, dev=None):
        enter(ns)
        self.socket = socket.socket(socket.AF_INET6 if ":" in here else socket.AF_INET,
                                    socket.SOCK_DGRAM)
        if dev:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
        self.socket.bind((here, 0))
        self.there = there, port        # connected, it would hear that nobody listens

    def send(self, *frames):
        self.send_payload(*(frame[len(MACS):] for frame in frames))

    def send_payload(self, *payloads):
        for payload in payloads:
            self.socket.sendto(payload, self.there)


def mark(wire, text):
    wire.send(MACS + struct.pack("!H", MARK_TYPE) + text.encode().ljust(46, b"\0"))


def mark_passing(dev, wire, text):
    """MARK, which passes a device of src in its own time: WireGuard agrees on keys first, a work
    queue comes late."""
    enter("src")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as tap:
        tap.bind((dev, ETH_P_ALL))
        tap.settimeout(20 * PATIENCE)
        mark(wire, text)
        while f"{text}\0".encode() not in tap.recv(1 << 16):
            pass


def action(options, underlay):
    words = options.split()
    if "dst_ip" not in words:
        words = ["dst_ip", COLLECTOR[underlay], *words]
    if "gretap" in words:               # where nothing tells sessions apart
        return next(session_ids), ["action", "mirrorx", *words]
    name = "vni" if "vxlan" in words or "geneve" in words else "id"
    if name not in words:
        words += [name, str(next(session_ids))]
    return int(words[words.index(name) + 1]), ["action", "mirrorx", *words]


@contextmanager
def case(name, hook, wire, sessions=("",), underlay=4, dev="eth0", capture=None,
         settle=0, first="", **note):
    """Mirror what passes HOOK of a device of src.

    WIRE sends the marks, CAPTURE (by default "in" or "out") names what
    tcpdump saw there.  SETTLE: seconds until all of it has passed.  FIRST: more
    actions, in front.  The host is told what the caller puts into the dict that
    this gives.
    """
    words, idents = first.split(), []
    for options in sessions:
        ident, more = action(options, underlay)
        idents.append(ident)
        words += more
    in_ns("src", "tc", "filter", "add", "dev", dev, hook, "pref", 1, "matchall", *words)
    ifindex = socket.if_nametoindex(dev)
    put = partial(mark_passing, dev) if settle else mark
    put(wire, f"begin {idents[0]}")
    yield note
    time.sleep(settle)
    put(wire, f"end {idents[0]}")
    time.sleep(settle and 0.05)         # on their way in, frames are seen before filters get them
    shown = json.loads(in_ns("src", "tc", "-j", "-s", "-batch", "-", input=f"""
        filter show dev {dev} {hook}
        filter del dev {dev} {hook} pref 1"""))
    actions = [a for f in shown if "options" in f for a in f["options"]["actions"]
               if a["kind"] == "mirrorx"]
    cases.append({
        "name": name, "mark": idents[0], "hook": hook, "underlay": underlay, "ifindex": ifindex,
        "capture": capture or {"ingress": "in", "egress": "out"}[hook],
        "sessions": [{"id": i, "options": o, "packets": a["stats"]["packets"],
                      "stats": a["mirrorx_stats"]}
                     for i, o, a in zip(idents, sessions, actions)], **note})


def done():
    with open(os.path.join(os.environ["OUT"], "cases.json"), "w") as out:
        json.dump(cases, out, indent=1)


# --- frames by hand (scapy takes seconds to load here)

def ones_sum(data, total=0):
    data += b"\0" * (len(data) % 2)
    total += sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def ether(kind, payload, *tags):
    """TAGS: (TPID, TCI), outermost first.  KIND may be a length."""
    return MACS + b"".join(struct.pack("!HH", *tag) for tag in tags) + \
        struct.pack("!H", kind) + payload


def ip4(proto, payload, src="198.51.100.2", dst="198.51.100.1", ident=0x1234, tos=0, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), ident, 0x4000, ttl, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    check = ~ones_sum(head) & 0xffff
    return head[:10] + struct.pack("!H", check) + head[12:] + payload


def ip6(proto, payload, src="2001:db8:1::2", dst="2001:db8:1::1", tclass=0, hops=64):
    return struct.pack("!IHBB", 6 << 28 | tclass << 20 | 0xbeef, len(payload), proto, hops) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def pseudo(packet, proto, length):
    """Sum of the pseudo header of an IPv4 or IPv6 packet"""
    addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    return ones_sum(addresses + struct.pack("!HH", proto, length))


def pattern(length, seed=0):
    return bytes((i * 7 + seed) & 0xff for i in range(length))


def udp(size, make=ip4, **words):
    payload = pattern(size)
    head = struct.pack("!HHHH", 4000, 4001, 8 + size, 0)
    total = ones_sum(head + payload, pseudo(make(17, head + payload, **words), 17, 8 + size))
    return make(17, head[:6] + struct.pack("!H", ~total & 0xffff or 0xffff) + payload, **words)


def broken():
    """Frames that are none of what they say."""
    yield ether(0x0800, b"")
    yield ether(0x0800, pattern(1))
    yield ether(0x86dd, ip6(17, pattern(8))[:39])
    yield ether(0x8100, b"")
    yield ether(0x8100, pattern(1))
    yield ether(0x9999, b"", (STAG, 4094))
    yield ether(0x0800, b"\x4f" + udp(4)[1:])           # IP options out of nowhere
    yield ether(0x0800, udp(100)[:50])


def zoo():
    """One of each kind of frame."""
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, bytes(6), bytes([198, 51, 100, 2]),
                      bytes(6), bytes([198, 51, 100, 1]))
    lldp = bytes.fromhex("0207040200000000010403037031060200780000") + bytes(26)
    label = struct.pack("!I", 1000 << 12 | 5 << 9 | 1 << 8 | 64)
    llc = bytes.fromhex("424203000000000080000000000000000000000000008000000000000000000014000200"
                        "0f00000000")
    yield from (ether(0x0800, udp(n)) for n in (0, 1, 2, 17, 18, 99, 1472))
    yield from (ether(0x86dd, udp(n, ip6)) for n in (0, 1, 2, 99, 1452))
    yield ether(0x0806, arp)                            # shorter than any Ethernet allows
    yield ether(0x0806, arp + bytes(18))
    yield ether(0x88cc, lldp)
    yield ether(0x8847, label + udp(10))
    yield ether(0x8848, label + udp(11, ip6))
    yield ether(len(llc), llc)                          # 802.3 with LLC: a BPDU
    yield ether(300, bytes.fromhex("aaaa0300000c2000") + pattern(292))  # and with SNAP
    yield ether(0x9999, pattern(46))
    yield ether(0x0000, pattern(46))
    yield ether(0xffff, pattern(46))
    yield ether(0x9999, pattern(1))
    yield ether(0x0800, udp(8972))                      # jumbo
    yield ether(0x86dd, udp(8951, ip6))
    yield ether(0x0800, ip4(47, bytes.fromhex("00006558") + ether(0x0800, udp(50))))
    yield ether(0x0800, udp(40), (CTAG, 100))
    yield ether(0x0800, udp(41), (CTAG, 0xffff))
    yield ether(0x86dd, udp(42, ip6), (CTAG, 7 << 13))      # priority tag
    yield ether(0x0800, udp(43), (CTAG, 0))                 # and one that says nothing
    yield ether(0x0800, udp(44), (STAG, 5 << 13 | 200))
    yield ether(0x0800, udp(45), (STAG, 3 << 13 | 200), (CTAG, 6 << 13 | 300))
    yield ether(0x0800, udp(46), (CTAG, 11), (CTAG, 12), (CTAG, 13))
    yield ether(0x0806, arp, (CTAG, 100))
    yield ether(len(llc), llc, (CTAG, 100))
    yield ether(0x0800, udp(8972), (CTAG, 100))


def super_packet(kind, gso_size, payload, flags=PSH | ACK, options=b"", tags=(), make=None,
                 seq=1000, **words):
    """A packet for the stack to segment, behind its struct virtio_net_hdr."""
    make = make or (ip6 if kind & ~ECN == TCP6 else ip4)
    tcp = kind != UDP_L4
    proto, offset = (6, 16) if tcp else (17, 6)
    head = 20 + len(options) if tcp else 8
    length = head + len(payload)
    total = pseudo(make(proto, bytes(length), **words), proto, length)
    if tcp:
        l4 = struct.pack("!HHIIBBHHH", 5, 6, seq & 0xffffffff, 77, head << 2, flags, 512, total,
                         9 if flags & URG else 0) + options
    else:
        l4 = struct.pack("!HHHH", 5, 6, length, total)
    packet = make(proto, l4 + payload, **words)
    frame = ether(0x86dd if packet[0] >> 4 == 6 else 0x0800, packet, *tags)
    start = len(frame) - length
    return struct.pack("=BBHHHH", 1, kind, start + head, gso_size, start, offset) + frame


# --- sockets

def socket_in(ns, *args):
    enter(ns)
    made = socket.socket(*args)
    made.settimeout(20)
    return made


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def stream(hook, there, size, proto=socket.IPPROTO_TCP):
    """SIZE bytes over a stream, in the direction that HOOK of src sees."""
    server = socket_in("peer", family_of(there), socket.SOCK_STREAM, proto)
    server.bind((there, 0))
    server.listen()
    client = socket_in("src", family_of(there), socket.SOCK_STREAM, proto)
    client.connect(server.getsockname()[:2])
    other = server.accept()[0]
    other.settimeout(20)
    sender, receiver = (client, other) if hook == "egress" else (other, client)
    thread = threading.Thread(target=sender.sendall, args=(pattern(size, size),))
    thread.start()
    got = 0
    while got < size:
        got += len(receiver.recv(1 << 20))
    thread.join()
    for each in client, other, server:
        each.close()
