#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of cpus.sh: which CPU made a copy, and the order of each."""
import sys

import erspan
from tap import finish, ok


def sequences(copies):
    """{Hw ID: sequence numbers, as they came}"""
    found = {}
    for copy in copies:
        found.setdefault(copy.number("erspan.hw"), []).append(copy.number("gre.sequence_number"))
    return found


def counts_up(numbers):
    return numbers == list(range(len(numbers)))


def cpu_of(copy):
    """As the frame says; marks come from the first one."""
    return copy.frame[14] if copy.frame[12:14] == b"\x88\xb6" else 0


results = erspan.Results(sys.argv[1])
case, replaced, *twice, losses = results.cases
for session in case.sessions:
    by_cpu, name = session.options["erspan_hwid"] == "cpu", session.name
    found = sequences(session.copies)
    ok(len(session.copies) == sum(case.by_cpu) + 2 and all(map(counts_up, found.values())),
       f"{name}: every sequence starts at 0 and has no gap", found)
    ok(set(found) == (set(range(len(case.by_cpu))) if by_cpu else {5}), f"{name}: Hw IDs", set(found))
    if by_cpu:
        ok(len(case.by_cpu) > 1 and [len(found[cpu]) for cpu in found if cpu] == case.by_cpu[1:],
           f"{name}: as many as each CPU has sent", case.by_cpu)
        ok(all(copy.number("erspan.hw") == cpu_of(copy) for copy in session.copies),
           f"{name}: the Hw ID is the CPU")
    wrong = erspan.wrong_bytes(session, [frame for _, frame in case.frames])
    ok(not wrong, f"{name}: the frames", *wrong[:3])
found = sequences([c for c in results.copies if c.fields["erspan.spanid"] == ["1000"]])
ok(set(found) == {0, 1, 2, 7} and all(map(counts_up, found.values())),
   "a replaced action's sequences go on, those of the CPUs and the one of all", found)
shared = [c.number("gre.sequence_number") for c in results.copies if c.fields["erspan.spanid"] == ["900"]]
expected = [n for case in twice for n in range(sum(s.stats["sent"] for s in case.sessions))]
ok(len(expected) > 100 and shared == expected, "two actions count as one session, from 0 each time", shared)
for session in losses.sessions:
    copies = [c for c in results.copies if c.fields["erspan.spanid"] == [str(session.id)]]
    found = sequences(copies)
    gaps = sum(max(numbers) + 1 - len(numbers) for numbers in found.values())
    ok(session.stats["xmit"] > 10 and len(copies) == session.stats["sent"] and
       all(numbers == sorted(set(numbers)) for numbers in found.values()) and
       session.stats["xmit"] == gaps,
       f"{session.name}: the gaps are the losses that are counted", found, session.stats)
finish()
