# SPDX-License-Identifier: GPL-2.0-only
"""For the tests of secrets, in a VM: a host with devices that encrypt, its peer, and what passes.

    peer c1 ====== c0 src f0 ------ eth0 far
         v1 ------ v0     und0 ---- eth0 col

c0 encrypts and decrypts like hardware (testdev), c1 leaves that to the kernel.
"""
import socket
import struct
from contextlib import contextmanager

from guest import batch, must, netns, run, wait_for
from tap import ok
from wire import Account, Tap, namespaces, sysctl

HERE, THERE = {4: "198.51.100.1", 6: "2001:db8:1::1"}, {4: "198.51.100.2", 6: "2001:db8:1::2"}
OTHER_WIRE = "198.18.0.1", "198.18.0.2"         # v0 and v1
FAR = "203.0.113.9"
COLLECTOR = "192.0.2.9"
MARKER = b"Nobody but us may read this! "
DATAGRAM, STREAM = MARKER * 30, MARKER * 350        # the stream goes out in GSO packets
START = bytes.fromhex("ffffffffffff 020000000001 88b5") + b"from here on"
KEY = "'rfc4106(gcm(aes))' 0x" + 20 * "5a" + " 128"
OUT_SPI, IN_SPI = 0x100, 0x200
TCP_ULP, SOL_TLS, TLS_TX, TLS_RX = 31, 282, 1, 2
TLS = struct.pack("=HH8s16s4s8s", 0x0303, 51, b"iv" * 4, b"key!" * 4, b"salt", bytes(8))


def topology():
    namespaces("src", "peer", "far", "col")
    batch("ip", """link add c0 type crypt
        link add c1 link c0 type crypt
        link set c0 netns src
        link set c1 netns peer
        link add v0 netns src mtu 9000 type veth peer name v1 netns peer mtu 9000
        link add f0 netns src type veth peer name eth0 netns far
        link add und0 netns src mtu 9200 type veth peer name eth0 netns col mtu 9200""")
    for ns, dev, *addresses in (("src", "c0", HERE[4] + "/24", HERE[6] + "/64"),
                                ("peer", "c1", THERE[4] + "/24", THERE[6] + "/64"),
                                ("src", "v0", OTHER_WIRE[0] + "/24"), ("peer", "v1", OTHER_WIRE[1] + "/24"),
                                ("src", "f0", "203.0.113.1/24"), ("far", "eth0", FAR + "/24"),
                                ("src", "und0", "192.0.2.1/24"), ("col", "eth0", COLLECTOR + "/24")):
        batch("ip", "\n".join(f"address add {address} dev {dev}" for address in addresses)
              + f"\nlink set {dev} up", ns)
    must("ethtool -K c1 tls-hw-tx-offload off esp-hw-offload off tx off", "peer")
    must("ethtool -K v1 tx off", "peer")
    must(f"ip -n peer route add {FAR} via {HERE[4]}")
    must("ip -n far route add default via 203.0.113.1")
    sysctl("src", "net.ipv4.ip_forward", 1)
    must(f"ip -n src neigh replace {COLLECTOR} lladdr {mac('col', 'eth0')} dev und0 nud permanent")
    with netns("src"):
        for dev in "c0", "v0", "f0":
            must(f"tc qdisc add dev {dev} clsact")


def mac(ns, dev):
    return must(f"ip netns exec {ns} cat /sys/class/net/{dev}/address").strip()


def is_esp(frame):
    return (frame[12:14] == b"\x08\0" and frame[23] == 50) or \
        (frame[12:14] == b"\x86\xdd" and frame[20] == 50)


def is_plain(frame):
    """UDP or TCP"""
    return (frame[12:14] == b"\x08\0" and frame[23] in (6, 17)) or \
        (frame[12:14] == b"\x86\xdd" and frame[20] in (6, 17))


def is_tls(frame):
    """Data of TCP"""
    if frame[12:14] == b"\x08\0":
        end, l4, proto = 14 + int.from_bytes(frame[16:18], "big"), 34, frame[23]
    else:
        end, l4, proto = 54 + int.from_bytes(frame[18:20], "big"), 54, frame[20]
    return proto == 6 and end > l4 + (frame[l4 + 12] >> 4) * 4


def in_clear(frame):
    return MARKER[:16] in frame


def nothing(_):
    return False


def brief(frames):
    """Their beginnings and lengths, for diagnostics"""
    return " ".join(f"{frame[:60].hex()} ({len(frame)})" for frame in frames[:3])


class Mirror(Account):
    """Both directions of a device of src are mirrored, and the wire that it is on is watched.

    What c1 sends comes in, what it receives went out; and once more what it had in a tunnel.
    Frames count from the one by which the test begins, for devices have something to say at any time.
    """

    def __init__(self, dev="c0", words="", end=("peer", "c1"), hooks=("egress", "ingress"), tunnel=False):
        super().__init__("src")
        self.dev, self.hooks, self.tunnel = dev, hooks, tunnel
        self.copied = Tap("col", "eth0")
        self.wire = {"egress": Tap(*end), "ingress": Tap(*end, outgoing=True)}
        batch("tc", "\n".join(f"filter add dev {dev} {hook} matchall action mirrorx dst_ip {COLLECTOR}"
                              f" {words}" for hook in hooks), "src")
        for ns, where in ("src", dev), end:
            with netns(ns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                sender.bind((where, 0))
                sender.send(START)

    def on_wire(self, hook):
        frames = self.since(self.wire[hook].all())
        return [frame for frame in frames if not is_plain(frame)] if self.tunnel else frames

    def copies_at(self, hook):
        return self.since([copy.inner for copy in self.copied.copies() if copy.egress == (hook == "egress")])

    @staticmethod
    def since(frames):
        return frames[frames.index(START) + 1:] if START in frames else []

    def leaked(self):
        return list(filter(in_clear, self.copied.all()))

    def end(self):
        batch("tc", "\n".join(f"filter delete dev {self.dev} {hook}" for hook in self.hooks), "src")
        for tap in self.copied, *self.wire.values():
            tap.close()


@contextmanager
def mirror(*args, **more):
    watch = Mirror(*args, **more)
    try:
        yield watch
    finally:
        watch.end()


def agrees(watch, secret, more=0):
    """Copies are what the wire has, less the frames that SECRET says are hidden; and those count.

    secret: {hook: function of a frame of the wire}; more: secrets that are no frames of the wire
    """
    hidden, wrong = 0, []
    for hook in watch.hooks:
        wire = watch.on_wire(hook)
        open_ = [frame for frame in wire if not secret[hook](frame)]
        hidden += len(wire) - len(open_)
        copies = watch.copies_at(hook)
        if copies != open_ or not open_:
            at = next((i for i, two in enumerate(zip(copies, open_)) if two[0] != two[1]),
                      min(len(copies), len(open_)))
            wrong.append(f"{hook}: {len(copies)} copies of {len(open_)} frames; the {at}. is\n"
                         f"{brief(copies[at:at + 1])}, not\n{brief(open_[at:at + 1])}")
    counts = watch.counts()
    if counts["secret"] != hidden + more:
        wrong.append(f"{counts['secret']} count as secret, not {hidden} and {more}")
    if counts["seen"] != counts["sent"] + counts["secret"]:
        wrong.append(f"the counters do not add up: {counts}")
    return "\n".join(wrong)


def judge(description, watch, secret, more=lambda: 0):
    wrong = []

    def right():
        wrong[:] = [agrees(watch, secret, more())]
        return not wrong[0]
    wait_for(4, right)
    ok(not wrong[0], f"{description}: copies are the frames that are the wire's, the others are secret",
       wrong[0])
    leaked = watch.leaked()
    ok(not leaked, f"{description}: nothing in clear arrives", len(leaked), brief(leaked))


# --- traffic

def pair(family, kind, ends=None, port=4433):
    """Connected sockets of src and peer, by whatever way."""
    own, other = ends or (HERE[family], THERE[family])
    af = socket.AF_INET if family == 4 else socket.AF_INET6
    with netns("peer"):
        server = socket.socket(af, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((other, port))
    with netns("src"):
        client = socket.socket(af, kind)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.settimeout(10)
        client.bind((own, port))
        if kind == socket.SOCK_STREAM:
            server.listen()
        client.connect((other, port))
    if kind == socket.SOCK_STREAM:
        server, listener = server.accept()[0], server
        listener.close()
    else:
        server.connect((own, port))
    server.settimeout(10)
    return client, server


def pass_on(sender, receiver, data):
    """Whether it arrives: "" if so.  One process is both ends; buffers have room for all of it."""
    got = b""
    try:
        sender.sendall(data)
        while len(got) < len(data):
            more = receiver.recv(1 << 16)
            if not more:
                break
            got += more
    except OSError as error:
        return f"{error}, {len(got)} bytes came"
    return "" if got == data else f"{len(got)} bytes came"


def exchange(description, family):
    """UDP and TCP both ways, and what nobody encrypts."""
    wrong = []
    for kind, data in (socket.SOCK_DGRAM, DATAGRAM), (socket.SOCK_STREAM, STREAM):
        try:
            client, server = pair(family, kind)
        except OSError as error:
            wrong.append(str(error))
            continue
        wrong += [pass_on(client, server, data), pass_on(server, client, data)]
        client.close()
        server.close()
    ping(family)
    return ok(not any(wrong), f"{description}: the traffic itself passes", wrong)


def ping(family=4):
    return run(f"ping -q -c 1 -W 5 {THERE[family]}", "src").returncode == 0


# --- TLS

def tls(sock, *ways):
    sock.setsockopt(socket.SOL_TCP, TCP_ULP, b"tls")
    for way in ways:
        sock.setsockopt(SOL_TLS, way, TLS)


def tls_session(description, family, ends=None, port=4433):
    client, server = pair(family, socket.SOCK_STREAM, ends, port)
    tls(client, TLS_TX, TLS_RX)
    tls(server, TLS_TX, TLS_RX)
    wrong = [pass_on(client, server, STREAM), pass_on(server, client, STREAM)]
    client.close()
    server.close()
    ok(not any(wrong), f"{description}: the other end decrypts what was sent", wrong)


# --- IPsec

def states(family, mode, offload=False, ends=None):
    """Both directions between the hosts, less ICMP; offload: src's states are the device's."""
    own, other = ends or (HERE[family], THERE[family])
    device = {"src": "c0"} if offload else {}
    for ns in "src", "peer":
        lines = []
        for src, dst, spi in (own, other, OUT_SPI), (other, own, IN_SPI):
            way = "out" if (ns == "src") == (spi == OUT_SPI) else "in"
            by = f" offload dev {device[ns]} dir {way}" if ns in device else ""
            lines.append(f"xfrm state add src {src} dst {dst} proto esp spi {spi} reqid {spi} mode {mode}"
                         f" aead {KEY}{by}")
            outer = f"src {src} dst {dst}" if mode == "tunnel" else ""
            for proto in "udp", "tcp":
                lines.append(f"xfrm policy add dir {way} src {src} dst {dst} proto {proto}"
                             f" tmpl {outer} proto esp reqid {spi} mode {mode}")
        batch("ip", "\n".join(lines), ns)


def no_states():
    for ns in "src", "peer":
        batch("ip", "xfrm policy flush\nxfrm state flush", ns)
