#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of clock.sh: every copy's time is that of its frame."""
import sys

import erspan
from tap import finish, ok

SOON = 500 * 10 ** 6            # between a copy at egress and tcpdump, which comes behind it
DIGITS = 999                    # for which pcap has no room


def stamp(frame):
    """What the hardware said, 0 if nothing."""
    return int.from_bytes(frame[-8:], "big") if frame[12:14] == b"\x88\xb6" else 0


results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = [frame for _, frame in case.frames]
    early, late = (0, DIGITS) if case.hook == "ingress" else (SOON, DIGITS)
    if hasattr(case, "hardware"):       # and then it is that, to the nanosecond
        stamped = [(stamp(frame) or seen, frame) for seen, frame in case.frames]
        ok(sum(a != b for a, b in zip(stamped, case.frames)) == 8, f"{case.name}: stamped frames")
        case.frames = stamped
    leaps = hasattr(case, "leapt") and case.hook == "egress"
    if hasattr(case, "leapt"):
        ok(case.leapt == 1, f"{case.name}: there was one")
    for session in case.sessions:
        erspan.judge(session, erspan.wrong_bytes(session, expected), erspan.wrong_headers(session),
                     erspan.wrong_times(session, early, late, leaps), erspan.wrong_counters(session))
        times = [seen for seen, _ in case.frames]
        ok(len(set(times)) > 10, f"{session.name}: at different times", times)
finish()
