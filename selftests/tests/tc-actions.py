#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for tc.sh: actions from tc's point of view, short of packets."""
import json
import os
import re
import select
import subprocess

import rawtc
from guest import actions_in, batch, must, run, settings, tc_actions, wait_for
from tap import finish, ok

V4, V6 = "dst_ip 192.0.2.9", "dst_ip 2001:db8:9::9"
LIST = "actions list action mirrorx"
CONTROLS = "reclassify pipe drop continue pass trap".split()


def tc(command, **args):
    return run(f"tc {command}", **args)


def works(description, command):
    done = tc(command)
    return ok(not done.returncode and not done.stderr, description, command, done.stderr)


def only(index):
    return [act for act in tc_actions() if act["index"] == index]


def empty():
    must("tc actions flush action mirrorx")
    return not tc_actions()


def life():
    works("add", f"actions add action mirrorx {V4}")
    works("add a second one", f"actions add action mirrorx {V4} id 2")
    acts = tc_actions()
    ok([(a["id"], a["ref"], a["bind"]) for a in acts] == [(0, 1, 0), (2, 1, 0)]
       and len({a["index"] for a in acts}) == 2, "each has an index of its own, one reference", acts)
    works("add with an index", f"actions add action mirrorx {V4} id 3 index 77")
    shown = tc_actions("actions get action mirrorx index 77")
    ok([a["id"] for a in shown] == [3], "get shows it", shown)
    works("replace", f"actions replace action mirrorx {V6} id 4 index 77")
    acts = only(77)
    ok([(a["id"], a["dst_ip"], a["ref"]) for a in acts] == [(4, "2001:db8:9::9", 1)],
       "replace changes it, family too, and takes no reference", acts)
    works("change", f"actions change action mirrorx {V4} trunc 100 index 77")
    acts = only(77)
    ok([(a["id"], a["trunc"]) for a in acts] == [(0, 100)],
       "change changes it; what is left out is the default", acts)
    works("replace of one that does not exist", f"actions replace action mirrorx {V4} index 78")
    ok(only(78), "it exists then")
    works("delete", "actions delete action mirrorx index 77")
    ok(not only(77) and only(78), "that one is gone, others are not")
    works("delete two at once",
          f"actions delete action mirrorx index 78 action mirrorx index {acts_index(2)}")
    ok([a["id"] for a in tc_actions()] == [0], "both are gone")
    works("flush", "actions flush action mirrorx")
    ok(tc_actions() == [], "flush leaves none")
    works("flush of nothing", "actions flush action mirrorx")
    works("index maximum", f"actions add action mirrorx {V4} index 4294967295")
    ok(only(4294967295), "it is there")
    ok(empty(), "and gone")


def acts_index(session):
    return next(a["index"] for a in tc_actions() if a["id"] == session)


def common():
    """What tc does for all actions."""
    works("cookie", f"actions add action mirrorx {V4} index 5 cookie 00c0ffee")
    ok(only(5)[0].get("cookie") == "00c0ffee", "the cookie comes back", only(5))
    works("another cookie", f"actions replace action mirrorx {V4} index 5 cookie abcd")
    ok(only(5)[0].get("cookie") == "abcd", "it comes back", only(5))
    works("no_percpu", f"actions add action mirrorx {V4} index 6 no_percpu")
    ok("no_percpu" in must(f"tc {LIST}") and only(6)[0].get("no_percpu"), "no_percpu comes back", only(6))
    for what in "immediate", "delayed", "disabled":
        works(f"hw_stats {what}", f"actions replace action mirrorx {V4} index 7 hw_stats {what}")
        ok(only(7)[0].get("hw_stats") == [what], f"hw_stats {what} comes back", only(7))
    ok(empty(), "all are gone")


def printed(flags):
    """{index: what tc prints about an action, as it can be typed in}"""
    text = must(f"tc {flags} {LIST}")
    return {int(re.search(r"index (\d+)", words)[1]): " ".join(words.split()) for words in
            re.findall(r"action order \d+: +(mirrorx .*?) ref \d+ bind \d+", text, re.S)}


def retype(flags):
    """Type in what tc prints: {index: whether JSON and text are as before}, and why not."""
    before, text = {a["index"]: settings(a) for a in tc_actions()}, printed(flags)
    must("tc actions flush action mirrorx")
    done = run("tc -force -batch -", text="".join(f"actions add action {t}\n" for t in text.values()))
    after, again = {a["index"]: settings(a) for a in tc_actions()}, printed(flags)
    return {n: (before[n] == after.get(n) and text.get(n) == again.get(n), text.get(n), done.stderr,
                before[n], after.get(n)) for n in before}


# In words, and as JSON says them: bytes per second, bytes, packets per second, packets
SAMPLES = {
    "sample 10 random": (10, "random", 1, 0, False),
    "sample 10 burst 3": (10, "random", 3, 0, False),
    "sample 65536 random burst 65536": (65536, "random", 65536, 0, False),
    "sample 3 every": (3, "every", 1, 0, False),
    "sample 4294967295 every burst 1": (4294967295, "every", 1, 0, False),
    "sample 3 every burst 1000": (3, "every", 1000, 0, False),
    "sample 100 flow": (100, "flow", 1, 0, False),
    "sample 1 flow flow_seed 18446744073709551615": (1, "flow", 1, 2 ** 64 - 1, False),
    "sample 7 flow flow_seed 0x10 flow_inner": (7, "flow", 1, 16, True),
}
LIMITS = {
    "limit 100mbit burst 64k": (12500000, 65536, 0, 0),
    "limit 8bit burst 1b": (1, 1, 0, 0),
    "limit 12345 burst 9999": (1543, 9999, 0, 0),
    "limit 1.5Gbit burst 4294967295": (187500000, 4294967295, 0, 0),
    "limit 10KBps burst 2m": (10000, 2 << 20, 0, 0),
    "limit 1MiBps burst 1gb": (1 << 20, 1 << 30, 0, 0),
    "limit 2147483648GBps burst 64k": (2147483648 * 10**9, 65536, 0, 0),
    "limit 5000pps burst 100": (0, 0, 5000, 100),
    "limit 4294967295pps burst 4294967295": (0, 0, 4294967295, 4294967295),
    "limit 10mbit burst 10k limit 2kpps burst 7": (1250000, 10240, 2000, 7),
    "limit 1mpps burst 1 limit 1tbit burst 100k": (125000000000, 102400, 1000000, 1),
}


def option_sets():
    """Words of actions; SRC is an address of the right family."""
    for word, values in {
            "src_ip": ["SRC"], "dev": ["d1"], "encap": ["erspan", "gretap", "vxlan", "geneve"],
            "id": [1, 1023], "erspan_ver": [0, 1, 2],
            "erspan_dir": ["auto", "ingress", "egress"], "erspan_hwid": [1, 63, "cpu"],
            "sgt": [1, 65535], "timestamp": ["100us", "100ns", "ns"],
            "subheader": ["none", 1, 3, 5, 7], "vlan_tag": ["keep", "strip"],
            "trunc": [14, 65535, "l2", "l3", "l4", "l2+1", "l4+65535"],
            "oversize": ["cut", "fragment", "split"],
            "sample": [1, 2, 4294967295], "tos": ["0x1", 255], "ttl": [1, 255],
            "mark": [1, "0xffffffff"], "priority": [1, 4294967295]}.items():
        for value in values:
            yield f"{word} {value}"
    yield from (
        "timestamp 100ns subheader 3", "timestamp ns subheader 3", "timestamp ns subheader 7 port 0",
        "subheader 1 port 4294967295", "subheader 5 port 65535", "subheader 7 port 1048575",
        "erspan_ver 1 port 1048575 vlan_tag strip id 1023", "trunc 128 fixlen", "trunc l4+1 fixlen",
        "erspan_ver 1 trunc l3+8 fixlen port 1 oversize split", "erspan_ver 0 trunc 64 fixlen",
        "timestamp 100us subheader 3", "plaintext", "zero_payload", "encap vxlan vni 16777215",
        "encap vxlan vni 1 dst_port 6081", "encap vxlan dst_port 4789", "encap geneve dst_port 6081",
        "encap geneve vni 0 dst_port 65535 trunc 64 fixlen oversize fragment", "encap geneve dst_port 4789",
        *LIMITS, *SAMPLES)
    yield from CONTROLS
    yield "jump 2"
    yield ("src_ip SRC dev d1 id 1023 erspan_ver 2 erspan_dir egress erspan_hwid 63 sgt 65535"
           " timestamp ns trunc 65535 sample 4294967295 tos 0xfe ttl 255 mark 0xfffffffe priority 7"
           " drop")


def round_trip():
    sets = list(enumerate(option_sets(), 1))
    for to, src in (V4, "192.0.2.1"), (V6, "2001:db8:9::1"):
        given = {n: words.replace("SRC", src) for n, words in sets}
        batch("tc", "\n".join(f"actions add action mirrorx {to} {given[n]} index {n}" for n in given))
        acts, same, detailed = {a["index"]: a for a in tc_actions()}, retype(""), retype("-d")
        for n, words in given.items():
            ok(says(acts[n], words), f"{to} {words}: JSON says so", acts[n])
            ok(same[n][0], f"{to} {words}: what tc prints can be typed in", *same[n])
            ok(detailed[n][0], f"{to} {words}: what tc -d prints can be typed in", *detailed[n])
        ok(empty(), "all are gone")


def several():
    """Collectors"""
    lists = {n: f"{','.join(addresses)} spread {spread}{more}" for n, (addresses, spread, more) in enumerate((
        (("192.0.2.9", "192.0.2.8"), "flow", ""), (("192.0.2.9", "198.51.100.7", "192.0.2.8"), "copy", ""),
        ([f"192.0.2.{i}" for i in range(3, 67)], "flow", " flow_seed 0x7 flow_inner"),
        (("2001:db8::9", "2001:db8::8"), "copy", " id 7"),
        ([f"2001:db8:1:2:3:4:5:{i:x}" for i in range(0x1000, 0x1040)], "flow", "")), 1)}
    batch("tc", "\n".join(f"actions add action mirrorx dst_ip {words} index {n}" for n, words in lists.items()))
    acts, same, detailed = {a["index"]: a for a in tc_actions()}, retype(""), retype("-d")
    for n, words in lists.items():
        addresses, _, spread, *_ = words.split()
        ok((acts[n]["dst_ip"], acts[n]["spread"]) == (addresses, spread), f"dst_ip {words[:60]}: JSON says so", acts[n])
        ok(same[n][0], f"dst_ip {words[:60]}: what tc prints can be typed in", *same[n])
        ok(detailed[n][0], f"dst_ip {words[:60]}: what tc -d prints can be typed in", *detailed[n])
    ok(empty(), "all are gone")


def says(act, words):
    """Whether the JSON has what was given."""
    if words == "jump 2":
        return act["control_action"] == {"type": "jump", "jump": 2}
    if words in LIMITS:
        return tuple(act[key] for key in ("limit", "burst", "limit_packets", "burst_packets")) == LIMITS[words]
    if words in SAMPLES:
        return tuple(act[key] for key in ("sample", "sample_mode", "sample_burst", "flow_seed",
                                          "flow_inner")) == SAMPLES[words]
    words = iter(words.split())
    return all(act["control_action"] == {"type": key} if key in CONTROLS else
               act[key] if key in ("fixlen", "plaintext", "zero_payload") else
               sliced(act, next(words)) if key == "trunc" else same(act[key], next(words))
               for key in words)


def sliced(act, value):
    after, _, size = value.rpartition("+") if "+" in value else ("", "", value)
    if size.startswith("l"):
        after, size = size, "0"
    return act["trunc"] == int(size) and act["trunc_after"] == (after or None)


def same(shown, value):
    return shown == (int(value, 0) if isinstance(shown, int) else value)


def filters():
    must(f"tc actions add action mirrorx {V4} id 9 index 50")
    kinds = {"matchall": "matchall", "flower": "protocol ip flower ip_proto udp",
             "u32": "u32 match u32 0 0", "basic": "basic",
             "bpf": "bpf bytecode '1,6 0 0 4294967295'", "fw": "handle 1 fw"}
    for prio, (kind, words) in enumerate(kinds.items(), 1):
        for hook in "ingress", "egress":
            works(f"{kind} at {hook} with an action of its own",
                  f"filter add dev d0 {hook} prio {prio} {words} action mirrorx {V4} id {prio}")
            works(f"{kind} at {hook} with an action that exists",
                  f"filter add dev d0 {hook} prio {prio + 100} {words} action mirrorx index 50")
    shown = must("tc filter show dev d0 ingress")       # tc's JSON of some filters is broken
    ids = re.findall(r"mirrorx dst_ip 192.0.2.9 id (\d+) ", shown)
    ok(set(map(int, ids)) == {1, 2, 3, 4, 5, 6, 9}, "all of them are shown", shown)
    ok(only(50)[0]["ref"] == 13 and only(50)[0]["bind"] == 12,
       "the one that existed has a reference for each, and its own", only(50))
    done = tc("actions delete action mirrorx index 50")
    ok(done.returncode, "a bound action cannot be deleted", done.stderr)
    done = tc("actions flush action mirrorx")
    ok(done.returncode and len(tc_actions()) == 13, "nor flushed, nor can those that belong to filters", len(tc_actions()))
    must("tc filter delete dev d0 ingress")
    ok(only(50)[0]["bind"] == 6, "filters that go give back what they had", only(50))
    must("tc filter delete dev d0 egress")
    ok([(a["index"], a["ref"], a["bind"]) for a in tc_actions()] == [(50, 1, 0)],
       "and take their own with them", tc_actions())
    many()
    rows()
    block()


def many():
    batch("tc", "\n".join(f"filter add dev d0 ingress prio {n} protocol {0x9000 + n} matchall"
                          " action mirrorx index 50" for n in range(1, 201)))
    ok((only(50)[0]["ref"], only(50)[0]["bind"]) == (201, 200), "200 filters on one action", only(50))
    must("tc qdisc delete dev d0 clsact")
    ok(wait_for(5, lambda: (only(50)[0]["ref"], only(50)[0]["bind"]) == (1, 0)), "gone with their qdisc",
       only(50))
    must("tc qdisc add dev d0 clsact")
    ok(empty(), "then it can be flushed")


def rows():
    """Several actions in one filter."""
    works("several actions, several mirrorx",
          f"filter add dev d0 ingress prio 1 matchall action skbedit mark 1 action mirrorx {V4} id 1"
          f" action mirrorx {V6} id 2 continue action vlan pop action mirrorx {V4} id 3 drop")
    shown = json.loads(must("tc -j -s filter show dev d0 ingress"))
    kinds = [a["kind"] for f in shown for a in f.get("options", {}).get("actions", [])]
    ok(kinds == ["skbedit", "mirrorx", "mirrorx", "vlan", "mirrorx"]
       and [a["id"] for a in actions_in(shown)] == [1, 2, 3], "in their order", kinds)
    works("goto chain in a filter",
          f"filter add dev d0 ingress prio 2 flower action mirrorx {V4} goto chain 7")
    shown = actions_in(json.loads(must("tc -j filter show dev d0 ingress prio 2")))
    ok(shown[0]["control_action"] == {"type": "goto", "chain": 7}, "it is shown", shown)
    works("and replaced by another chain",
          f"filter replace dev d0 ingress prio 2 handle 1 flower action mirrorx {V4} goto chain 8")
    must("tc filter delete dev d0 ingress")
    ok(tc_actions() == [], "all went with their filters")


def block():
    batch("ip", "link add b0 up type dummy\nlink add b1 up type dummy")
    for dev in "b0", "b1":
        must(f"tc qdisc add dev {dev} ingress_block 5 egress_block 6 clsact")
    works("a shared block", f"filter add block 5 matchall action mirrorx {V4} id 1")
    works("its egress", f"filter add block 6 matchall action mirrorx {V4} id 2")
    shown = tc_actions("filter show block 5")
    ok([(a["id"], a["ref"], a["bind"]) for a in shown] == [(1, 1, 1)], "one action for both devices", shown)
    batch("ip", "link delete b0\nlink delete b1")
    ok(tc_actions() == [], "gone with the devices")


def big():
    """Messages that get as large as they can."""
    netlink = rawtc.Netlink()
    words = (f"action mirrorx {V6} src_ip 2001:db8:9::1 dev d1 cookie {16 * 'ab'}"
             " hw_stats disabled no_percpu ")
    works("32 actions in one command", "actions add " + 32 * words)
    ok(len(tc_actions()) == 32, "all are there", len(tc_actions()))
    ok(empty(), "and gone")

    dst = [rawtc.attr(rawtc.SRC_IP6, rawtc.address("2001:db8:9::1")),
           rawtc.attr(rawtc.IFINDEX, rawtc.socket.if_nametoindex("d1"))]
    acts = [rawtc.action(rawtc.options(*dst, dst="2001:db8:9::9", index=n),
                         rawtc.attr(rawtc.COOKIE, 16 * b"c"), order=n) for n in range(1, 33)]
    answer = netlink.add(*acts, flags=rawtc.NLM_F_CREATE | rawtc.NLM_F_EXCL | rawtc.NLM_F_ECHO)
    ok(not answer.error and len(answer.actions()) == 32, "the echo of 32 actions has all of them", answer,
       len(answer.actions()))
    size = max(len(rawtc.nest(rawtc.OPTIONS, *(rawtc.attr(k, v) for k, v in act.items() if k != "seen")))
               for act in answer.actions().values())
    print(f"# the options of an action take {size} bytes")
    got = netlink.get(*(rawtc.by_index(n, order=n) for n in range(1, 33)))
    if got.error and not netlink.has_room():
        ok(True, "get of 32 actions # SKIP this kernel has no room for any")
    else:
        ok(not got.error and len(got.actions()) == 32, "get of 32 actions", got, len(got.actions()))
    gone = netlink.delete(*(rawtc.by_index(n, order=n) for n in range(1, 33)))
    ok(not gone.error and tc_actions() == [], "delete of 32 actions", gone)

    for kind in "matchall", "flower":
        works(f"a {kind} filter with 32 actions", f"filter add dev d0 ingress {kind} " + 32 * words)
        shown = run("tc -j -s filter show dev d0 ingress")
        there = b"".join(netlink.filters("d0")).count(b"mirrorx\0")
        if there == 32 and not any("options" in entry for entry in json.loads(shown.stdout)):
            ok(True, f"a {kind} filter with 32 actions is shown # SKIP this tc has no room for any of that")
            must("tc filter delete dev d0 ingress")
            continue
        ok(not shown.returncode and shown.stdout.count('"kind":"mirrorx"') == 32
           and len(actions_in(json.loads(shown.stdout))) == 32,
           f"a {kind} filter with 32 actions is shown", shown.stderr, shown.stdout[-300:])
        must("tc filter delete dev d0 ingress")


def batches():
    file = "/tmp/batch"
    with open(file, "w") as out:
        out.writelines(f"actions add action mirrorx {V4} id {n} index {n}\n" for n in range(1, 501))
    works("tc -b adds 500 actions", f"-b {file}")
    acts = tc_actions()
    ok(sorted(a["index"] for a in acts) == list(range(1, 501)) and all(a["id"] == a["index"] for a in acts),
       "all are there, each once", len(acts))
    with open(file, "w") as out:
        out.writelines("actions delete" + "".join(f" action mirrorx index {n}" for n in range(i, i + 20))
                       + "\n" for i in range(1, 501, 20))
    works("tc -b deletes 500 actions, 20 at a time", f"-b {file}")
    ok(tc_actions() == [] and rawtc.references() == 0, "none is left, nor a reference of the module")


def monitor():
    ours, theirs = os.openpty()         # else tc keeps what it prints in a buffer
    watcher = subprocess.Popen(["tc", "monitor"], stdout=theirs)
    said = []

    def seen(words):
        while select.select([ours], [], [], 0)[0]:
            said.append(os.read(ours, 4096).decode())
        return words in " ".join("".join(said).split())

    def shows(words, description):
        ok(wait_for(5, lambda: seen(words)), f"tc monitor shows {description}", "".join(said))

    try:
        wait_for(5, lambda: listens(watcher.pid))
        must(f"tc actions add action mirrorx {V4} id 5 index 3")
        shows("mirrorx dst_ip 192.0.2.9 id 5 pipe index 3", "an added action")
        must(f"tc actions replace action mirrorx {V4} id 6 index 3")
        shows("mirrorx dst_ip 192.0.2.9 id 6 pipe index 3", "a replaced one")
        must("tc actions delete action mirrorx index 3")
        shows("Deleted action", "a deleted one")
        must(f"tc filter add dev d0 ingress flower action mirrorx {V4} id 7")
        shows("mirrorx dst_ip 192.0.2.9 id 7 pipe", "the one of a filter")
        must("tc filter delete dev d0 ingress")
    finally:
        watcher.kill()
        watcher.wait()


def listens(pid):
    """Whether this process has a netlink socket with groups."""
    rows = [line.split() for line in open("/proc/net/netlink").readlines()[1:]]
    return any(row[2] == str(pid) and int(row[3], 16) for row in rows)


def outputs():
    must(f"tc actions add action mirrorx {V4} trunc 100 index 4")
    must("tc filter add dev d0 ingress matchall action mirrorx index 4")
    for show in LIST, "actions get action mirrorx index 4", "filter show dev d0 ingress":
        plain = must(f"tc {show}")
        ok("mirrorx dst_ip 192.0.2.9 trunc 100 pipe" in plain and "copies" not in plain,
           f"{show}: the words, no counters", plain)
        stats = must(f"tc -s {show}")
        ok(re.search(r"copies: sent 0 .*\n.*no copy: .* xmit 0", stats), f"-s {show}: counters", stats)
        details = must(f"tc -d {show}")
        ok(all(f" {word} " in details for word in ("id 0", "erspan_ver 2", "erspan_dir auto", "ttl 64")),
           f"-d {show}: defaults too", details)
        line = must(f"tc -o -s {show}")
        ok(any("mirrorx" in one and "copies:" in one and "xmit 0" in one for one in line.splitlines()),
           f"-o {show}: an action is a line", line)
        both = [json.loads(must(f"tc {flags} {show}")) for flags in ("-j", "-j -p", "-j -s", "-j -o", "-j -d")]
        ok(all(len(actions_in(tree)) == 1 and settings(actions_in(tree)[0])["trunc"] == 100 for tree in both),
           f"-j {show}: valid, with and without -p -s -o -d", both)
        act = actions_in(both[2])[0]
        ok(set(act["mirrorx_stats"]) == set(rawtc.COUNTERS), f"-j -s {show}: every counter", act)
        others = LIST.replace("mirrorx", "gact") if show == LIST else "qdisc show"
        if run(f"tc -br {others}").returncode:
            ok(True, f"-br {show} # SKIP this tc or this kernel knows nothing terse of anybody's")
            continue
        brief = run(f"tc -br {show}")
        ok(not brief.returncode and not brief.stderr and ("index 4" in brief.stdout or "filter" in show),
           f"-br {show}", brief.stdout, brief.stderr)
    must("tc filter delete dev d0 ingress")
    ok(empty(), "all are gone")
    done = tc("actions add action mirrorx help")
    ok(done.returncode and "Usage: ... mirrorx [ for COLLECTOR ] dst_ip ADDR" in done.stderr, "help", done.stderr)


def main():
    must("modprobe act_mirrorx")
    batch("ip", """link add d0 up type dummy
        link add d1 up type dummy
        address add 192.0.2.1/24 dev d1
        address add 2001:db8:9::1/64 dev d1 nodad""")
    must("tc qdisc add dev d0 clsact")
    for part in life, common, filters, big, batches, monitor, outputs, round_trip, several:
        part()
    ok(rawtc.references() == 0, "nothing holds the module in the end", rawtc.references())
    finish()


main()
