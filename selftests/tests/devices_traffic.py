# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of devices.sh: sends what is mirrored."""
import fcntl
import os
import socket
import struct

from cases import (CTAG, STAG, Datagrams, Wire, case, done, enter, ether, in_ns, ip4, ip6, pattern,
                   udp, zoo)

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SIZES = (0, 1, 100, 999, 1200)
HOOKS = (("ingress", "peer"), ("egress", "src"))


def addresses(number, ns):
    """Of both families, where they are there: (here, there)"""
    pairs = [(f"10.2.{number}.1", f"10.2.{number}.2"), (f"fd00:{number}::1", f"fd00:{number}::2")]
    if number == 7:             # sit carries IPv6 only
        pairs = pairs[1:]
    if number == 6:             # and ipip IPv4 only
        pairs = pairs[:1]
    return pairs if ns == "src" else [(there, here) for here, there in pairs]


def mirrored(dev, hook, mark_by, **words):
    # what lo sends, tcpdump shows as received only
    way = "in" if hook == "ingress" or dev == "lo" else "out"
    return case(f"{dev}, {hook}", hook, mark_by, ("", "trunc 40"), dev=dev,
                capture=f"{dev}-{way}", settle=0.05, unfinished=True, **words)


def by_datagrams(dev, hook, pairs):
    with mirrored(dev, hook, pairs[0]):
        for pair in pairs:
            pair.send_payload(*(pattern(size) for size in SIZES))


def through(dev, number, bind=None):
    """Through a device from and to its peer"""
    for hook, ns in HOOKS:
        by_datagrams(dev, hook, [Datagrams(ns, *pair, dev=ns == "src" and bind)
                                 for pair in addresses(number, ns)])


def loopback():
    for hook in "ingress", "egress":
        by_datagrams("lo", hook, [Datagrams("src", a, a) for a in ("127.0.0.1", "::1", "10.2.1.1")])


def by_frames(dev, wire):
    with mirrored(dev, "egress", wire):
        wire.send(*(frame for frame in zoo() if len(frame) <= 1514))


def redirected():
    """From the ingress of eth0 to ifb, tags and all"""
    def strange(*payload):
        return [ether(0x9999, p, *tags) for p in payload
                for tags in ((), ((CTAG, 3 << 13 | 77),), ((STAG, 200), (CTAG, 300)))]
    peer = Wire("peer")
    in_ns("src", *"tc filter add dev eth0 ingress matchall".split(),
          *"action mirred egress redirect dev ifb".split())
    with mirrored("ifb", "egress", peer):
        peer.send(*strange(pattern(46), pattern(1000)))
    in_ns("src", *"tc filter del dev eth0 ingress".split())


class Tun:
    """The user's end of a tun device"""

    def __init__(self, name):
        enter("src")
        self.file = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                                      IFF_TUN | IFF_NO_PI))

    def send_payload(self, *packets):
        for packet in packets:
            os.write(self.file, packet)

    def send(self, *frames):
        """Marks, as UDP"""
        for frame in frames:
            payload = frame[12:]
            self.send_payload(ip4(17, struct.pack("!HHHH", 1, 2, 8 + len(payload), 0) + payload))


def tun():
    user = Tun("tun")
    with mirrored("tun", "ingress", user):
        user.send_payload(*(udp(n) for n in SIZES), *(udp(n, ip6) for n in SIZES))
    by_datagrams("tun", "egress", [Datagrams("src", *pair) for pair in addresses(12, "src")])


# Somebody listens, or else the errors that go back have the marks in them too.
listeners = []
for namespace in "src", "peer":
    enter(namespace)
    listeners.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    listeners[-1].bind(("::", 9))
for device, subnet in (("bridge", 1), ("bridged", 1), ("bond", 2), ("slave", 2), ("macvlan", 4),
                       ("vlan", 5), ("ipip", 6), ("sit", 7), ("gre", 8), ("ip6tnl", 9),
                       ("ip6gre", 10), ("wg", 11)):
    through(device, subnet)
through("enslaved", 13, "vrf10")
by_datagrams("vrf10", "egress", [Datagrams("src", *pair, dev="vrf10") for pair in addresses(13, "src")])
loopback()
by_frames("dummy", Wire("src", "dummy"))
by_frames("ipvlan", Wire("src", "ipvlan"))
redirected()
tun()
done()
