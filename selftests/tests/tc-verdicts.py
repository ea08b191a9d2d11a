#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for tc-control.sh: what becomes of the original.

Frames from m0 of src to the end of a veth in peer; where they pass, and how often each action saw
them, shows what the control action did.
"""
import json

import rawtc
from guest import batch, must, netns, wait_for
from tap import finish, ok
from wire import Tap, namespaces

TO = {4: "dst_ip 192.0.2.9", 6: "dst_ip 2001:db8:9::9"}
FRAMES = 4


class Bench:
    def __init__(self):
        namespaces("src", "peer", "col")
        batch("ip", """link add m0 netns src type veth peer name m0 netns peer
            link add und0 netns src type veth peer name eth0 netns col""")
        batch("ip", """link set m0 up
            link set und0 up
            address add 192.0.2.1/24 dev und0
            address add 2001:db8:9::1/64 dev und0""", "src")
        must("ip -n peer link set m0 up")
        batch("ip", """link set eth0 up
            address add 192.0.2.9/24 dev eth0
            address add 2001:db8:9::9/64 dev eth0""", "col")
        wait_for(3, lambda: " state UP " in must("ip -n src link show dev m0"))
        must("tc -n src qdisc add dev m0 clsact")
        self.passed, self.copies = Tap("peer", "m0"), Tap("col", "eth0")
        self.received = Tap("src", "m0")
        self.senders = {ns: self.sender(ns) for ns in ("src", "peer")}

    @staticmethod
    def sender(ns):
        with netns(ns):
            sock = rawtc.socket.socket(rawtc.socket.AF_PACKET, rawtc.socket.SOCK_RAW)
            sock.bind(("m0", 0))
        return sock

    def go(self, hook, filters):
        """How many frames passed, were copied, and were seen by each action."""
        own = [f"filter add dev m0 {hook} protocol 0x88b5 {words}" for words in filters]
        batch("tc", "\n".join(own), "src")
        before = len(self.passing()), len(self.copies.copies())
        for n in range(FRAMES):
            frame = bytes.fromhex("020000000002 020000000001 88b5") + n.to_bytes(4, "big") + bytes(60)
            try:
                self.senders["src" if hook == "egress" else "peer"].send(frame)
            except OSError:             # dropped: the sender hears of it
                pass
        seen = self.seen(hook)
        done = len(self.passing()) - before[0], len(self.copies.copies()) - before[1]
        batch("tc", "qdisc delete dev m0 clsact\nqdisc add dev m0 clsact", "src")
        return *done, seen

    def passing(self):
        """Frames that went out to peer."""
        return [frame for frame in self.passed.all() if frame[12:14] == b"\x88\xb5"]

    @staticmethod
    def seen(hook):
        shown = json.loads(must(f"tc -n src -j -s filter show dev m0 {hook}"))
        acts = [act for item in shown for act in item.get("options", {}).get("actions", [])]
        return [act["stats"]["packets"] for act in acts]


def verdicts(bench, family):
    # words of the filters, frames that pass, copies, frames that each action sees; None: any
    m, n = f"action mirrorx {TO[family]}", FRAMES
    count = "action gact pass"
    cases = {
        "pipe goes on to the next action": ([f"matchall {m} pipe {count}"], n, n, [n, n]),
        "no word is pipe": ([f"matchall {m} {count}"], n, n, [n, n]),
        "pipe as the last action passes": ([f"matchall {m} pipe"], n, n, [n]),
        "pass passes, and ends the actions": ([f"matchall {m} pass {count}"], n, n, [n, 0]),
        "drop drops": ([f"matchall {m} drop {count}"], 0, n, [n, 0]),
        "continue goes on to the next filter":
            ([f"prio 1 matchall {m} continue {count}", f"prio 2 matchall {count}"], n, n, [n, 0, n]),
        "pass does not go on to the next filter":
            ([f"prio 1 matchall {m} pass", "prio 2 matchall action gact drop"], n, n, [n, 0]),
        "jump goes to the action of that number":
            ([f"matchall {m} jump 2 action gact drop {count}"], n, n, [n, 0, n]),
        "goto chain goes there":
            (["chain 5 prio 1 matchall action gact drop", f"prio 1 matchall {m} goto chain 5"], 0, n, None),
        "three in a row make three copies":
            ([f"matchall {m} {m} id 2 {m} id 3 drop"], 0, 3 * n, [n, n, n]),
        "a drop in front leaves nothing to copy": ([f"matchall action gact drop {m}"], 0, 0, [n, 0]),
        "reclassify starts again, and does so for ever: dropped":
            ([f"matchall {m} reclassify"], 0, None, None),
        "drop also by a classifier without RTNL": ([f"flower {m} drop"], 0, n, [n]),
    }
    for what, (filters, *expected) in cases.items():
        got = bench.go("egress", filters)
        ok(all(want in (None, have) for want, have in zip(expected, got)), f"IPv{family}: {what}",
           f"passed, copied, seen: {got}, expected {expected}")


def ingress(bench):
    """Drop and trap where packets come in."""
    for word, delivered in (("pass", True), ("drop", False), ("trap", False)):
        before = len(bench.copies.copies())
        with netns("src"):
            listener = rawtc.socket.socket(rawtc.socket.AF_INET, rawtc.socket.SOCK_RAW, 253)
        batch("tc", f"filter add dev m0 ingress protocol ip matchall action mirrorx {TO[4]} {word}", "src")
        for n in range(FRAMES):
            bench.senders["peer"].send(packet(n))
        listener.setblocking(False)
        got = 0
        while True:
            try:
                listener.recv(2048)
                got += 1
            except BlockingIOError:
                break
        copies = len(bench.copies.copies()) - before
        ok((got, copies) == (FRAMES * delivered, FRAMES), f"{word} at ingress, and copies are sent", got, copies)
        batch("tc", "filter delete dev m0 ingress", "src")
        listener.close()


def packet(number):
    """An IPv4 packet to the host itself."""
    with netns("src"):
        mac = bytes.fromhex(must("ip netns exec src cat /sys/class/net/m0/address").replace(":", ""))
    head = bytes.fromhex("45000020 00004000 40fd0000") + rawtc.address("198.51.100.2") \
        + rawtc.address("192.0.2.1")
    total = sum(int.from_bytes(head[i:i + 2], "big") for i in range(0, 20, 2))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + (~total & 0xffff).to_bytes(2, "big") + head[12:]
    return mac + bytes.fromhex("020000000002 0800") + head + number.to_bytes(12, "big")


def main():
    bench = Bench()
    for family in 4, 6:
        verdicts(bench, family)
    ingress(bench)
    finish()


main()
