#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of flows.sh: exactly those frames are copied that the manual says.

Bounds of statistics are such that a right sampler fails once in a million runs or so.
"""
import math
import sys

import erspan
import flowmodel
from tap import finish, ok

SIGMAS = 5
LEAST = {"flows": 2000, "fragments": 100, "tunnels": 400}


def window(case):
    """The frames from mark to mark"""
    begin, end = case.marks
    return [frame for _, frame in case.captured[begin:end + 1]]


def in_window(session, frames):
    """Its copies, less those of the kernel's own frames before and after"""
    size = session.trunc or 1 << 16
    known = {frame[:size] for frame in frames}
    return [copy.frame for copy in session.copies if copy.frame in known]


def judge_counters(session):
    stats = session.stats
    ok(stats["sent"] + stats["unsampled"] == session.packets, f"{session.name}: all are counted",
       session.packets, stats)
    ok(len(session.copies) == stats["sent"], f"{session.name}: all that were sent came",
       len(session.copies), stats)


def judge_flows(session, frames):
    words = session.options
    rate, size = int(words["sample"]), session.trunc or 1 << 16
    model = flowmodel.Flows(int(words.get("flow_seed", 0)), "flow_inner" in words)
    want = [frame[:size] for frame in frames if model.chosen(frame, rate)]
    got = in_window(session, frames)
    first = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    ok(got == want, f"{session.name}: those of {len(frames)} frames that the model chooses, {len(want)}",
       f"{len(got)}, not {len(want)}", f"the first other one is {first}: {got[first:first + 1]}",
       want[first:first + 1])
    return {frame for frame in frames if model.chosen(frame, rate)}


def judge_share(session, frames):
    """Of flows, not frames"""
    rate = int(session.options["sample"])
    model = flowmodel.Flows(int(session.options.get("flow_seed", 0)), "flow_inner" in session.options)
    flows = {flowmodel.find(frame, model.inner)[0]: frame for frame in frames}
    chosen = sum(model.chosen(frame, rate) for frame in flows.values())
    expected, sigma = len(flows) / rate, math.sqrt(len(flows) / rate * (1 - 1 / rate))
    ok(abs(chosen - expected) <= SIGMAS * sigma, f"{session.name}: one flow in {rate}",
       f"{chosen} of {len(flows)}, {expected:.0f} +- {sigma:.1f} expected")


def judge_flow_case(case):
    frames = window(case)
    ok(len(frames) >= LEAST.get(case.name, 20), f"{case.name}: there were frames", len(frames))
    chosen = {}
    for session in case.sessions:
        judge_counters(session)
        chosen[session.record] = judge_flows(session, frames)
        if case.name == "flows":
            judge_share(session, frames)
    if case.name == "flows":
        some, other, fewer, *_ = chosen.values()
        ok(fewer < some, f"{case.name}: a larger N chooses some of the same")
        ok(some - other and other - some, f"{case.name}: another seed chooses others")
        sizes = [len(chosen[r]) for r in chosen]
        ok(sizes[4] == len(set(frames)) and sizes[5] < 5, f"{case.name}: all of them, and none", sizes)


def ends(copy):
    """Both ends of what a frame belongs to, whichever sent it"""
    packet = flowmodel.Ether(copy.frame)
    for kind in flowmodel.TCP, flowmodel.UDP:
        if kind in packet:
            return frozenset([(packet["IP"].src, packet[kind].sport), (packet["IP"].dst, packet[kind].dport)])
    return None


def judge_both(out, into):
    sets = [{ends(copy) for copy in case.sessions[0].copies} - {None} for case in (out, into)]
    ok(sets[0] == sets[1] and 10 < len(sets[0]) < 40, "both hooks: the same conversations, both directions",
       *map(len, sets), sets[0] ^ sets[1])


def judge_every(session, frames):
    """The N-th of each N, or the last M of each N * M; the kernel's own may come in between."""
    rate, run = int(session.options["sample"]), int(session.options.get("burst", 1))
    size = session.trunc
    seen = erspan_order(session, frames, size)
    gaps = [b - a for a, b in zip(seen, seen[1:])]
    period = [1] * (run - 1) + [run * (rate - 1) + 1]
    start = next((i for i, gap in enumerate(gaps) if gap == period[-1]), None)
    if not ok(start is not None, f"{session.name}: there are gaps", gaps[:20]):
        return
    turned = [period[(i - start - 1) % run] for i in range(len(gaps))]
    wrong = [i for i, (gap, want) in enumerate(zip(gaps, turned)) if gap != want]
    ok(not wrong and len(gaps) > len(frames) // rate - 2 * run, f"{session.name}: exactly those, {len(gaps)} gaps",
       *((i, gaps[i], turned[i]) for i in wrong[:5]))


def erspan_order(session, frames, size):
    """Where in FRAMES each copy is"""
    places, at = [], 0
    for copy in in_window(session, frames):
        while at < len(frames) and frames[at][:size] != copy:
            at += 1
        places.append(at)
        at += 1
    return places


def judge_runs(session, frames):
    """M in a row, as often as makes one frame in N"""
    rate, run = int(session.options["sample"]), int(session.options["burst"])
    seen = erspan_order(session, frames, session.trunc)
    breaks = [i for i, (a, b) in enumerate(zip(seen, seen[1:]), 1) if b != a + 1]
    # a gap of 0 joins two of them
    wrong = [(a, b) for a, b in zip(breaks, breaks[1:]) if (b - a) % run]
    ok(not wrong and len(breaks) > 20, f"{session.name}: runs of {run}, {len(breaks)} gaps", wrong[:5])
    runs, mean = len(seen) / run, run * (rate - 1)
    expected = len(frames) / (run + mean)
    # of so many geometric gaps
    sigma = math.sqrt(expected * mean * (mean + 1)) / (run + mean)
    ok(abs(runs - expected) <= SIGMAS * sigma + 2, f"{session.name}: one frame in {rate}",
       f"{runs} runs, {expected:.0f} +- {sigma:.1f} expected")


results = erspan.Results(sys.argv[1])
found = {}
for case in results.cases:
    case.captured = results.captures[case.capture]
    found[case.name] = case
    if not ok(None not in case.marks, f"{case.name}: both marks", case.marks):
        continue
    if case.name.startswith("every"):
        for session in case.sessions:
            judge_counters(session)
            judge_every(session, window(case))
    elif case.name == "runs":
        for session in case.sessions:
            judge_counters(session)
            judge_runs(session, window(case))
    else:
        judge_flow_case(case)
judge_both(found["both hooks: out"], found["both hooks: in"])
finish()
