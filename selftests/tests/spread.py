#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of spread.sh: who got what.

Bounds of shares are such that fair ones are out of them once in a million runs or so.
"""
import math
import sys
from collections import Counter, defaultdict

import erspan
import flowmodel
from tap import finish, ok

SIGMAS, SLOTS, SLACK = 5, 4096, 0.05


def target(copy):
    return (copy.fields["ip.dst"] or copy.fields["ipv6.dst"])[0] if copy.fields["ip.version"][:1] == ["4"] \
        else copy.fields["ipv6.dst"][0]


def payload(frame):
    """(phase, number) of a frame that spread_traffic.py wrote"""
    at = frame.rfind(b"mark")
    return (int.from_bytes(frame[at + 4:at + 6], "big"), int.from_bytes(frame[at + 6:at + 8], "big")) \
        if at > 0 and len(frame) >= at + 8 else None


def by_phase(session):
    """{phase: {number of a flow: {collectors}}}, and how many copies"""
    phases, count = defaultdict(lambda: defaultdict(set)), Counter()
    for copy in session.copies:
        found = payload(copy.frame)
        if found:
            phases[found[0]][found[1]].add(target(copy))
            count[found[0]] += 1
    return phases, count


def together(name, flows, count, expected):
    """Both directions of each flow at one collector; gives {flow: collector}"""
    apart = {n: hosts for n, hosts in flows.items() if len(hosts) != 1}
    ok(not apart and len(flows) == expected and count == 2 * expected,
       f"{name}: both directions of {expected} flows, each at one collector", len(flows), count,
       list(apart.items())[:5])
    return {n: min(hosts) for n, hosts in flows.items()}


def fair(name, where, hosts):
    shares = Counter(where.values())
    n, p = len(where), 1 / len(hosts)
    sigma = math.sqrt(n * p * (1 - p) * (1 + n / SLOTS))    # of flows among slots, and slots among hosts
    wrong = {h: shares[h] for h in hosts if abs(shares[h] - n * p) > SIGMAS * sigma}
    ok(not wrong and set(shares) <= set(hosts), f"{name}: fair shares, {n * p:.0f} +- {sigma:.0f}", wrong, shares)


def moved(name, before, after, allowed, only=None):
    """Who is elsewhere now; ONLY: those that may"""
    gone = {n for n in before if before[n] != after.get(n)}
    ok(len(gone) <= allowed * len(before) and (only is None or gone == only or gone <= only),
       f"{name}: {len(gone)} of {len(before)} flows move", allowed, only and len(gone - only))
    return gone


def sequences(session, name, anew=()):
    """Of each collector: 0, 1, 2..., whatever happened to the list; ANEW: that left it for a while"""
    numbers = defaultdict(list)
    for copy in session.copies:
        numbers[target(copy)].append(copy.number("gre.sequence_number"))
    wrong = {h: found[:5] for h, found in numbers.items()
             if h not in anew and sorted(found) != list(range(len(found)))}
    ok(not wrong, f"{name}: sequences of {len(numbers)} collectors are whole", wrong)
    for host in anew:
        found = numbers[host]
        start = found.index(0, 1) if found.count(0) == 2 else 0
        ok(start and found == [*range(start), *range(len(found) - start)],
           f"{name}: that of one that was away begins again", found[:5], start)


def counters(session, copies_for_all=False, unsegmented=0):
    """UNSEGMENTED: frames in packets whose sender left it to the kernel to count them; 7.x does"""
    stats, packets = session.stats, session.packets
    if packets < unsegmented:
        packets += unsegmented
    said = stats["sent"] + sum(stats[r] for r in erspan.rawtc.REASONS)
    ok(said == packets + stats["split"], f"{session.name[:60]}: counters add up", packets, stats)
    ok(bool(stats["split"]) == copies_for_all, f"{session.name[:60]}: split only where all get copies", stats)
    ok(len(session.copies) == stats["sent"], f"{session.name[:60]}: all that were sent came",
       len(session.copies), stats["sent"])


def in_place(case):
    session, (phases, count) = case.sessions[0], by_phase(case.sessions[0])
    flows = [together(f"in place, {p}", phases[p], count[p], 1000) for p in range(6)]
    hosts = case.hosts
    fair("four collectors", flows[0], hosts)
    moved("the order does not matter", flows[0], flows[1], 0)
    third = {n for n in flows[0] if flows[0][n] == hosts[2]}
    moved("one collector less moves only its share", flows[0], flows[2], 1 / 4 + SLACK, third)
    fair("three collectors", flows[2], [h for h in hosts if h != hosts[2]])
    moved("and back", flows[0], flows[3], 0)
    new = {n for n in flows[4] if flows[4][n] == "192.0.2.13"}
    moved("one collector more moves only its share", flows[0], flows[4], 1 / 5 + SLACK, new)
    fair("five collectors", flows[4], [*hosts, "192.0.2.13"])
    gone = moved("another seed is another order", flows[0], flows[5], 1)
    ok(len(gone) > 500, "another seed: most flows are elsewhere", len(gone))
    sequences(session, "in place", hosts[2:3])


def out_of_reach(case):
    phases, count = by_phase(case.sessions[0])
    lost, flows = case.lost, [together(f"out of reach, {p}", phases[p], count[p], 1000) for p in range(5)]
    its = {n for n in flows[0] if flows[0][n] == lost}
    for p, why in (1, "no_route"), (3, "no_neigh"):
        gone = moved(f"{why}: its flows go to others, all others stay", flows[0], flows[p], 1 / 4 + SLACK, its)
        ok(gone == its, f"{why}: all of its flows", len(gone), len(its))
        fair(f"{why}: the others share", {n: flows[p][n] for n in its}, [h for h in case.hosts if h != lost])
        told = getattr(case, why)
        ok(told[lost]["away"] == why and told[lost]["moved"] >= 2 * len(its) and
           not any(told[h]["away"] or told[h]["moved"] for h in case.hosts if h != lost),
           f"{why}: tc says which one is away, and how much moved", told)
    for p, what in (2, "back"), (4, "answers"):
        ok(getattr(case, what), f"{what}: it is found to be there again")
        moved(f"{what}: its flows are there again", flows[0], flows[p], 0)
    ok(case.silent, "a collector that does not answer is noticed")
    counted = Counter(map(target, case.sessions[0].copies))
    ok(all(counted[h] >= case.end[h]["copies"] > 0 for h in case.hosts), "copies are counted for each", counted,
       case.end)
    sequences(case.sessions[0], "out of reach")


def all_away(case):
    phases, count = by_phase(case.sessions[0])
    ok(not count[0], "all out of reach: no copies", count)
    ok(case.sessions[0].stats["no_route"] >= 400, "all out of reach: that is counted", case.sessions[0].stats)
    together("all back", phases[1], count[1], 200)


def segments_out_of_reach(case):
    before, after, lost = case.before, case.after, case.lost
    its = before[lost]["copies"]
    ok(sum(c["copies"] for c in before.values()) >= 1000 and 0 < its < 500 and its % 10 in (0, 1) and
       not any(c["moved"] for c in before.values()), f"{case.name}: each has copies, none has moved", before)
    ok(its - 1 <= after[lost]["moved"] <= its + 1 and after[lost]["copies"] == its and
       sum(c["copies"] for c in after.values()) in range(2000, 2003) and
       not any(c["moved"] for h, c in after.items() if h != lost),
       f"{case.name}: each frame of its packets has moved", before, after)


def for_all(case, frames):
    session = case.sessions[0]
    counters(session, True)
    size = session.trunc or 1 << 16
    got = {h: [c.frame for c in session.copies if target(c) == h] for h in case.hosts}
    first = got[case.hosts[0]]
    ok(first and all(found == first for found in got.values()), f"{case.name}: all got the same",
       *map(len, got.values()))
    window = [session.stripped(f)[:size] for f in frames]
    rate = int(session.options.get("sample", 1))
    inside = [f for f in first if f in set(window)]
    ok(inside == window if rate == 1 else len(inside) in range(len(window) // rate, len(window) // rate + 2),
       f"{case.name}: the frames of the wire", len(inside), len(window))
    sequences(session, case.name)


results = erspan.Results(sys.argv[1])
for case in results.cases:
    if not ok(None not in case.marks, f"{case.name}: both marks", case.marks):
        continue
    session = case.sessions[0]
    frames = [frame for _, frame in results.captures[case.capture][case.marks[0]:case.marks[1] + 1]]
    special = {"in place": in_place, "out of reach": out_of_reach, "all out of reach": all_away,
               "segments, one out of reach": segments_out_of_reach}
    if case.name in special:
        special[case.name](case)
        counters(session, unsegmented=2000 if case.name.startswith("segments") else 0)
    elif "for all" in case.name:
        for_all(case, frames)
    elif case.name == "segments by flow":
        counters(session)
        where = defaultdict(set)
        for copy in session.copies:
            key, *_ = flowmodel.find(copy.frame, False)
            where[key].add(target(copy))
        ok(len(where) > 12 and all(len(hosts) == 1 for hosts in where.values()) and
           len(set.union(*where.values())) > 1, f"{case.name}: each connection at one collector", where)
    else:
        counters(session)
        phases, count = by_phase(session)
        fair(case.name, together(case.name, phases[0], count[0], 1000), case.hosts)
        sequences(session, case.name)
finish()
