#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for undisturbed.sh: the same traffic with and without mirrorx, under each fault of the mirror.

What the host sends and forwards is compared with what it was without a mirror: the bytes and their
order on the wires, what the kernel knows about each packet before and after the action, TCP's state,
routes, neighbours, errors.  The copies of it have to be counted under the reason that fits, and flow
again when the fault is gone, without another tc command.

    src und0 --- eth0 col, src und1 --- eth1 col
"""
import json
import socket
import struct
import threading
import time

import rawtc
from guest import KMEMLEAK, batch, must, netns, run, wait_for
from production import (FAMILY, FAR, GATE, MAC, PEER, PREFIX, SRC, Echo, Wire, addresses, bare, carrier,
                        connection, open_in, sysctl, topology)
from skbfields import Fields
from tap import finish, ok
from wire import Account, Listener, Tap

COLLECTOR = {4: "198.19.0.9", 6: "2001:db8:c::9"}
UNDERLAY = {0: ({4: "192.0.2.1", 6: "2001:db8:9::1"}, {4: "192.0.2.9", 6: "2001:db8:9::9"}),
            1: ({4: "198.18.0.1", 6: "2001:db8:a::1"}, {4: "198.18.0.9", 6: "2001:db8:a::9"})}
HOPS_MAC = "02:00:00:00:09:09"
NOBODY, STATIC = {4: "192.0.2.66", 6: "2001:db8:9::66"}, {4: "192.0.2.77", 6: "2001:db8:9::77"}
ETH_P_ALL = 3
IPV6_HDRINCL, PACKET_VNET_HDR = 36, 15
IP_MTU, IPV6_MTU = 14, 24
LONG = 20               # seconds; nothing takes that long but on a machine that stands still
QUEUES = {"xmit", "congested"}          # by whom a full queue is noticed
PRODUCTION = {"peer": ("eth0",), "src": ("eth0", "eth1"), "far": ("eth0",)}
HOOKS = rawtc.INGRESS, rawtc.EGRESS
TCP_INFO = {"snd_mss": 16, "lost": 32, "pmtu": 60, "advmss": 84, "reordering": 88, "total_retrans": 100}
ERRORS = {
    "Icmp": "OutDestUnreachs OutTimeExcds OutParmProbs OutRedirects",
    "Icmp6": "OutDestUnreachs OutPktTooBigs OutTimeExcds OutParmProblems OutRedirects",
    "Tcp": "RetransSegs InErrs AttemptFails EstabResets",
    "TcpExt": "TCPTimeouts TCPLossProbes TCPFastRetrans TCPSlowStartRetrans TCPLostRetransmit TCPSpuriousRTOs"
              " TCPDSACKRecv TCPDSACKOldSent TCPOFOQueue TCPSACKReorder TCPBacklogDrop ListenDrops",
    "Ip": "InDiscards OutDiscards FragFails ReasmFails InHdrErrors InAddrErrors",
    "Ip6": "InDiscards OutDiscards FragFails ReasmFails InHdrErrors InTooBigErrors",
    "Udp": "InErrors RcvbufErrors InCsumErrors", "Udp6": "InErrors RcvbufErrors InCsumErrors"}


# --- frames

def ones_sum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def mac(name):
    return bytes.fromhex(MAC[name].replace(":", ""))


def ip(family, src, dst, proto, payload, fragment=0):
    """A packet; FRAGMENT: the field of the header with offset and flags."""
    src, dst = rawtc.address(src), rawtc.address(dst)
    if family == 6:
        if fragment:
            offset = (fragment & 0x1fff) << 3 | fragment >> 13 & 1
            payload = struct.pack("!BBHI", proto, 0, offset, 77) + payload
            proto = 44
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + src + dst + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 77, fragment, 64, proto, 0) + src + dst
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + payload


def pseudo(src, dst, proto, length):
    return rawtc.address(src) + rawtc.address(dst) + struct.pack("!IHH", length, 0, proto)


def udp(src, dst, payload):
    head = struct.pack("!HHHH", 4000, 4001, 8 + len(payload), 0)
    total = ~ones_sum(pseudo(src, dst, 17, 8 + len(payload)) + head + payload) & 0xffff
    return head[:6] + struct.pack("!H", total or 0xffff) + payload


def pattern(size, seed):
    return (bytes((seed + number * 7) & 255 for number in range(256)) * (size // 256 + 1))[:size]


def packets(src, dst):
    """UDP of several sizes."""
    for family in 4, 6:
        for seed, size in enumerate((0, 1, 100)):
            datagram = udp(src[family], dst[family], pattern(size, seed))
            yield family, ip(family, src[family], dst[family], 17, datagram)


def all_packets(src, dst):
    """The same, one as large as the MTU, and one in fragments."""
    yield from packets(src, dst)
    for family in 4, 6:
        largest = udp(src[family], dst[family], pattern(1472 if family == 4 else 1452, 3))
        yield family, ip(family, src[family], dst[family], 17, largest)
        whole = udp(src[family], dst[family], pattern(3000, 5))
        for at in 0, 1448, 2896:
            more = 0x2000 if at + 1448 < len(whole) else 0
            yield family, ip(family, src[family], dst[family], 17, whole[at:at + 1448], at // 8 | more)


def ether(src, dst, family, packet, *tags):
    return dst + src + b"".join(struct.pack("!HH", *tag) for tag in tags) + \
        (b"\x08\0" if family == 4 else b"\x86\xdd") + packet


def super_frame(src, dst, family, there):
    """TCP for several segments, as a device with offloads has it; with RST, so that nobody answers."""
    payload = pattern(5 * 1200 + 100, family)
    tcp = struct.pack("!HHIIBBHHH", 4000, 4001, 1, 1, 0x50, 0x14, 1000, 0, 0)
    total = ones_sum(pseudo(there[0][family], there[1][family], 6, len(tcp + payload)))
    tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
    packet = ip(family, there[0][family], there[1][family], 6, tcp + payload)
    head = len(packet) - len(payload) - len(tcp) + 14
    virtio = struct.pack("=BBHHHH", 1, 1 if family == 4 else 4, head + 20, 1200, head, 16)
    return virtio + ether(src, dst, family, packet)


PLAIN = bytes(10)                       # struct virtio_net_hdr of all other frames


class Sender:
    """Frames to a device's other end, with offloads."""

    def __init__(self, ns, dev, frames):
        self.socket = open_in(ns, socket.AF_PACKET, socket.SOCK_RAW)
        with netns(ns):
            self.socket.bind((dev, 0))
        self.socket.setsockopt(263, PACKET_VNET_HDR, 1)
        self.frames = frames

    def send(self):
        for frame in self.frames:
            self.socket.send(frame)


class Local:
    """Packets through the routing of src; with headers made here."""

    def __init__(self):
        self.sockets = {family: open_in("src", kind, socket.SOCK_RAW, 255)
                        for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6))}
        self.sockets[6].setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
        self.packets = [found for to in (PEER, FAR) for found in all_packets(SRC, to)]

    def send(self):
        for family, packet in self.packets:
            dst = socket.inet_ntop(*((socket.AF_INET, packet[16:20]) if family == 4 else
                                     (socket.AF_INET6, packet[24:40])))
            self.sockets[family].sendto(packet, (dst, 0))


def senders():
    src, peer, far, gate = map(mac, ("src", "peer", "far", "gate"))
    vlan = {4: "10.7.0.2", 6: "2001:db8:7::2"}
    out = [PLAIN + ether(peer, src, family, packet) for family, packet in all_packets(PEER, FAR)]
    out += [super_frame(peer, src, family, (PEER, FAR)) for family in (4, 6)]
    out += [PLAIN + ether(peer, src, family, packet, (0x8100, 0xa007))
            for family, packet in packets(vlan, FAR)]
    out += [PLAIN + src + peer + b"\x88\xb5" + pattern(100, 1)]
    back = [PLAIN + ether(far, gate, family, packet) for family, packet in all_packets(FAR, PEER)]
    back += [super_frame(far, gate, family, (FAR, PEER)) for family in (4, 6)]
    own = [PLAIN + ether(src, peer, family, packet, *tags) for family, packet in packets(SRC, PEER)
           for tags in (((0x8100, 0x2009),), ((0x88a8, 3), (0x8100, 4)))]
    own += [PLAIN + peer + src + b"\x88\xb5" + pattern(100, 2)]
    return [Sender("peer", "eth0", out), Sender("far", "eth0", back), Sender("src", "eth0", own), Local()]


# --- traffic and what there is to see of it

def sender_of(frame):
    """Who sent it, by what protocol: between hosts the order is a matter of the scheduler."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind = frame[at:at + 2]
    return kind, frame[at + 14:at + 18] if kind == b"\x08\0" else frame[at + 10:at + 26]


def proc_net(ns, name):
    with netns(ns), open(f"/proc/thread-self/net/{name}") as table:
        return table.read().splitlines()


def errors(ns):
    """Of all protocols, and of the production devices."""
    found = {}
    for name in "snmp", "netstat":
        lines = proc_net(ns, name)
        for names, values in zip(lines[::2], lines[1::2]):
            group = names.split(":")[0]
            found.update(zip((group + name for name in names.split()[1:]), map(int, values.split()[1:])))
    found.update((name, int(value)) for name, value in map(str.split, proc_net(ns, "snmp6")))
    # of IPv6 what the production devices count, for the underlay has troubles of its own
    rows = [line.split() for dev in PRODUCTION[ns] for line in proc_net(ns, f"dev_snmp6/{dev}")]
    found.update({name: sum(int(value) for key, value in rows if key == name) for name in dict(rows)})
    wanted = {group + name: found.get(group + name, 0) for group in ERRORS for name in ERRORS[group].split()}
    for line in proc_net(ns, "dev")[2:]:
        dev, numbers = line.split(":")
        values = list(map(int, numbers.split()))
        if dev.strip() in PRODUCTION[ns]:
            wanted.update({f"{dev.strip()} {key}": values[at] for key, at in (
                ("rx errors", 2), ("rx dropped", 3), ("tx errors", 10), ("tx dropped", 11))})
    return wanted


def streams(ns, other, dst, family):
    """A TCP connection with data both ways: what its ends know about the path."""
    data, known = pattern(20000, family), []
    ends = connection(ns, other, dst, family)
    for sender, receiver in ends, ends[::-1]:
        sender.sendall(data)
        got = b""
        while len(got) < len(data):
            got += receiver.recv(1 << 16)
        assert got == data
    for end in ends:
        info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        known.append({key: struct.unpack_from("=I", info, at)[0] for key, at in TCP_INFO.items()})
    for end in ends:
        end.close()
    return known


class Traffic:
    """The same each time."""

    PATHS = (("src", "peer", PEER), ("peer", "src", SRC), ("peer", "far", FAR))

    def __init__(self, before, after):
        self.before, self.after = before, after
        self.senders = senders()
        self.wires = {name: Wire(name, "eth0") for name in ("peer", "far")}
        for ns in "peer", "far", "src":
            # who takes the datagrams, and never looks at them
            for kind in socket.AF_INET, socket.AF_INET6:
                setattr(self, f"sink{ns}{kind}", open_in(ns, kind, socket.SOCK_DGRAM))
                sink = getattr(self, f"sink{ns}{kind}")
                sink.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
                if kind == socket.AF_INET6:
                    sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sink.bind(("", 4001))
        self.pingers = [Echo(ns, dst[family]) for ns, _, dst in self.PATHS for family in (4, 6)]
        self.probes = []
        for ns, _, dst in self.PATHS:
            for family, what in ((4, (socket.IPPROTO_IP, IP_MTU)), (6, (socket.IPPROTO_IPV6, IPV6_MTU))):
                probe = open_in(ns, FAMILY[family], socket.SOCK_DGRAM)
                probe.connect((dst[family], 4001))
                self.probes.append((probe, what))
        self.expected = None            # how many frames, once it is known

    def frames(self):
        """What arrives, in the order of each sender."""
        return {name: sorted(wire.all(), key=sender_of) for name, wire in self.wires.items()}

    def clear(self):
        for wire in self.wires.values():
            wire.all()
            wire.frames.clear()

    def silence(self):
        """Wait until nobody says more about multicast groups."""
        def once():
            self.clear()
            time.sleep(2)
            return not self.arrived()
        assert wait_for(LONG, once), self.frames()

    def send(self):
        """Frames whose bytes are known: {where: as they arrive}."""
        self.clear()
        for sender in self.senders:
            sender.send()
        if self.expected:
            wait_for(LONG, lambda: self.arrived() >= self.expected)
        was = None
        while was != (was := self.arrived()):       # nor anything that nobody has sent
            time.sleep(0.05 if self.expected else 0.5)
        return self.frames()

    def arrived(self):
        """How many frames."""
        return sum(map(len, self.frames().values()))

    def observe(self):
        """Everything that must not depend on a mirror."""
        was = {ns: errors(ns) for ns in ("peer", "src", "far")}
        self.before.take()
        self.after.take()
        seen = {f"frames at {name}": frames for name, frames in self.send().items()}
        self.known = self.before.take(), self.after.take()
        seen["packets as tc sees them"] = sorted(
            [(key, value) for key, value in fields.items() if key not in ("hash", "tstamp")]
            for fields in self.known[0])
        seen["answers to pings"] = [pinger.ping(1, 3000, LONG) for pinger in self.pingers]    # in fragments
        seen["TCP"] = [streams(*path, family) for path in self.PATHS for family in (4, 6)]
        seen["MTU"] = [probe.getsockopt(*what) for probe, what in self.probes]
        for ns in was:
            grown = {key: value - was[ns][key] for key, value in errors(ns).items()}
            seen[f"errors in {ns}"] = {key: value for key, value in grown.items() if value}
        for ns in "src", "peer":
            seen[f"state of {ns}"] = self.state(ns)
        self.known = [mine + more.take() for mine, more in zip(self.known, (self.before, self.after))]
        return seen

    @staticmethod
    def state(ns):
        """What is known about routes and neighbours of production."""
        lines = must("ip -o -batch -", ns, "route show cache\nneighbour show nud all\n").splitlines() + \
            must(f"ip -o -n {ns} -6 route show cache").splitlines()
        found = set()
        for line in lines:
            words = line.split()
            if "dev" not in words or words[words.index("dev") + 1] not in ("eth0", "eth1"):
                continue
            # of neighbours all but their state; those of link-local addresses come and go
            if "lladdr" in words and not line.startswith("fe80") and words[-1] != "NOARP":
                found.add(" ".join(words[:5]))
            elif "lladdr" not in words:
                found.add(line)
        return sorted(found)

    def segments(self):
        """How many frames the packets were on the wire."""
        return sum(max(fields["gso_segs"], 1) for fields in self.known[0])


# --- the mirror

def acquainted():
    """Nobody asks who has an address, which kernels do when they want to."""
    for ns, dev, other, name in (("peer", "eth0", SRC, "src"), ("src", "eth0", PEER, "peer"),
                                 ("src", "eth1", FAR, "far"), ("far", "eth0", GATE, "gate")):
        batch("ip", "\n".join(f"neighbour replace {other[f]} lladdr {MAC[name]} dev {dev} nud permanent"
                              for f in other), ns)


class Scene(Account):
    """Production, a mirror that may be on, and the way to the collector."""

    def __init__(self):
        topology()
        acquainted()
        batch("ip", """link add link eth0 name eth0.7 up type vlan id 7
            address add 10.7.0.1/24 dev eth0.7
            address add 2001:db8:7::1/64 dev eth0.7""", "src")
        self.family, self.listener = 4, None
        bare("col")
        self.mend()
        super().__init__()
        self.open()
        self.before, self.after = Fields(), Fields()
        self.unmirrored()
        self.traffic = Traffic(self.before, self.after)

    def open(self):
        """The collector's ears."""
        self.listener = Listener("col")
        self.collectors += [Tap("col", "eth0"), Tap("col", "eth1")]

    def filters(self, *actions):
        """On both hooks: what happens to each packet between the two looks at it."""
        with netns("src"):
            for hook in HOOKS:
                answer = self.netlink.filter(
                    "eth0", self.before.action(1), *actions, self.after.action(2 + len(actions)), parent=hook,
                    protocol=ETH_P_ALL)
                assert not answer.error, answer

    def settled(self):
        """What does not add up since the last time; what came until now need not be looked at again."""
        wrong = self.wrong(LONG)
        for tap in self.collectors:
            tap.frames.clear()
        self.known = self.counts()["sent"]
        return wrong

    def unmirrored(self):
        run("tc -n src qdisc delete dev eth0 clsact")
        must("tc -n src qdisc add dev eth0 clsact")
        self.filters()

    def mirrored(self):
        run("tc -n src qdisc delete dev eth0 clsact")
        must("tc -n src qdisc add dev eth0 clsact")
        self.filters(rawtc.action(rawtc.options(index=1), order=2))

    def mirror(self, *more):
        answer = self.netlink.replace(rawtc.action(rawtc.options(*more, dst=COLLECTOR[self.family], index=1)))
        assert not answer.error, answer

    def mend(self):
        """Make whatever there is not of the way to the collector."""
        links = must("ip -n src -br link")
        for number in UNDERLAY:
            if f"und{number}@" not in links:
                must(f"ip link add und{number} netns src type veth peer name eth{number} netns col"
                     f" address {HOPS_MAC[:-1]}{number}")
        with netns("col"):
            batch("ip", "\n".join(
                [f"link set eth{number} up" for number in UNDERLAY] +
                [f"address replace {hop[f]}/{PREFIX[f]} dev eth{number}"
                 for number, (_, hop) in UNDERLAY.items() for f in hop] +
                [f"address replace {address} dev lo" for address in COLLECTOR.values()]))
        with netns("src"):
            batch("ip", "\n".join(
                [f"link set und{number} mtu 1500 up" for number in UNDERLAY] +
                [f"address replace {own[f]}/{PREFIX[f]} dev und{number}"
                 for number, (own, _) in UNDERLAY.items() for f in own]))
        assert wait_for(5, lambda: must("ip -n src -br link").count("LOWER_UP") >= 5)
        self.via(0)

    def via(self, number, words="", hop=None):
        """Lead the way to the collector by a gateway."""
        hop = hop or UNDERLAY[number][1]
        batch("ip", "\n".join(f"route replace {COLLECTOR[f]} via {hop[f]} dev und{number} {words}"
                              for f in COLLECTOR), "src")

    def flows(self):
        """Is every packet copied again?"""
        def once():
            before = self.counts()
            answered = self.traffic.pingers[0].ping(1, seconds=LONG)
            after = self.counts()
            return answered and after["sent"] - before["sent"] == 2
        return wait_for(LONG, once)


def shorter(value, base):
    """What differs."""
    if isinstance(value, list) and len(value) == len(base):
        return next(f"{at}: {mine} instead of {other}" for at, (mine, other) in enumerate(zip(value, base))
                    if mine != other)[:1000]
    if isinstance(value, list):
        new = [some for some in value if some not in base][:9]
        return f"{len(value)} instead of {len(base)}: {new}"[:1500]
    return f"{value} instead of {base}"


def differences(base, seen):
    return [f"{key}: {shorter(value, base[key])}" for key, value in seen.items() if value != base[key]]


def fault(scene, base, name, begin, end, expected=(), check=None):
    """The same traffic while something is wrong; EXPECTED: under which reasons copies count then."""
    v = f"IPv{scene.family}, {name}"
    begin()
    counts = scene.counts()
    seen = scene.traffic.observe()
    now = scene.counts()
    grown = {key for key in rawtc.REASONS if now[key] != counts[key]}
    away = sum(now[key] - counts[key] for key in (*rawtc.REASONS, "sent")) - (now["split"] - counts["split"])
    frames = now["seen"] - counts["seen"]
    wrong = differences(base, seen)
    ok(not wrong, f"{v}: traffic is as without a mirror", *wrong)
    before, after = scene.traffic.known
    changed = [pair for pair in zip(before, after) if pair[0] != pair[1]]
    ok(before and len(before) == len(after) and not changed,
       f"{v}: the action leaves all that belongs to a packet as it was", len(before), len(after), changed[:3])
    ok(frames == away == scene.traffic.segments() and
       (grown <= set(expected) and bool(grown) == bool(expected)) and (not check or check(counts, now)),
       f"{v}: copies count as {' or '.join(expected) or 'sent'}", grown, f"{frames} seen, {away} counted, "
       f"{scene.traffic.segments()} on the wire", counts, now)
    end()
    flows = scene.flows()
    wrong = scene.settled()
    ok(flows and not wrong, f"{v}: afterwards copies flow by themselves, and all arrive", flows, wrong,
       scene.counts())


def src(command):
    return lambda: must(f"ip -n src {command}")


def col(command):
    return lambda: must(f"ip -n col {command}")


def both(*steps):
    return lambda: [step() for step in steps]


def nothing():
    pass


def leave(scene):
    scene.listener.close()
    for tap in scene.collectors:
        tap.close()
    must("ip netns delete col")
    wait_for(5, lambda: "und0" not in must("ip -n src -br link"))


def come_back(scene):
    bare("col")
    scene.mend()
    scene.open()


def deaf(scene):
    """Nobody takes the copies: the collector answers each with ICMP."""
    scene.listener.close()
    sysctl("col", "net.ipv4.icmp_ratelimit", 0)
    sysctl("col", "net.ipv6.icmp.ratelimit", 0)
    scene.answers = Tap("col", "eth0", outgoing=True)


def unreachable(scene):
    """Was there an answer?"""
    frames = scene.answers.all()
    if scene.family == 4:
        return any(frame[23] == 1 and frame[34] == 3 for frame in frames)
    return any(frame[20] == 58 and frame[54] in (1, 4) for frame in frames)


def hear(scene):
    scene.answers.close()
    scene.listener = Listener("col")


def say_too_big(scene):
    """The collector's host says that copies must be smaller."""
    scene.flows()
    copy = [copy for tap in scene.collectors for copy in tap.copies()][-1]
    family, to = (socket.AF_INET, copy.src) if scene.family == 4 else (socket.AF_INET6, copy.src)
    sock = open_in("col", family, socket.SOCK_RAW, 1 if scene.family == 4 else 58)
    if scene.family == 4:
        message = struct.pack("!BBHHH", 3, 4, 0, 0, 600) + copy.packet[:60]
        message = message[:2] + struct.pack("!H", ~ones_sum(message) & 0xffff) + message[4:]
    else:
        message = struct.pack("!BBHI", 2, 0, 0, 1280) + copy.packet[:200]
    sock.sendto(message, (to, 0))
    sock.close()
    time.sleep(0.1)


def plug():
    batch("tc", """qdisc replace dev und0 root plug limit 5000
        qdisc change dev und0 root plug block""", "src")


def unplug():
    must("tc -n src qdisc change dev und0 root plug release_indefinite")
    must("tc -n src qdisc delete dev und0 root")


def moved(scene, there):
    if there:
        must("ip netns add other")
        must("ip -n src link set und0 netns other")
    else:
        must("ip -n other link set und0 netns src")
        must("ip netns delete other")
        scene.mend()


def renamed(scene, old, new):
    batch("ip", f"link set {old} down\nlink set {old} name {new}", "src")
    if new == "und0":
        return scene.mend()
    addresses("src", new, UNDERLAY[0][0])
    carrier(("src", new))
    batch("ip", "\n".join(f"route replace {COLLECTOR[f]} via {UNDERLAY[0][1][f]} dev {new}"
                          for f in COLLECTOR), "src")
    wait_for(3, scene.flows)


def no_device(scene):
    with netns("src"):
        index = socket.if_nametoindex("und0")
    scene.mirror(rawtc.attr(rawtc.IFINDEX, index))
    scene.flows()
    must("ip -n src link set und0 down")


def more(counter):
    return lambda counts, now: now[counter] > counts[counter]


def as_many(counter):
    return lambda counts, now: now[counter] == counts[counter]


def silent(scene):
    """A gateway that is not there, and known not to be."""
    for key, value in ("mcast_solicit", 1), ("retrans_time_ms", 100):
        sysctl("src", f"net.ipv{scene.family}.neigh.und0.{key}", value)
    scene.via(0, hop=NOBODY)
    for _ in range(2):
        scene.traffic.pingers[0].ping()
        wait_for(6, lambda: "FAILED" in must(f"ip -n src neighbour show {NOBODY[scene.family]} dev und0"))


def static(scene):
    batch("ip", "\n".join(f"neighbour replace {STATIC[f]} lladdr {HOPS_MAC[:-1]}0 dev und0 nud permanent"
                          for f in STATIC), "src")
    scene.via(0, hop=STATIC)


def faults(scene, base, family):
    scene.family = family
    scene.mirror()
    net = f"{COLLECTOR[family]}"
    rows = [
        ("no fault", nothing, nothing),
        ("no route", src(f"route delete {net}"), scene.mend, ["no_route"]),
        ("next hop never answers", lambda: silent(scene), scene.mend, ["no_neigh"]),
        ("collector says too big", lambda: say_too_big(scene), both(src(f"route delete {net}"), src(
            "route flush cache"), scene.mend), [], more("cut")),
        ("collector answers unreachable", lambda: deaf(scene), lambda: hear(scene), [],
         lambda *_: wait_for(LONG, lambda: scene.flows() and unreachable(scene))),
    ]
    if family == 4:
        rows += [
            ("underlay down", src("link set und0 down"), scene.mend, ["no_route"]),
            ("another gateway and device", lambda: scene.via(1), scene.mend),
            ("static next hop", lambda: static(scene), nothing),
            ("static next hop lost", src(f"neighbour delete {STATIC[family]} dev und0"), scene.mend,
             ["no_neigh"]),
            ("MTU raised", both(src("link set und0 mtu 9000"), col("link set eth0 mtu 9000")),
             both(src("link set und0 mtu 1500"), col("link set eth0 mtu 1500")), [], as_many("cut")),
            ("MTU of 68", src("link set und0 mtu 68"), scene.mend, [], more("cut")),
            ("MTU below the headers", lambda: scene.via(0, "mtu 50"), scene.mend, ["mtu"]),
            ("queue of the underlay full", plug, unplug, QUEUES),
            ("underlay deleted", src("link delete und0"), both(scene.mend, lambda: scene.collectors.append(
                Tap("col", "eth0"))), ["no_route"]),
            ("underlay renamed", lambda: renamed(scene, "und0", "und9"),
             lambda: renamed(scene, "und9", "und0")),
            ("underlay in another namespace", lambda: moved(scene, True), lambda: moved(scene, False),
             ["no_route"]),
            ("underlay down, dev given", lambda: no_device(scene), scene.mend, ["dev_down"]),
            ("collector's namespace deleted", lambda: leave(scene), lambda: come_back(scene), ["dev_down"]),
        ]
    else:
        rows += [("MTU too small for IPv6", src("link set und0 mtu 1000"), scene.mend, ["no_route"])]
    for row in rows:
        fault(scene, base, *row)


def changes(scene, base):
    """The action is replaced, and its filters deleted and made again, while frames pass."""
    scene.mirror()
    done, seen = threading.Event(), []

    def send():
        try:
            for _ in range(4):
                seen.append(scene.traffic.send())
        finally:
            done.set()

    sender = threading.Thread(target=send)
    sender.start()
    count = 0
    while not done.is_set():
        count += 1
        scene.mirror(rawtc.attr(rawtc.TRUNC, 100 + count % 2))
        with netns("src"):
            for hook in HOOKS:
                scene.netlink.unfilter("eth0", hook)
        if count % 2:
            scene.netlink.flush()
            scene.mirror()
        scene.filters(rawtc.action(rawtc.options(index=1), order=2))
    sender.join()
    wrong = [text for frames in seen
             for text in differences(base, {f"frames at {name}": some for name, some in frames.items()})]
    ok(len(seen) == 4 and count > 2 and not wrong, "traffic while action and filters are changed", count,
       *wrong)
    ok(scene.flows(), "afterwards copies flow", scene.counts())


def by_queue(action):
    """How many packets leave by which of a device's queues, where skbedit chooses queue 3."""
    batch("ip", "link add many numtxqueues 4 up type dummy\nroute add 10.8.0.0/24 dev many", "src")
    batch("ip", "neighbour add 10.8.0.1 lladdr 02:00:00:00:08:01 dev many", "src")
    must("tc -n src qdisc add dev many root handle 1: mq")
    must("tc -n src qdisc add dev many clsact")
    must(f"tc -n src filter add dev many egress matchall action skbedit queue_mapping 3 pipe action {action}")
    for _ in range(5):
        open_in("src", socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.8.0.1", 9))
    queues = json.loads(must("tc -n src -s -j qdisc show dev many"))
    must("ip -n src link delete many")
    return {queue["parent"]: queue["packets"] for queue in queues if queue.get("parent", "").startswith("1:")}


def queues(scene):
    """The queue that an action has chosen for the original stays chosen."""
    scene.mirror()
    before = scene.counts()["sent"]
    base, seen = by_queue("pass"), by_queue("mirrorx index 1")
    sent = scene.counts()["sent"] - before
    # Before 5.19 the choice is taken for the queue that a packet came in by, counted from 1.
    chosen = base["1:4"] or base["1:3"]
    ok(base == seen and chosen == 5 and sent == 5, "the queue that skbedit chose", base, seen, sent)


def offloads(scene, words):
    for ns, dev in ("peer", "eth0"), ("src", "eth0"), ("src", "eth1"), ("far", "eth0"):
        must(f"ethtool -K {dev} {words}", ns)


def main():
    must("modprobe -a act_bpf cls_matchall sch_plug 8021q")
    scene = Scene()
    traffic = scene.traffic
    for pinger in traffic.pingers:
        assert wait_for(5, pinger.ping)
    traffic.silence()
    scene.mirror()
    usual = "tso on gso on gro off"
    for words in [usual] if KMEMLEAK.exists() else ["tso off gso off", "gro on", usual]:
        offloads(scene, words)
        scene.unmirrored()
        traffic.expected = None
        base = traffic.observe()
        traffic.expected = len(base["frames at peer"]) + len(base["frames at far"])
        again = differences(base, traffic.observe())
        ok(not again and traffic.expected > 60, f"{words}: traffic is the same each time", traffic.expected,
           *again)
        scene.mirrored()
        if words != usual:
            fault(scene, base, words, nothing, nothing)
    for family in 4, 6:
        faults(scene, base, family)
    changes(scene, base)
    queues(scene)
    finish()


main()
