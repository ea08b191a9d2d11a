# SPDX-License-Identifier: GPL-2.0-only
"""In a VM, for the undisturbed tests: a host with traffic of its own and traffic that it forwards.

    peer eth0 --- eth0 src eth1 --- eth0 far        src und0 --- the underlay, up to the test
"""
import os
import re
import select
import socket
import struct
import time

from guest import batch, must, netns, wait_for
from wire import SO_RCVBUFFORCE, Pinger, Tap, namespaces, sysctl

# the namespaces' addresses towards each other
SRC = {4: "198.51.100.1", 6: "2001:db8:1::1"}
PEER = {4: "198.51.100.2", 6: "2001:db8:1::2"}
GATE = {4: "203.0.113.1", 6: "2001:db8:2::1"}
FAR = {4: "203.0.113.2", 6: "2001:db8:2::2"}
MAC = {"peer": "02:00:00:00:01:02", "src": "02:00:00:00:01:01", "gate": "02:00:00:00:02:01",
       "far": "02:00:00:00:02:02"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
PREFIX = {4: 24, 6: 64}
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DO = 10, 23, 2
TCP_MAXSEG, SOL_RAW = 2, 255
SOL_PACKET, PACKET_AUXDATA, VLAN_VALID, VLAN_TPID_VALID = 263, 8, 0x10, 0x40
PORT = 5201


def bare(*names):
    """Namespaces where nothing is sent that the test does not send."""
    namespaces(*names)
    for ns in names:
        for conf in "all", "default":
            sysctl(ns, f"net.ipv6.conf.{conf}.router_solicitations", 0)
            # groups are reported at once, not at random times
            sysctl(ns, f"net.ipv6.conf.{conf}.mldv2_unsolicited_report_interval", 10)
        # nothing is sent twice because the machine is slow
        sysctl(ns, "net.ipv4.tcp_early_retrans", 0)
        sysctl(ns, "net.ipv6.auto_flowlabels", 0)


def addresses(ns, dev, *own):
    """Bring a device up; OWN: {family: address} each."""
    for key in "ipv4", "ipv6":
        # else known neighbours would be probed again, at random times, or when they are used
        sysctl(ns, f"net.{key}.neigh.{dev}.base_reachable_time_ms", 24 * 3600 * 1000)
        sysctl(ns, f"net.{key}.neigh.{dev}.delay_first_probe_time", 24 * 3600)
    batch("ip", "\n".join([f"link set {dev} up"] + [
        f"address replace {some[f]}/{PREFIX[f]} dev {dev}" for some in own for f in some]), ns)


def carrier(*where):
    """Wait until (namespace, device) are usable."""
    for ns, dev in where:
        assert wait_for(5, lambda: "LOWER_UP" in must(f"ip -n {ns} link show dev {dev}"))


def routes():
    """Make them, or forget what was learned about them; a stall of the machine is no loss."""
    for ns, gate in ("peer", SRC), ("far", GATE):
        batch("ip", f"""route replace default via {gate[4]} rto_min 20s
            route replace default via {gate[6]} rto_min 20s
            route flush cache""", ns)
    batch("ip", f"""route replace 198.51.100.0/24 dev eth0 src {SRC[4]} rto_min 20s
        route replace 203.0.113.0/24 dev eth1 src {GATE[4]} rto_min 20s
        route replace 2001:db8:1::/64 dev eth0 proto kernel metric 256 rto_min 20s
        route replace 2001:db8:2::/64 dev eth1 proto kernel metric 256 rto_min 20s
        route flush cache""", "src")


def topology():
    bare("peer", "src", "far")
    batch("ip", f"""link add eth0 netns src address {MAC['src']} type veth peer name eth0 netns peer
        link add eth1 netns src address {MAC['gate']} type veth peer name eth0 netns far""")
    batch("ip", f"link set eth0 address {MAC['peer']}", "peer")
    batch("ip", f"link set eth0 address {MAC['far']}", "far")
    for ns, dev, own in (("peer", "eth0", PEER), ("src", "eth0", SRC), ("src", "eth1", GATE),
                         ("far", "eth0", FAR)):
        addresses(ns, dev, own)
    routes()
    sysctl("src", "net.ipv4.ip_forward", 1)
    sysctl("src", "net.ipv6.conf.all.forwarding", 1)
    carrier(("peer", "eth0"), ("src", "eth0"), ("src", "eth1"), ("far", "eth0"))


def open_in(ns, *arguments):
    with netns(ns):
        return socket.socket(*arguments)


def dont_fragment(sock, family):
    if family == 4:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO)


class Datagrams:
    """UDP from one namespace to another, without fragments."""

    def __init__(self, ns, other, dst, family):
        self.sender, self.receiver = (open_in(name, FAMILY[family], socket.SOCK_DGRAM)
                                      for name in (ns, other))
        dont_fragment(self.sender, family)
        self.receiver.bind((dst[family], 0))
        self.receiver.setblocking(False)
        self.to = self.receiver.getsockname()[:2]
        self.refused = 0

    def send(self, size, *cmsg):
        """An IP packet of so many bytes."""
        head = 28 if self.sender.family == socket.AF_INET else 48
        try:
            self.sender.sendmsg([bytes(size - head)], cmsg, 0, self.to)
        except OSError:                 # EMSGSIZE: the host has been told
            self.refused += 1

    def delivered(self, count, seconds=20):
        """How many of COUNT arrive in time."""
        got, end = 0, time.monotonic() + seconds
        while got < count and (left := end - time.monotonic()) > 0:
            if select.select([self.receiver], [], [], left)[0]:
                self.receiver.recv(1 << 16)
                got += 1
        return got

    def close(self):
        self.sender.close()
        self.receiver.close()


def connection(ns, other, dst, family):
    """A TCP connection: the sockets of both ends."""
    listener, client = (open_in(name, FAMILY[family], socket.SOCK_STREAM) for name in (other, ns))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((dst[family], 0))
    listener.listen(1)
    client.settimeout(20)
    client.connect(listener.getsockname()[:2])
    server = listener.accept()[0]
    server.settimeout(20)
    listener.close()
    return client, server


def mss(ns, other, dst, family):
    """The MSS that a new connection has."""
    both = connection(ns, other, dst, family)
    found = both[0].getsockopt(socket.IPPROTO_TCP, TCP_MAXSEG)
    for end in both:
        end.close()
    return found


def path_mtu(ns, dst):
    """What is known beyond the device's own: None if nothing."""
    found = re.search(r"\bmtu (\d+)", must(f"ip -n {ns} route get {dst}"))
    return found and int(found[1])


class Echo(Pinger):
    """Pings whose answers no other ICMP keeps out of the socket's buffer."""

    def __init__(self, ns, dst):
        super().__init__(ns, dst)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        if self.v6:             # struct icmp6_filter and icmp_filter: what is not wanted
            self.socket.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack(
                "=8I", *(0xffffffff & ~(1 << 1 if word == 4 else 0) for word in range(8))))
        else:
            self.socket.setsockopt(SOL_RAW, 1, struct.pack("=I", 0xfffffffe))

    def one(self, payload, seconds):
        """If the machine stood still all that time, the answer is there now."""
        return super().one(payload, seconds) or self.answered(payload, 0.1)


class Wire(Tap):
    """Frames as they are on the wire, with their tags."""

    def __init__(self, ns, dev, outgoing=False):
        super().__init__(ns, dev, outgoing)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def all(self):
        while self.socket.fileno() >= 0:
            try:
                frame, notes, _, where = self.socket.recvmsg(1 << 17, 128)
            except BlockingIOError:
                break
            if (where[2] == socket.PACKET_OUTGOING) == self.outgoing:
                self.frames.append(self.tagged(frame, notes))
        return self.frames

    @staticmethod
    def tagged(frame, notes):
        for level, kind, data in notes:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
                if status & VLAN_VALID:
                    tpid = tpid if status & VLAN_TPID_VALID else 0x8100
                    return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame


def too_big(frame):
    """Is it ICMP that says that a packet was?"""
    kind, packet = frame[12:14], frame[14:]
    return kind == b"\x08\0" and packet[9] == 1 and packet[20:22] == b"\x03\x04" or \
        kind == b"\x86\xdd" and packet[6] == 58 and packet[40] == 2


class Expansions:
    """How often the kernel had to copy a packet's head in order to write to it."""

    PATH = "/sys/kernel/tracing"

    def __init__(self):
        must(f"mount -t tracefs tracefs {self.PATH}")
        self.possible = os.path.exists(f"{self.PATH}/kprobe_events")

    def __enter__(self):
        self.write("kprobe_events", "p:mirrorx/expand pskb_expand_head\n")
        self.write("events/mirrorx/expand/enable", "1")
        return self

    def __exit__(self, *_):
        self.write("events/mirrorx/expand/enable", "0")
        self.write("kprobe_events", "")

    def write(self, name, text):
        with open(f"{self.PATH}/{name}", "w") as out:
            out.write(text)

    def count(self):
        with open(f"{self.PATH}/kprobe_profile") as profile:
            return next(int(line.split()[1]) for line in profile if line.split()[0] == "expand")
