# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of encaps.sh: sends what is mirrored."""
import struct

from cases import ACK, PSH, TCP4, TCP6, UDP_GSO, Wire, case, done, ether, ip4, ip6, pattern, super_packet, \
    udp, zoo

FLOWS = 300
# Devices of the collector, and who sends to them
SESSIONS = {
    4: {"vx4": "encap vxlan vni 7", "vx4b": "encap vxlan vni 16777215",
        "vx4c": "encap vxlan vni 0 dst_port 14789", "gn4": "encap geneve vni 7",
        "gn4b": "encap geneve vni 16777215 dst_port 16081", "gt4": "encap gretap"},
    6: {"vx6": "encap vxlan vni 8", "vx6b": "encap vxlan vni 9 tos 184 ttl 9 sample 1 flow",
        "gn6": "encap geneve vni 8", "gn6b": "encap geneve vni 9 trunc 64", "gt6": "encap gretap"},
}


def flows():
    """Both directions of each, one after the other"""
    for number in range(FLOWS):
        make, kind, net = (ip6, 0x86dd, "2001:db8:{}::{}") if number % 3 == 2 else (ip4, 0x0800, "10.{}.0.{}")
        here, there = net.format(1, number % 100 + 1), net.format(2, number // 100 + 1)
        size = 20 + number % 50
        forth = udp(size, make, src=here, dst=there)
        back = bytearray(udp(size, make, src=there, dst=here))
        at = 40 if make is ip6 else 20
        back[at:at + 4] = forth[at + 2:at + 4] + forth[at:at + 2]
        yield ether(kind, forth)
        yield ether(kind, bytes(back))


def tunnels():
    """Others' traffic in VXLAN, Geneve and GRE, which is no copy of a copy"""
    inner = ether(0x0800, udp(30))
    for head in ((50000, 4789, 0x08000000), (50001, 6081, 0x00006558)):
        source, port, word = head
        packet = struct.pack("!HHHHII", source, port, 16 + len(inner), 0, word, 4711 << 8) + inner
        yield ether(0x0800, ip4(17, packet))
        yield ether(0x86dd, ip6(17, packet))
    yield ether(0x86dd, ip6(47, bytes.fromhex("00006558") + inner))


def supers():
    """Packets for the stack to segment, and segments of an odd length"""
    for kind in TCP4, TCP6:
        yield super_packet(kind, 1400, pattern(14000))
        yield super_packet(kind, 1399, pattern(5001, 3), flags=PSH | ACK)
    for kind in UDP_GSO:
        yield super_packet(kind, 1001, pattern(9999), make=ip4)
        yield super_packet(kind, 1200, pattern(6000), make=ip6)


def send(name, frames, hook, underlay, more="", vnet=False):
    wire = Wire("peer" if hook == "ingress" else "src", vnet=vnet)
    marks = Wire("peer" if hook == "ingress" else "src")
    devices = SESSIONS[underlay]
    words = [f"{options} {more}" for options in devices.values() if not ("trunc" in options and more)]
    names = [device for device, options in devices.items() if not ("trunc" in options and more)]
    with case(f"{name}, IPv{underlay}, {hook}", hook, marks, (more, *words), underlay) as note:
        note["devices"] = names
        wire.send(*frames)


for where in 4, 6:
    for at in "ingress", "egress":
        send("frames", [*zoo(), *tunnels()], at, where)
    send("slices", zoo(), "ingress", where, "trunc 101 fixlen")
    send("fragments", zoo(), "ingress", where, "oversize fragment")
    send("segments", supers(), "egress", where, vnet=True)
    send("flows", flows(), "ingress", where)
done()
