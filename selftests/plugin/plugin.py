#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tc says to the kernel about mirrorx, and what it makes of the answers.

Runs the real tc with the plugin and no kernel module: fakenl.c takes the
kernel's place.  TC names the tc (default: tc), TC_LIB_DIR the directory with
m_mirrorx.so (default: build/ of this tree).  Output is TAP.
"""

import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TC = os.environ.get("TC", "tc")
LIB = os.environ.get("TC_LIB_DIR", os.path.join(HERE, "../../build"))

# The wire numbers, on purpose not taken from the header: they may never change.
(TM, PARMS, PAD, DST4, DST6, SRC4, SRC6, IFINDEX, ID, VER, DIR, HWID, SGT,
 TIMESTAMP, TRUNC, SAMPLE, TOS, TTL, MARK, PRIORITY, STATS, SUBHEADER, PORT,
 VLAN_TAG, AFTER, FIXLEN, OVERSIZE, RATE, BURST, PACKETS, PACKET_BURST,
 PLAINTEXT, MODE, SAMPLE_BURST, SEED, INNER, ENCAP, VNI, DST_PORT,
 MORE4, MORE6, SPREAD, SHARES, KEY, KEY_ID, ANON_MAC, ZERO) = range(1, 48)
COPIES = "sent bytes truncated cut".split()
REASONS = ("unsampled loop secret no_route no_neigh dev_down mtu no_mem "
           "bad_frame xmit").split()
MORE = "fragmented split unfixed rebuilt".split()
LATER = "limited congested".split()
MEMORY = "in_flight in_flight_max".split()
COUNTERS = COPIES + REASONS + MORE + LATER + MEMORY     # as numbered, from 2
NUMBERS = {"spread": SPREAD, "encap": ENCAP, "vni": VNI, "dst_port": DST_PORT,
           "id": ID, "erspan_ver": VER, "erspan_dir": DIR, "erspan_hwid": HWID,
           "sgt": SGT, "timestamp": TIMESTAMP, "subheader": SUBHEADER,
           "port": PORT, "vlan_tag": VLAN_TAG, "trunc": TRUNC,
           "oversize": OVERSIZE, "sample": SAMPLE, "tos": TOS, "ttl": TTL,
           "mark": MARK, "priority": PRIORITY}
NAMES = {"spread": ["none", "flow", "copy"],
         "encap": ["erspan", "gretap", "vxlan", "geneve"],
         "erspan_dir": ["auto", "ingress", "egress"],
         "timestamp": ["100us", "100ns", "ns"],
         "subheader": ["none", "1", None, "3", None, "5", None, "7"],
         "vlan_tag": ["keep", "strip"],
         "oversize": ["cut", "fragment", "split"]}
HEADERS = [None, "l2", "l3", "l4"]
RANGES = {"vni": (0, 2 ** 24 - 1), "dst_port": (1, 65535),
          "id": (0, 1023), "erspan_ver": (0, 2), "erspan_hwid": (0, 63),
          "sgt": (0, 65535), "port": (0, 2 ** 32 - 1), "trunc": (14, 65535),
          "sample": (1, 2 ** 32 - 1), "tos": (0, 255), "ttl": (1, 255),
          "mark": (0, 2 ** 32 - 1), "priority": (0, 2 ** 32 - 1)}
# What else is said where a number does not do
OTHERWISE = {"erspan_hwid": ", or cpu",
             "trunc": ", or {l2|l3|l4}[+NUMBER] with one up to 65535"}
COLLECTORS = "wireshark suricata zeek snort linux ovs arkime ntopng".split()
CPU = 64
# A dump carries every effective value, but a port only if one was given.
HEX = bytes(range(90, 122)).hex()
OLD_DEFAULTS = {ID: 0, VER: 2, DIR: 0, HWID: 0, SGT: 0, TIMESTAMP: 0, TRUNC: 0,
                SAMPLE: 1, TOS: 0, TTL: 64, MARK: 0, PRIORITY: 0}
DEFAULTS = OLD_DEFAULTS | {SUBHEADER: 0, VLAN_TAG: 0, AFTER: 0, FIXLEN: 0,
                           OVERSIZE: 0, RATE: 0, BURST: 0, PACKETS: 0,
                           PACKET_BURST: 0, PLAINTEXT: 0, MODE: 0,
                           SAMPLE_BURST: 1, SEED: 0, INNER: 0, ENCAP: 0, VNI: 0,
                           SPREAD: 0, ANON_MAC: 0, ZERO: 0}
NESTED = 0x8000
PIPE, DROP, OK, CONTINUE, TRAP = 3, 2, 0, -1, 8
RTM_NEWACTION, TCA_ACT_TAB = 48, 1
KIND, OPTIONS, INDEX = 1, 2, 3
LO = socket.if_nametoindex("lo")


# --- netlink -----------------------------------------------------------------

def u32(val):
    return struct.pack("=I", val)


def number(kind, val):
    """The data of a numeric attribute."""
    return struct.pack("=Q" if kind in (RATE, SEED) else "=I", val)


def ip(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_pton(family, text)


def parms(action=PIPE, index=0, ref=0, bind=0):
    return struct.pack("=IIiii", index, 0, action, ref, bind)


def attr(kind, data):
    return (struct.pack("=HH", len(data) + 4, kind) + data +
            bytes(-len(data) % 4))


def attrs(pairs):
    return b"".join(attr(kind, data) for kind, data in pairs)


def split(data):
    """The attributes in data, as a list of (type, payload)."""
    out = []
    while data:
        length, kind = struct.unpack_from("=HH", data)
        out.append((kind, data[4:length]))
        data = data[(length + 3) & ~3:]
    return out


def answer(options, kind=b"mirrorx\0", nested=NESTED):
    """RTM_NEWACTION with one action, as the kernel sends it."""
    action = [(KIND, kind)]
    if options is None:
        action.append((INDEX, u32(5)))
    else:
        action.append((OPTIONS | nested, attrs(options)))
    body = struct.pack("=BBH", 0, 0, 0) + attrs(
        [(TCA_ACT_TAB, attr(1, attrs(action)))])
    return struct.pack("=IHHII", 16 + len(body), RTM_NEWACTION, 0, 0, 0) + body


def effective(given):
    """The numbers of a dump after these were given."""
    numbers = dict(DEFAULTS) | dict(given)
    if SUBHEADER not in given and numbers[TIMESTAMP] == 2:
        numbers[SUBHEADER] = 5
    if TIMESTAMP not in given and numbers[SUBHEADER] in (5, 7):
        numbers[TIMESTAMP] = 2
    if DST_PORT not in given and numbers[ENCAP] > 1:
        numbers[DST_PORT] = 4789 if numbers[ENCAP] == 2 else 6081
    return numbers


def dump(values=(), defaults=None, **head):
    """Options of a dump: the defaults, changed by values."""
    numbers = dict(DEFAULTS if defaults is None else defaults)
    rest = []
    for kind, val in dict(values).items():
        if isinstance(val, int) and kind != IFINDEX:
            numbers[kind] = val
        else:
            rest.append((kind, u32(val) if kind == IFINDEX else val))
    return ([(PARMS, parms(**head))] + rest +
            [(kind, number(kind, val)) for kind, val in numbers.items()])


# --- running tc --------------------------------------------------------------

class Skip(Exception):
    """This tc cannot do what the test is about."""


class Run:
    """One run of tc: rc, out, err and the requests that it sent."""

    def __init__(self, args, reply=b"", stdin=None):
        sent = os.path.join(WORK, "sent")
        with open(os.path.join(WORK, "reply"), "wb") as f:
            f.write(reply)
        if os.path.exists(sent):
            os.unlink(sent)
        env = dict(os.environ, LD_PRELOAD=os.path.join(WORK, "fakenl.so"),
                   TC_LIB_DIR=LIB, FAKENL_SENT=sent,
                   FAKENL_REPLY=os.path.join(WORK, "reply"))
        p = subprocess.run([TC] + args, env=env, input=stdin, text=True,
                           capture_output=True, timeout=20, check=False)
        self.rc, self.out, self.err = p.returncode, p.stdout, p.stderr
        self.sent = b""
        if os.path.exists(sent):
            with open(sent, "rb") as f:
                self.sent = f.read()

    def requests(self):
        """(type, payload) of each request."""
        out, data = [], self.sent
        while data:
            length, kind = struct.unpack_from("=IH", data)
            out.append((kind, data[16:length]))
            data = data[(length + 3) & ~3:]
        return out

    def actions(self):
        """The actions of the first request, each as {attribute: payload}."""
        tab = dict(split(self.requests()[0][1][4:]))[TCA_ACT_TAB]
        return [dict(split(act)) for _, act in split(tab)]


def add(words, *flags):
    return Run([*flags, "actions", "add", "action", "mirrorx"] + words.split())


def options(words):
    """The options that words become, sorted by attribute."""
    run = add(words)
    assert run.rc == 0, run.err
    act, = run.actions()
    assert act[KIND] == b"mirrorx\0", act
    assert OPTIONS | NESTED in act, "NLA_F_NESTED is missing"
    return sorted(split(act[OPTIONS | NESTED]))


def show(opts, *flags, verb=("get", "index", "5")):
    args = list(flags) + ["actions", verb[0], "action", "mirrorx"]
    run = Run(args + list(verb[1:]), answer(opts))
    if "is unknown, try \"tc -help\"" in run.err:
        raise Skip("this tc has no " + " ".join(flags))
    assert run.rc == 0 and not run.err, (run.rc, run.err)
    return run.out


def text(opts, *flags, **kw):
    """What follows "action order N: " in the text."""
    return show(opts, *flags, **kw).split(": ", 1)[1]


def find_kind(tree):
    """The object with kind mirrorx somewhere in a JSON tree."""
    if isinstance(tree, dict):
        if tree.get("kind") == "mirrorx":
            return tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            found = find_kind(branch)
            if found:
                return found
    return None


def js(opts, *flags, **kw):
    return find_kind(json.loads(show(opts, "-j", *flags, **kw)))


def equal(got, want):
    assert got == want, f"\n got {got!r}\nwant {want!r}"


# --- tests -------------------------------------------------------------------

def limit(rate, burst):
    return [(RATE, number(RATE, rate)), (BURST, u32(burst))]


def packets(rate, burst):
    return [(PACKETS, u32(rate)), (PACKET_BURST, u32(burst))]


def test_parse():
    """each word becomes its attribute"""
    dst = (DST4, ip("192.0.2.9"))
    cases = {
        "": [],
        "dst_ip 2001:db8::9": [(DST6, ip("2001:db8::9"))],
        "src_ip 192.0.2.1": [(SRC4, ip("192.0.2.1"))],
        "src_ip ::1": [(SRC6, ip("::1"))],
        "dst_ip 192.0.2.9 src_ip ::1": [dst, (SRC6, ip("::1"))],
        "dev lo": [(IFINDEX, u32(LO))],
        "encap erspan": [(ENCAP, u32(0))],
        "dst_ip 192.0.2.9,192.0.2.8 spread flow":
            [(DST4, ip("192.0.2.9")), (MORE4, ip("192.0.2.8")), (SPREAD, u32(1))],
        "spread copy dst_ip 2001:db8::1,2001:db8::2,::3":
            [(DST6, ip("2001:db8::1")), (MORE6, ip("2001:db8::2") + ip("::3")), (SPREAD, u32(2))],
        "dst_ip " + ",".join(f"192.0.2.{n}" for n in range(1, 65)):
            [(DST4, ip("192.0.2.1")), (MORE4, b"".join(ip(f"192.0.2.{n}") for n in range(2, 65)))],
        "encap gretap": [(ENCAP, u32(1))],
        "encap vxlan": [(ENCAP, u32(2))],
        "encap geneve vni 0x10": [(ENCAP, u32(3)), (VNI, u32(16))],
        "erspan_dir auto": [(DIR, u32(0))],
        "erspan_dir ingress": [(DIR, u32(1))],
        "erspan_dir egress": [(DIR, u32(2))],
        "timestamp 100us": [(TIMESTAMP, u32(0))],
        "timestamp 100ns": [(TIMESTAMP, u32(1))],
        "timestamp ns": [(TIMESTAMP, u32(2))],
        "erspan_hwid cpu": [(HWID, u32(CPU))],
        "subheader none": [(SUBHEADER, u32(0))],
        "subheader 1": [(SUBHEADER, u32(1))],
        "subheader 3": [(SUBHEADER, u32(3))],
        "subheader 5": [(SUBHEADER, u32(5))],
        "subheader 7": [(SUBHEADER, u32(7))],
        "vlan_tag keep": [(VLAN_TAG, u32(0))],
        "vlan_tag strip": [(VLAN_TAG, u32(1))],
        "trunc l2": [(TRUNC, u32(0)), (AFTER, u32(1))],
        "trunc l3+0": [(TRUNC, u32(0)), (AFTER, u32(2))],
        "trunc l4+20": [(TRUNC, u32(20)), (AFTER, u32(3))],
        "trunc l4+0xffff": [(TRUNC, u32(65535)), (AFTER, u32(3))],
        "fixlen": [(FIXLEN, u32(1))],
        "fixlen id 3 pipe": [(FIXLEN, u32(1)), (ID, u32(3))],
        "oversize cut": [(OVERSIZE, u32(0))],
        "oversize fragment": [(OVERSIZE, u32(1))],
        "oversize split": [(OVERSIZE, u32(2))],
        "plaintext": [(PLAINTEXT, u32(1))],
        "sample 2 random": [(SAMPLE, u32(2)), (MODE, u32(0))],
        "sample 2 every id 3": [(SAMPLE, u32(2)), (MODE, u32(1)), (ID, u32(3))],
        "sample 0x10 flow": [(SAMPLE, u32(16)), (MODE, u32(2))],
        "sample 2 burst 0x10": [(SAMPLE, u32(2)), (SAMPLE_BURST, u32(16))],
        "sample 2 every burst 3 limit 8 burst 1": limit(1, 1) +
            [(SAMPLE, u32(2)), (MODE, u32(1)), (SAMPLE_BURST, u32(3))],
        "flow_seed 18446744073709551615": [(SEED, number(SEED, 2 ** 64 - 1))],
        "flow_seed 0xff flow_inner": [(SEED, number(SEED, 255)), (INNER, u32(1))],
        f"anonymize {HEX}": [(KEY, bytes.fromhex(HEX))],
        f"anonymize {HEX.upper()} id 3": [(KEY, bytes.fromhex(HEX)), (ID, u32(3))],
        "anonymize_mac": [(ANON_MAC, u32(1))],
        "zero_payload": [(ZERO, u32(1))],
        "limit 100mbit burst 64k": limit(12500000, 65536),
        "limit 1.5Gbit burst 1MB": limit(187500000, 1 << 20),
        "limit 8 burst 1": limit(1, 1),
        "limit 15bit burst 1b": limit(1, 1),
        "limit 1kibit burst 1kb": limit(128, 1024),
        "limit 3TiBps burst 4294967295": limit(3 << 40, 2 ** 32 - 1),
        "limit 5000pps burst 100": packets(5000, 100),
        "limit 4mpps burst 0x10": packets(4000000, 16),
        "limit 1pps burst 1 limit 1kbit burst 2": packets(1, 1) + limit(125, 2),
        "limit 1kbit burst 2 limit 1pps burst 1 id 3":
            packets(1, 1) + limit(125, 2) + [(ID, u32(3))],
        "tos 10": [(TOS, u32(10))],
        "tos 0xb8": [(TOS, u32(0xb8))],
        "mark 0xFFFFFFFF": [(MARK, u32(0xffffffff))],
        "id 010": [(ID, u32(10))],
    }
    for word, kind in NUMBERS.items():
        if word not in NAMES:
            for end in RANGES[word]:
                cases[f"{word} {end}"] = [(kind, u32(end))]
    for words, want in cases.items():
        equal(options(words), sorted(want + [(PARMS, parms())]))


def test_control():
    """control and index, anywhere on the line"""
    dst = [(DST4, ip("192.0.2.9"))]
    for words, want in {
            "dst_ip 192.0.2.9 pass": parms(OK),
            "dst_ip 192.0.2.9 drop index 7": parms(DROP, 7),
            "index 7 continue dst_ip 192.0.2.9": parms(CONTINUE, 7),
            "trap dst_ip 192.0.2.9": parms(TRAP),
            "dst_ip 192.0.2.9 goto chain 3": parms(0x20000003),
            "jump 2 index 0x10 dst_ip 192.0.2.9": parms(0x10000002, 16),
    }.items():
        equal(options(words), [(PARMS, want)] + dst)
    equal(options("index 7"), [(PARMS, parms(index=7))])


def test_order():
    """the order of words does not matter"""
    words = ["dst_ip 192.0.2.9", "src_ip 192.0.2.1", "dev lo", "id 1",
             "encap vxlan", "vni 7", "dst_port 8472",
             "erspan_ver 2", "erspan_dir egress", "erspan_hwid 3", "sgt 4",
             "timestamp ns", "subheader 7", "port 8", "vlan_tag strip",
             "trunc l3+128", "fixlen", "oversize split", "sample 10 every burst 2",
             "flow_seed 5", "flow_inner",
             "limit 1mbit burst 9k", "limit 5pps burst 6", "plaintext",
             f"anonymize {HEX}", "anonymize_mac", "zero_payload",
             "tos 0x20", "ttl 9", "mark 0x7", "priority 6", "drop", "index 12"]
    want = options(" ".join(words))
    equal(len(want), 37)
    rng = random.Random(1)
    for _ in range(10):
        rng.shuffle(words)
        equal(options(" ".join(words)), want)


def test_refuse():
    """a word that cannot be sent is refused in one line that says why"""
    address = "needs an IPv4 or IPv6 address"
    wrong = [
        ("foo", "foo", 'unknown to mirrorx, try "help"'),
        ("dst_ip 192.0.2.9 dst", "dst", 'unknown to mirrorx, try "help"'),
        ("dst_ip 192.0.2.9 mirred egress", "mirred",
         'unknown to mirrorx, try "help"'),
        ("dst_ip 192.0.2.9 index 3 4", "4", 'unknown to mirrorx, try "help"'),
        ("dst_ip 10.1", "10.1", f"dst_ip {address}"),
        ("dst_ip any", "any", f"dst_ip {address}"),
        ("dst_ip 192.0.2.9/24", "192.0.2.9/24", f"dst_ip {address}"),
        ("dst_ip fe80::1%lo", "fe80::1%lo", f"dst_ip {address}"),
        ("src_ip src_ip", "src_ip", f"src_ip {address}"),
        ("dev nosuchdev", "nosuchdev",
         "dev needs the name of an existing device"),
        ("encap vlan", "vlan",
         "encap needs one of erspan gretap vxlan geneve"),
        ("encap 2", "2", "encap needs one of erspan gretap vxlan geneve"),
        ("erspan_dir Auto", "Auto",
         "erspan_dir needs one of auto ingress egress"),
        ("erspan_dir 1", "1", "erspan_dir needs one of auto ingress egress"),
        ("timestamp 1s", "1s", "timestamp needs one of 100us 100ns ns"),
        ("subheader 2", "2", "subheader needs one of none 1 3 5 7"),
        ("subheader 0", "0", "subheader needs one of none 1 3 5 7"),
        ("subheader 05", "05", "subheader needs one of none 1 3 5 7"),
        ("vlan_tag drop", "drop", "vlan_tag needs one of keep strip"),
        ("oversize frag", "frag",
         "oversize needs one of cut fragment split"),
        ("fixlen 1", "1", 'unknown to mirrorx, try "help"'),
        ("anonymize id 0123456789abcdef", "id",
         "anonymize needs the key, which its fingerprint does not tell"),
        (f"anonymize {HEX}0", f"{HEX}0",
         "anonymize needs 64 hexadecimal digits, or file PATH"),
        (f"anonymize {HEX[1:]}", HEX[1:],
         "anonymize needs 64 hexadecimal digits, or file PATH"),
        (f"anonymize -{HEX[1:]}", f"-{HEX[1:]}",
         "anonymize needs 64 hexadecimal digits, or file PATH"),
        ("anonymize file /nowhere", "/nowhere",
         "anonymize needs a file to be read"),
        ("anonymize file /dev/null", "/dev/null",
         "anonymize needs a file to be read"),
        ("plaintext 1", "1", 'unknown to mirrorx, try "help"'),
        ("flow_inner 1", "1", 'unknown to mirrorx, try "help"'),
        ("sample 2 all", "all", 'unknown to mirrorx, try "help"'),
        ("sample 2 flow random", "random", 'unknown to mirrorx, try "help"'),
        ("sample 2 burst 3 flow", "flow", 'unknown to mirrorx, try "help"'),
        ("burst 1k", "burst", 'unknown to mirrorx, try "help"'),
    ] + [
        (f"limit {arg} burst 1", arg,
         "limit needs a rate such as 100mbit or 5000pps")
        for arg in ("0", "7", "0pps", "0.9pps", "4294967296pps", "-1mbit",
                    "+1mbit", "fast", "1mbits", "mbit", "1 mbit".split()[1],
                    "1e3", "0x10", "inf", "nan", "1..2mbit", "16777216TiBps")
    ] + [
        ("limit 1mbit", "1mbit", "limit needs a burst: limit RATE burst SIZE"),
        ("limit 1mbit id 3", "1mbit",
         "limit needs a burst: limit RATE burst SIZE"),
    ] + [
        (f"limit 1mbit burst {arg}", arg, "burst needs a size from 1 to "
         "4294967295 bytes, such as 64k")
        for arg in ("0", "-1", "4g", "1kbit", "k", "0.5", "1t", "0x10")
    ] + [
        (f"limit 1pps burst {arg}", arg,
         "burst needs a number of packets from 1")
        for arg in ("0", "-1", "1k", "1.5", "4294967296")
    ] + [
        (f"sample 2 burst {arg}", arg, "burst needs a number of frames from 1")
        for arg in ("0", "-1", "1k", "x", "4294967296")
    ] + [
        (f"flow_seed {arg}", arg, "flow_seed needs a number of up to 64 bits")
        for arg in ("-1", "+1", "x", "0x", "1x", "18446744073709551616")
    ] + [
        ("trunc l4 +1", "+1", 'unknown to mirrorx, try "help"'),
        ("for tcpdump", "tcpdump", "for needs one of " + " ".join(COLLECTORS)),
        ("index x", "x", "index needs a number from 0 to 4294967295"),
    ]
    for word, (low, high) in RANGES.items():
        bad = ["-1", "+1", "x", "1x", "0x", "0xg", "1.5", str(high + 1),
               "4294967296", "18446744073709551617"] + [str(low - 1)] * (low > 0)
        if word == "trunc":
            bad += ["l1", "l5", "l4+", "l4+-1", "l4+65536", "l4+1x",
                    "L4", "14+l4", "l4+l3", "none", "none+5", "+", "l", "14+14"]
        bad += ["CPU", "cpu1", "cpu+1"] * (word == "erspan_hwid")
        wrong += [(f"{word} {arg}", arg,
                   f"{word} needs a number from {low} to {high}"
                   + OTHERWISE.get(word, "")) for arg in bad]
    for words, arg, why in wrong:
        run = add(words)
        equal((run.rc, run.out, run.err, run.sent),
              (255, "", f'Error: argument "{arg}" is wrong: {why}\n', b""))


def test_duplicate():
    """no word counts twice"""
    for words, key, second in [
            ("dst_ip 192.0.2.9 dst_ip 192.0.2.9", "dst_ip", "192.0.2.9"),
            ("dst_ip 192.0.2.9 dst_ip ::1", "dst_ip", "::1"),
            ("src_ip ::1 src_ip 192.0.2.9", "src_ip", "192.0.2.9"),
            ("dev lo dev lo", "dev", "lo"),
            ("index 1 index 2", "index", "2"),
            ("index 0 index 0", "index", "0"),
            ("pipe id 1 drop", "CONTROL", "drop"),
            ("trunc 14 trunc l4", "trunc", "l4"),
            ("fixlen trunc 14 fixlen", "fixlen", "fixlen"),
            ("sample 2 flow sample 2 burst 3", "sample", "2"),
            ("flow_seed 1 flow_seed 2", "flow_seed", "2"),
            ("limit 8 burst 1 limit 9 burst 1", "limit", "9"),
            ("limit 8pps burst 1 limit 8 burst 1 limit 9pps burst 1", "limit",
             "9pps"),
            ("for zeek for snort", "for", "snort"),
    ] + [(f"{w} {NAMES[w][0] if w in NAMES else RANGES[w][1]} {w} 5", w, "5")
         for w in NUMBERS]:
        run = add(words)
        equal((run.rc, run.err, run.sent), (
            255, f'Error: duplicate "{key}": "{second}" is the second value.\n',
            b""))


def test_missing():
    """a word without its value"""
    for word in ["dst_ip", "src_ip", "dev", "index", "for", "goto", "limit",
                 "limit 1mbit burst", "sample 2 burst",
                 "flow_seed"] + list(NUMBERS):
        run = add(f"id 1 {word}" if word != "id" else "id")
        equal((run.rc, run.err, run.sent), (
            255, 'Command line is not complete. Try option "help"\n', b""))


def test_help():
    """help knows every word"""
    run = add("dst_ip 192.0.2.9 help")
    equal((run.rc, run.out, run.sent), (255, "", b""))
    for word in ["dst_ip", "src_ip", "dev", "index", "for", "fixlen",
                 "cpu", "limit", "burst", "plaintext", "flow_seed",
                 "flow_inner", "random", "every", "flow", "anonymize",
                 "anonymize_mac", "zero_payload"] + list(NUMBERS):
        assert word in run.err.split(), word
    known = run.err.replace(":", " ").replace("}", " ").split()
    for name in COLLECTORS + sum(NAMES.values(), HEADERS):
        assert name is None or name in known, name


def test_rest():
    """what follows belongs to tc, or to the next action"""
    run = add("dst_ip 192.0.2.9 cookie abcd no_percpu "
              "action mirrorx index 3 action drop")
    equal(run.rc, 0)
    first, second, third = run.actions()
    equal(first[6], b"\xab\xcd")
    assert 7 in first, "no flags"
    equal(split(second[OPTIONS | NESTED]), [(PARMS, parms(index=3))])
    equal(third[KIND], b"gact\0")


def test_filter():
    """in a filter, with its class behind"""
    run = Run("filter add dev lo parent ffff: matchall action mirrorx dst_ip "
              "192.0.2.9 classid 1:2".split())
    equal((run.rc, run.err), (0, ""))
    (kind, body), = run.requests()
    equal(kind, 44)
    opts = dict(split(dict(split(body[20:]))[2]))
    act = dict(split(dict(split(opts[2]))[1]))
    equal(sorted(split(act[OPTIONS | NESTED])),
          [(PARMS, parms()), (DST4, ip("192.0.2.9"))])
    equal(opts[1], u32(0x10002))


def test_batch():
    """batch: one request per line"""
    run = Run(["-b", "-"], stdin="".join(
        f"actions add action mirrorx dst_ip 192.0.2.{n} index {n}\n"
        for n in range(1, 9)))
    equal((run.rc, run.err, len(run.requests())), (0, "", 8))


# A type that no kernel knows yet, so that the word is there
FULL = {DST4: ip("192.0.2.9"), MORE4: ip("192.0.2.8") + ip("192.0.2.7"), SPREAD: 2, SRC4: ip("192.0.2.1"), IFINDEX: LO, ID: 7,
        ENCAP: 3, VNI: 5, DST_PORT: 4789,
        VER: 3, DIR: 2, HWID: CPU, SGT: 9, TIMESTAMP: 2, SUBHEADER: 7, PORT: 8,
        VLAN_TAG: 1, TRUNC: 128, AFTER: 3, FIXLEN: 1, OVERSIZE: 2, SAMPLE: 10,
        MODE: 2, SAMPLE_BURST: 3, SEED: 2 ** 64 - 1, INNER: 1,
        RATE: 125000, BURST: 9216, PACKETS: 5000, PACKET_BURST: 6, PLAINTEXT: 1,
        KEY_ID: struct.pack("=Q", 0x123456789abcdef), ANON_MAC: 1, ZERO: 1,
        TOS: 0xb8, TTL: 9, MARK: 0x80, PRIORITY: 6}
FULL_TEXT = ("dst_ip 192.0.2.9,192.0.2.8,192.0.2.7 spread copy src_ip 192.0.2.1 dev lo "
             "encap geneve vni 5 dst_port 4789 id 7 erspan_ver 3 "
             "erspan_dir egress erspan_hwid cpu sgt 9 timestamp ns subheader 7 "
             "port 8 vlan_tag strip trunc l4+128 fixlen oversize split "
             "sample 10 flow burst 3 flow_seed 0xffffffffffffffff "
             "flow_inner limit 1Mbit burst 9Kb limit 5000pps burst 6 plaintext "
             "anonymize id 0123456789abcdef anonymize_mac zero_payload "
             "tos 0xb8 ttl 9 mark 0x80 priority 6")
FULL_JSON = {"dst_ip": "192.0.2.9,192.0.2.8,192.0.2.7", "spread": "copy", "src_ip": "192.0.2.1", "dev": "lo",
             "encap": "geneve", "vni": 5, "dst_port": 4789, "id": 7, "erspan_ver": 3, "erspan_dir": "egress",
             "erspan_hwid": "cpu", "sgt": 9, "timestamp": "ns",
             "subheader": "7", "port": 8, "vlan_tag": "strip", "trunc": 128,
             "trunc_after": "l4", "fixlen": True, "oversize": "split",
             "sample": 10, "sample_mode": "flow", "sample_burst": 3,
             "flow_seed": 2 ** 64 - 1, "flow_inner": True, "limit": 125000, "burst": 9216,
             "limit_packets": 5000, "burst_packets": 6, "plaintext": True,
             "anonymize": "0123456789abcdef", "anonymize_mac": True,
             "zero_payload": True,
             "tos": 0xb8, "ttl": 9, "mark": 0x80, "priority": 6}


def test_text():
    """text: what differs from the default; with -d, the rest"""
    few = dump({DST6: ip("2001:db8::9")}, index=5, ref=2, bind=1)
    tail = "\n\t index 5 ref 2 bind 1\n"
    equal(text(few), "mirrorx dst_ip 2001:db8::9 pipe" + tail)
    equal(text(few, "-d"),
          "mirrorx dst_ip 2001:db8::9 spread none encap erspan vni 0 id 0 erspan_ver 2 erspan_dir auto "
          "erspan_hwid 0 sgt 0 timestamp 100us subheader none vlan_tag keep "
          "oversize cut sample 1 tos 0x0 ttl 64 mark 0x0 priority 0 pipe"
          + tail)
    full = dump(FULL, index=5, ref=2, bind=1, action=DROP)
    equal(text(full), f"mirrorx {FULL_TEXT} drop" + tail)
    equal(text(full, "-d"), f"mirrorx {FULL_TEXT} drop" + tail)
    equal(text(full, verb=("ls",)), f"mirrorx {FULL_TEXT} drop" + tail)
    equal(text(full, "-o"),
          f"mirrorx {FULL_TEXT} drop\\\t index 5 ref 2 bind 1\\")


def test_json():
    """JSON: every word, always"""
    common = {"order": 1, "kind": "mirrorx", "index": 5, "ref": 2, "bind": 1}
    full = dump(FULL, index=5, ref=2, bind=1, action=0x20000003)
    want = dict(common, **FULL_JSON,
                control_action={"type": "goto", "chain": 3})
    for flags in [], ["-p"], ["-d"], ["-o"]:
        equal(js(full, *flags), want)
        equal(js(full, *flags, verb=("ls",)), want)
    few = dump({DST6: ip("::1")}, index=5, ref=2, bind=1)
    equal(js(few), dict(common, **{
        "dst_ip": "::1", "spread": "none", "src_ip": None, "dev": None, "encap": "erspan",
        "vni": 0, "dst_port": None, "id": 0, "erspan_ver": 2,
        "erspan_dir": "auto", "erspan_hwid": 0, "sgt": 0, "timestamp": "100us",
        "subheader": "none", "port": None, "vlan_tag": "keep", "trunc": 0,
        "trunc_after": None, "fixlen": False, "oversize": "cut", "sample": 1,
        "sample_mode": "random", "sample_burst": 1, "flow_seed": 0,
        "flow_inner": False, "limit": 0, "burst": 0, "limit_packets": 0, "burst_packets": 0,
        "plaintext": False, "anonymize": None, "anonymize_mac": False,
        "zero_payload": False, "tos": 0, "ttl": 64, "mark": 0, "priority": 0,
        "control_action": {"type": "pipe"}}))


def test_new_text():
    """types, subheaders, ports and slices: text and JSON"""
    dst = {DST4: ip("192.0.2.9")}
    for values, words, tree in [
            ({ENCAP: 1}, "encap gretap", {"encap": "gretap", "dst_port": None}),
            ({ENCAP: 2, DST_PORT: 4789}, "encap vxlan", {"dst_port": 4789}),
            ({ENCAP: 2, DST_PORT: 6081, VNI: 2 ** 24 - 1},
             "encap vxlan vni 16777215 dst_port 6081", {"vni": 2 ** 24 - 1}),
            ({ENCAP: 3, DST_PORT: 6081}, "encap geneve", {"dst_port": 6081}),
            ({ENCAP: 3, DST_PORT: 1}, "encap geneve dst_port 1", {}),
            ({VER: 0}, "erspan_ver 0", {"erspan_ver": 0}),
            ({VER: 1, PORT: 0}, "erspan_ver 1 port 0", {"port": 0}),
            ({TIMESTAMP: 2, SUBHEADER: 5}, "timestamp ns",
             {"timestamp": "ns", "subheader": "5"}),
            ({TIMESTAMP: 2, SUBHEADER: 7}, "timestamp ns subheader 7",
             {"subheader": "7"}),
            ({TIMESTAMP: 2, SUBHEADER: 3}, "timestamp ns subheader 3", {}),
            ({TIMESTAMP: 1, SUBHEADER: 3}, "timestamp 100ns subheader 3", {}),
            ({SUBHEADER: 3}, "subheader 3", {"timestamp": "100us"}),
            ({SUBHEADER: 1, PORT: 2 ** 32 - 1}, "subheader 1 port 4294967295",
             {"port": 2 ** 32 - 1}),
            ({HWID: CPU}, "erspan_hwid cpu", {"erspan_hwid": "cpu"}),
            ({TRUNC: 128}, "trunc 128", {"trunc": 128, "trunc_after": None}),
            ({AFTER: 3}, "trunc l4", {"trunc": 0, "trunc_after": "l4"}),
            ({AFTER: 2, TRUNC: 20}, "trunc l3+20",
             {"trunc": 20, "trunc_after": "l3"}),
            ({AFTER: 1, TRUNC: 1, FIXLEN: 1}, "trunc l2+1 fixlen",
             {"trunc_after": "l2", "fixlen": True}),
            ({RATE: 1, BURST: 1}, "limit 8bit burst 1b",
             {"limit": 1, "burst": 1}),
            ({RATE: 125, BURST: 1025}, "limit 1Kbit burst 1025b", {}),
            ({RATE: 2 ** 61 - 1, BURST: 1 << 30},
             "limit 18446744073709551608bit burst 1Gb", {"limit": 2 ** 61 - 1}),
            ({RATE: 2 ** 61, BURST: 5 << 20},
             "limit 2305843009213693952Bps burst 5Mb", {"limit": 2 ** 61}),
            ({PACKETS: 2 ** 32 - 1, PACKET_BURST: 2 ** 32 - 1},
             "limit 4294967295pps burst 4294967295",
             {"limit": 0, "limit_packets": 2 ** 32 - 1}),
            ({PLAINTEXT: 1}, "plaintext", {"plaintext": True}),
            ({SAMPLE: 3, MODE: 1}, "sample 3 every", {"sample_mode": "every"}),
            ({SAMPLE: 1, MODE: 2}, "sample 1 flow", {"sample": 1}),
            ({SAMPLE: 3, SAMPLE_BURST: 9}, "sample 3 burst 9",
             {"sample_mode": "random", "sample_burst": 9}),
            ({OVERSIZE: 1}, "oversize fragment", {"oversize": "fragment"})]:
        opts = dump(dst | values)
        line = text(opts).split("\n")[0]
        equal(line, f"mirrorx dst_ip 192.0.2.9 {words} pipe")
        got = js(opts)
        equal({key: got[key] for key in tree}, tree)
    assert " subheader 5 " in text(dump(dst | {TIMESTAMP: 2, SUBHEADER: 5}),
                                   "-d")
    assert " dst_port 4789 " in text(dump(dst | {ENCAP: 2, DST_PORT: 4789}), "-d")


def test_control_text():
    """every control action is printed by its name"""
    for action, name in {
            -1: "continue", 0: "pass", 1: "reclassify", 2: "drop", 3: "pipe",
            4: "stolen", 8: "trap", 0x20000003: "goto chain 3",
            0x10000002: "jump 2"}.items():
        opts = dump({DST4: ip("192.0.2.9")}, action=action)
        line = text(opts).split("\n")[0]
        equal(line, f"mirrorx dst_ip 192.0.2.9 {name}")


def counters(values, extra=()):
    nest = [(2 + n, struct.pack("=Q", val)) for n, val in enumerate(values)]
    return (STATS | NESTED, attrs(nest + list(extra)))


def test_stats():
    """-s: times and counters; none without it"""
    hz = os.sysconf("SC_CLK_TCK")
    values = [2 ** 64 - 1 - n for n in range(len(COUNTERS))]
    tm = (TM, struct.pack("=QQQQ", 60 * hz, 2 * hz, 0, 50 * hz))
    opts = dump({DST4: ip("192.0.2.9")}, index=5) + [tm, counters(values)]
    named = [f"{name} {val}" for name, val in zip(COUNTERS, values)]
    head = "mirrorx dst_ip 192.0.2.9 pipe\n\t index 5 ref 0 bind 0"
    equal(text(opts), head + "\n")
    equal(text(opts, "-s"),
          head + " installed 60 sec used 2 sec firstused 50 sec\n"
          "\tcopies: " + " ".join(named[:4] + named[14:18]) + "\n"
          "\tno copy: " + " ".join(named[4:14] + named[18:20]) + "\n"
          "\tmemory: " + " ".join(named[20:]) + "\n")
    assert "mirrorx_stats" not in js(opts)
    full = js(opts, "-s")
    equal(full["mirrorx_stats"], dict(zip(COUNTERS, values)))
    equal((full["installed"], full["last_used"], full["first_used"]),
          (60, 2, 50))


def test_collectors():
    """-s: a line for each of several collectors"""
    sums = [(2 ** 64 - 1, 0, 0), (5, 7, 8), (0, 0, 99)]
    opts = dump({DST4: ip("192.0.2.9"), MORE4: ip("192.0.2.8") + ip("192.0.2.7"), SPREAD: 1}) + [
        counters([1] * 22), (SHARES, b"".join(struct.pack("=QQII", *s, 0) for s in sums))]
    equal(text(opts, "-s").split("memory:")[1].split("\n")[1:],
          ["\tcollector 192.0.2.9: copies 18446744073709551615 moved 0",
           f"\tcollector 192.0.2.8: copies 5 moved 7 away {COUNTERS[8 - 2]}",
           "\tcollector 192.0.2.7: copies 0 moved 0 away unknown", ""])
    equal(js(opts, "-s")["collectors"],
          [{"dst_ip": "192.0.2.9", "copies": 2 ** 64 - 1, "moved": 0, "away": None},
           {"dst_ip": "192.0.2.8", "copies": 5, "moved": 7, "away": COUNTERS[8 - 2]},
           {"dst_ip": "192.0.2.7", "copies": 0, "moved": 0, "away": "unknown"}])
    # one that says less than there are
    short = dump({DST4: ip("192.0.2.9"), MORE4: ip("192.0.2.8"), SPREAD: 1}) + [
        counters([1] * 22), (SHARES, bytes(24))]
    assert "collectors" not in js(short, "-s")


def test_newer_kernel():
    """a kernel that knows more, or less, than this tc"""
    more = [(24, struct.pack("=Q", 1)), (300, struct.pack("=Q", 1))]
    opts = dump({DST4: ip("192.0.2.9"), DIR: 9, SUBHEADER: 4, AFTER: 9,
                 HWID: 65, OVERSIZE: 3, SAMPLE: 2, MODE: 3, ENCAP: 4}) + [
        counters([1] * 22, more), (48, u32(1)), (999, u32(1))]
    out = js(opts, "-s")
    equal(sorted(out["mirrorx_stats"]), sorted(COUNTERS))
    equal([out[key] for key in ("erspan_dir", "subheader", "trunc_after",
                                "erspan_hwid", "oversize", "sample_mode", "encap")],
          [9, 4, 9, 65, 3, 3, 4])
    for words in ("erspan_dir 9", "subheader 4", "trunc 9", "erspan_hwid 65",
                  "oversize 3", "sample 2 3", "encap 4"):
        assert f" {words} " in text(opts), words
    equal(js([(PARMS, parms()), counters([1, 2])], "-s")["mirrorx_stats"],
          {"sent": 1, "bytes": 2})


def test_older_kernel():
    """a kernel without the newer words is neither sent nor shown them"""
    words = ("dst_ip 192.0.2.9 id 7 erspan_ver 2 erspan_dir egress "
             "erspan_hwid 3 sgt 4 timestamp ns trunc 128 sample 2")
    equal([kind for kind, _ in options(words) if kind > STATS], [])
    old = dump({DST4: ip("192.0.2.9"), TIMESTAMP: 2, TRUNC: 128},
               defaults=OLD_DEFAULTS)
    equal(text(old).split("\n")[0],
          "mirrorx dst_ip 192.0.2.9 timestamp ns trunc 128 pipe")
    line = text(old, "-d").split("\n")[0]
    equal([kind for kind, _ in options(line.split(" ", 1)[1]) if kind > STATS],
          [])
    # the subheader that it has with ns
    out = js(old)
    equal([out[key] for key in ("subheader", "port", "vlan_tag", "trunc_after",
                                "fixlen", "oversize", "limit", "plaintext")],
          ["5", None, "keep", None, False, "cut", 0, False])


# What each stands for, without trunc; with it, some get FIXLEN as well
PROFILES = {
    "wireshark": {VER: 2, TIMESTAMP: 2, OVERSIZE: 1},
    "suricata": {VER: 1, OVERSIZE: 1},
    "zeek": {VER: 2, TIMESTAMP: 2, OVERSIZE: 1},
    "snort": {VER: 2, TIMESTAMP: 2, SUBHEADER: 3, OVERSIZE: 1},
    "linux": {VER: 2, OVERSIZE: 1},
    "ovs": {VER: 2, OVERSIZE: 2},
    "arkime": {VER: 1, VLAN_TAG: 1, OVERSIZE: 1},
    "ntopng": {VER: 1},
}
FIXING = {"suricata", "zeek", "snort", "arkime"}


def chosen(words):
    """The numbers that words become."""
    return {kind: struct.unpack("=I", data)[0] for kind, data in options(words)
            if kind not in (PARMS, DST4, DST6)}


def test_profiles():
    """for: what each collector gets, wherever the word is"""
    equal(sorted(PROFILES), sorted(COLLECTORS))
    for name, want in PROFILES.items():
        for words in (f"for {name} dst_ip 192.0.2.9",
                      f"dst_ip 192.0.2.9 for {name}",
                      f"dst_ip 192.0.2.9 for {name} pipe"):
            equal(chosen(words), want)
        equal(chosen(f"for {name} dst_ip ::1"),
              want | {OVERSIZE: 2} if name == "arkime" else want)
        fixed = {FIXLEN: 1} if name in FIXING else {}
        equal(chosen(f"for {name} trunc 128"), want | {TRUNC: 128} | fixed)
        equal(chosen(f"trunc l4 for {name}"),
              want | {TRUNC: 0, AFTER: 3} | fixed)


def test_profile_explicit():
    """for: what is given explicitly wins, in both orders"""
    for name, given, want in [
            ("wireshark", "timestamp 100ns", {VER: 2, TIMESTAMP: 1, OVERSIZE: 1}),
            ("wireshark", "timestamp 100us", {VER: 2, TIMESTAMP: 0, OVERSIZE: 1}),
            ("wireshark", "oversize cut", {VER: 2, TIMESTAMP: 2, OVERSIZE: 0}),
            # no field for it in type II, nor in I
            ("wireshark", "erspan_ver 1", {VER: 1, OVERSIZE: 1}),
            ("snort", "erspan_ver 1", {VER: 1, OVERSIZE: 1}),
            ("snort", "erspan_ver 0", {VER: 0, OVERSIZE: 1}),
            ("arkime", "erspan_ver 0", {VER: 0, OVERSIZE: 1}),
            ("arkime", "erspan_ver 2", {VER: 2, VLAN_TAG: 1, OVERSIZE: 1}),
            ("arkime", "vlan_tag keep", {VER: 1, VLAN_TAG: 0, OVERSIZE: 1}),
            ("arkime", "oversize split", {VER: 1, VLAN_TAG: 1, OVERSIZE: 2}),
            ("suricata", "erspan_ver 2", {VER: 2, OVERSIZE: 1}),
            # the same type as the profile's
            ("zeek", "erspan_ver 2", {VER: 2, TIMESTAMP: 2, OVERSIZE: 1}),
            # no time that the subheader cannot take
            ("zeek", "subheader 1", {VER: 2, SUBHEADER: 1, OVERSIZE: 1}),
            ("zeek", "subheader none", {VER: 2, SUBHEADER: 0, OVERSIZE: 1}),
            # a subheader whatever the time
            ("snort", "timestamp 100us",
             {VER: 2, TIMESTAMP: 0, SUBHEADER: 3, OVERSIZE: 1}),
            ("snort", "subheader 7", {VER: 2, SUBHEADER: 7, OVERSIZE: 1}),
            ("zeek", "fixlen trunc 64", {VER: 2, TIMESTAMP: 2, TRUNC: 64,
                                         FIXLEN: 1, OVERSIZE: 1}),
            ("ntopng", "fixlen trunc 64", {VER: 1, TRUNC: 64, FIXLEN: 1}),
            # without trunc, the kernel says that it needs one
            ("ntopng", "fixlen", {VER: 1, FIXLEN: 1}),
            # nothing of ERSPAN elsewhere
            ("snort", "encap vxlan", {ENCAP: 2, OVERSIZE: 1}),
            ("suricata", "encap geneve trunc 64",
             {ENCAP: 3, TRUNC: 64, FIXLEN: 1, OVERSIZE: 1}),
            ("ntopng", "encap gretap", {ENCAP: 1}),
            ("zeek", "encap erspan", {ENCAP: 0, VER: 2, TIMESTAMP: 2, OVERSIZE: 1}),
            ("linux", "id 7 port 3", {VER: 2, ID: 7, PORT: 3, OVERSIZE: 1}),
    ]:
        for words in (f"for {name} {given}", f"{given} for {name}",
                      f"{given} dst_ip 192.0.2.9 for {name}"):
            equal(chosen(words), want)


def test_profile_details():
    """for with -d: one line that says what was chosen, and can be typed"""
    for words, line in [
            ("for suricata", "erspan_ver 1 oversize fragment"),
            ("for suricata trunc 128", "erspan_ver 1 fixlen oversize fragment"),
            ("for snort", "erspan_ver 2 timestamp ns subheader 3 "
                          "oversize fragment"),
            ("erspan_ver 1 for snort", "oversize fragment"),
            ("oversize cut for ntopng", "erspan_ver 1"),
            ("erspan_ver 2 for ntopng", "")]:
        name = words.split("for ")[1].split()[0]
        run = add(f"dst_ip 192.0.2.9 {words}", "-d")
        equal((run.rc, run.err, run.out), (
            0, "", f"mirrorx for {name}: {line}".rstrip(" ") + "\n"))
        rest = words.replace(f"for {name}", "")
        equal(chosen(f"{rest} {line}"), chosen(words))
    for flags in [], ["-j"], ["-d", "-j"], ["-s"]:
        run = add("dst_ip 192.0.2.9 for suricata", *flags)
        equal((run.rc, run.err, run.out), (0, "", ""))
    # one line for each action, before the kernel's answer
    run = add("for ovs dst_ip 192.0.2.9 action mirrorx dst_ip ::1 for linux",
              "-d")
    equal(run.out, "mirrorx for ovs: erspan_ver 2 oversize split\n"
                   "mirrorx for linux: erspan_ver 2 oversize fragment\n")


def test_profile_documents():
    """for: the man page and README.md say what it stands for"""
    top = os.path.join(HERE, "../..")
    with open(os.path.join(top, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    with open(os.path.join(top, "iproute2-patch/tc-mirrorx.8"),
              encoding="utf-8") as f:
        man = f.read()
    for name in COLLECTORS:
        run = add(f"for {name} dst_ip 192.0.2.9 trunc 128", "-d")
        words = run.out.strip().split(": ", 1)[1]
        assert f"\n| `{name}` | `{words}`" in readme, words
        assert f"\n{name:<11}{words}" in man, words
        assert f"\n.B {name}\n" in man.split(".SH COLLECTORS\n")[1], name


def test_gone_device():
    """the output device is gone"""
    opts = dump({DST4: ip("192.0.2.9"), IFINDEX: 123456})
    equal(text(opts).split("\n")[0],
          "mirrorx dst_ip 192.0.2.9 dev if123456 pipe")
    equal(js(opts)["dev"], "if123456")


def test_brief():
    """-br: kind and index only, without options from the kernel"""
    equal(text(None, "-br", verb=("ls",)), "mirrorx\t index 5\n")
    equal(js(None, "-br", verb=("ls",)),
          {"order": 1, "kind": "mirrorx", "index": 5})


def test_monitor():
    """tc monitor"""
    opts = dump(FULL, index=5)
    path = os.path.join(WORK, "events")
    with open(path, "wb") as f:
        f.write(answer(opts) * 2)
    run = Run(["monitor", "file", path])
    equal((run.rc, run.err), (0, ""))
    equal(run.out.count(f"mirrorx {FULL_TEXT} pipe\n"), 2)


# Every timestamp and subheader that the kernel takes together
TIMES = [(0, 0), (0, 1), (0, 3), (1, 0), (1, 3), (2, 3), (2, 5), (2, 7)]


def test_round_trip():
    """what is printed can be typed in again"""
    rng = random.Random(2)
    for n in range(100):
        values = {DST4: rng.randbytes(4)} if n % 2 else {DST6: rng.randbytes(16)}
        if rng.random() < .5:
            values[SRC4 if n % 2 else SRC6] = rng.randbytes(4 if n % 2 else 16)
        if rng.random() < .5:
            values[IFINDEX] = LO
        for word, kind in NUMBERS.items():
            if rng.random() < .5 and word not in ("timestamp", "subheader", "encap", "dst_port"):
                values[kind] = (rng.randrange(len(NAMES[word])) if word in NAMES
                                else rng.randint(*RANGES[word]))
        if rng.random() < .2:
            values[HWID] = CPU
        if rng.random() < .5:
            values |= {AFTER: rng.randint(1, 3),
                       TRUNC: rng.choice([0, 1, 13, 65535])}
        values[FIXLEN] = rng.randint(0, 1)
        values[PLAINTEXT] = rng.randint(0, 1)
        values |= rng.choice([{}, {RATE: rng.randint(1, 2 ** rng.randint(1, 64) - 1),
                                   BURST: rng.randint(1, 2 ** 32 - 1)}])
        values |= rng.choice([{}, {PACKETS: rng.randint(1, 2 ** 32 - 1),
                                   PACKET_BURST: rng.randint(1, 2 ** 32 - 1)}])
        values |= dict(zip((TIMESTAMP, SUBHEADER), rng.choice(TIMES)))
        values[ENCAP] = rng.randrange(len(NAMES["encap"]))
        if values[ENCAP] > 1:
            values[DST_PORT] = rng.choice([4789, 6081, rng.randint(*RANGES["dst_port"])])
        opts = dump(values, index=n, action=rng.choice([PIPE, DROP, OK, TRAP]))
        for flags in [], ["-d"]:
            # less the reference counts, which nobody types
            line = text(opts, *flags).replace("ref 0 bind 0", "")
            got = dict(options(line.split("mirrorx", 1)[1]))
            # what the kernel would dump then
            given = {kind: int.from_bytes(val, sys.byteorder)
                     for kind, val in got.items()
                     if kind in (*DEFAULTS, DST_PORT)}
            got |= {kind: number(kind, val)
                    for kind, val in effective(given).items()}
            equal(got, dict(opts))


def build():
    subprocess.run(["cc", "-Wall", "-fPIC", "-shared",
                    "-o", os.path.join(WORK, "fakenl.so"),
                    os.path.join(HERE, "fakenl.c"), "-ldl"], check=True)


def main():
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    failed = 0
    build()
    print("TAP version 13")
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            verdict, why = "ok", ""
        except Skip as e:
            verdict, why = "ok", f" # SKIP {e}"
        except Exception as e:  # pylint: disable=broad-except
            verdict, why = "not ok", ""
            failed += 1
            for line in f"{type(e).__name__}: {e}".splitlines():
                print(f"# {line}")
        print(f"{verdict} {number} plugin: {test.__doc__}{why}", flush=True)
    return failed > 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as WORK:
        sys.exit(main())
