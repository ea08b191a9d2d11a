#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for netlink.sh: refused requests, as raw netlink.

Each bad action is tried alone, behind good ones, below filters and as a
replacement, which must say the same and leave everything as it was.
"""
import re
import struct
import subprocess
from pathlib import Path

import rawtc as tc
from rawtc import attr, by_index, options, references
from tap import finish, ok

OLD = 900               # the action that bad ones are to replace
SIZES = "invalid attribute length|binary attribute size out of range|policy validation"
RANGE = "integer out of range"


def u32(number, value):
    return attr(number, value)


def addr(number, text):
    return attr(number, tc.address(text))


def good(*more, **args):
    return options(*more, **{"dst": "192.0.2.9"} | args)


def addresses():
    """Addresses that no collector, or no source, can have."""
    bad4 = ("0.0.0.0", "127.0.0.1", "127.255.255.254", "224.0.0.1", "239.1.2.3",
            "255.255.255.255")
    bad6 = ("::", "::1", "ff02::1", "ff0e::1", "::ffff:192.0.2.9")
    for text in bad4:
        yield f"dst_ip {text}", options(dst=text), "EADDRNOTAVAIL", "dst_ip", tc.DST_IP4
        yield (f"src_ip {text}", good(addr(tc.SRC_IP4, text)), "EADDRNOTAVAIL", "src_ip",
               tc.SRC_IP4)
    for text in bad6:
        yield f"dst_ip {text}", options(dst=text), "EADDRNOTAVAIL", "dst_ip", tc.DST_IP6
        yield (f"src_ip {text}", options(addr(tc.SRC_IP6, text), dst="2001:db8::9"),
               "EADDRNOTAVAIL", "src_ip", tc.SRC_IP6)
    yield ("dst_ip fe80::9 without dev", options(dst="fe80::9"), "EINVAL", "link-local.*dev",
           tc.DST_IP6)
    yield "no dst_ip", options(u32(tc.ID, 1)), "EINVAL", "dst_ip", None
    yield ("dst_ip of both families", good(addr(tc.DST_IP6, "2001:db8::9")), "EINVAL",
           "IPv4 and IPv6", tc.DST_IP6)
    yield ("src_ip is IPv6, dst_ip IPv4", good(addr(tc.SRC_IP6, "2001:db8::1")), "EINVAL",
           "different families", tc.SRC_IP6)
    yield ("src_ip is IPv4, dst_ip IPv6", options(addr(tc.SRC_IP4, "192.0.2.1"), dst="2001:db8::9"),
           "EINVAL", "different families", tc.SRC_IP4)
    yield ("src_ip of both families", good(addr(tc.SRC_IP4, "192.0.2.1"),
                                           addr(tc.SRC_IP6, "2001:db8::1")), "EINVAL",
           "different families", tc.SRC_IP6)


def values():
    """Numbers out of their range."""
    most = 0xffffffff
    for number, bad in {tc.IFINDEX: (0, 0x80000000, most), tc.ID: (1024, most),
                        tc.ERSPAN_VER: (3, most), tc.ERSPAN_DIR: (3, most),
                        tc.ERSPAN_HWID: (65, most), tc.SGT: (65536, most),
                        tc.TIMESTAMP: (3, most), tc.TRUNC: (65536, most), tc.SAMPLE: (0,),
                        tc.TOS: (256, most), tc.TTL: (0, 256, most), tc.SUBHEADER: (8, most),
                        tc.VLAN_TAG: (2, most), tc.TRUNC_AFTER: (4, most), tc.FIXLEN: (2, most),
                        tc.OVERSIZE: (3, most), tc.PLAINTEXT: (2, most),
                        tc.SAMPLE_MODE: (3, most), tc.SAMPLE_BURST: (0,), tc.FLOW_INNER: (2, most),
                        tc.ENCAP: (4, most), tc.VNI: (1 << 24, most), tc.DST_PORT: (0, 65536, most),
                        tc.SPREAD: (3, most), tc.ANON_MAC: (2, most), tc.ZERO_PAYLOAD: (2, most)}.items():
        for value in bad:
            yield (f"{tc.NAMES[number]} {value}", good(u32(number, value)), "ERANGE", RANGE, number)
    for value in 1, 13:
        yield f"TRUNC {value}", good(u32(tc.TRUNC, value)), "ERANGE", "trunc.*14", tc.TRUNC
    yield "IFINDEX of no device", good(u32(tc.IFINDEX, 4711)), "ENODEV", "dev", tc.IFINDEX


def contradictions():
    """Values that are right by themselves."""
    def refuse(what, message, where, values, code="EINVAL"):
        return what, good(*(u32(number, value) for number, value in values.items())), code, message, where

    yield refuse("fixlen without trunc", "fixlen needs trunc", tc.FIXLEN, {tc.FIXLEN: 1})
    yield refuse("anonymize_mac without a key", "anonymize_mac needs anonymize", tc.ANON_MAC, {tc.ANON_MAC: 1})
    yield refuse("fixlen with trunc 0", "fixlen needs trunc", tc.FIXLEN, {tc.FIXLEN: 1, tc.TRUNC: 0})
    def limit(what, message, where, values):
        return what, good(*(attr(number, struct.pack("=Q" if number == tc.LIMIT_RATE else "=I", value))
                            for number, value in values.items())), "EINVAL", message, where

    for rate, burst in (tc.LIMIT_RATE, tc.LIMIT_BURST), (tc.LIMIT_PACKETS, tc.LIMIT_PACKET_BURST):
        name = tc.NAMES[rate]
        yield limit(f"{name} without a burst", "limit needs a burst", rate, {rate: 1})
        yield limit(f"{name} with a burst of 0", "limit needs a burst", burst, {rate: 1, burst: 0})
        yield limit(f"burst without {name}", "burst needs a limit", burst, {burst: 1})
        yield limit(f"burst with {name} 0", "burst needs a limit", burst, {rate: 0, burst: 1})
    yield limit("burst of the other kind", "limit needs a burst", tc.LIMIT_RATE,
                {tc.LIMIT_RATE: 1, tc.LIMIT_PACKET_BURST: 1})
    yield refuse("a burst of flows", "A flow has no burst", tc.SAMPLE_BURST,
                 {tc.SAMPLE: 9, tc.SAMPLE_MODE: 2, tc.SAMPLE_BURST: 2})
    for mode in 0, 1:
        yield refuse(f"a burst that is too rare, mode {mode}", "too rare", tc.SAMPLE_BURST,
                     {tc.SAMPLE: 1 << 16 | 1, tc.SAMPLE_MODE: mode, tc.SAMPLE_BURST: 1 << 16}, "ERANGE")
        yield refuse(f"flow_inner with mode {mode}", "need sample flow or spread flow", tc.FLOW_INNER,
                     {tc.SAMPLE_MODE: mode, tc.FLOW_INNER: 1})
        yield ("flow_seed without flows", good(u32(tc.SAMPLE_MODE, mode),
                                               attr(tc.FLOW_SEED, struct.pack("=Q", 1))), "EINVAL",
               "need sample flow", tc.FLOW_SEED)
    yield from several_collectors()
    for number in 2, 4, 6:
        yield refuse(f"subheader {number}", "none of 1, 3, 5 and 7", tc.SUBHEADER, {tc.SUBHEADER: number})
    for time in 1, 2:
        yield refuse(f"subheader 1 with timestamp {time}", "subheader 1 .*100us", tc.SUBHEADER,
                     {tc.SUBHEADER: 1, tc.TIMESTAMP: time})
        for sub in 5, 7:
            yield refuse(f"subheader {sub} with timestamp {time - 1}", "subheaders 5 and 7.* ns",
                         tc.SUBHEADER, {tc.SUBHEADER: sub, tc.TIMESTAMP: time - 1})
    yield refuse("timestamp ns without subheader", "timestamp ns needs a subheader", tc.SUBHEADER,
                 {tc.TIMESTAMP: 2, tc.SUBHEADER: 0})
    for sub, bits in (3, 14), (5, 16), (7, 20):
        yield refuse(f"port of {bits + 1} bits in subheader {sub}", "port is too wide", tc.PORT,
                     {tc.SUBHEADER: sub, tc.PORT: 1 << bits}, "ERANGE")
    yield refuse("port of 21 bits in type II", "port is too wide", tc.PORT,
                 {tc.ERSPAN_VER: 1, tc.PORT: 1 << 20}, "ERANGE")
    yield refuse("port without subheader", "port has a place in", tc.PORT, {tc.PORT: 0})
    yield refuse("port in type I", "port has a place in", tc.PORT, {tc.ERSPAN_VER: 0, tc.PORT: 1})
    for ver in 0, 1:
        for number, value in ((tc.ERSPAN_DIR, 1), (tc.ERSPAN_HWID, 1), (tc.ERSPAN_HWID, 64), (tc.SGT, 1),
                              (tc.TIMESTAMP, 1), (tc.TIMESTAMP, 2), (tc.SUBHEADER, 1), (tc.SUBHEADER, 5)):
            yield refuse(f"{tc.NAMES[number]} {value} in type {'I' * (ver + 1)}", "Only ERSPAN type III",
                         number, {tc.ERSPAN_VER: ver, number: value})
    for encap in 1, 2, 3:
        for number, value in ((tc.ERSPAN_VER, 0), (tc.ERSPAN_VER, 1), (tc.ID, 1), (tc.ERSPAN_DIR, 1),
                              (tc.ERSPAN_HWID, 1), (tc.ERSPAN_HWID, 64), (tc.SGT, 1), (tc.TIMESTAMP, 1),
                              (tc.TIMESTAMP, 2), (tc.SUBHEADER, 1), (tc.SUBHEADER, 5), (tc.PORT, 0),
                              (tc.VLAN_TAG, 1)):
            yield refuse(f"{tc.NAMES[number]} {value} with encap {encap}", "Only encap erspan", number,
                         {tc.ENCAP: encap, number: value})
    for encap in 0, 1:
        for number in tc.VNI, tc.DST_PORT:
            yield refuse(f"{tc.NAMES[number]} with encap {encap}", "Only encap vxlan and", number,
                         {tc.ENCAP: encap, number: 4789})
    yield refuse("a Session ID in type I", "type I has no header", tc.ID, {tc.ERSPAN_VER: 0, tc.ID: 1})
    yield refuse("a stripped tag in type I", "type I has no header", tc.VLAN_TAG,
                 {tc.ERSPAN_VER: 0, tc.VLAN_TAG: 1})


def several_collectors():
    def case(what, message, where, *more, code="EINVAL", spread=1, dst="192.0.2.9", v6=False):
        number = tc.MORE_IP6 if v6 else tc.MORE_IP4
        given = [attr(number, b"".join(map(tc.address, more)))] if more else []
        return what, options(*given, u32(tc.SPREAD, spread), dst=dst), code, message, where

    many = [f"192.0.3.{i}" for i in range(1, 65)]
    yield case("spread with one collector", "spread needs several", tc.SPREAD)
    yield case("several collectors without spread", "need spread", tc.MORE_IP4, "192.0.2.8", spread=0)
    yield case("a spread of its own", RANGE, tc.SPREAD, "192.0.2.8", spread=3, code="ERANGE")
    yield case("65 collectors", "More than 64", tc.MORE_IP4, *many, code="E2BIG")
    yield case("the first collector twice", "same collector twice", tc.MORE_IP4, "192.0.2.8", "192.0.2.9")
    yield case("another collector twice", "same collector twice", tc.MORE_IP4, "192.0.2.8", "192.0.2.8")
    yield case("IPv6 behind IPv4", "different families", tc.MORE_IP6, "2001:db8::9", v6=True)
    yield case("IPv4 behind IPv6", "different families", tc.MORE_IP4, "192.0.2.8", dst="2001:db8::9")
    yield case("a group as a collector", "not a unicast", tc.MORE_IP4, "224.0.0.1", code="EADDRNOTAVAIL")
    yield case("an IPv6 group as a collector", "not a unicast", tc.MORE_IP6, "ff02::1", code="EADDRNOTAVAIL",
               dst="2001:db8::9", v6=True)
    yield case("a link-local one without dev", "link-local.*dev", tc.MORE_IP6, "fe80::9", dst="2001:db8::9",
               v6=True)
    for length in 1, 5, 7:
        yield (f"collectors of {length} bytes", good(attr(tc.MORE_IP4, b"\1" * length), u32(tc.SPREAD, 1)),
               "EINVAL", "no array", tc.MORE_IP4)


def defaults():
    """What means nothing may be said in any type."""
    for ver in 0, 1:
        words = {tc.ERSPAN_VER: ver, tc.ID: 0, tc.ERSPAN_DIR: 0, tc.ERSPAN_HWID: 0, tc.SGT: 0,
                 tc.TIMESTAMP: 0, tc.SUBHEADER: 0, tc.VLAN_TAG: 0, tc.TRUNC: 0, tc.TRUNC_AFTER: 0,
                 tc.FIXLEN: 0, tc.OVERSIZE: 0, tc.LIMIT_BURST: 0, tc.LIMIT_PACKETS: 0,
                 tc.LIMIT_PACKET_BURST: 0, tc.PLAINTEXT: 0, tc.SAMPLE_MODE: 0, tc.SAMPLE_BURST: 1,
                 tc.FLOW_INNER: 0, tc.ENCAP: 0, tc.VNI: 0, tc.SPREAD: 0,
                 tc.ANON_MAC: 0, tc.ZERO_PAYLOAD: 0}
        yield f"type {'I' * (ver + 1)}", words
    for encap in 1, 2, 3:
        yield f"encap {encap}", words | {tc.ENCAP: encap, tc.ERSPAN_VER: 2}


def forms():
    """What is no well-formed set of attributes."""
    for number, size in tc.SIZES.items():
        base = [] if number in (tc.DST_IP4, tc.DST_IP6) else [
            attr(tc.DST_IP6, tc.address("2001:db8::9")) if number == tc.SRC_IP6 else
            attr(tc.DST_IP4, tc.address("192.0.2.9"))]
        if number != tc.PARMS:
            base.append(tc.parms())
        for wrong in 0, size - 1, size + 1:
            yield (f"{tc.NAMES[number]} of {wrong} bytes",
                   tc.nest(tc.OPTIONS, *base, attr(number, b"\1" * wrong)), "EINVAL|ERANGE", SIZES,
                   number)
    for number in tc.LAST + 1, tc.LAST + 2, 1000, 0x3fff:
        yield f"attribute {number}", good(u32(number, 0)), "EINVAL", "Unknown attribute", number
    yield "an attribute 0", good(u32(0, 0)), "EINVAL", ".", None
    yield "bytes behind the attributes", good(b"\1\0"), "EINVAL", ".", None
    for number, what in ((tc.TM, "Times"), (tc.MPAD, "Padding"), (tc.MSTATS, "Counters"),
                         (tc.COLLECTORS, "collectors got"), (tc.ANON_ID, "fingerprint")):
        yield (f"{tc.NAMES[number]}, which is output only", good(attr(number, bytes(32))), "EINVAL",
               f"{what}.*output only", number)
    yield ("no NLA_F_NESTED", attr(tc.OPTIONS, tc.parms() + addr(tc.DST_IP4, "192.0.2.9")), "EINVAL",
           "NLA_F_NESTED", "OPTIONS")
    yield ("no PARMS", tc.nest(tc.OPTIONS, addr(tc.DST_IP4, "192.0.2.9")), "EINVAL", "PARMS", None)
    yield "no options", b"", "EINVAL", "options", None
    yield "empty options", tc.nest(tc.OPTIONS), "EINVAL", "PARMS", None


def controls():
    for control in 9, 0x0fffffff, 0x30000000, 0x7fffffff:
        yield (f"control action {control:#x}", good(control=control), "EINVAL", ".", None)


def pointed_at(opts, answer):
    """The attribute of the only action of a request that the kernel pointed at."""
    offset = answer.offset - 20 - 4 - 4 - len(attr(tc.KIND, b"mirrorx\0"))
    if not 0 <= offset <= len(opts) - 4:
        return None
    number = struct.unpack_from("=H", opts, offset + 2)[0] & tc.NLA_TYPE_MASK
    return tc.NAMES.get(number, number) if offset else "OPTIONS"


def with_index(opts, index):
    """The same options for another index, if there are PARMS of the right size."""
    parms = struct.pack("=HHI", 24, tc.PARMS, 0)
    at = opts.find(parms)
    return opts if at < 0 else opts[:at + 4] + struct.pack("=I", index) + opts[at + 8:]


class Judge:
    """Tries the cases."""

    def __init__(self):
        self.netlink = tc.Netlink()
        self.table = []         # what was refused, and what the kernel said

    def old(self):
        return {index: (tc.configuration(act), tc.counters(act))
                for index, act in self.netlink.list().actions().items()}

    def ways(self, opts):
        """Each way to have an action made."""
        netlink, bad = self.netlink, tc.action(opts)
        yield "alone", netlink.add(bad)
        yield "behind two good ones", netlink.add(
            tc.action(good(), order=1), tc.action(good(index=7), order=2), tc.action(opts, order=3))
        yield "in front of a good one", netlink.add(bad, tc.action(good(), order=2))
        yield "in a filter", netlink.filter("d0", bad)
        yield "in a filter without RTNL", netlink.filter("d0", bad, kind="flower")
        yield "as replacement", netlink.replace(tc.action(with_index(opts, OLD)))
        yield "as replacement behind a good one", netlink.replace(
            tc.action(good(), order=1), tc.action(with_index(opts, OLD), order=2))

    def case(self, what, opts, code, message, where):
        where = tc.NAMES.get(where, where)
        before, held, wrong = self.old(), references(), []
        for way, answer in self.ways(opts):
            if way == "alone":
                first = answer
                at = pointed_at(opts, answer)
            if not re.fullmatch(code, answer.error):
                wrong.append(f"{way}: {answer}, expected {code}")
            if not answer.message or "\n" in answer.message or not re.search(message, answer.message):
                wrong.append(f"{way}: said {answer.message!r}, expected {message!r}")
            if self.old() != before:
                wrong.append(f"{way}: the actions are other ones than before")
                self.netlink.delete(*(by_index(i) for i in self.netlink.list().actions() if i != OLD))
            if references() != held:
                wrong.append(f"{way}: {references()} references of the module, before {held}")
                held = references()
            if self.netlink.filters("d0"):
                wrong.append(f"{way}: a filter was left")
                self.netlink.unfilter("d0")
        if where and at != where:
            wrong.append(f"pointed at {at}, not {where}")
        at = f" at {at}" if at else ""
        self.table.append(f"{what:<36} {first.error:<14} {first.message}{at}")
        ok(not wrong, f"refused, without a trace: {what}", *wrong)


def index_cases(judge):
    """What depends on which actions there are."""
    netlink = judge.netlink
    before, held = judge.old(), references()

    def refused(what, answer, code, message):
        judge.table.append(f"{what:<36} {answer.error:<14} {answer.message}")
        ok(answer.error == code and re.search(message, answer.message),
           f"refused, without a trace: {what}", answer)
        ok(judge.old() == before and references() == held and not netlink.filters("d0"),
           f"nothing changed by: {what}", judge.old(), references())

    refused("add of an index that exists", netlink.add(tc.action(good(index=OLD))), "EEXIST", "index")
    refused("add of an index that exists, bare", netlink.add(tc.action(options(index=OLD))), "EEXIST",
            "index")
    refused("replace without dst_ip", netlink.replace(tc.action(options(index=OLD))), "EINVAL",
            "dst_ip")
    refused("get of nothing", netlink.get(by_index(5)), "ENOENT", "index")
    refused("delete of nothing", netlink.delete(by_index(5)), "ENOENT", "index")
    refused("delete of one and of nothing", netlink.delete(by_index(OLD), by_index(5, order=2)),
            "ENOENT", "index")
    refused("add of nothing but an index", netlink.add(tc.action(options(index=5))), "EINVAL", "dst_ip")
    for kind in "matchall", "flower":
        refused(f"index of nothing in a {kind} filter",
                netlink.filter("d0", tc.action(options(index=5)), kind=kind), "EINVAL", "dst_ip")
    goto = tc.GOTO_CHAIN | 5
    refused("goto chain without a filter", netlink.add(tc.action(good(control=goto))), "EINVAL", "chain")
    refused("replace by goto chain without a filter",
            netlink.replace(tc.action(good(index=OLD, control=goto))), "EINVAL", "chain")


def main():
    subprocess.run("""set -e; modprobe act_mirrorx
        ip link add d0 up type dummy
        ip link add d1 up address 02:00:00:00:00:01 type dummy
        ip address add 192.0.2.1/24 dev d1
        ip address add 2001:db8::1/64 dev d1 nodad
        tc qdisc add dev d0 clsact""", shell=True, executable="/bin/bash", check=True)
    judge = Judge()
    everything = [addr(tc.SRC_IP4, "192.0.2.1")] + [u32(n, v) for n, v in {
        tc.IFINDEX: int(Path("/sys/class/net/d1/ifindex").read_text()), tc.ID: 1023,
        tc.ERSPAN_VER: 2, tc.ERSPAN_DIR: 2, tc.ERSPAN_HWID: 63, tc.SGT: 65535, tc.TIMESTAMP: 2,
        tc.TRUNC: 65535, tc.SAMPLE: 0xffffffff, tc.TOS: 255, tc.TTL: 255, tc.MARK: 0xffffffff,
        tc.PRIORITY: 0xffffffff, tc.SUBHEADER: 7, tc.PORT: 0xfffff, tc.VLAN_TAG: 1,
        tc.TRUNC_AFTER: 3, tc.FIXLEN: 1, tc.OVERSIZE: 2, tc.SAMPLE_MODE: 2,
        tc.FLOW_INNER: 1}.items()] + [attr(tc.FLOW_SEED, b"\xff" * 8)]
    answer = judge.netlink.add(tc.action(good(*everything, index=OLD), attr(tc.COOKIE, b"old one")))
    ok(not answer.error, "the largest value of everything is accepted", answer)
    for cases in addresses, values, contradictions, forms, controls:
        for case in cases():
            judge.case(*case)
    index_cases(judge)
    for what, words in defaults():
        opts = good(*(u32(number, value) for number, value in words.items()), index=5)
        answer = judge.netlink.add(tc.action(opts))
        ok(not answer.error, f"{what} with what it has no field for at its default",
           answer)
        judge.netlink.delete(by_index(5))
    for encap in 2, 3:
        answer = judge.netlink.add(tc.action(good(u32(tc.ENCAP, encap), u32(tc.VNI, (1 << 24) - 1),
                                                  u32(tc.DST_PORT, 65535), index=5)))
        ok(not answer.error, f"encap {encap} with the largest values", answer)
        judge.netlink.delete(by_index(5))
    answer = judge.netlink.delete(by_index(OLD))
    ok(not answer.error and references() == 0, "nothing holds the module in the end", answer,
       references())
    print("# What was refused, and what the kernel said:")
    for line in judge.table:
        print(f"# {line}")
    finish()


main()
