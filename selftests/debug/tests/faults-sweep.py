# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for faults.sh: every allocation of every operation fails once.

An operation does what it would, or leaves all as it was and says so.  A packet
passes whatever happens to its copy, and no copy is lost uncounted.
"""
import ctypes
import errno
import json
import os
import socket
import struct
import time
from collections import Counter
from pathlib import Path

import rawtc as tc
from guest import batch, must, netns, wait_for
from inject import Injection, sweep
from rawtc import action, attr, by_index, options
from tap import finish, ok
from wire import REASONS, Scene, namespaces, sysctl

MODULE = Path("/sys/module/act_mirrorx")
SYS_FINIT_MODULE, SYS_DELETE_MODULE = 313, 176
SOL_PACKET, PACKET_VNET_HDR = 263, 15
NO_MEMORY = ("ENOMEM", "ENOBUFS")
libc = ctypes.CDLL(None, use_errno=True)


def report(name, outcomes, wrong, least):
    """One case: all outcomes were right, and there were some at all."""
    counted = Counter(outcomes)
    shown = ", ".join(f"{n} {what or 'did without'}" for what, n in sorted(counted.items()))
    ok(not wrong and len(outcomes) >= least,
       f"{name}: {len(outcomes)} failed allocations ({shown})", *wrong[:10])


# --- the module

def load(path, injection):
    """finit_module(): 0 or the error."""
    descriptor = os.open(path, os.O_RDONLY)
    with injection:
        failed = libc.syscall(SYS_FINIT_MODULE, descriptor, b"", 0)
        error = errno.errorcode[ctypes.get_errno()] if failed else ""
    os.close(descriptor)
    return error


def unload():
    return libc.syscall(SYS_DELETE_MODULE, b"act_mirrorx", os.O_NONBLOCK) == 0


def loading():
    path = must("modinfo -n act_mirrorx").strip()
    outcomes, wrong = [], []
    must("modprobe act_mirrorx")            # and what it needs, which stays
    unload()

    def attempt(injection):
        error = load(path, injection)
        if MODULE.exists() == bool(error) or error not in ("", "ENOMEM"):
            wrong.append(f"allocation {injection.nth}: {error}, loaded: {MODULE.exists()}")
        if MODULE.exists() and not unload():
            wrong.append(f"allocation {injection.nth}: cannot be unloaded")
        return error

    outcomes += [error for _, error in sweep(attempt)]
    report("loading the module", outcomes, wrong, 10)
    must("modprobe act_mirrorx")


# --- netlink

class Armed:
    """A socket that injects a fault into what it sends."""

    def __init__(self, plain, injection):
        self.plain, self.injection = plain, injection

    def send(self, data):
        with self.injection:
            return self.plain.send(data)

    def recv(self, size):
        return self.plain.recv(size)


class Control:
    """Operations on actions and on filters of d0."""

    def __init__(self):
        self.netlink = tc.Netlink()

    def state(self):
        """All that an operation may change."""
        actions = {index: tc.configuration(act)
                   for index, act in self.netlink.list().actions().items()}
        return actions, len(self.netlink.filters("d0")), tc.references()

    def settled(self):
        """The state, once what a deleted filter still has to let go of is gone."""
        was = None
        while was != (was := self.state()):
            time.sleep(1)
        return was

    def empty(self):
        self.netlink.flush()
        return self.state() == ({}, 0, 0)

    def reset(self, prepare):
        """The state that PREPARE makes of none."""
        self.netlink.unfilter("d0")
        # a filter that was deleted lets go of its actions by and by
        if not wait_for(20, self.empty):
            raise RuntimeError(f"this does not go away: {self.state()}")
        for request in prepare:
            answer = request(self.netlink)
            if answer.error:
                raise RuntimeError(answer)
        return self.state()

    def attempt(self, operation, injection):
        """What the kernel said to a request: an errno's name, or "", and the answer."""
        netlink = tc.Netlink()
        netlink.socket = Armed(plain := netlink.socket, injection)
        try:
            answer = operation(netlink)
            return answer.error, answer
        except TimeoutError:
            return "no answer", None
        except OSError as why:
            return errno.errorcode[why.errno], None
        finally:
            plain.close()

    def after(self, prepare, operation):
        self.reset(prepare)
        operation(self.netlink)
        return self.settled()

    def sweep(self, name, operation, prepare=(), least=3, part=None):
        """PART: what may have happened of an operation that fails."""
        old = self.reset(prepare)
        reply = operation(self.netlink).actions()
        new = self.settled()
        failed = [old, self.after(prepare, part)] if part else [old]
        # Without memory for the message that tells of it, it may have happened.
        # Sockets that cannot be made are ENFILE.
        right = {"": [new], "ENOMEM": failed, "ENFILE": failed, "ENOBUFS": [*failed, new]}
        wrong = []

        def attempt(injection):
            if (start := self.reset(prepare)) != old:
                raise RuntimeError(f"{name}: it begins with {start} and not with {old}")
            error, answer = self.attempt(operation, injection)
            wait_for(5, lambda: self.state() in right.get(error, []))
            state = self.state()
            if state not in right.get(error, []):
                wrong.append(f"allocation {injection.nth}: {error}: {answer}")
                wrong.extend(f"  {what} {s}" for what, s in
                             (("old", old), ("new", new), ("now", state)))
            if not error and {i: tc.configuration(a) for i, a in answer.actions().items()} != {
                    i: tc.configuration(a) for i, a in reply.items()}:
                wrong.append(f"allocation {injection.nth}: another reply: {answer.actions()}")
            return error

        report(name, [error for _, error in sweep(attempt)], wrong, least)
        self.reset(())


def control():
    batch("ip", """link add d0 up type dummy
        link add d1 up address 02:00:00:00:00:01 type dummy
        address add 192.0.2.1/24 dev d1
        address add 2001:db8::1/64 dev d1 nodad""")
    must("tc qdisc add dev d0 clsact")
    full = [attr(tc.SRC_IP6, tc.address("2001:db8::1")), attr(tc.ID, 1023), attr(tc.SAMPLE, 100),
            attr(tc.IFINDEX, socket.if_nametoindex("d1")), attr(tc.TRUNC, 64)]
    v4 = action(options(dst="192.0.2.9", index=1), attr(tc.COOKIE, b"cookie"))
    v6 = action(options(*full, dst="2001:db8::9", index=1))
    second = action(options(dst="192.0.2.8", index=2), order=2)
    no_route = action(options(dst="203.0.113.1", index=1))

    def add_v4(netlink):
        return netlink.add(v4)

    def bind(netlink):
        return netlink.filter("d0", by_options(1))

    def by_options(index):
        return action(options(index=index))

    test = Control()
    test.sweep("add, IPv4", add_v4)
    test.sweep("add, IPv6 and more options", lambda n: n.add(v6))
    test.sweep("add without a route", lambda n: n.add(no_route))
    test.sweep("add two", lambda n: n.add(v4, second))
    # The kernel takes back what a request has added, not what it has replaced.
    test.sweep("add one and replace one", lambda n: n.replace(v6, second), [add_v4],
               part=lambda n: n.replace(v6))
    test.sweep("replace", lambda n: n.replace(v6), [add_v4])
    test.sweep("get", lambda n: n.get(by_index(1)), [add_v4], least=1)
    test.sweep("list", lambda n: n.list(), [add_v4], least=1)
    test.sweep("delete", lambda n: n.delete(by_index(1)), [add_v4], least=1)
    test.sweep("flush", lambda n: n.flush(), [add_v4], least=1)
    test.sweep("filter with a new action", lambda n: n.filter("d0", v4, second))
    test.sweep("flower filter with a new action", lambda n: n.filter("d0", v6, kind="flower"))
    test.sweep("filter with an action that exists", bind, [add_v4])
    test.sweep("delete a filter", lambda n: n.unfilter("d0"), [add_v4, bind], least=1)
    ok(not test.netlink.flush().error and tc.references() == 0, "nothing holds the module")
    must("ip link delete d0")
    must("ip link delete d1")


def first():
    """What a namespace gets with its first action, and the memory that its limits take."""
    outcomes, wrong = [], []
    add = action(options(attr(tc.LIMIT_RATE, struct.pack("=Q", 10**6)), attr(tc.LIMIT_BURST, 9000),
                         dst="192.0.2.9", index=1))

    def attempt(injection):
        must("ip netns add fresh")
        with netns("fresh"):
            netlink = tc.Netlink()
            plain, netlink.socket = netlink.socket, Armed(netlink.socket, injection)
            try:
                error = netlink.add(add).error
            except OSError as why:
                error = errno.errorcode[why.errno]
            netlink.socket = plain
            there = len(netlink.list().actions())
            again = netlink.replace(add).error
            if error not in ("", "ENFILE", *NO_MEMORY) or (error == "" and not there) or again:
                wrong.append(f"allocation {injection.nth}: {error}, {there} actions, then {again}")
            plain.close()
        must("ip netns delete fresh")
        return error

    outcomes += [error for _, error in sweep(attempt)]
    ok_unused = wait_for(20, lambda: tc.references() == 0)
    report("first action of a namespace", outcomes, wrong + ([] if ok_unused else ["the module is in use"]), 10)


# --- packets

def tcp_burst():
    """A TCP packet of three segments with IPv6 extensions: a shape for the stack to segment."""
    payload = bytes(i & 255 for i in range(2500))
    tcp = struct.pack("!HHIIBBHHH", 1000, 1001, 1, 1, 5 << 4, 0x10, 1000, 0, 0)
    padding = bytes.fromhex("0600010400000000")         # hop-by-hop, TCP follows
    ip6 = struct.pack("!IHBB", 6 << 28, 8 + 20 + len(payload), 0, 64) + \
        tc.address("2001:db8:7::1") + tc.address("2001:db8:7::2")
    frame = bytes.fromhex("020000000002 020000000001 86dd") + ip6 + padding + tcp + payload
    # struct virtio_net_hdr: needs checksum, TCPv6
    return struct.pack("=BBHHHH", 1, 4, 54 + 8 + 20, 1000, 54 + 8, 16) + frame


def plain_burst():
    """A TCP packet of three segments as all are."""
    payload = bytes(i & 255 for i in range(2500))
    tcp = struct.pack("!HHIIBBHHH", 1000, 1001, 1, 1, 5 << 4, 0x10, 1000, 0, 0)
    ip4 = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0) + \
        tc.address("198.51.100.1") + tc.address("198.51.100.2")
    frame = bytes.fromhex("020000000002 020000000001 0800") + ip4 + tcp + payload
    return struct.pack("=BBHHHH", 1, 1, 54, 1000, 34, 16) + frame


def single(size):
    frame = bytes.fromhex("020000000002 020000000001 88b5")
    return bytes(10) + frame + bytes(i & 255 for i in range(size - len(frame)))


class Packets(Scene):
    """Packets that leave by m0, and faults while they do; copies go by und0."""

    def __init__(self):
        namespaces("src", "col")
        batch("ip", "link add und0 netns src mtu 9500 type veth peer name eth0 netns col mtu 9500")
        batch("ip", """link set eth0 up
            address add 192.0.2.9/24 dev eth0
            address add 2001:db8:9::9/64 dev eth0""", "col")
        batch("ip", """link set und0 up
            address add 192.0.2.1/24 dev und0
            address add 2001:db8:9::1/64 dev und0""", "src")
        super().__init__("192.0.2.9")
        # a tap's clones fail, too: the originals are counted by their device
        self.sources.pop().close()
        self.collector = self.tap("col", "eth0")
        must("ip link set m0 mtu 9500", "src")
        mac = json.loads(must("ip -j link show dev eth0", "col"))[0]["address"]
        batch("ip", "\n".join(f"neigh replace {ip} lladdr {mac} nud permanent dev und0"
                              for ip in ("192.0.2.9", "2001:db8:9::9")), "src")
        with netns("src"):
            self.sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            self.passed = open("/proc/thread-self/net/dev")

    def bytes_passed(self):
        line, = (line for line in os.pread(self.passed.fileno(), 8192, 0).split(b"\n") if b" m0:" in line)
        return int(line.split()[9])

    def attempt(self, packet, injection):
        """An error of send(), bytes that passed, and what became of the copies."""
        before, bytes_before = self.counts(), self.bytes_passed()
        try:
            with injection:
                self.sender.send(packet)
            error = ""
        except OSError as why:
            error = errno.errorcode[why.errno]
        after, size = self.counts(), self.bytes_passed() - bytes_before
        return error, size, {name: after[name] - before[name] for name in (*REASONS, "sent")
                             if after[name] != before[name]}

    def sweep(self, name, packet, frames=1, prepare=None, reasons=("no_mem",), rounds=32):
        """A packet that cannot be made never comes to the mirror; all others pass, and count.

        In rounds, and in more until a copy is hit, as buffers come in batches and most packets take
        one that is there.
        """
        outcomes, wrong = [], []

        def attempt(injection):
            if prepare:
                prepare()
            return self.attempt(packet, injection)

        attempt(Injection(0))
        _, size, _ = attempt(Injection(0))
        for number in range(10 * rounds):
            if number >= rounds and any(reason in outcome for outcome in outcomes for reason in reasons):
                break
            for nth, (error, passed, copies) in sweep(attempt):
                outcomes.append(error or ", ".join(sorted(set(copies) - {"sent"})))
                if error and error not in NO_MEMORY or passed != (0 if error else size) or \
                        sum(copies.values()) != (0 if error else frames) or \
                        set(copies) - {"sent", *reasons}:
                    wrong.append(f"allocation {nth}: {error}, {passed} of {size} bytes, {copies}")
        if not wait_for(3, lambda: len(self.collector.copies()) == self.counts()["sent"]):
            wrong.append(f"{self.counts()['sent']} sent, {len(self.collector.copies())} arrived")
        if not any(reason in outcome for outcome in outcomes for reason in reasons):
            wrong.append("no copy was hit")
        report(name, outcomes, wrong, rounds)


def packets():
    test = Packets()
    test.sweep("packet", single(1000))
    test.sweep("packet with more than a page", single(9000))
    test.sweep("three segments", plain_burst(), 3)
    test.sweep("three segments by the stack", tcp_burst(), 3, reasons=("no_mem", "bad_frame"))

    def new_route():
        sysctl("src", "net.ipv4.route.flush", 1)

    test.sweep("packet for a new route", single(1000), prepare=new_route, rounds=4,
               reasons=("no_mem", "no_route", "no_neigh"))

    must(["nft", "add table inet t; add chain inet t out { type filter hook output priority 0; }"],
         "src")
    test.sweep("packet through the IP stack", single(1000), reasons=("no_mem", "xmit"))
    must("nft delete table inet t", "src")
    test.mirror("2001:db8:9::9")
    test.sweep("packet, IPv6", single(1000))

    def new_route6():
        batch("ip", "route replace 2001:db8:9::9/128 dev und0", "src")

    test.sweep("packet for a new route, IPv6", single(1000), prepare=new_route6, rounds=4,
               reasons=("no_mem", "no_route", "no_neigh"))


def main():
    loading()
    control()
    first()
    packets()
    finish()


main()
