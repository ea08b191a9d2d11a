#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of header.sh: every field of every copy."""
import sys

import erspan
from tap import finish, ok

SECOND = 10 ** 9


def times(case):
    """How much earlier and later than tcpdump a copy may say that a frame was there."""
    if case.hook == "egress":           # tcpdump comes behind the action
        return SECOND, 999
    if hasattr(case, "stamped"):        # its stamp is theirs, less what pcap has no digits for
        return 0, 999
    return 0, SECOND


results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = [frame for _, frame in case.frames]
    for session in case.sessions:
        erspan.judge(session, erspan.wrong_headers(session), erspan.wrong_bytes(session, expected),
                     erspan.wrong_times(session, *times(case)),
                     erspan.wrong_counters(session))
    if hasattr(case, "marked"):
        marked = next(s for s in case.sessions if "mark" in s.options)
        ok(case.marked == len(marked.copies) > 0, f"{case.name}: mark and priority are the copies'",
           f"{case.marked} of {len(marked.copies)}")
erspan.no_fragments(sys.argv[1])
finish()
