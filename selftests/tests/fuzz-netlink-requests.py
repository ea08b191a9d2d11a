#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for fuzz-netlink.sh: random requests, judged by a model of what is documented.

The model reads the bytes of a request like the kernel, and says what there must be afterwards: each
action with each value, its references and bindings.  Without it, nobody would look for a combination
of attributes, or an order of operations, that no case was written for.
"""
import ipaddress
import json
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field

import rawtc as tc
from guest import must, run, wait_for
from rawtc import attr, attrs, nest
from seeded import cases, chance
from tap import finish, ok

CHANCE, SEED = chance()
CASES = cases(3000)
LIVE = 8                        # about so many actions at a time: each case looks at all of them
BY_HAND = 1000                  # indices from here on are never the kernel's choice
MOST = 0xffffffff
COOKIE_MAX = 16
F_NESTED, F_NET_BYTEORDER = 0x8000, 0x4000


# --- the grammar: one line for each attribute that may be given --------------

@dataclass
class Word:
    """From LOW to HIGH; DEFAULT is what a dump shows without it, None nothing."""
    low: int
    high: int
    default: int


WORDS = {
    tc.IFINDEX: Word(1, 0x7fffffff, None),
    tc.ID: Word(0, 1023, 0),
    tc.ERSPAN_VER: Word(0, 2, 2),
    tc.ERSPAN_DIR: Word(0, 2, 0),
    tc.ERSPAN_HWID: Word(0, 64, 0),
    tc.SGT: Word(0, 65535, 0),
    tc.TIMESTAMP: Word(0, 2, 0),
    tc.TRUNC: Word(0, 65535, 0),
    tc.SAMPLE: Word(1, MOST, 1),
    tc.TOS: Word(0, 255, 0),
    tc.TTL: Word(1, 255, 64),
    tc.MARK: Word(0, MOST, 0),
    tc.PRIORITY: Word(0, MOST, 0),
    tc.SUBHEADER: Word(0, 7, 0),
    tc.PORT: Word(0, MOST, None),
    tc.VLAN_TAG: Word(0, 1, 0),
    tc.TRUNC_AFTER: Word(0, 3, 0),
    tc.FIXLEN: Word(0, 1, 0),
    tc.OVERSIZE: Word(0, 2, 0),
    tc.LIMIT_RATE: Word(0, (1 << 64) - 1, 0),
    tc.LIMIT_BURST: Word(0, MOST, 0),
    tc.LIMIT_PACKETS: Word(0, MOST, 0),
    tc.LIMIT_PACKET_BURST: Word(0, MOST, 0),
    tc.PLAINTEXT: Word(0, 1, 0),
    tc.SAMPLE_MODE: Word(0, 2, 0),
    tc.SAMPLE_BURST: Word(1, MOST, 1),
    tc.FLOW_SEED: Word(0, (1 << 64) - 1, 0),
    tc.FLOW_INNER: Word(0, 1, 0),
    tc.SPREAD: Word(0, 2, 0),
    tc.ENCAP: Word(0, 3, 0),
    tc.VNI: Word(0, (1 << 24) - 1, 0),
    tc.DST_PORT: Word(1, 65535, None),
    tc.ANON_MAC: Word(0, 1, 0),
    tc.ZERO_PAYLOAD: Word(0, 1, 0),
}
LIMITS = {tc.LIMIT_RATE: tc.LIMIT_BURST, tc.LIMIT_PACKETS: tc.LIMIT_PACKET_BURST}
ADDRESSES = {tc.DST_IP4: 4, tc.DST_IP6: 16, tc.SRC_IP4: 4, tc.SRC_IP6: 16}
PORT_BITS = {1: 32, 3: 14, 5: 16, 7: 20}
CONTROLS = [tc.OK, tc.RECLASSIFY, tc.SHOT, tc.PIPE, 4, 5, 6, 7, tc.TRAP, -1, tc.JUMP | 1, tc.JUMP | 31]
TYPED = {tc.OK, tc.RECLASSIFY, tc.SHOT, tc.PIPE, tc.TRAP, -1, tc.JUMP | 1, tc.JUMP | 31}
BAD_CONTROLS = [9, 0x0fffffff, 0x30000000, 0x7fffffff]


class Refused(Exception):
    """The model's reason why the kernel has to refuse a request."""


def demand(condition, why):
    if not condition:
        raise Refused(why)


def parse(payload):
    """{attribute: bytes} of what TCA_ACT_OPTIONS holds, if it is well-formed; the last one counts."""
    found = {}
    while len(payload) >= 4:
        size, kind = struct.unpack_from("=HH", payload)
        if not 4 <= size <= len(payload):
            break
        number, data = kind & tc.NLA_TYPE_MASK, payload[4:size]
        demand(number in tc.SIZES or number in tc.LISTS, f"no attribute {number} to be given")
        demand(number in tc.LISTS or len(data) == tc.SIZES[number], f"{tc.NAMES[number]} of {len(data)} bytes")
        demand(not kind & F_NESTED, f"{tc.NAMES[number]} as a nest")
        if number in WORDS:
            value, word = int.from_bytes(data, sys.byteorder), WORDS[number]
            demand(word.low <= value <= word.high, f"{tc.NAMES[number]} {value}")
        found[number] = data
        payload = payload[(size + 3) & ~3:]
    demand(not payload, "bytes left over")
    demand(tc.PARMS in found, "no PARMS")
    return found


def check_address(data):
    host = ipaddress.ip_address(data)
    demand(not (host.is_multicast or host.is_loopback or host.is_unspecified), f"{host} is no host")
    if host.version == 4:
        demand(data != b"\xff" * 4, f"{host} is no host")         # Linux has hosts in 0/8
    else:
        demand(host.ipv4_mapped is None, f"{host} is IPv4")
    return host


def settings(found, devices):
    """{attribute: bytes} of what a dump must show of the parameters."""
    demand(not (tc.DST_IP4 in found and tc.DST_IP6 in found), "two collectors")
    v6 = tc.DST_IP6 in found
    demand((tc.SRC_IP4 if v6 else tc.SRC_IP6) not in found, "two families")
    dst = check_address(found[tc.DST_IP6 if v6 else tc.DST_IP4])
    demand(not (v6 and dst.is_link_local and tc.IFINDEX not in found), "link-local without dev")
    if (src := found.get(tc.SRC_IP6 if v6 else tc.SRC_IP4)) is not None:
        check_address(src)
    values = {n: int.from_bytes(found[n], sys.byteorder) if n in found else word.default
              for n, word in WORDS.items()}
    check_collectors(found, v6, values[tc.SPREAD])
    given = {n for n in WORDS if n in found}
    demand(values[tc.IFINDEX] is None or values[tc.IFINDEX] in devices, "no such device")
    complete_time(values, given)
    check_combination(values)
    check_encap(values)
    shown = {n: data for n, data in found.items() if n in ADDRESSES or n in tc.LISTS}
    shown |= check_key(found, values)
    return shown | {n: value.to_bytes(tc.SIZES[n], sys.byteorder) for n, value in values.items()
                    if value is not None}


def check_collectors(found, v6, spread):
    """Those behind the first"""
    lists = [n for n in tc.LISTS if n in found]
    demand(bool(lists) == bool(spread), "spread and several collectors")
    if not lists:
        return
    demand(lists == [tc.MORE_IP6 if v6 else tc.MORE_IP4], "two families")
    data, size = found[lists[0]], tc.LISTS[lists[0]]
    demand(data and not len(data) % size and len(data) // size < 64, "a list of addresses")
    more = [data[i:i + size] for i in range(0, len(data), size)]
    for each in more:
        demand(not (check_address(each).is_link_local and v6 and tc.IFINDEX not in found), "link-local without dev")
    demand(len({found[tc.DST_IP6 if v6 else tc.DST_IP4], *more}) == len(more) + 1, "a collector twice")


def complete_time(values, given):
    """Each of timestamp and subheader has a default that is the other one's matter."""
    if tc.TIMESTAMP not in given and values[tc.SUBHEADER] >= 5:
        values[tc.TIMESTAMP] = 2
    if tc.SUBHEADER not in given and values[tc.TIMESTAMP] == 2:
        values[tc.SUBHEADER] = 5


def check_key(found, values):
    """Its fingerprint is all that will be shown, and here that there is one."""
    key = found.get(tc.ANON_KEY)
    demand(key or not values[tc.ANON_MAC], "anonymize_mac without a key")
    if not key:
        return {}
    demand(key[:16] != key[16:] and all(len(set(half)) > 1 for half in (key[:16], key[16:])), "a weak key")
    return {tc.ANON_ID: b""}


def check_combination(v):
    if not v[tc.TRUNC_AFTER]:
        demand(v[tc.TRUNC] == 0 or v[tc.TRUNC] >= 14, "trunc below 14")
    demand(not v[tc.FIXLEN] or v[tc.TRUNC] or v[tc.TRUNC_AFTER], "fixlen without trunc")
    for rate, burst in LIMITS.items():
        demand(bool(v[rate]) == bool(v[burst]), "a limit and its burst")
    demand(v[tc.SAMPLE_MODE] != 2 or v[tc.SAMPLE_BURST] == 1, "a flow has no burst")
    demand((v[tc.SAMPLE] - 1) * v[tc.SAMPLE_BURST] < MOST, "sample too rare")
    demand(v[tc.SAMPLE_MODE] == 2 or v[tc.SPREAD] == 1 or not (v[tc.FLOW_SEED] or v[tc.FLOW_INNER]), "no flows")
    # of each subheader, the timestamps that go with it
    times = {0: (0, 1), 1: (0,), 3: (0, 1, 2), 5: (2,), 7: (2,)}
    demand(v[tc.TIMESTAMP] in times.get(v[tc.SUBHEADER], ()), "timestamp and subheader")
    if v[tc.ERSPAN_VER] < 2:
        demand(not any(v[n] for n in (tc.ERSPAN_DIR, tc.ERSPAN_HWID, tc.SGT, tc.TIMESTAMP, tc.SUBHEADER)),
               "type III only")
    if v[tc.ERSPAN_VER] < 1:
        demand(not v[tc.ID] and not v[tc.VLAN_TAG], "not in type I")
    if v[tc.PORT] is not None:
        bits = {0: 0, 1: 20, 2: PORT_BITS.get(v[tc.SUBHEADER], 0)}[v[tc.ERSPAN_VER]]
        demand(bits, "no place for a port")
        demand(v[tc.PORT] < 1 << bits, "port too wide")


def check_encap(v):
    if v[tc.ENCAP]:
        demand(v[tc.ERSPAN_VER] == 2 and v[tc.PORT] is None and not any(
            v[n] for n in (tc.ID, tc.ERSPAN_DIR, tc.ERSPAN_HWID, tc.SGT, tc.TIMESTAMP, tc.SUBHEADER,
                           tc.VLAN_TAG)), "ERSPAN only")
    if v[tc.ENCAP] < 2:
        demand(not v[tc.VNI] and v[tc.DST_PORT] is None, "no UDP")
    elif v[tc.DST_PORT] is None:
        v[tc.DST_PORT] = {2: 4789, 3: 6081}[v[tc.ENCAP]]


# --- what there is -----------------------------------------------------------

@dataclass
class Action:
    shown: dict                 # {attribute: bytes} of a dump
    control: int
    refs: int = 1
    binds: int = 0
    cookie: bytes = b""


@dataclass
class Request:
    """One action of a message."""
    payload: bytes              # of TCA_ACT_OPTIONS
    cookie: bytes = b""
    nested: bool = True
    flags: int = None

    def packed(self, order):
        more = [attr(tc.OPTIONS | (F_NESTED if self.nested else 0), self.payload)]
        if self.cookie:
            more.append(attr(tc.COOKIE, self.cookie))
        if self.flags is not None:
            more.append(attr(tc.FLAGS, struct.pack("=II", self.flags, 1)))
        return tc.action(*more, order=order)

    def named(self):
        """The index that it names, 0 if none."""
        try:
            return struct.unpack_from("=I", parse(self.payload)[tc.PARMS])[0]
        except Refused:
            return 0


@dataclass
class Model:
    devices: set
    actions: dict = field(default_factory=dict)         # {index: Action}
    filters: dict = field(default_factory=dict)         # {(parent, priority): (kind, [index])}

    def read(self, request):
        """(index, control, what a dump will show, None if it only names an action)"""
        demand(request.nested, "no NLA_F_NESTED")
        found = parse(request.payload)
        index, _, control = struct.unpack_from("=IIi", found[tc.PARMS])
        named = tc.DST_IP4 not in found and tc.DST_IP6 not in found
        return index, control, None if named else settings(found, self.devices)

    def free_index(self, taken):
        return next(i for i in range(1, BY_HAND) if i not in self.actions and i not in taken)

    def make(self, requests, replace=False, in_filter=False):
        """The indices, in order.  What a message has replaced before it fails stays so: the kernel does
        that with all actions; nothing new may be left."""
        new, used = {}, []
        demand(all(len(r.cookie) <= COOKIE_MAX for r in requests), "a cookie too large")
        demand(all(len(r.payload) not in (1, 2, 3) for r in requests), "options that are no nest")
        for request in requests:
            index, control, shown = self.read(request)
            old = self.actions.get(index)
            if old and in_filter:
                old.cookie = request.cookie or old.cookie
                used.append(index)
                continue
            demand(not old or replace, "it exists")
            demand(shown is not None, "no collector")
            check_control(control, in_filter)
            if not old:
                index = index or self.free_index(new)
                new[index] = Action(shown, control, cookie=request.cookie)
            else:
                old.shown, old.control, old.cookie = shown, control, request.cookie or old.cookie
            used.append(index)
        self.actions |= new
        if in_filter:
            for index in used:
                self.actions[index].binds += 1
                self.actions[index].refs += index not in new
        return used

    def unbind(self, indices):
        for index in indices:
            act = self.actions[index]
            act.binds, act.refs = act.binds - 1, act.refs - 1
            if not act.refs:
                del self.actions[index]

    def delete(self, indices):
        """One after the other, as the kernel does."""
        demand(all(i in self.actions for i in indices), "it does not exist")
        for index in indices:
            demand(index in self.actions and not self.actions[index].binds, "it is in use")
            del self.actions[index]

    def flush(self):
        """The kernel stops at the first one in use; those in front of it are gone."""
        gone = 0
        for index in sorted(self.actions):
            if self.actions[index].binds:
                demand(gone, "the first one is in use")
                return
            del self.actions[index]
            gone += 1

    def unfilter(self, key):
        self.unbind(self.filters.pop(key)[1])

    def dump(self):
        return {index: (act.shown, struct.pack("=IIiii", index, 0, act.control, act.refs, act.binds),
                        act.cookie) for index, act in self.actions.items()}


def check_control(control, in_filter):
    if control >> 28 == 2:
        demand(in_filter, "goto chain outside of a filter")
        return
    demand(control == -1 or 0 <= control <= 8 or control < 0 or control >> 28 == 1, "control action")


# --- what the kernel has -----------------------------------------------------

def padding(data, nests):
    """Bytes between attributes that are not 0, in all NESTS that are known."""
    wrong = 0
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        end = (size + 3) & ~3
        wrong += any(data[size:end])
        inner = nests.get(kind & tc.NLA_TYPE_MASK) if isinstance(nests, dict) else nests
        if inner is not None:
            wrong += padding(data[4:size], inner)
        data = data[end:]
    return wrong


class Kernel(tc.Netlink):
    """What is asked, and told."""

    def shown(self, answer):
        """{index: (parameters, PARMS, cookie)} as Model.dump()"""
        found = {}
        for reply in answer.replies:
            for tab in attrs(attrs(reply[4:]).get(tc.TAB, b"")).values():
                outer = attrs(tab)
                act = attrs(outer[tc.OPTIONS])
                parms = act.pop(tc.PARMS)
                for output in tc.TM, tc.MPAD, tc.MSTATS, tc.COLLECTORS:
                    act.pop(output, None)
                if tc.ANON_ID in act:
                    act[tc.ANON_ID] = b""
                found[struct.unpack_from("=I", parms)[0]] = act, parms, outer.get(tc.COOKIE, b"")
        return found

    def state(self):
        return self.shown(self.list())

    def unpadded(self):
        """Dumped attributes that show what lies behind them."""
        options = {tc.MSTATS: {}}
        return sum(padding(attrs(reply[4:]).get(tc.TAB, b""), {n: {tc.OPTIONS: options, tc.STATS: {}}
                                                               for n in range(33)})
                   for reply in self.list().replies)

    # matchall, flower, basic, u32: the attribute with the actions, and what has to be there as well
    KINDS = {"matchall": (2, ()), "flower": (3, ()), "basic": (3, ()),
             "u32": (7, (attr(5, struct.pack("=BBBxHHhhI", 1, 0, 0, 0, 0, 0, 0, 0)),))}

    def put_filter(self, key, kind, *actions):
        parent, priority = key
        number, more = self.KINDS[kind]
        body = struct.pack("=BxxxiIII", 0, D0, 0, parent, priority << 16 | 0x0300)      # ETH_P_ALL
        body += attr(tc.KIND, kind.encode() + b"\0") + nest(tc.OPTIONS, *more, nest(number, *actions))
        return self.talk(tc.NEWTFILTER, tc.NLM_F_CREATE | tc.NLM_F_EXCL, body)

    def drop_filter(self, key):
        parent, priority = key
        body = struct.pack("=BxxxiIII", 0, D0, 0, parent, priority << 16 | 0x0300)
        return self.talk(tc.DELTFILTER, 0, body)


# --- chance ------------------------------------------------------------------

GOOD4 = ("192.0.2.9", "0.1.2.3", "10.0.0.1", "223.255.255.254", "240.0.0.1", "1.0.0.0", "198.51.100.255")
GOOD6 = ("2001:db8::9", "fe80::9", "fc00::1", "::2", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
BAD4 = ("0.0.0.0", "127.0.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255")
BAD6 = ("::", "::1", "ff02::1", "::ffff:192.0.2.9")


def seldom(one_in):
    return CHANCE.randrange(one_in) == 0


def value_of(number):
    word = WORDS[number]
    if number == tc.IFINDEX:
        return CHANCE.choice((D0, D1, D1, 4711))
    edges = (word.low, word.high, min(word.low + 1, word.high), max(word.high - 1, word.low))
    within = [CHANCE.randint(word.low, word.high), CHANCE.randint(word.low, min(word.high, 200)),
              1 << CHANCE.randrange(word.high.bit_length() or 1)]
    return CHANCE.choice((*edges, *within))


def out_of_range(number):
    word = WORDS[number]
    limit = (1 << 8 * tc.SIZES[number]) - 1
    bad = [v for v in (word.low - 1, word.high + 1, limit, limit >> 1) if 0 <= v <= limit and
           not word.low <= v <= word.high]
    return CHANCE.choice(bad or [limit])


def word(number, value):
    return attr(number, value.to_bytes(tc.SIZES[number], sys.byteorder))


def draw_addresses():
    """The collector, and sometimes a source, of either family."""
    v6 = seldom(3)
    good, bad = (GOOD6, BAD6) if v6 else (GOOD4, BAD4)
    yield attr(tc.DST_IP6 if v6 else tc.DST_IP4, tc.address(CHANCE.choice(bad if seldom(25) else good)))
    if seldom(4):
        number = tc.MORE_IP6 if v6 ^ seldom(10) else tc.MORE_IP4
        size = tc.LISTS[number]
        more = b"".join(tc.address(f"2001:db8::{i:x}" if size == 16 else f"192.0.2.{i}")
                        for i in CHANCE.sample(range(10, 250), CHANCE.choice((1, 2, 3, 63, 64))))
        if seldom(10):
            more += CHANCE.choice((more[:size], more[:1], tc.address(CHANCE.choice(BAD6 if size == 16 else BAD4))))
        yield attr(number, more)
        yield attr(tc.SPREAD, 0 if seldom(10) else CHANCE.choice((1, 2)))
    if seldom(3):
        other = v6 ^ seldom(10)
        pool = (BAD6 if other else BAD4) if seldom(10) else (GOOD6 if other else GOOD4)
        yield attr(tc.SRC_IP6 if other else tc.SRC_IP4, tc.address(CHANCE.choice(pool)))


def draw_key():
    """None, a good one, or a weak one"""
    if seldom(4):
        half = bytes(16) if seldom(5) else CHANCE.randbytes(16)
        yield attr(tc.ANON_KEY, half + (half if seldom(5) else CHANCE.randbytes(16)))


def draw_parms(index):
    control = tc.PIPE
    if seldom(2):
        control = CHANCE.choice(BAD_CONTROLS if seldom(15) else CONTROLS)
    elif seldom(10):
        control = tc.GOTO_CHAIN | CHANCE.choice((0, 1, 7, 0xfffffff))
    return tc.parms(index, control)


def draw_index(live, exists):
    """0 for the kernel's choice; one that exists, or is free."""
    if live and CHANCE.random() < exists:
        return CHANCE.choice(live)
    return 0 if seldom(2) else CHANCE.randrange(BY_HAND, MOST + 1)


def draw_payload(model, index):
    """Attributes that go together, most often; then, sometimes, less than well-formed."""
    fixed = [draw_parms(index)]
    if seldom(30):
        return b"".join(fixed)
    fixed += [*draw_addresses(), *draw_key()]
    drawn = CHANCE.sample(sorted(WORDS), CHANCE.choice((0, 1, 2, 3, 5, len(WORDS))))
    drawn[:0] = [LIMITS[n] for n in drawn if n in LIMITS and LIMITS[n] not in drawn]
    words = [word(n, out_of_range(n) if seldom(60) else value_of(n)) for n in drawn]
    while words and not seldom(20):
        try:
            model.read(Request(b"".join(fixed + words)))
            break
        except Refused:
            words.pop()
    pieces = fixed + words
    CHANCE.shuffle(pieces)
    return spoil(pieces) if seldom(7) else b"".join(pieces)


def spoil(pieces):
    """Malformed in one of many ways, or in none that matters."""
    whole = b"".join(pieces)
    at = CHANCE.randrange(len(pieces))
    ways = {
        "twice": lambda: b"".join(pieces + [CHANCE.choice(pieces)]),
        "two values": lambda: b"".join(pieces + [word(n := CHANCE.choice(sorted(WORDS)), value_of(n))]),
        "unknown": lambda: whole + attr(CHANCE.choice(UNKNOWN), bytes(CHANCE.choice((0, 4, 8)))),
        "output only": lambda: whole + attr(CHANCE.choice((tc.TM, tc.MPAD, tc.MSTATS)),
                                            bytes(CHANCE.choice((0, 32)))),
        "cut": lambda: whole[:CHANCE.randrange(len(whole))],
        "left over": lambda: whole + CHANCE.randbytes(CHANCE.randint(1, 7)),
        "missing": lambda: b"".join(pieces[:at] + pieces[at + 1:]),
        "size": lambda: b"".join(pieces[:at] + [resized(pieces[at])] + pieces[at + 1:]),
        "length": lambda: b"".join(pieces[:at] + [misjudged(pieces[at])] + pieces[at + 1:]),
        "flag": lambda: b"".join(pieces[:at] + [flagged(pieces[at])] + pieces[at + 1:]),
        "nested": lambda: b"".join(pieces[:at]) + nest(CHANCE.choice(sorted(tc.SIZES)), *pieces[at:]),
        "bits": lambda: flipped(whole, CHANCE.randint(1, 4)),
        "noise": lambda: CHANCE.randbytes(CHANCE.randrange(64)),
        "nothing": lambda: b"",
    }
    return CHANCE.choice(list(ways.values()))()


def resized(piece):
    size, kind = struct.unpack_from("=HH", piece)
    data = piece[4:size]
    return attr(kind, CHANCE.choice((b"", data[:-1], data + b"\0", data + bytes(4), data * 40)))


def misjudged(piece):
    return struct.pack("=H", CHANCE.choice((0, 3, 4, 5, 7, 9, 0xffff))) + piece[2:]


def flagged(piece):
    kind = struct.unpack_from("=H", piece, 2)[0] | CHANCE.choice((F_NESTED, F_NET_BYTEORDER))
    return piece[:2] + struct.pack("=H", kind) + piece[4:]


def flipped(data, count):
    data = bytearray(data)
    for _ in range(count):
        data[CHANCE.randrange(len(data))] ^= 1 << CHANCE.randrange(8)
    return bytes(data)


def draw_request(model, exists):
    index = draw_index(sorted(model.actions), exists)
    if index in model.actions and seldom(3):
        payload = tc.parms(index)
    else:
        payload = draw_payload(model, index)
    cookie = CHANCE.randbytes(CHANCE.choice((1, 3, 7, COOKIE_MAX, COOKIE_MAX, 17))) if seldom(5) else b""
    return Request(payload, cookie, not seldom(60), CHANCE.choice((None, None, None, 0, 1)))


def draw_requests(model, exists=0.3, several=True):
    """Several may not name the same new index: kernels before 6.8 would wait for themselves."""
    while True:
        count = CHANCE.choice((1, 1, 1, 1, 2, 3, 5)) if several else 1
        requests = [draw_request(model, exists) for _ in range(count)]
        named = [r.named() for r in requests if r.named() and r.named() not in model.actions]
        if len(requests) == 1 or len(set(named)) == len(named) and all(i >= BY_HAND for i in named):
            return requests


# --- what old kernels do wrong, with actions of any kind ----------------------

def keeps_count(kernel):
    """Whether no reference is lost where a batch is refused after it has replaced what a filter has."""
    good, bad = tc.action(nest(tc.OPTIONS, tc.parms(1)), kind="gact"), tc.action(kind="gact", order=2)
    key = tc.INGRESS, 1

    def counts():
        """References and bindings"""
        _, parms, _ = kernel.shown(kernel.list("gact")).get(1, ("", bytes(20), ""))
        return struct.unpack_from("=ii", parms, 12)

    bound, refused = kernel.put_filter(key, "matchall", good), kernel.replace(good, bad)
    kept, _ = counts()
    gone = kernel.drop_filter(key)
    if bound.error or not refused.error or gone.error or not wait_for(5, lambda: not counts()[1]):
        raise RuntimeError(f"{bound}, {refused}, {gone}")
    kernel.flush("gact")
    return kept == 1


# --- operations --------------------------------------------------------------

class Fuzzer:
    """The kernel, the model, and what they did not agree on."""

    def __init__(self):
        self.kernel, self.model = Kernel(), Model(devices={1, D0, D1})
        self.keeps_count, self.has_room = keeps_count(self.kernel), self.kernel.has_room()
        self.wrong = {kind: [] for kind in ("legal", "message", "state", "reference", "round trip", "tc",
                                            "padding")}
        self.done, self.tried = {}, {}
        self.typed = self.refused = self.accepted = self.round_trips = 0
        self.priority, self.lost = 0, False

    def complain(self, kind, what):
        self.wrong[kind].append(f"case {self.number}: {what}")

    def talk(self, name, ask, expect, silent=False):
        """One request; the model does the same, or says why not."""
        answer = ask()
        refusal = ""
        try:
            expect(self.model)
        except Refused as why:
            refusal = str(why)
        self.tried[name] = self.tried.get(name, 0) + 1
        if not answer.error:
            self.done[name] = self.done.get(name, 0) + 1
            self.accepted += 1
        else:
            self.refused += 1
        if bool(answer.error) != bool(refusal):
            self.complain("legal", f"{name}: {answer}; by the model: {refusal or 'legal'}\n"
                          f"  {self.text}")
            self.lost = True
        if answer.error and not answer.message and not silent:
            self.complain("message", f"{name}: {answer} without a message; by the model: {refusal}")
        return answer, refusal

    def compare(self, name, refusal):
        """All of the state, and that the module is held by what is there."""
        expected = self.model.dump()
        if name == "unbind":            # filters are destroyed when their last reader is done
            wait_for(5, lambda: self.kernel.state() == expected)
        found = self.kernel.state()
        if found != expected:
            self.complain("state", f"{name}{f', refused ({refusal})' if refusal else ''}: "
                          f"{difference(found, expected)}\n  {self.text}")
            self.lost = True            # all that follows would disagree, too
        if tc.references() != len(self.model.actions):
            self.complain("reference", f"{name}: {tc.references()} of {len(self.model.actions)} actions")

    def case(self, number):
        self.number = number
        crowd = len(self.model.actions) - LIVE
        ways = [self.add] * 6 + [self.replace] * 5 + [self.bind] * 4 + [self.get, self.list_] + \
            [self.delete] * (2 if crowd < 0 else 12) + [self.unbind] * (2 if crowd < 0 else 8)
        if seldom(60):
            ways = [self.flush]
        name, refusal = CHANCE.choice(ways)()
        self.compare(name, refusal)

    def send(self, name, requests, call, **how):
        packed = [r.packed(order) for order, r in enumerate(requests, 1)]
        self.text = " | ".join(r.payload.hex() for r in requests)
        before = set(self.model.actions)
        answer, refusal = self.talk(name, lambda: call(*packed), lambda m: m.make(requests, **how))
        if not answer.error:
            for index in set(self.model.actions) - before:
                self.round_trip(index)
        return name, refusal

    def add(self):
        flags = CHANCE.choice((tc.NLM_F_CREATE | tc.NLM_F_EXCL, tc.NLM_F_CREATE, 0))
        return self.send("add", draw_requests(self.model, 0.1), lambda *a: self.kernel.add(*a, flags=flags))

    def replace(self):
        flags = CHANCE.choice((tc.NLM_F_CREATE | tc.NLM_F_REPLACE, tc.NLM_F_REPLACE))
        return self.send("replace", draw_requests(self.model, 0.7, several=self.keeps_count),
                         lambda *a: self.kernel.add(*a, flags=flags), replace=True)

    def bind(self):
        self.priority += 1
        key = CHANCE.choice((tc.INGRESS, tc.EGRESS)), self.priority
        kind = CHANCE.choice(sorted(Kernel.KINDS))
        requests = draw_requests(self.model, 0.5)

        def expect(model):
            model.filters[key] = kind, model.make(requests, in_filter=True)

        packed = [r.packed(order) for order, r in enumerate(requests, 1)]
        self.text = " | ".join(r.payload.hex() for r in requests)
        _, refusal = self.talk(f"bind to {kind}", lambda: self.kernel.put_filter(key, kind, *packed), expect)
        return "bind", refusal

    def unbind(self):
        if not self.model.filters:
            return self.get()
        key = CHANCE.choice(sorted(self.model.filters))
        self.text = str(key)
        _, refusal = self.talk("delete a filter", lambda: self.kernel.drop_filter(key),
                               lambda m: m.unfilter(key))
        return "unbind", refusal

    def indices(self):
        live = sorted(self.model.actions)
        count = min(len(live), CHANCE.choice((1, 1, 1, 2, 3)))
        found = CHANCE.sample(live, count)
        return found + [CHANCE.randrange(1, MOST)] if seldom(6) or not found else found

    @staticmethod
    def named(indices):
        return [tc.by_index(index, order=order) for order, index in enumerate(indices, 1)]

    def delete(self):
        indices = self.indices()
        self.text = str(indices)
        _, refusal = self.talk("delete", lambda: self.kernel.delete(*self.named(indices)),
                               lambda m: m.delete(indices))
        return "delete", refusal

    def get(self):
        indices = self.indices()[:None if self.has_room else 1]
        self.text = str(indices)

        def expect(model):
            demand(all(i in model.actions for i in indices), "it does not exist")

        answer, refusal = self.talk("get", lambda: self.kernel.get(*self.named(indices)), expect)
        expected = self.model.dump()
        if not answer.error and self.kernel.shown(answer) != {i: expected[i] for i in indices}:
            self.complain("state", f"get {indices}: {difference(self.kernel.shown(answer), expected)}")
        return "get", refusal

    def list_(self):
        self.text = ""
        self.talk("list", self.kernel.list, lambda m: None)
        count = self.kernel.unpadded()
        if count:
            self.complain("padding", f"{count} attributes with something behind them")
        return "list", ""

    def flush(self):
        self.text = ""
        # why nothing could be flushed, the kernel does not tell for any action
        _, refusal = self.talk("flush", self.kernel.flush, lambda m: m.flush(), silent=True)
        return "flush", refusal

    def round_trip(self, index):
        """What is dumped, sent back as it is, gives the same action, here and as another one, but for keys."""
        act = self.model.actions.get(index)
        if not act or act.control >> 28 == 2 or tc.ANON_ID in act.shown:
            return
        shown = self.kernel.shown(self.kernel.get(tc.by_index(index))).get(index)
        if not shown:
            return
        self.round_trips += 1
        params, parms, _ = shown
        rest = [attr(n, data) for n, data in params.items()]
        answer = self.kernel.replace(tc.action(nest(tc.OPTIONS, attr(tc.PARMS, parms), *rest)))
        other = BY_HAND - 1
        renamed = struct.pack("=I", other) + parms[4:]
        twin = self.kernel.add(tc.action(nest(tc.OPTIONS, attr(tc.PARMS, renamed), *rest)))
        again = self.kernel.shown(self.kernel.get(tc.by_index(index)))
        again |= self.kernel.shown(self.kernel.get(tc.by_index(other)))
        gone = self.kernel.delete(tc.by_index(other))
        if answer.error or twin.error or gone.error:
            self.complain("round trip", f"{index}: {answer}, {twin}, {gone}")
        elif again.get(index) != shown or again.get(other, ("",))[0] != params:
            expected = {index: shown, other: (params, parms, b"")}
            self.complain("round trip", f"{index}: {difference(again, expected)}")

    def type_again(self):
        """tc prints all there is, and what it prints is typed again."""
        text, shown = run("tc actions list action mirrorx"), run("tc -j actions list action mirrorx")
        if text.returncode or text.stderr or shown.returncode or shown.stderr:
            return self.complain("tc", f"{text.stderr} {shown.stderr}")
        listed = [a for part in json.loads(shown.stdout) for a in part.get("actions", [])]
        if {a["index"] for a in listed} != set(self.model.actions):
            self.complain("tc", f"-j shows {sorted(a['index'] for a in listed)}")
        for shown in listed:
            self.compare_json(shown)
        lines = []
        for said, index in re.findall(r"action order \d+: (mirrorx .*?)\s*\n\s*index (\d+) ref", text.stdout):
            act = self.model.actions.get(int(index))
            if act and act.control in TYPED and tc.ANON_ID not in act.shown:     # which takes the key
                lines.append(f"actions replace action {said} index {index}")
        if not lines:
            return None
        self.typed += len(lines)
        again = run(["tc", "-batch", "-"], text="\n".join(lines) + "\n")
        errors = "\n".join(l for l in again.stderr.splitlines() if not l.startswith("Warning:"))
        if again.returncode or errors:
            self.complain("tc", f"{errors}\n  {lines}")
        self.text = "\n".join(lines)
        return self.compare("typed again", "")

    def compare_json(self, shown):
        act = self.model.actions.get(shown["index"])
        names = {n: tc.NAMES[n].lower() for n in (tc.ID, tc.SGT, tc.TRUNC, tc.SAMPLE, tc.TOS, tc.TTL, tc.MARK,
                                                  tc.PRIORITY, tc.PORT, tc.ERSPAN_VER)}
        want = {name: int.from_bytes(act.shown[n], sys.byteorder) if n in act.shown else None
                for n, name in names.items()} if act else {}
        found = {name: shown.get(name) for name in want}
        if found != want:
            self.complain("tc", f"-j shows {found}, not {want}")

    def end(self):
        for key in sorted(self.model.filters):
            self.kernel.drop_filter(key)
            self.model.unfilter(key)
        self.number, self.text = "the end", ""
        self.compare("unbind", "")
        while self.model.actions and not self.lost:
            self.flush()
        self.compare("flush", "")
        return tc.references()


def difference(found, expected):
    told = []
    for index in sorted(set(found) | set(expected)):
        if index not in found or index not in expected:
            told.append(f"{index} {'is not there' if index not in found else 'is there'}")
            continue
        (has, parms, cookie), (want, want_parms, want_cookie) = found[index], expected[index]
        told += [f"{index}: {tc.NAMES.get(n, n)} is {has.get(n, b'').hex() or 'absent'}, not "
                 f"{want.get(n, b'').hex() or 'absent'}"
                 for n in sorted(set(has) | set(want)) if has.get(n) != want.get(n)]
        if parms != want_parms:
            told.append(f"{index}: PARMS {parms.hex()}, not {want_parms.hex()}")
        if cookie != want_cookie:
            told.append(f"{index}: cookie {cookie.hex()}, not {want_cookie.hex()}")
    return "; ".join(told)


def main():
    fuzzer = Fuzzer()
    ok({*WORDS, *ADDRESSES, tc.PARMS, tc.ANON_KEY} == set(tc.SIZES), "the grammar here knows every attribute",
       sorted(set(tc.SIZES) ^ {*WORDS, *ADDRESSES, tc.PARMS, tc.ANON_KEY}))
    for number in range(CASES):
        if fuzzer.lost:
            break
        fuzzer.case(number)
        if number % 200 == 199:
            fuzzer.type_again()
    held = fuzzer.end()
    wrong = fuzzer.wrong
    for kind, description in (
            ("legal", f"{fuzzer.accepted} requests accepted and {fuzzer.refused} refused, all rightly"),
            ("message", "each refusal has a message"),
            ("state", "what is there afterwards is what was asked for, and nothing else"),
            ("reference", "the module is held by what is there"),
            ("round trip", f"{fuzzer.round_trips} dumps, sent back, give the same action"),
            ("padding", "dumps have nothing but zeroes between attributes"),
            ("tc", f"tc prints all of them, and {fuzzer.typed} typed again are the same")):
        ok(not wrong[kind], f"seed {SEED}, {CASES} cases: {description}", *wrong[kind][:8], len(wrong[kind]))
    for right, what in (fuzzer.keeps_count, "batches that replace"), (fuzzer.has_room, "get of several"):
        if not right:
            ok(True, f"{what} # SKIP this kernel does it wrong with any action")
    ok(fuzzer.accepted > CASES / 4 and fuzzer.refused > CASES / 8 and fuzzer.round_trips > CASES / 20
       and all(fuzzer.done.get(name) for name in fuzzer.tried), "there was enough of everything",
       fuzzer.done, fuzzer.tried)
    for name, count in sorted(fuzzer.tried.items()):
        print(f"# {name}: {fuzzer.done.get(name, 0)} of {count} accepted")
    must("tc qdisc del dev d0 clsact")
    ok(held == 0 and wait_for(5, lambda: not run("rmmod act_mirrorx").returncode),
       "in the end nothing is left, and the module can be unloaded", held)
    finish()


subprocess.run("""set -e; modprobe act_mirrorx
    ip link add d0 up type dummy
    ip link add d1 up address 02:00:00:00:00:01 type dummy
    ip address add 192.0.2.1/24 dev d1
    ip address add 2001:db8::1/64 dev d1 nodad
    tc qdisc add dev d0 clsact""", shell=True, executable="/bin/bash", check=True)
D0, D1 = (int(open(f"/sys/class/net/{dev}/ifindex").read()) for dev in ("d0", "d1"))
UNKNOWN = [n for n in [0, *range(1, 80), 1000, 0x3fff] if n not in tc.NAMES]
main()
