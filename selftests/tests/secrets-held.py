#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for secrets-bytes.sh: copies that wait while their originals are decrypted, and payload
that the CPU must not read.

ESP is decrypted where it lies.  A copy that shared pages with its original would leave the host in
clear as soon as there is a queue to wait in; here the queue lets nothing out until the plaintext has
arrived.  And payload in the memory of a device is not there to be copied or summed up: kernels warn.
"""
import platform
import socket
import struct

from guest import batch, must, netns, run, wait_for
from hidden import (DATAGRAM, OTHER_WIRE, STREAM, brief, in_clear, is_esp, mac, mirror, no_states, pair,
                    pass_on, states, tls_session, topology)
from tap import finish, ok
from wire import sysctl

LINEAR = 80                             # of testdev/opaque.c
SOL_PACKET, PACKET_VNET_HDR = 263, 15
NEEDS_CSUM, TCP4, TCP6 = 1, 1, 4
WIRE = ("peer", "v1")


# --- copies that wait

def traffic(kind, name):
    if kind == "TLS":
        return tls_session(name, 4, OTHER_WIRE)
    states(4, "transport", ends=OTHER_WIRE)
    wrong = []
    for how, data in (socket.SOCK_DGRAM, DATAGRAM), (socket.SOCK_STREAM, STREAM):
        client, server = pair(4, how, OTHER_WIRE)
        wrong += [pass_on(server, client, data)]
        client.close()
        server.close()
    ok(not any(wrong), f"{name}: the host decrypts it", wrong)
    return no_states()


def held(kind, words, gro):
    name = f"copies of {kind} wait, {words or 'whole'}, GRO {gro}"
    keep = int(words.split()[1]) if words else 1 << 16
    must(f"ethtool -K v0 gro {gro}", "src")
    must("tc -n src qdisc replace dev und0 root plug limit 100000000")
    with mirror("v0", words, WIRE, ("ingress",)) as watch:
        traffic(kind, name)
        ok(not watch.copied.all() and watch.counts()["sent"] >= 4, f"{name}: none is out before that",
           len(watch.copied.all()), watch.counts())
        must("tc -n src qdisc change dev und0 root plug release_indefinite")

        def right():
            return watch.copies_at("ingress") == [frame[:keep] for frame in watch.on_wire("ingress")]
        wait_for(5, right)
        copies, wire = watch.copies_at("ingress"), watch.on_wire("ingress")
        different = [two for two in zip(copies, wire) if two[0] != two[1][:keep]]
        ok(right() and not any(map(in_clear, wire)), f"{name}: they are what was on the wire", len(copies),
           len(wire), *map(brief, different[:2]))
        hidden = sum(map(is_esp, wire)) if kind == "ESP" else sum(len(frame) > 1000 for frame in wire)
        ok(hidden >= 1, f"{name}: ciphertext is among them", hidden)
    must("tc -n src qdisc delete dev und0 root")


# --- what cannot be read

def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(proto, payload, ident=7):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, 0x4000, 64, proto, 0,
                       bytes([198, 19, 0, 2]), bytes([198, 19, 0, 77]))
    return b"\x08\0" + head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def tcp(data, seq, flags):
    return struct.pack("!HHIIBBHHH", 1, 2, seq, 3, 0x50, flags, 999, 0, 0) + data


class Opaque:
    """Frames from o1, and what copies of them are to be: all but the checksum that nobody can make"""

    def __init__(self):
        batch("ip", """link add o0 type opaque
            link add o1 link o0 type opaque
            link set o0 netns src
            link set o1 netns peer""")
        must("ip -n src link set o0 up")
        must("ip -n peer link set o1 up")
        must("tc -n src qdisc add dev o0 clsact")
        for ns, dev in ("src", "o0"), ("src", "f0"), ("peer", "o1"):        # nothing is to come by itself
            sysctl(ns, f"net.ipv6.conf.{dev}.disable_ipv6", 1)
        with netns("peer"):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            self.socket.bind(("o1", 0))
        self.macs = bytes.fromhex(mac("src", "o0").replace(":", "")) + b"\2\0\0\0\0\2"
        self.opaque = not platform.release().startswith("6.1.")

    def send(self, frame, flags=0, gso=0, head=0, size=0, start=0, offset=0):
        self.socket.send(struct.pack("=BBHHHH", flags, gso, head, size, start, offset) + self.macs + frame)

    def traffic(self):
        """[(frame, readable bytes of it, offset of a checksum that is to be made or None)]"""
        frames = []
        for size in 60, 80, 81, 200, 1500:
            frame = b"\x88\xb6" + bytes(i & 255 for i in range(size - 14))
            self.send(frame)
            frames.append((self.macs + frame, LINEAR, None))
        data = bytes(i * 7 & 255 for i in range(4500))
        datagram = ipv4(17, struct.pack("!HHHH", 1, 2, 508, 0) + data[:500])
        self.send(datagram, NEEDS_CSUM, start=34, offset=6)
        frames.append((self.macs + datagram, LINEAR, 40))
        self.send(ipv4(6, tcp(data, 1000, 0x18)), NEEDS_CSUM, TCP4, 54, 1000, 34, 16)
        for i in range(5):
            part = data[i * 1000:i * 1000 + 1000]
            segment = ipv4(6, tcp(part, 1000 + i * 1000, 0x18 if i == 4 else 0x10), 7 + i)
            frames.append((self.macs + segment, 54 if i else LINEAR, 50))
        return frames

    def odd(self):
        """A GSO packet that only the stack could segment: an extension header of IPv6"""
        packet = tcp(bytes(4500), 1, 0x10)
        head = struct.pack("!IHBB", 6 << 28, 8 + len(packet), 60, 9) + bytes(15) + b"\1" + bytes(15) + b"\2"
        self.send(b"\x86\xdd" + head + bytes([6, 0, 1, 4, 0, 0, 0, 0]) + packet, NEEDS_CSUM, TCP6, 82, 1000,
                  62, 16)
        return 5

    def expected(self, frames, keep):
        found = []
        for frame, readable, total in frames:
            length = min(len(frame), keep, readable if self.opaque else 1 << 16)
            found.append((self.without(frame[:length], total), length < len(frame),
                          length < min(keep, len(frame))))
        return found

    @staticmethod
    def without(frame, at):
        return frame if at is None else frame[:at] + b"??" + frame[at + 2:]

    def check(self, name, dev, hook, words, keep=1 << 16):
        with mirror(dev, words, ("peer", "o1"), (hook,)) as watch:
            frames = self.traffic()
            wanted = self.expected(frames, keep)
            wait_for(4, lambda: len(watch.copies_at(hook)) >= len(wanted))
            copies = [copy for copy in watch.copied.copies() if copy.inner[12:14] != b"\x88\xb5"]
            got = [(self.without(copy.inner, at), copy.truncated) for copy, (_, _, at) in zip(copies, frames)]
            ok(len(copies) == len(wanted) and got == [want[:2] for want in wanted],
               f"{name}: copies are what can be read, with T", len(copies), len(wanted),
               *[f"{g}\n{w[:2]}" for g, w in zip(got, wanted) if g != w[:2]][:2])
            counts = watch.counts()
            ok(counts["cut"] == sum(want[2] for want in wanted) and
               counts["truncated"] == sum(want[1] and not want[2] for want in wanted) and
               counts["seen"] == counts["sent"], f"{name}: and are counted like that", counts)
            if dev != "o0":
                return
            odd = self.odd()
            wait_for(3, lambda: watch.counts()["seen"] == counts["seen"] + odd)
            now = watch.counts()
            reason = "bad_frame" if self.opaque else "sent"
            ok(now["seen"] == counts["seen"] + odd and now[reason] == counts[reason] + odd,
               f"{name}: what cannot be segmented is counted", now)


def opaque():
    device = Opaque()
    device.check("in memory of a device", "o0", "ingress", "")
    device.check("in memory of a device, a slice of the head", "o0", "ingress", "trunc 60", 60)
    device.check("in memory of a device, a longer slice", "o0", "ingress", "trunc 200", 200)
    device.check("in memory of a device, split", "o0", "ingress", "oversize split")
    must("tc -n src filter add dev o0 ingress prio 9 matchall action mirred egress redirect dev f0")
    device.check("in memory of a device, sent on", "f0", "egress", "")


def main():
    run("rmmod esp4_offload esp6_offload")
    must("modprobe -a testdev tls esp4 sch_plug sch_ingress cls_matchall act_mirred")
    topology()
    for kind, words, gro in (("ESP", "", "off"), ("ESP", "trunc 200", "on"), ("TLS", "", "off"),
                             ("TLS", "", "on"), ("TLS", "trunc 200", "on")):
        held(kind, words, gro)
    opaque()
    finish()


main()
