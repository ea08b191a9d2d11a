#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for stress.sh: processes that get in each other's way.

    peer eth0 - eth0 src und0 - eth0 col        all of und0 may change, fall down or go away
                         und1 - eth1            this one stays

Each round ends with everything torn down and the module unloaded.  Most is told by a debug kernel:
selftests/run --kernel debug stress.  STRESS_SECONDS is for how long, in all rounds together.
"""
import multiprocessing
import os
import random
import signal
import socket
import struct
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import rawtc as tc
from guest import KMEMLEAK, PATIENCE, batch, must, netns, run, wait_for
from rawtc import attr
from seeded import chance
from tap import finish, ok
from wire import Listener, Pinger, namespaces

SEED = chance()[1]
USUAL = 48
SECONDS = int(os.environ.get("STRESS_SECONDS") or USUAL)
ROUNDS = 4
PEER = {4: "198.51.100.2", 6: "2001:db8:1::2"}
COLLECTORS = ("192.0.2.9", "192.0.3.9", "2001:db8:9::9")
FAR = "203.0.113.9"                     # by a route that changes
UDP_SEGMENT = 103
KEPT = {tc.INGRESS: 101, tc.EGRESS: 102}
# what a leak of anything would be kept in, and how many of these may come and go by chance
CACHES = ("RAW", "RAWv6", "net_namespace", "ip_dst_cache", "ip6_dst_cache", "skbuff_head_cache")
SLACK = 120
SLAB_SLACK = 6 << 10                    # kB
multiprocessing.set_start_method("fork")        # the workers are what this is
stopped = multiprocessing.Event()
# what may lose originals without a mirror: how many of these go on, and have ever begun
going_on, begun = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)


@contextmanager
def excuse():
    """Around what loses originals by itself."""
    with going_on.get_lock():
        going_on.value += 1
        begun.value += 1
    try:
        yield
    finally:
        with going_on.get_lock():
            going_on.value -= 1


class Worker:
    """A process that does one do_WAY after the other and counts those that went well.

    At first every other is one that did not go well yet.
    """

    TRIES = 300
    PAUSE = 0.06        # seconds at most after each operation: RCU and the work queues need their turns

    def __init__(self, number):
        self.random, self.counts = random.Random(f"{SEED} {type(self).__name__} {number}"), {}
        self.here, self.pipe = multiprocessing.Pipe(duplex=False)
        self.through = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.work)
        self.process.start()

    def count(self, name, count=1):
        self.counts[name] = self.counts.get(name, 0) + count

    def begin(self):
        pass

    def end(self):
        pass

    def work(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.begin()
            ways = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")]
            first, tries = self.random.sample(ways, len(ways)), 0
            while not stopped.is_set():
                way = self.random.choice(first if first and tries % 2 else ways)
                tries += 1
                if way() is not False:
                    self.count(way.__name__[3:].replace("_", " "))
                    first = [other for other in first if other != way]
                if not first or tries == self.TRIES:
                    self.through.set()
                time.sleep(self.PAUSE * self.random.random())
            self.end()
            self.pipe.send(self.counts)
        except Exception as error:
            self.pipe.send({f"died of {error!r}": 1})

    def result(self, end):
        """What it did; it has been told to stop, and has time until END."""
        counts = {"did not stop": 1}
        if self.here.poll(max(0, end - time.monotonic())):
            counts = self.here.recv()
            self.process.join(10 * PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            counts["did not end"] = 1
        return {f"{type(self).__name__}: {name}": count for name, count in counts.items()}

    @staticmethod
    def tool(command, ns="src"):
        """Whether a command went well; others may have been faster."""
        return not run(command, ns).returncode

    @staticmethod
    def lines(*lines, ns="src"):
        return not run("ip -force -batch -", ns, "\n".join(lines) + "\n").returncode


class Pings(Worker):
    """Has the original arrived, whatever becomes of the copy?"""

    def begin(self):
        self.pingers = [Pinger("src", PEER[4]), Pinger("src", PEER[6]), Pinger("peer", "198.51.100.1")]

    def do_answered(self):
        pinger, before = self.random.choice(self.pingers), begun.value
        if going_on.value:
            return time.sleep(0.01) or False
        size = self.random.choice((0, 56, 1000, 1400, 4000))
        if pinger.ping(1, size, PATIENCE):
            return True
        # what begins later does not excuse that there is no answer, but it may be on its way
        excused = begun.value != before or stopped.is_set()
        if pinger.answered(bytes(i & 255 for i in range(size)), 4 * PATIENCE):
            return True
        self.count(f"{'lost' if excused else 'NOT answered'} ({pinger.dst}, {size} bytes)")
        return False


class Traffic(Worker):
    """UDP of all sizes, GSO, TCP, both ways."""

    def begin(self):
        self.sinks, self.sockets = [], []
        for here, there in ("src", "peer"), ("peer", "src"):
            for family, host in (socket.AF_INET, {"src": "198.51.100.1", "peer": PEER[4]}), \
                    (socket.AF_INET6, {"src": "2001:db8:1::1", "peer": PEER[6]}):
                with netns(there):
                    sink = socket.socket(family, socket.SOCK_DGRAM)
                    sink.bind((host[there], 0))
                with netns(here):
                    sender = socket.socket(family, socket.SOCK_DGRAM)
                    sender.setblocking(False)
                self.sinks.append(sink)
                self.sockets.append((sender, (host[there], sink.getsockname()[1])))

    def send(self, count, size, segment=0):
        sender, to = self.random.choice(self.sockets)
        try:
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
            for _ in range(count):
                sender.sendto(bytes(size), to)
        except OSError:
            return False
        return None

    def do_udp(self):
        return self.send(self.random.randrange(1, 20), self.random.choice((0, 18, 100, 1400)))

    def do_udp_in_fragments(self):
        return self.send(2, self.random.randrange(1500, 9000))

    def do_udp_gso(self):
        return self.send(2, self.random.randrange(1300, 9000), 1200)

    def do_tcp(self):
        family, host = self.random.choice(((socket.AF_INET, PEER[4]), (socket.AF_INET6, PEER[6])))
        with netns("peer"):
            server = socket.create_server((host, 0), family=family)
        with netns("src"):
            client = socket.socket(family)
        with server, client:
            client.settimeout(1)
            server.settimeout(1)
            try:
                client.connect(server.getsockname()[:2])
                other, _ = server.accept()
                with other:
                    other.settimeout(1)
                    client.sendall(bytes(40000))
                    while other.recv(1 << 16) and self.random.randrange(4):
                        pass
            except OSError:
                return False
        return None


class Actions(Worker):
    """Actions and filters, by netlink."""

    PAUSE = 0.02

    def begin(self):
        with netns("src"):
            self.kernel = tc.Netlink()
            self.dev = socket.if_nametoindex("eth0")

    def options(self):
        pick, words = self.random.choice, []
        for number, values in {tc.ID: range(4), tc.TRUNC: (0, 64, 200, 1500), tc.OVERSIZE: (0, 1, 2),
                               tc.MARK: (0, 7), tc.ERSPAN_VER: (1, 2), tc.SAMPLE: (1, 1, 3),
                               tc.PRIORITY: (0, 6)}.items():
            words.append(attr(number, pick(values)))
        return words

    def action(self, index, order=1):
        dst = self.random.choice((*COLLECTORS, FAR))
        return tc.action(tc.options(*self.options(), index=index, dst=dst), order=order)

    def index(self):
        return self.random.randrange(1, 9)

    def did(self, answer):
        return None if not answer.error else False

    def do_add(self):
        return self.did(self.kernel.add(self.action(self.index())))

    def do_replace(self):
        kept = [i for i in KEPT.values() if self.kept]
        return self.did(self.kernel.replace(self.action(self.random.choice([*kept, self.index()]))))

    do_change_again = do_replace

    def do_delete(self):
        return self.did(self.kernel.delete(tc.by_index(self.index())))

    def do_list(self):
        return self.did(self.kernel.list())

    def do_flush(self):
        return self.did(self.kernel.flush()) if self.random.randrange(4) == 0 else False

    def message(self, number, *more, kind=b"matchall\0"):
        where = self.dev, 0, self.random.choice((tc.INGRESS, tc.EGRESS)), number << 16 | 0x0300
        return struct.pack("=BxxxiIII", 0, *where) + attr(tc.KIND, kind) + b"".join(more)

    def do_filter(self):
        kind = self.random.choice(("matchall", "flower"))
        # The index that is given comes first: if the kernel chose that one for the other action, of whatever
        # kind, it would try for ever to add this one.
        acts = [self.action(self.random.choice((0, self.index()))), self.action(0, 2)]
        options = tc.nest(tc.OPTIONS, tc.nest(tc.ACTS[kind], *acts))
        message = self.message(self.random.randrange(10, 14), options, kind=kind.encode() + b"\0")
        return self.did(self.kernel.talk(tc.NEWTFILTER, tc.NLM_F_CREATE | tc.NLM_F_EXCL, message))

    def do_unfilter(self):
        return self.did(self.kernel.talk(tc.DELTFILTER, 0, self.message(self.random.randrange(10, 14))[:20]))

    do_unfilter_again = do_unfilter
    kept = True


class Transients(Actions):
    """The same where nothing holds the module."""

    kept = False

    def do_flush(self):
        for hook in tc.INGRESS, tc.EGRESS:
            self.kernel.talk(tc.DELTFILTER, 0, struct.pack("=BxxxiIII", 0, self.dev, 0, hook, 0))
        answer = self.kernel.flush()
        time.sleep(0.3 * self.random.random())
        return self.did(answer)


class Links(Worker):
    """The underlay goes away in every way, the mirrored device only down."""

    def do_underlay_down(self):
        self.lines("link set und0 down")
        time.sleep(0.05)
        return self.lines("link set und0 up", "address replace 2001:db8:9::1/64 dev und0",
                          f"route replace {FAR} via 192.0.2.9")

    def do_collector_down(self):
        self.lines("link set eth0 down", ns="col")
        return self.lines("link set eth0 up", "address replace 2001:db8:9::9/64 dev eth0", ns="col")

    def do_underlay_mtu(self):
        return self.lines(f"link set und0 mtu {self.random.choice((1280, 1400, 1500, 9000))}")

    def do_mirrored_mtu(self):
        mtu = self.random.choice((1500, 1500, 1600, 9000))
        with excuse():
            return self.lines(f"link set eth0 mtu {mtu}") and \
                self.lines(f"link set eth0 mtu {mtu}", ns="peer")

    def do_rename(self):
        self.lines("link set und0 down", "link set und0 name undx", "link set undx up")
        time.sleep(0.05)
        return self.lines("link set undx down", "link set undx name und0", "link set und0 up",
                          "address replace 2001:db8:9::1/64 dev und0", f"route replace {FAR} via 192.0.2.9")

    def do_move(self):
        there = self.lines("link set und0 netns elsewhere")
        back = self.lines("link set und0 netns src", ns="elsewhere")
        return self.lines(*UNDERLAY) and there and back

    def do_delete(self):
        self.lines("link delete und0")
        time.sleep(0.05)
        return self.lines("link add und0 type veth peer name eth0 netns col", *UNDERLAY) and \
            self.lines(*COLLECTOR, ns="col")

    def do_mirrored_down(self):
        with excuse():
            self.lines("link set eth0 down")
            return self.lines("link set eth0 up", "address replace 2001:db8:1::1/64 dev eth0 nodad")

    def end(self):
        self.lines("link delete und0")


UNDERLAY = ("address replace 192.0.2.1/24 dev und0", "link set und0 up",
            "address replace 2001:db8:9::1/64 dev und0", f"route replace {FAR} via 192.0.2.9")
COLLECTOR = ("address replace 192.0.2.9/24 dev eth0", f"address replace {FAR}/32 dev eth0",
             "link set eth0 up", "address replace 2001:db8:9::9/64 dev eth0")


class Routes(Worker):
    """Routes, neighbours and addresses towards the collectors."""

    def do_route(self):
        return self.lines(self.random.choice((
            f"route replace {FAR} via 192.0.3.9", f"route replace {FAR} via 192.0.2.9",
            f"route replace blackhole {FAR}", f"route replace {FAR} dev und1 mtu 1300",
            "-6 route flush cache", "route flush cache")))

    def do_neighbour(self):
        dev, host = self.random.choice((("und0", "192.0.2.9"), ("und1", "192.0.3.9"),
                                        ("und0", "2001:db8:9::9")))
        self.lines(f"neigh replace {host} dev {dev} lladdr 02:00:00:00:00:99 nud stale")
        return self.lines(f"neigh flush dev {dev}")

    def do_address(self):
        self.lines("address add 192.0.3.1/24 dev und1")
        added = self.lines("address add 192.0.3.77/24 dev und1")
        return self.lines("address del 192.0.3.77/24 dev und1") and added


class Spaces(Worker):
    """Namespaces with actions of their own, which end in the middle of traffic."""

    def do_namespace(self):
        name = f"s{self.random.randrange(1 << 30)}"
        if not self.tool(f"ip netns add {name}"):
            return False
        self.lines("link add m0 up type dummy", "link add u0 up type dummy",
                   "address add 192.0.2.1/24 dev u0",
                   "neigh replace 192.0.2.9 dev u0 lladdr 02:00:00:00:00:99", ns=name)
        run("tc -batch -", name, f"""qdisc add dev m0 clsact
            qdisc replace dev u0 root netem delay {self.random.choice((1, 100, 3000))}ms
            filter add dev m0 egress matchall action mirrorx dst_ip 192.0.2.9 action mirrorx dst_ip 192.0.2.10
            """)
        done = False
        try:
            with netns(name), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                sender.bind(("m0", 0))
                for _ in range(50):
                    sender.send(bytes.fromhex("020000000002 020000000001 88b5") + bytes(100))
            done = True
        except OSError:
            pass
        return self.tool(f"ip netns delete {name}") and done


class Hooks(Worker):
    """What makes copies go through the stack, or not at all."""

    def do_nft(self):
        family = self.random.choice(("ip", "ip6"))
        verdict = self.random.choice(("counter", "meta mark set 9", "meta l4proto gre drop",
                                      "ct state new counter"))
        # A packet is lost some of whose fragments have come before conntrack puts them together,
        # some while it does.
        with excuse() if verdict.startswith("ct ") else nullcontext():
            done = not run("nft -f -", "src", f"""table {family} t {{
                chain o {{ type filter hook output priority 0; meta oifname "und*" {verdict}; }}
                chain p {{ type filter hook postrouting priority 0; }}
                }}
                """).returncode
            time.sleep(0.1 * self.random.random())
            return self.tool(f"nft delete table {family} t") and done

    def do_xfrm(self):
        what = self.random.choice(("action block", "tmpl proto esp reqid 1 mode transport"))
        done = self.lines(f"xfrm policy add dir out dst 192.0.2.9 proto gre {what}")
        time.sleep(0.1 * self.random.random())
        return self.lines("xfrm policy flush") and done

    def end(self):
        self.lines("xfrm policy flush")


class Queues(Worker):
    """Copies wait in queues that change, and end with them."""

    def do_queue(self):
        dev = self.random.choice(("und0", "und0", "und1", "eth0"))
        queue = self.random.choice(("netem delay 30ms 20ms", "fq", "pfifo limit 5", "fq_codel",
                                    "tbf rate 20mbit burst 32k latency 20ms", "netem delay 1ms reorder 30%"))
        if dev != "eth0":
            return self.tool(f"tc qdisc replace dev {dev} root {queue}")
        queue = self.random.choice(("fq", "netem delay 5ms", "pfifo limit 10000"))
        with excuse():                  # what waits is lost when another queue comes
            return self.tool(f"tc qdisc replace dev {dev} root {queue}")

    def do_plug(self):
        return self.random.randrange(3) == 0 and self.tool("tc qdisc replace dev und0 root plug limit 100000")

    def do_none(self):
        delete = "tc qdisc delete dev und0 root"
        return self.tool(delete) or self.tool("tc qdisc add dev und0 root fq") and self.tool(delete)


class Held(Worker):
    """The module cannot be unloaded while there are actions."""

    def do_refused(self):
        time.sleep(0.3)
        if self.tool("rmmod act_mirrorx"):
            self.count("unloaded, although it was in use")
        return True


class Reloads(Worker):
    """The module comes and goes."""

    def do_unload(self):
        return self.tool("rmmod act_mirrorx")

    def do_load(self):
        return self.tool("modprobe act_mirrorx")


class Surroundings(Routes, Hooks, Queues):
    """All of it in turn: a process for each would be more than the CPUs can serve."""


COMMON = (Pings, Traffic, Links, Surroundings, Spaces)


# how often each way must have gone well in the usual time
LEAST = {Pings: 100, Traffic: 3, Links: 3, Surroundings: 1, Spaces: 6, Actions: 3, Held: 6, Transients: 3,
         Reloads: 2}


def wanted():
    """{way: how often}"""
    share = min(SECONDS / USUAL, 1) / PATIENCE
    return {f"{kind.__name__}: {name[3:].replace('_', ' ')}": max(1, int(least * share))
            for kind, least in LEAST.items()
            for name in dir(kind) if name.startswith("do_") and not name.endswith("_again")}


def say(what):
    """In the kernel's log it shows when a report came."""
    Path("/dev/kmsg").write_text(f"<5>mirrorx-bed: | {what}")


def show_blocked():
    """Who waits for what, into the kernel's log."""
    Path("/proc/sysrq-trigger").write_text("w")


def up(kept):
    namespaces("src", "peer", "col", "elsewhere")
    batch("ip", """link add eth0 netns src type veth peer name eth0 netns peer
        link add und0 netns src type veth peer name eth0 netns col
        link add und1 netns src type veth peer name eth1 netns col""")
    batch("ip", """address add 198.51.100.1/24 dev eth0
        address add 2001:db8:1::1/64 dev eth0
        link set eth0 up
        link set und1 up
        address add 192.0.3.1/24 dev und1""", "src")
    batch("ip", """address add 198.51.100.2/24 dev eth0
        address add 2001:db8:1::2/64 dev eth0
        link set eth0 up""", "peer")
    batch("ip", "\n".join(("address add 192.0.3.9/24 dev eth1", "link set eth1 up", *COLLECTOR)), "col")
    batch("ip", "\n".join(UNDERLAY), "src")
    must("modprobe act_mirrorx")
    lines = ["qdisc add dev eth0 clsact"]
    if kept:
        lines += [f"filter add dev eth0 {hook} pref 1 matchall action mirrorx dst_ip 192.0.3.9 index {index}"
                  for hook, index in (("ingress", KEPT[tc.INGRESS]), ("egress", KEPT[tc.EGRESS]))]
    batch("tc", "\n".join(lines), "src")


def one_round(number, seconds):
    """What was done; with a kept action, or with none."""
    kept = number % 2 == 0
    up(kept)
    say(f"round {number}")
    listener = Listener("col")
    stopped.clear()
    kinds = (*COMMON, *((Actions, Held) if kept else (Transients, Reloads)))
    workers = [kind(f"{number} {i}") for i, kind in enumerate(kinds)]
    time.sleep(seconds)
    wait_for(20, lambda: all(worker.through.is_set() or not worker.process.is_alive() for worker in workers))
    stopped.set()
    say(f"round {number} ends")
    done = {}
    end = time.monotonic() + 40 * PATIENCE
    for worker in workers:
        for name, count in worker.result(end).items():
            done[name] = done.get(name, 0) + count
    listener.close()
    say(f"round {number} has ended")
    if stuck(done):
        show_blocked()
    return done, adds_up() if kept and not stuck(done) else ""


def stuck(done):
    """Has somebody not ended?  Then whatever comes after could wait for ever, too."""
    return any("did not" in name for name in done)


def adds_up():
    """The counters of each action, once all is quiet."""
    with netns("src"):
        kernel = tc.Netlink()

    def wrong():
        bad = []
        for index, act in kernel.list().actions().items():
            counts = tc.counters(act)
            away = sum(counts[reason] for reason in tc.REASONS)
            if act["seen"] + counts["split"] != counts["sent"] + away:
                bad.append(f"{index}: {act['seen']} seen, {counts}")
            if index in KEPT.values() and not counts["sent"]:
                bad.append(f"{index}: nothing sent")
        return "; ".join(bad)

    wait_for(5, lambda: not wrong())
    return wrong()


def down():
    """How long it takes until nothing is left; a negative number if it never is."""
    started = time.monotonic()
    batch("tc", "qdisc del dev eth0 clsact", "src")
    run("tc actions flush action mirrorx", "src")
    for name in must("ip netns list").split("\n"):
        if name:
            must(f"ip netns delete {name.split()[0]}")
    if os.path.exists("/sys/module/act_mirrorx") and not wait_for(
            20, lambda: not run("rmmod act_mirrorx").returncode):
        show_blocked()
        return -1
    return time.monotonic() - started


def memory():
    """{what: how much is in use} when all that is to be freed has been."""
    Path("/proc/sys/vm/drop_caches").write_text("3")
    for cache in CACHES:                # what is free, but at hand for a CPU, would count
        shrink = Path(f"/sys/kernel/slab/{cache}/shrink")
        if shrink.exists():
            shrink.write_text("1")
    found = {line.split()[0]: int(line.split()[1]) for line in Path("/proc/slabinfo").read_text().splitlines()
             if line.split()[0] in CACHES}
    info = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return found | {name: int(info[name].split()[0]) for name in ("SUnreclaim", "Percpu")}


def settled(before):
    """Memory, once it is no more than it was, or will not get less."""
    wait_for(4, lambda: not before or not grown(before, memory(), 0.5))
    return memory()


def grown(before, after, share=1):
    return {name: (before[name], after[name]) for name in after if after[name] - before.get(name, 0) >
            share * (SLAB_SLACK if name in ("SUnreclaim", "Percpu") else SLACK)}


def main():
    done, ends, wrong, kept = {}, [], [], []
    for number in range(ROUNDS):
        counts, difference = one_round(number, SECONDS / ROUNDS)
        for name, count in counts.items():
            done[name] = done.get(name, 0) + count
        if difference:
            wrong.append(difference)
        if stuck(done):
            break
        ends.append(down())
        kept.append(settled(kept[0] if kept else None))
        if ends[-1] < 0:
            break
    signs = "NOT", "died", "did not", "although"
    bad = {name: n for name, n in done.items() if any(sign in name for sign in signs)}
    for name, count in sorted(done.items()):
        print(f"# {count:6} {name}")
    print(f"# ends {ends}")
    ok(not bad, f"seed {SEED}, {SECONDS} s: traffic is answered, and all workers come to their end", bad)
    ok(not wrong, "the counters of each action add up", *wrong)
    ok(len(ends) == ROUNDS and all(0 <= end < 30 * PATIENCE for end in ends),
       "each time nothing is left in the end, and the module can be unloaded", ends)
    if not KMEMLEAK.exists():           # which looks closer, on a kernel that keeps what is free for a while
        more = grown(kept[0], kept[-1]) if len(kept) == ROUNDS else "no rounds to compare"
        ok(not more, "no memory is lost from round to round", more, *kept)
    few = {name: done.get(name, 0) for name, least in wanted().items() if done.get(name, 0) < least}
    ok(not few, f"{sum(done.values())} operations in {len(ends)} rounds, enough of each kind", few)
    finish()


main()
