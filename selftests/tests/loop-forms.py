#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for loop.sh: mirrors that see copies, their own or another's.

Each form gets a topology of its own: a and b are hosts on a wire, both with a device "w"; where
there is a third, "col" collects.  Pings go from a to b.
"""
import math
import os
import select
import signal
import socket
import sys
import time

from guest import batch, must, netns, wait_for
from tap import finish, ok
from wire import Account, Carried, Copy, Listener, Pinger, Tap, cable_end, copy_in, namespaces, \
    tunnelled_in

A, B = {4: "192.0.2.1", 6: "2001:db8:9::1"}, {4: "192.0.2.9", 6: "2001:db8:9::9"}
COL, GATE = {4: "203.0.113.9", 6: "2001:db8:c::9"}, {4: "203.0.113.1", 6: "2001:db8:c::1"}
PINGS = 5
STORM = 500             # copies; no form has that many originals
FLOOD, RATE, SIGMAS = 10000, 3, 5


LISTENERS = []


def hosts(*names, ports=()):
    namespaces(*names)
    LISTENERS.extend(Listener(name, *ports) for name in names)


def pair(**how):
    hosts("a", "b", **how)
    must("ip link add w netns a type veth peer name w netns b")
    for ns, addresses in ("a", A), ("b", B):
        batch("ip", f"""link set w up
            address add {addresses[4]}/24 dev w
            address add {addresses[6]}/64 dev w""", ns)


def join(one, other):
    """A process that passes on what comes from either."""
    child = os.fork()
    if child:
        return child
    try:
        while True:
            for end in select.select([one, other], [], [])[0]:
                os.write(other if end == one else one, os.read(end, 1 << 16))
    finally:
        os._exit(1)


def collector():
    """One more wire, from a to col."""
    hosts("col")
    must("ip link add und0 netns a type veth peer name eth0 netns col")
    for ns, dev, addresses in ("col", "eth0", COL), ("a", "und0", GATE):
        batch("ip", f"""link set {dev} up
            address add {addresses[4]}/24 dev {dev}
            address add {addresses[6]}/64 dev {dev}""", ns)


def down(*names):
    for listener in LISTENERS:
        listener.close()
    LISTENERS.clear()
    batch("ip", "\n".join(f"netns delete {name}" for name in names))


class Form:
    """One form of loop: pings, and what became of them.

    hooks: (namespace, device, hook, collectors...) of each mirror
    arrivals: (namespace, device) where copies arrive
    is_copy: whether a frame that is mirrored is, or carries, a copy
    """

    words, more, size, first = "trunc 200", {}, 56, staticmethod(copy_in)

    def __init__(self, description, family, hooks, arrivals, is_copy):
        self.is_copy = is_copy
        self.description, self.family, self.hooks = f"{description}, IPv{family}", family, hooks
        self.accounts = {ns: Account(ns) for ns in dict.fromkeys(hook[0] for hook in hooks)}
        self.taps = [Tap(ns, dev, outgoing=hook == "egress") for ns, dev, hook, *to in hooks]
        self.arrivals = [Tap(*where) for where in arrivals]
        self.mirror()
        self.pinger = Pinger("a", B[family])
        wait_for(3, lambda: self.pinger.ping(1, seconds=0.2))
        self.base = {}
        self.base = self.quiet()

    def mirror(self):
        """Each of the hooks sends copies to each of its collectors."""
        for ns in self.accounts:
            own = [hook[1:] for hook in self.hooks if hook[0] == ns]
            lines = [f"qdisc replace dev {dev} clsact" for dev in dict.fromkeys(hook[0] for hook in own)]
            for dev, hook, *to in own:
                actions = " ".join(f"action mirrorx dst_ip {dst} {self.words} {self.more.get(ns, '')}"
                                   for dst in to)
                lines.append(f"filter add dev {dev} {hook} matchall {actions}")
            batch("tc", "\n".join(lines), ns)

    def quiet(self):
        """What there is when nothing moves any more, or in the middle of a storm."""
        was = None
        while was != (now := self.now()) and now["sent"] < STORM:
            was = now
            time.sleep(0.3)
        return now

    def now(self):
        """What the mirrors saw, times the copies that each is to make of it; what they did."""
        count = dict.fromkeys(["originals", "copies", "sent", "loop", "arrived"], 0)
        for tap, hook in zip(self.taps, self.hooks):
            for frame in tap.all():
                count["copies" if self.is_copy(frame) else "originals"] += len(hook) - 3
        for account in self.accounts.values():
            for key in "sent", "loop":
                count[key] += account.counts()[key]
        count["arrived"] = len(self.arrived())
        return {key: count[key] - self.base.get(key, 0) for key in count}

    def arrived(self):
        return [copy for tap in self.arrivals for copy in map(self.first, tap.all()) if copy]

    def go(self):
        self.pinger.lost = 0
        self.pinger.ping(PINGS, self.size, seconds=5)
        now = self.quiet()
        self.end()
        ok(not self.pinger.lost, f"{self.description}: the originals pass", self.pinger.lost)
        ok(now["originals"] == now["sent"] == now["arrived"] >= PINGS,
           f"{self.description}: as many copies as there are originals", now)
        ok(now["loop"] == now["copies"], f"{self.description}: copies that were seen count as loop", now)
        ok(not any(self.first(copy.inner) for copy in self.arrived()),
           f"{self.description}: no copy is of a copy")

    def end(self):
        for ns in self.accounts:
            batch("tc", "\n".join(f"filter delete dev {dev} {hook}" for own, dev, hook, *to in self.hooks
                                  if own == ns), ns)
        for tap in self.taps + self.arrivals:
            tap.close()


def fragment(frame):
    """(offset, the packet less its fragment header) of GRE in IP, whole or not; None of all else"""
    packet = frame[14:]
    if frame[12:14] == b"\x08\0" and packet[9] == 47:
        return int.from_bytes(packet[6:8], "big") & 0x1fff, packet
    if frame[12:14] == b"\x86\xdd" and packet[6] == 44 and packet[40] == 47:
        return int.from_bytes(packet[42:44], "big") >> 3, packet[:6] + packet[40:41] + packet[7:40] + packet[48:]
    return (0, packet) if copy_in(frame) else None


class InFragments(Form):
    """The copies are too large for the wire."""

    words, size = "oversize fragment", 1440

    @staticmethod
    def first(frame):
        found = fragment(frame)
        return Copy(found[1]) if found and not found[0] else None


class Tunnelled(Form):
    """The copies are no ERSPAN: ordinary tunnels' packets, but for whom they are from or for."""

    encap, slices, first = "", "trunc 200", staticmethod(tunnelled_in)

    def __init__(self, description, *how):
        self.words = f"encap {self.encap} {self.slices}"
        super().__init__(f"{self.encap}, {description}", *how)


def tunnel_fragment(frame):
    """Likewise, for copies that are no ERSPAN: (offset, what the packet carries)"""
    packet = frame[14:]
    if frame[12:14] == b"\x08\0" and packet[9] in (17, 47):
        upper, offset, rest = packet[9], int.from_bytes(packet[6:8], "big") & 0x1fff, packet[20:]
    elif frame[12:14] == b"\x86\xdd" and packet[6] == 44 and packet[40] in (17, 47):
        upper, offset, rest = packet[40], int.from_bytes(packet[42:44], "big") >> 3, packet[48:]
    elif found := tunnelled_in(frame):
        return 0, found.inner
    else:
        return None
    return offset, rest[16 if upper == 17 else 4:]


class TunnelledInFragments(Tunnelled):
    """Of those over UDP, only the first one has a port."""

    slices, size = "oversize fragment", 1440

    @staticmethod
    def first(frame):
        found = tunnel_fragment(frame)
        return Carried(found[1]) if found and not found[0] else None


class Unlike(Tunnelled):
    """The VNIs of both ends differ."""

    more = {"a": "vni 5", "b": "vni 6"}


class Decrypted(Form):
    """The copies arrive as ESP, and what was in them at a socket."""

    def __init__(self, description, family, hooks, arrivals, is_copy):
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        with netns("b"):
            self.plain = socket.socket(af, socket.SOCK_RAW, 47)
        self.plain.setblocking(False)
        self.found = []
        super().__init__(description, family, hooks, arrivals, is_copy)

    def arrived(self):
        while self.plain.fileno() >= 0:
            try:
                data = self.plain.recv(1 << 16)
            except BlockingIOError:
                break
            # an IPv6 socket gives no IP header: make one up
            self.found.append(Copy(data if self.family == 4 else bytes([0x60]) + bytes(39) + data))
        return self.found

    def end(self):
        super().end()
        self.plain.close()


def forms(description, hooks, arrivals, is_copy=copy_in, form=Form):
    """The same for both families; "COL" and so on stand for their addresses."""
    for family in 4, 6:
        there = {"A": A[family], "B": B[family], "COL": COL[family], "GATE": GATE[family]}
        form(description, family, [(*hook[:3], *(there[to] for to in hook[3:])) for hook in hooks],
             arrivals, is_copy).go()


def itself():
    """The underlay's own traffic is mirrored."""
    pair()
    for hooks in ["egress"], ["ingress"], ["ingress", "egress"]:
        forms(f"{' and '.join(hooks)} of the underlay, to its other end",
              [("a", "w", hook, "B") for hook in hooks], [("b", "w")])
    forms("both ends of the underlay",
          [("a", "w", "ingress", "B"), ("a", "w", "egress", "B"),
           ("b", "w", "ingress", "A"), ("b", "w", "egress", "A")], [("a", "w"), ("b", "w")])
    down("a", "b")


def chain():
    pair()
    collector()
    forms("three mirrors in a row, their underlay mirrored, too",
          [("a", "w", "egress", "COL", "COL", "COL"), ("a", "und0", "egress", "COL", "COL"),
           ("a", "und0", "ingress", "COL")], [("col", "eth0")])
    batch("ip", "link add d0 up type dummy", "a")
    batch("tc", """qdisc replace dev und0 clsact
        filter add dev und0 egress matchall action mirred egress mirror dev d0""", "a")
    forms("act_mirred clones the copies to a mirrored device",
          [("a", "w", "egress", "COL"), ("a", "d0", "egress", "COL")], [("col", "eth0")])
    down("a", "b", "col")


def sampled():
    """Copies that pass by the action that makes them take no part in what it chooses."""
    pair()
    must(f"ping -c 1 {B[4]}", "a")
    batch("tc", f"""qdisc replace dev w clsact
        filter add dev w egress matchall action mirrorx dst_ip {B[4]} sample {RATE}""", "a")
    with netns("a"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(FLOOD):
            sock.sendto(bytes(40), (B[4], 9))
    count = Account("a").counts()
    frames, sent = count["sent"] + count["unsampled"], count["sent"]
    sigma = math.sqrt(frames / RATE * (1 - 1 / RATE))
    ok(frames - FLOOD in range(20), "one in some, the underlay mirrored: all frames are counted", count)
    ok(count["loop"] == sent, "one in some, the underlay mirrored: copies count as loop", count)
    ok(abs(sent - frames / RATE) <= SIGMAS * sigma, "one in some, the underlay mirrored: as many as that",
       f"{sent} of {frames}, {frames / RATE:.0f} +- {sigma:.0f} expected")
    down("a", "b")


def deferred():
    """A queue sends the copies when nobody remembers where they came from."""
    pair()
    for qdisc in "netem delay 20ms", "fq", "tbf rate 100mbit burst 32k latency 100ms":
        must(f"tc -n a qdisc replace dev w root {qdisc}")
        forms(f"underlay with {qdisc.split()[0]}",
              [("a", "w", "egress", "B"), ("a", "w", "ingress", "B"), ("b", "w", "ingress", "A")],
              [("b", "w"), ("a", "w")])
    down("a", "b")


def tagged():
    """The underlay is a VLAN, and the device below it is mirrored."""
    pair()
    for ns, addresses in ("a", GATE), ("b", COL):
        batch("ip", f"""link add link w name v up type vlan id 7
            address add {addresses[4]}/24 dev v
            address add {addresses[6]}/64 dev v""", ns)
    for offload in "on", "off":
        for ns in "a", "b":
            must(f"ethtool -K w txvlan {offload}", ns)
        forms(f"a VLAN as underlay, the device below mirrored, tag offload {offload}",
              [("a", "w", "egress", "COL"), ("b", "w", "ingress", "A")], [("b", "v"), ("a", "w")])
    down("a", "b")


def bridged():
    """A bridge between the hosts mirrors its ports."""
    hosts("a", "b", "sw")
    for ns, addresses in ("a", A), ("b", B):
        must(f"ip link add w netns {ns} type veth peer name p{ns} netns sw")
        batch("ip", f"""link set w up
            address add {addresses[4]}/24 dev w
            address add {addresses[6]}/64 dev w""", ns)
    batch("ip", """link add br0 type bridge
        link set pa master br0
        link set pb master br0
        link set pa up
        link set pb up
        link set br0 up
        address add 192.0.2.3/24 dev br0
        address add 2001:db8:9::3/64 dev br0""", "sw")
    forms("a bridge between the hosts mirrors to one of them, on all ports",
          [("sw", "pa", "ingress", "B"), ("sw", "pb", "egress", "B"), ("sw", "br0", "egress", "B"),
           ("a", "w", "egress", "B")], [("b", "w")])
    down("a", "b", "sw")


def cabled(one, there, other, back):
    """Two machines: a device of each, with what else is to be said about it."""
    must("modprobe tun")
    ends = cable_end(*one), cable_end(*other)
    for (ns, dev), addresses in (one, there), (other, back):
        batch("ip", f"""link set {dev} up
            address add {addresses[4]}/24 dev {dev}
            address add {addresses[6]}/64 dev {dev}""", ns)
    return ends, join(*ends)


def uncable(ends, process):
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    for end in ends:
        os.close(end)


def machines():
    """What a wire carries is bytes: between machines, nothing else is left of a copy."""
    hosts("a", "b")
    cable = cabled(("a", "w"), A, ("b", "w"), B)
    hooks = [("a", "w", "egress", "B"), ("a", "w", "ingress", "B"),
             ("b", "w", "ingress", "A"), ("b", "w", "egress", "A")]
    arrivals = [("a", "w"), ("b", "w")]
    forms("two machines that mirror each other", hooks, arrivals)
    forms("two machines, copies in fragments", hooks, arrivals, fragment, InFragments)
    for ns, addresses in ("a", GATE), ("b", COL):
        batch("ip", f"""link add link w name v up type vlan id 7
            address add {addresses[4]}/24 dev v
            address add {addresses[6]}/64 dev v""", ns)
        must("ethtool -K w rxvlan off", ns)
    forms("two machines, the underlay is a VLAN", [("a", "w", "egress", "COL"), ("b", "w", "ingress", "GATE")],
          [("b", "v"), ("a", "v")])
    uncable(*cable)
    down("a", "b")


def vxlan():
    """The underlay is a tunnel whose own packets are mirrored; nobody could tell what is in them."""
    pair()
    for ns, own, peer, addresses in ("a", A, B, GATE), ("b", B, A, COL):
        batch("ip", f"""link add v type vxlan id 7 dstport 4789 local {own[4]} remote {peer[4]}
            link set v up
            address add {addresses[4]}/24 dev v
            address add {addresses[6]}/64 dev v""", ns)

    def is_copy(frame):         # behind Ethernet, IP, UDP and VXLAN
        return frame[36:38] == (4789).to_bytes(2, "big") and copy_in(frame[50:])

    hooks, arrivals = [("a", "w", "egress", "COL")], [("b", "v")]
    forms("a VXLAN as underlay, its packets mirrored", hooks, arrivals, is_copy)
    must("tc -n a qdisc replace dev v root netem delay 5ms")
    forms("a VXLAN with a queue as underlay, its packets mirrored", hooks, arrivals, is_copy)
    down("a", "b")


def wireguard():
    pair()
    keys = {ns: must("wg genkey").strip() for ns in ("a", "b")}
    public = {ns: must("wg pubkey", text=key).strip() for ns, key in keys.items()}
    for ns, other, own, peer, addresses in ("a", "b", A, B, GATE), ("b", "a", B, A, COL):
        with open(f"/tmp/key.{ns}", "w") as out:
            out.write(keys[ns])
        must(f"ip -n {ns} link add v type wireguard")
        must(f"wg set v private-key /tmp/key.{ns} listen-port 51820 peer {public[other]}"
             f" endpoint {peer[4]}:51820 allowed-ips 0.0.0.0/0,::/0", ns)
        batch("ip", f"""link set v up
            address add {addresses[4]}/24 dev v
            address add {addresses[6]}/64 dev v""", ns)

    def is_copy(frame):
        """Data, and more than a keepalive; handshakes are WireGuard's own, as that is."""
        return frame[36:38] == (51820).to_bytes(2, "big") and frame[42] == 4 and len(frame) > 42 + 32

    forms("WireGuard as underlay, its packets mirrored", [("a", "w", "egress", "COL")], [("b", "v")], is_copy)
    down("a", "b")


def ipsec():
    """Policies encrypt the copies; what is sent as ESP by the same device is the copies."""
    pair()
    key = "'rfc4106(gcm(aes))' 0x" + 20 * "5a" + " 128"

    def is_copy(frame):
        return (frame[12:14] == b"\x08\0" and frame[23] == 50) or \
            (frame[12:14] == b"\x86\xdd" and frame[20] == 50)

    for mode in "transport", "tunnel":
        for ns, way in ("a", "out"), ("b", "in"):
            lines = []
            for family in 4, 6:
                ends = f"src {A[family]} dst {B[family]}"
                tmpl = f"tmpl {ends if mode == 'tunnel' else ''} proto esp reqid 1 mode {mode}"
                lines += [f"xfrm state add {ends} proto esp spi 0x100 reqid 1 mode {mode} aead {key}",
                          f"xfrm policy add dir {way} {ends} proto gre {tmpl}"]
            batch("ip", "\n".join(lines), ns)
        for queue in "", ", a queue":
            if queue:
                must("tc -n a qdisc replace dev w root netem delay 5ms")
            for family in 4, 6:
                Decrypted(f"IPsec, {mode} mode, its packets mirrored{queue}", family,
                          [("a", "w", "egress", B[family])], [("b", "w")], is_copy).go()
        must("tc -n a qdisc delete dev w root")
        for ns in "a", "b":
            batch("ip", "xfrm policy flush\nxfrm state flush", ns)
    down("a", "b")


def hairpin():
    """A switch sends copies back by the port that they came by, whose ingress is mirrored."""
    hosts("a", "b", "sw")
    for ns, addresses in ("a", A), ("b", B):
        must(f"ip link add w netns {ns} type veth peer name p{ns} netns sw")
        batch("ip", f"""link set w up
            address add {addresses[4]}/24 dev w
            address add {addresses[6]}/64 dev w""", ns)
    batch("ip", """link add br0 type bridge
        link set pa master br0
        link set pb master br0
        link set pa up
        link set pb up
        link set br0 up""", "sw")
    must("bridge -n sw link set dev pa hairpin on")
    batch("ip", f"""route add {COL[4]} dev w
        route add {COL[6]} dev w
        neigh replace {COL[4]} lladdr 02:00:00:00:00:99 dev w nud permanent
        neigh replace {COL[6]} lladdr 02:00:00:00:00:99 dev w nud permanent""", "a")
    must("bridge -n sw fdb replace 02:00:00:00:00:99 dev pa master static")
    forms("a switch sends the copies back", [("a", "w", "egress", "COL"), ("a", "w", "ingress", "COL")],
          [("a", "w")])
    down("a", "b", "sw")


def fragments():
    """Behind the first one there is nothing to be known by but that they are GRE."""
    pair()
    hooks = [("a", "w", "egress", "B"), ("a", "w", "ingress", "B"), ("b", "w", "ingress", "A")]
    arrivals = [("b", "w"), ("a", "w")]
    forms("copies in fragments, both ends mirrored", hooks, arrivals, fragment, InFragments)
    must("tc -n a qdisc replace dev w root netem delay 20ms")
    forms("copies in fragments through a queue", hooks, arrivals, fragment, InFragments)
    down("a", "b")


def encapsulated():
    """Copies that are no ERSPAN: by their owner, and between machines by what they have in common."""
    ports = 4789, 6081
    for encap in "gretap", "vxlan", "geneve":
        like, unlike, in_fragments = (type("Form", (form,), {"encap": encap})
                                      for form in (Tunnelled, Unlike, TunnelledInFragments))
        pair(ports=ports)
        both = [("a", "w", "egress", "B"), ("a", "w", "ingress", "B"), ("b", "w", "ingress", "A"),
                ("b", "w", "egress", "A")]
        ends = [("b", "w"), ("a", "w")]
        forms("both ends of the underlay", both, ends, tunnelled_in, like)
        must("tc -n a qdisc replace dev w root netem delay 20ms")
        forms("both ends, a queue", both, ends, tunnelled_in, like)
        down("a", "b")

        hosts("a", "b", "col", ports=ports)
        cables = [cabled(("a", "w"), A, ("b", "w"), B), cabled(("b", "und0"), GATE, ("col", "eth0"), COL)]
        forms("two machines that mirror each other", both, ends, tunnelled_in, like)
        forms("two machines, copies in fragments", both, ends, tunnel_fragment, in_fragments)
        if encap != "gretap":
            forms("two machines, other VNIs", both, ends, tunnelled_in, unlike)
            # neither from nor to the collector of b: it is the VNI
            forms("a machine on the way of another's copies",
                  [("a", "w", "egress", "B"), ("b", "w", "ingress", "COL")], [("b", "w"), ("col", "eth0")],
                  tunnelled_in, like)
        for cable in cables:
            uncable(*cable)
        down("a", "b", "col")


PARTS = {"encaps": (encapsulated,), "direct": (itself, chain, fragments, sampled),
         "deferred": (deferred, tagged, bridged, hairpin, machines),
         "tunnel": (vxlan, wireguard, ipsec)}


def main():
    for part in PARTS[sys.argv[1]]:
        part()
    finish()


main()
