# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of frames.sh: sends what is mirrored."""
import socket
import struct

from cases import (CTAG, STAG, Wire, broken, case, done, enter, ether, in_ns, ip4, ip6, ones_sum, pattern,
                   pseudo, udp, zoo)

HOOKS = (("ingress", "peer"), ("egress", "src"))
SIZES = (14, 15, 16, 17, 18, 33, 34, 53, 54, 64, 65, 128, 1513, 1514, 9014, 65535)


def send_zoo():
    for underlay in 4, 6:
        for hook, ns in HOOKS:
            wire = Wire(ns)
            with case(f"all kinds of frames, {hook}, IPv{underlay}", hook, wire, underlay=underlay):
                wire.send(*zoo(), *broken())


def send_by_vlan_devices():
    for insert in "on", "off":
        for hook, ns in HOOKS:
            in_ns(ns, "ethtool", "-K", "eth0", "txvlan", insert, "tx-vlan-stag-hw-insert", insert)
            wire = Wire(ns)
            devices = [Wire(ns, dev) for dev in ("customer", "service", "qinq")]
            with case(f"VLAN devices, {hook}, tag by hardware {insert}", hook, wire):
                for device in devices:
                    device.send(ether(0x0800, udp(60)), ether(0x86dd, udp(61, ip6)),
                                ether(0x88cc, pattern(46)), ether(0x0800, udp(62), (CTAG, 9)))
            in_ns(ns, "ethtool", "-K", "eth0", "txvlan", "on", "tx-vlan-stag-hw-insert", "on")


def send_to_cut():
    sessions = [f"trunc {size}" for size in SIZES]
    frames = [ether(0x0800, b""), ether(0x0806, pattern(1)), ether(0x0800, udp(0)),
              ether(0x0800, udp(22)), ether(0x0800, udp(86)), ether(0x0800, udp(1471)),
              ether(0x0800, udp(1472)), ether(0x0800, udp(1472), (CTAG, 5 << 13 | 100)),
              ether(0x86dd, udp(20, ip6), (STAG, 200), (CTAG, 300)), ether(0x0800, udp(8972))]
    for hook, ns in HOOKS:
        wire, customer = Wire(ns), Wire(ns, "customer")
        with case(f"cut, {hook}", hook, wire, sessions):
            wire.send(*frames)
            customer.send(*frames)


def send_too_large():
    """Frames larger than the underlay's path: the smaller of device and route rules."""
    frames = [ether(0x0800, udp(n)) for n in (0, 400, 1404, 1405, 1406, 1407, 1472, 8972)] + \
        [ether(0x86dd, udp(n, ip6), (CTAG, 100)) for n in (0, 1366, 1370, 1450)]
    sessions = "", "timestamp ns", "trunc 1000"
    # IPv6 does not survive an MTU below 1280
    for mtu, underlays in (1500, (4, 6)), (1280, (4, 6)), (9000, (4, 6)), (600, (4,)):
        in_ns("src", "ip", "link", "set", "und0", "mtu", mtu)
        for underlay in underlays:
            wire = Wire("peer")
            with case(f"MTU {mtu}, IPv{underlay}", "ingress", wire, sessions, underlay, mtu=mtu):
                wire.send(*frames)
    in_ns("src", "ip", "link", "set", "und0", "mtu", 16000)


def send_in_pages():
    """Only the link-layer header, or a little more, lies in the linear part of the packet."""
    frames = [ether(0x0800, udp(5000)), ether(0x86dd, udp(8900, ip6), (CTAG, 3 << 13 | 100)),
              ether(0x0800, udp(5000), (STAG, 200), (CTAG, 300)), ether(0x9999, pattern(8999))]
    for linear in 14, 16, 18, 40:
        wire, vnet = Wire("src"), Wire("src", vnet=True)
        with case(f"{linear} bytes not in pages", "egress", wire, ("", "trunc 16", "trunc 4200")):
            vnet.send(*(struct.pack("=BBHHHH", 0, 0, linear, 0, 0, 0) + f for f in frames))


def unfinished(packet, start, offset, kind=0x0800, *tags):
    """A frame of which the sender left the checksum to the device (struct virtio_net_hdr)."""
    frame = ether(kind, packet, *tags)
    start += len(frame) - len(packet)
    return struct.pack("=BBHHHH", 1, 0, 14, 0, start, offset) + frame


def segment(proto, make, size, fix=None):
    """TCP or UDP with only the pseudo header's sum; FIX: what the finished checksum shall be."""
    payload = bytearray(pattern(size))
    length = size + (20 if proto == 6 else 8)
    bare = make(proto, bytes(length))
    total = pseudo(bare, proto, length)
    if proto == 6:
        head = struct.pack("!HHIIHHHH", 1, 2, 3, 4, 0x5018, 512, total, 0)
    else:
        head = struct.pack("!HHHH", 1, 2, length, total)
    if fix is not None:
        payload[:2] = b"\0\0"
        now = ones_sum(head + bytes(payload))
        payload[:2] = struct.pack("!H", 0xffff - now - fix & 0xffff)
    return make(proto, head + bytes(payload))


def all_unfinished():
    for make, kind, l4 in (ip4, 0x0800, 20), (ip6, 0x86dd, 40):
        for proto, offset in (6, 16), (17, 6):
            for size in 0, 1, 2, 3, 64, 65, 1400, 5000, 5001:
                yield unfinished(segment(proto, make, size), l4, offset, kind)
                yield unfinished(segment(proto, make, size), l4, offset, kind, (CTAG, 77))
            yield unfinished(segment(proto, make, 100, fix=0), l4, offset, kind)
            yield unfinished(segment(proto, make, 100, fix=1), l4, offset, kind)


def send_unfinished():
    """The device has no offload, so what it carries is finished; the action comes before."""
    wire, vnet = Wire("src"), Wire("src", vnet=True)
    sessions = "", "trunc 50", "trunc 51", "trunc 60"
    with case("checksums left to the device", "egress", wire, sessions, checksums=True):
        vnet.send(*all_unfinished())
    vlan = Wire("src", "qinq", vnet=True)
    with case("checksums left to the device, VLAN", "egress", wire, checksums=True):
        vlan.send(*all_unfinished())


def send_unfinished_by_veth():
    """Through a veth with offload nothing is ever finished: the host has to do that."""
    for ns in "src", "peer":
        in_ns(ns, "ethtool", "-K", "eth0", "tx", "on")
    for hook, ns in HOOKS:
        wire, vnet = Wire(ns), Wire(ns, vnet=True)
        with case(f"unfinished checksums, {hook}", hook, wire, unfinished=True, checksums=True):
            vnet.send(*all_unfinished())
    for hook, ns in HOOKS:
        with case(f"TCP, UDP and SCTP by sockets, {hook}", hook, Wire(ns), unfinished=True,
                  checksums=True):
            by_sockets()
    for ns in "src", "peer":
        in_ns(ns, "ethtool", "-K", "eth0", "tx", "off")


def socket_in(ns, *args):
    enter(ns)
    made = socket.socket(*args)
    made.settimeout(10)
    return made


def talk(family, proto, here, there):
    """A conversation of a few odd sizes"""
    server = socket_in("peer", family, socket.SOCK_STREAM, proto)
    server.bind((there, 0))
    server.listen()
    client = socket_in("src", family, socket.SOCK_STREAM, proto)
    client.connect(server.getsockname()[:2])
    other = server.accept()[0]
    other.settimeout(10)
    for size in 1, 100, 1001, 3333:
        for sender, receiver in (client, other), (other, client):
            sender.sendall(pattern(size))
            got = 0
            while got < size:
                got += len(receiver.recv(size))
    for each in client, other, server:
        each.close()


def by_sockets():
    for family, here, there in ((socket.AF_INET, "198.51.100.1", "198.51.100.2"),
                                (socket.AF_INET6, "2001:db8:1::1", "2001:db8:1::2")):
        talk(family, socket.IPPROTO_TCP, here, there)
        talk(family, socket.IPPROTO_SCTP, here, there)
        server = socket_in("peer", family, socket.SOCK_DGRAM)
        server.bind((there, 0))
        client = socket_in("src", family, socket.SOCK_DGRAM)
        client.bind((here, 0))
        for size in 0, 1, 500, 1001, 12345:        # the last one in fragments
            client.sendto(pattern(size), server.getsockname()[:2])
            server.recvfrom(65536)
            server.sendto(pattern(size), client.getsockname()[:2])
            client.recvfrom(65536)


send_zoo()
send_by_vlan_devices()
send_to_cut()
send_too_large()
send_in_pages()
send_unfinished()
send_unfinished_by_veth()
done()
