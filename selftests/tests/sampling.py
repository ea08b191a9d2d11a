#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of sampling.sh: statistics of what was chosen.

Bounds are such that a right sampler fails once in a million runs or so.
"""
import math
import sys

import erspan
from tap import finish, ok

SIGMAS = 5
STRAY = 3                   # the kernel's own frames, after the counters were read
BINS = 12
CHI2_LIMIT = 55             # 11 degrees of freedom: one in ten million


def number(copy):
    """What pktgen wrote behind its magic: the frame's place in the flood."""
    at = 14 + 20 + 8
    return int.from_bytes(copy.frame[at + 4:at + 8], "big") \
        if copy.frame[at:at + 4] == bytes.fromhex("be9be955") else None


def judge_count(name, chosen, seen, rate):
    expected, sigma = seen / rate, math.sqrt(seen / rate * (1 - 1 / rate))
    ok(abs(chosen - expected) <= SIGMAS * sigma + STRAY, f"{name}: as many as that",
       f"{chosen} of {seen}, {expected:.0f} +- {sigma:.1f} expected")


def chi2(gaps, rate):
    """Of gaps against P(G = g) = (1 - 1/rate)^g / rate, in bins of about the same weight."""
    stay = 1 - 1 / rate
    edges = sorted({math.ceil(math.log(1 - i / BINS, stay)) for i in range(BINS)})
    total = 0
    for low, high in zip(edges, edges[1:] + [None]):
        expected = len(gaps) * (stay ** low - (stay ** high if high else 0))
        found = sum(low <= g and (high is None or g < high) for g in gaps)
        total += (found - expected) ** 2 / expected
    return total


def judge_gaps(name, places, rate):
    gaps = [b - a - 1 for a, b in zip(places, places[1:])]
    ok(gaps and min(gaps) >= 0, f"{name}: in order, none twice", len(places))
    value = chi2(gaps, rate)
    ok(value <= CHI2_LIMIT, f"{name}: gaps are geometric", f"chi2 {value:.1f} of {len(gaps)} gaps")
    mean = sum(gaps) / len(gaps)
    spread = sum((g - mean) ** 2 for g in gaps)
    lag = sum((a - mean) * (b - mean) for a, b in zip(gaps, gaps[1:])) / spread
    ok(abs(lag) <= SIGMAS / math.sqrt(len(gaps)), f"{name}: gaps do not know each other",
       f"correlation {lag:.4f} of {len(gaps)} gaps")


def places_of(copies, frames):
    """Where in FRAMES each copy is, in order; None if one is not"""
    places, at = [], 0
    for copy in copies:
        while at < len(frames) and frames[at] != copy.frame:
            at += 1
        if at == len(frames):
            return None
        places.append(at)
        at += 1
    return places


results = erspan.Results(sys.argv[1])
for case in results.cases:
    begin, end = case.marks
    frames = [frame for _, frame in results.captures["out"][begin:end + 1]]
    for session in case.sessions:
        rate, stats = int(session.options["sample"]), session.stats
        erspan.judge(session, erspan.wrong_headers(session), erspan.wrong_counters(session))
        if hasattr(case, "flood"):
            passed = case.flood + 2     # and the marks
            places = [number(c) for c in session.copies if number(c) is not None]
        else:
            passed = len(frames)
            places = places_of(session.copies, frames)
            if not ok(places, f"{session.name}: each is a frame of the wire"):
                continue
        seen = stats["sent"] + stats["unsampled"]
        ok(seen - passed in range(20), f"{session.name}: all are counted",
           f"{passed} frames", stats)
        judge_count(session.name, stats["sent"], passed, rate)
        if rate > 1:
            judge_gaps(session.name, places, rate)
        else:
            ok(len(places) == case.flood, f"{session.name}: every one")
finish()
