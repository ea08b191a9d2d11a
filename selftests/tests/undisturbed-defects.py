#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for undisturbed-peer.sh: the same traffic unmirrored, mirrored by mirrorx, and by
act_mirred into an erspan device.

Each case looks at something that the erspan device is known to get wrong: that it does so here shows
that the case would see it if mirrorx did.  Where a kernel is free of a defect (fq), or cannot show it,
mirrorx still has to be right, and what the peer did is in the output.

    src und0 --- e0 rtr e1 --- eth0 col
"""
import os
import re
import socket
import struct
import time

from guest import KMEMLEAK, batch, must, netns, run, wait_for
from production import (FAR, PEER, SRC, Datagrams, Expansions, addresses, bare, carrier,
                        dont_fragment, mss, open_in, path_mtu, routes, sysctl, topology, too_big)
from tap import finish, ok
from wire import Listener, Pinger, Tap, copy_in

COLLECTOR = {4: "198.18.0.9", 6: "2001:db8:a::9"}
UNDERLAY = {4: "192.0.2.1", 6: "2001:db8:9::1"}
UNDERLAY_GATE = {4: "192.0.2.2", 6: "2001:db8:9::2"}
COLLECTOR_GATE = {4: "198.18.0.1", 6: "2001:db8:a::1"}
KIND = {4: "erspan", 6: "ip6erspan"}
SO_TXTIME = SCM_TXTIME = 61
SO_ZEROCOPY, MSG_ZEROCOPY, MSG_ERRQUEUE = 60, 0x4000000, 0x2000
SO_MARK, SO_TIMESTAMP = 36, 29
MANY, FEW = 10, 3
LONG = 20               # seconds; nothing takes that long but on a machine that stands still


def underlay():
    bare("rtr", "col")
    batch("ip", """link add und0 netns src type veth peer name e0 netns rtr
        link add e1 netns rtr type veth peer name eth0 netns col""")
    for ns, dev, own in (("src", "und0", UNDERLAY), ("rtr", "e0", UNDERLAY_GATE),
                         ("rtr", "e1", COLLECTOR_GATE), ("col", "eth0", COLLECTOR)):
        addresses(ns, dev, own)
    sysctl("rtr", "net.ipv4.ip_forward", 1)
    sysctl("rtr", "net.ipv6.conf.all.forwarding", 1)
    batch("ip", f"""route add 198.18.0.0/24 via {UNDERLAY_GATE[4]}
        route add 2001:db8:a::/64 via {UNDERLAY_GATE[6]}""", "src")
    batch("ip", "\n".join(f"route add default via {COLLECTOR_GATE[f]}" for f in COLLECTOR_GATE), "col")
    carrier(("src", "und0"), ("rtr", "e0"), ("rtr", "e1"), ("col", "eth0"))
    for family in 4, 6:
        assert wait_for(5, Pinger("src", COLLECTOR[family]).ping)
        assert wait_for(5, Pinger("peer", FAR[family]).ping)


class Mirror:
    """No mirror, mirrorx, or a tunnel device, on some hooks of src."""

    # What the tunnel device does is its own matter: a debug kernel would report that it may deadlock,
    # and 6.1 with PREEMPT_RT mirrors for ever where the underlay is mirrored, too.
    MODES = ("unmirrored", "mirrorx", "erspan")
    if KMEMLEAK.exists() or re.fullmatch(r"6\.1\..*-rt-.*", os.uname().release):
        MODES = MODES[:2]

    def __init__(self, mode, hooks, family=4, tunnel_mtu=None):
        self.mode, self.hooks = mode, hooks
        # what the tunnel device loses is not waited for as long as what a slow machine has yet to deliver
        self.seconds = 0.3 if mode == "erspan" else LONG
        if mode == "erspan":
            batch("ip", f"""link add ers type {KIND[family]} local {UNDERLAY[family]} \
                remote {COLLECTOR[family]} seq key 1 erspan_ver 2 erspan_dir ingress erspan_hwid 1
                link set ers {f'mtu {tunnel_mtu}' if tunnel_mtu else ''} up""", "src")
        action = {"mirrorx": f"mirrorx dst_ip {COLLECTOR[family]} id 1",
                  "erspan": "mirred egress mirror dev ers"}.get(mode, "gact pipe")
        batch("tc", "\n".join([f"qdisc add dev {dev} clsact" for dev in {dev for dev, _ in hooks}] + [
            f"filter add dev {dev} {hook} matchall action {action}" for dev, hook in hooks]), "src")
        self.copies = Tap("col", "eth0")

    def arrived(self, count):
        """How many copies have arrived, after some time for COUNT of them."""
        if self.mode != "unmirrored":
            wait_for(self.seconds, lambda: len(self.copies.copies()) >= count)
        return len(self.copies.copies())

    def end(self):
        self.copies.close()
        devices = {dev for dev, _ in self.hooks}
        batch("tc", "\n".join(f"qdisc delete dev {dev} clsact" for dev in devices), "src")
        run("tc -n src qdisc delete dev und0 root")
        if self.mode == "erspan":
            must("ip -n src link delete ers")
            routes()


def three(description, observe, hooks, shown, copies=None, family=4, tunnel_mtu=None):
    """One case.

    observe(mirror): {what: value}, "copies" for those at the collector
    shown(erspan, unmirrored): does the tunnel device do it wrong here?  None: whatever it does
    copies: how many mirrorx has to send, or a condition for that number
    """
    seen = {}
    for mode in Mirror.MODES:
        mirror = Mirror(mode, hooks, family, tunnel_mtu)
        try:
            seen[mode] = observe(mirror)
        finally:
            mirror.end()
    print(f"# {description}: {seen}")
    wrong = dict(seen["mirrorx"]), dict(seen["unmirrored"])
    for found in wrong:
        found.pop("copies", None)
    ok(wrong[0] == wrong[1], f"{description}: with mirrorx as unmirrored", seen)
    if copies:
        sent = seen["mirrorx"]["copies"]
        right = copies(sent) if callable(copies) else sent == copies
        ok(right, f"{description}: copies of mirrorx arrive", seen)
    if shown and "erspan" in seen:
        ok(shown(seen["erspan"], seen["unmirrored"]), f"{description}: not so with an erspan device", seen)


# --- path MTU and ICMP

def pmtu_local(mirror):
    Pinger("src", PEER[6]).ping(3, seconds=LONG)
    return {"mtu": path_mtu("src", PEER[6]), "mss": mss("src", "peer", PEER, 6)}


def full(ns, other, dst, family):
    """Datagrams as large as the MTU allows, which must not be cut up."""
    def observe(mirror):
        wire, udp = Tap(ns, "eth0"), Datagrams(ns, other, dst, family)
        udp.send(100)
        got = udp.delivered(1)
        for _ in range(FEW):
            udp.send(1500)
            got += udp.delivered(1, mirror.seconds)
        told = sum(map(too_big, wire.all()))
        wire.close()
        udp.close()
        return {"delivered": got, "refused": udp.refused, "told": told, "mtu": path_mtu(ns, dst[family]),
                "copies": mirror.arrived(got)}
    return observe


def ping_whole(mirror):
    """ping -M do -s 1472"""
    pinger = Pinger("src", PEER[4])
    dont_fragment(pinger.socket, 4)
    answered = pinger.ping(3, 1472, mirror.seconds)
    return {"answered": answered, "mtu": path_mtu("src", PEER[4]), "copies": mirror.arrived(answered)}


def smaller(erspan, unmirrored):
    return erspan["mtu"] and erspan["mtu"] < 1500 and erspan["mss"] < unmirrored["mss"]


def lost(erspan, unmirrored):
    return erspan["delivered"] < unmirrored["delivered"] and erspan["mtu"] and erspan["mtu"] < 1500


def path_mtus():
    egress = [("eth0", "egress")]
    for family in 4, 6:
        v = f"tunnel over IPv{family}"
        three(f"path MTU of a mirrored IPv6 destination, {v}", pmtu_local, egress, smaller, family=family)
        three(f"forwarded IPv6, {v}", full("peer", "far", FAR, 6), [("eth1", "egress")],
              lambda erspan, _: lost(erspan, _) and erspan["told"], FEW + 1, family)
    three("ping that must not be fragmented, tunnel MTU 1500", ping_whole, egress,
          lambda erspan, unmirrored: erspan["answered"] < 3 == unmirrored["answered"], 3, tunnel_mtu=1500)
    for family in 4, 6:
        three(f"IPv{family} to the peer, tunnel MTU 1500", full("src", "peer", PEER, family), egress, lost,
              FEW + 1, tunnel_mtu=1500)
    three("forwarded IPv4, tunnel MTU 1500", full("peer", "far", FAR, 4), [("eth1", "egress")],
          lambda erspan, unmirrored: erspan["told"] > unmirrored["told"] == 0, FEW + 1, tunnel_mtu=1500)


# --- copies that get lost

def short_lived(mirror):
    """Packets that are not to leave the link, and multicast reports."""
    taps = Tap("rtr", "e0")
    for family in 4, 6:
        pinger = Pinger("src", PEER[family])
        if family == 4:
            pinger.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        else:
            pinger.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
        pinger.ping(2, seconds=LONG)
    groups = []
    for family, group in (4, "233.252.0.1"), (6, "ff05::4d58"):
        groups.append(open_in("src", socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM))
        with netns("src"):
            index = socket.if_nametoindex("eth0")
        if family == 4:
            groups[-1].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                  struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index))
        else:
            groups[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                  socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index))
    wanted = 6          # a report each, at least
    counts = {}

    def all_came():
        counts.update(sent=len(taps.copies()), arrived=len(mirror.copies.copies()))
        return counts["sent"] == counts["arrived"]

    if mirror.mode != "unmirrored":
        wait_for(LONG, lambda: len(taps.copies()) >= wanted)
    wait_for(mirror.seconds, all_came)
    ttls = sorted({copy.ttl for copy in taps.copies()})
    for sock in groups:
        sock.close()
    taps.close()
    return {"copies": (counts["sent"], counts["arrived"], ttls)}


def all_arrive(copies):
    sent, arrived, ttls = copies
    return sent >= 6 and arrived == sent and ttls == [64]


def stamped(mirror):
    """Somebody asks for receive time stamps, as ping and tcpdump do."""
    must("tc -n src qdisc replace dev und0 root fq")
    asks = open_in("src", socket.AF_INET, socket.SOCK_DGRAM)
    asks.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
    time.sleep(0.3)             # net_enable_timestamp() is deferred
    answered = Pinger("peer", SRC[4]).ping(MANY, seconds=LONG)
    found = {"answered": answered, "copies": mirror.arrived(MANY)}
    asks.close()
    return found


def paced(mirror):
    """A stamp that only the original's own queue should obey."""
    must("tc -n src qdisc replace dev und0 root fq")
    udp = Datagrams("src", "peer", PEER, 4)
    udp.sender.setsockopt(socket.SOL_SOCKET, SO_TXTIME, struct.pack("=iI", time.CLOCK_MONOTONIC, 0))
    later = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 3600 * 10 ** 9
    for _ in range(MANY):
        udp.send(200, (socket.SOL_SOCKET, SCM_TXTIME, struct.pack("=Q", later)))
    found = {"delivered": udp.delivered(MANY), "copies": mirror.arrived(MANY)}
    udp.close()
    return found


def narrow(mirror):
    """The path to the collector is narrower than its first link."""
    for ns, dev in ("rtr", "e1"), ("col", "eth0"):
        must(f"ip -n {ns} link set {dev} mtu 1300")
    udp = Datagrams("src", "peer", PEER, 4)
    got = 0
    for _ in range(MANY):
        udp.send(1400)
        got += udp.delivered(1, mirror.seconds)
        time.sleep(0.02)        # a router's answer, if there is one
    found = {"delivered": got, "mtu": path_mtu("src", PEER[4]), "copies": mirror.arrived(MANY - 1)}
    udp.close()
    for ns, dev in ("rtr", "e1"), ("col", "eth0"):
        must(f"ip -n {ns} link set {dev} mtu 1500")
    return found


def classified():
    """How many packets the two actions of marked() have seen."""
    return [int(must(f"tc -n src -s actions get action gact index {index}").split(" bytes ")[1].split()[0])
            for index in (71, 72)]


def marked(mirror):
    """What decides how the original is routed and queued is not inherited."""
    batch("tc", """qdisc replace dev und0 clsact
        actions replace action gact continue index 71
        actions replace action gact continue index 72
        filter add dev und0 egress protocol ip prio 1 handle 7 fw action gact index 71
        filter add dev und0 egress protocol ip prio 2 basic match 'meta(priority eq 5)' action gact index 72
        """, "src")
    was, udp = classified(), Datagrams("src", "peer", PEER, 4)
    udp.sender.setsockopt(socket.SOL_SOCKET, SO_MARK, 7)
    udp.sender.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 5)
    for _ in range(MANY):
        udp.send(200)
    got, arrived = udp.delivered(MANY), mirror.arrived(MANY)
    udp.close()
    seen = [count - old for count, old in zip(classified(), was)]
    must("tc -n src qdisc delete dev und0 clsact")
    return {"delivered": got, "copies": (arrived, *seen)}


def fates_of_copies():
    for name in "net.ipv4.conf.eth0.igmpv3_unsolicited_report_interval", \
                "net.ipv6.conf.eth0.mldv2_unsolicited_report_interval":
        sysctl("src", name, 10)
    three("TTL 1 of the original", short_lived, [("eth0", "egress")],
          lambda erspan, _: not all_arrive(erspan["copies"]) and 1 in erspan["copies"][2], all_arrive)
    three("fq on the underlay, receive time stamps", stamped, [("eth0", "ingress")], None, MANY)
    three("fq on the underlay, the original is to be sent later", paced, [("eth0", "egress")],
          lambda erspan, _: erspan["copies"] < MANY, MANY)
    three("narrow path to the collector", narrow, [("eth0", "egress")],
          lambda erspan, _: erspan["copies"] < MANY - 1, lambda copies: copies >= MANY - 1)
    three("mark and priority", marked, [("eth0", "egress")],
          lambda erspan, _: erspan["copies"][1:] == (MANY, MANY), lambda copies: copies == (MANY, 0, 0))


# --- originals that suffer while there are copies

def held(mirror, dev):
    """Copies wait in a queue until they are released."""
    dev = "ers" if mirror.mode == "erspan" else dev
    batch("tc", f"""qdisc replace dev {dev} root plug limit 1000000
        qdisc change dev {dev} root plug block""", "src")
    return dev


def release(dev):
    must(f"tc -n src qdisc change dev {dev} root plug release_indefinite")


def expansions(probe):
    def observe(mirror):
        dev, udp = held(mirror, "und0"), Datagrams("peer", "far", FAR, 4)
        udp.send(500)
        udp.delivered(1)
        with probe:
            for _ in range(MANY):
                udp.send(500)
            got, count = udp.delivered(MANY), probe.count()
        release(dev)
        udp.close()
        return {"delivered": got, "heads copied": count, "copies": mirror.arrived(MANY + 1)}
    return observe


def zerocopy(mirror):
    """When does a sender get its pages back?"""
    dev, udp = held(mirror, "und0"), Datagrams("src", "peer", PEER, 4)
    udp.sender.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    udp.sender.connect(udp.to)
    payload = bytes(1000)
    for _ in range(MANY):
        udp.sender.send(payload, MSG_ZEROCOPY)
    got = udp.delivered(MANY)
    back = 0

    def returned():
        nonlocal back
        try:
            _, notes, _, _ = udp.sender.recvmsg(0, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            return back >= MANY
        for _, _, data in notes:
            _, _, _, _, first, last = struct.unpack_from("=IBBBxII", data)
            back += last - first + 1
        return False

    udp.sender.setblocking(False)
    wait_for(mirror.seconds, returned)
    found = {"delivered": got, "pages back": back}
    release(dev)
    found["copies"] = mirror.arrived(MANY)
    udp.close()
    return found


def nested(mirror):
    """A mirror behind as many redirections as act_mirred can do."""
    with netns("src"):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind(("n1", 0))
    there = Tap("peer", "x1")
    for number in range(MANY):
        sender.send(bytes.fromhex("020000000002 020000000001 88b5") + bytes([number]) * 60)
    wait_for(mirror.seconds, lambda: len(there.all()) >= MANY)
    found = {"delivered": len(there.all()), "copies": mirror.arrived(MANY)}
    sender.close()
    there.close()
    return found


def redirections():
    must("ip link add x0 netns src type veth peer name x1 netns peer")
    must("ip -n peer link set x1 addrgenmode none up")
    must("ip -n src link set x0 addrgenmode none")      # none of them says something by itself
    chain = ["n1", "n2", "n3", "n4", "x0"]
    batch("ip", "\n".join([f"link add {dev} type dummy" for dev in chain[:-1]] +
                          [f"link set {dev} addrgenmode none up" for dev in chain]), "src")
    carrier(("src", "x0"))
    batch("tc", "\n".join(f"""qdisc add dev {dev} clsact
        filter add dev {dev} egress matchall action mirred egress redirect dev {to}"""
                          for dev, to in zip(chain, chain[1:])), "src")


def storm(qdisc):
    """The underlay is mirrored, too: one ping."""
    def observe(mirror):
        if qdisc:
            must(f"tc -n src qdisc replace dev {'ers' if mirror.mode == 'erspan' else 'und0'} root {qdisc}")
        wire, pinger = Tap("rtr", "e0"), Pinger("peer", SRC[4])
        started = time.monotonic()
        answered = pinger.ping(seconds=LONG)
        took = time.monotonic() - started
        mirror.arrived(1)
        was = -1
        while was != (was := len(wire.all())):
            time.sleep(0.3)
        if qdisc and mirror.mode == "erspan":
            wait_for(LONG, lambda: len(wire.copies()) > 1)
        sent = wire.copies()
        wire.close()
        print(f"# one ping, {mirror.mode}, {qdisc}: {len(sent)} copies, {took * 1000:.1f} ms")
        return {"answered": answered, "copies": (len(sent), any(copy_in(copy.inner) for copy in sent))}
    return observe


def originals_suffer():
    redirections()
    three("four redirections before the mirror", nested, [("x0", "egress")],
          lambda erspan, _: erspan["delivered"] == 0, MANY)
    for qdisc in "", "netem delay 50ms":
        queued = ", copies are queued" if qdisc else ""
        three(f"one ping, the underlay is mirrored, too{queued}", storm(qdisc),
              [("eth0", "ingress"), ("und0", "egress")],
              (lambda erspan, _: erspan["copies"][0] > 1 and erspan["copies"][1]) if qdisc else None,
              lambda copies: copies == (1, False))
    must("modprobe sch_plug")
    three("zero-copy while the copies wait", zerocopy, [("eth0", "egress")],
          lambda erspan, unmirrored: erspan["pages back"] < MANY == unmirrored["pages back"], MANY)
    probe = Expansions()
    if probe.possible:
        three("forwarded while the copies wait", expansions(probe), [("eth0", "ingress")],
              lambda erspan, unmirrored: erspan["heads copied"] >= unmirrored["heads copied"] + MANY,
              MANY + 1)
    else:
        ok(True, "forwarded while the copies wait # SKIP this kernel has no kprobe events")


def main():
    must("modprobe -a ip_gre ip6_gre act_gact cls_matchall sch_fq")
    topology()
    underlay()
    listener = Listener("col")
    path_mtus()
    fates_of_copies()
    originals_suffer()
    listener.close()
    finish()


main()
