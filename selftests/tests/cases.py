# SPDX-License-Identifier: GPL-2.0-only
"""For the packet tests, in a VM: traffic through mirrorx actions.

A case is a filter with one or more mirrorx actions, each with a Session ID of
its own, and what passes it between two marks.  The marks are frames too, so
the host (erspan.py) finds the case in every capture.  Nothing is judged here.
"""
import ctypes
import json
import os
import socket
import struct
import subprocess
import time
from contextlib import contextmanager

SOL_PACKET, PACKET_VNET_HDR = 263, 15
CLONE_NEWNET = 0x40000000
MARK_TYPE = 0x88b5                      # IEEE 802 local experimental
COLLECTOR = {4: "192.0.2.9", 6: "2001:db8:9::9"}
MACS = bytes.fromhex("020000000002" "020000000001")

libc = ctypes.CDLL(None, use_errno=True)
cases = []
session_ids = iter(range(1, 1024))


def enter(ns):
    """From here on this process is in network namespace NS."""
    with open(f"/run/netns/{ns}") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {ns}")


def run(*words):
    """A command, in the namespace entered last; gives what it printed."""
    return subprocess.run([str(w) for w in words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def in_ns(ns, *words):
    enter(ns)
    return run(*words)


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


def mark(wire, text):
    wire.send(MACS + struct.pack("!H", MARK_TYPE) + text.encode().ljust(46, b"\0"))


def action(options, underlay):
    ident = next(session_ids)
    words = options.split()
    if "dst_ip" not in words:
        words = ["dst_ip", COLLECTOR[underlay], *words]
    return ident, ["action", "mirrorx", *words, "id", str(ident)]


@contextmanager
def case(name, hook, wire, sessions=("",), underlay=4, dev="eth0", capture=None, settle=0, **note):
    """Mirror what passes HOOK of a device of src.

    WIRE sends the marks, CAPTURE (by default "in" or "out") names what
    tcpdump saw there.  SETTLE: seconds until all of it has passed.
    """
    words, idents = [], []
    for options in sessions:
        ident, more = action(options, underlay)
        idents.append(ident)
        words += more
    in_ns("src", "tc", "filter", "add", "dev", dev, hook, "pref", 1, "matchall", *words)
    mark(wire, f"begin {idents[0]}")
    yield
    time.sleep(settle)
    mark(wire, f"end {idents[0]}")
    time.sleep(settle and 0.05)
    shown = json.loads(in_ns("src", "tc", "-j", "-s", "filter", "show", "dev", dev, hook))
    run("tc", "filter", "del", "dev", dev, hook, "pref", 1)
    actions = next(f["options"]["actions"] for f in shown if "options" in f)
    cases.append({
        "name": name, "mark": idents[0], "hook": hook, "underlay": underlay,
        "capture": capture or {"ingress": "in", "egress": "out"}[hook],
        "sessions": [{"id": i, "options": o, "packets": a["stats"]["packets"],
                      "stats": a["mirrorx_stats"]}
                     for i, o, a in zip(idents, sessions, actions)], **note})


def done():
    with open(os.path.join(os.environ["OUT"], "cases.json"), "w") as out:
        json.dump(cases, out, indent=1)


# --- frames by hand (scapy takes seconds to load here)

def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
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
