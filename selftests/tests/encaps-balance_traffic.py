# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of encaps-balance.sh: flows, again and again, in both directions."""
import random

from cases import Wire, case, done, ether, ip4, ip6, udp

FLOWS, TIMES = 200, 5
CHANCE = random.Random(1)


def packets():
    """Those of all flows, in any order; each frame is another one by its length"""
    for number in range(FLOWS):
        make, kind, net = (ip6, 0x86dd, "2001:db8:{}::{}") if number % 2 else (ip4, 0x0800, "10.{}.0.{}")
        ends = net.format(1, number + 1), net.format(2, 1)
        for size in range(TIMES):
            here, there = ends if size % 2 else ends[::-1]
            packet = bytearray(udp(20 + size, make, src=here, dst=there))
            if not size % 2:
                at = 40 if make is ip6 else 20
                packet[at:at + 4] = packet[at + 2:at + 4] + packet[at:at + 2]
            yield ether(kind, bytes(packet))


for underlay, vni in (4, 7), (6, 8):
    wire, frames = Wire("peer"), list(packets())
    CHANCE.shuffle(frames)
    with case(f"IPv{underlay}", "ingress", wire, (f"encap vxlan vni {vni}",), underlay):
        wire.send(*frames)
done()
