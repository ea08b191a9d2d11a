#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of receivers.sh: what the kernel's devices received."""
import json
import sys
from pathlib import Path

import erspan
from tap import finish, ok

FOR_ALL = {4: "erspan7", 6: "erspan8"}      # devices that take what no other one does
OWN = {1, 2, 3, 4, 5, 6, 9, 10, 12, 13}     # Session IDs with a device


def device_of(session):
    if session.options.get("src_ip") == "192.0.2.71":       # type I
        return "erspan11"
    return f"erspan{session.id}" if session.id in OWN else FOR_ALL[session.case.underlay]


out = Path(sys.argv[1])
results = erspan.Results(out)
links = {link["ifname"]: link["stats64"]["rx"] for link in json.loads((out / "links.json").read_text())}
received = {device_of(session): None for session in results.sessions()}
for device in received:
    received[device] = [frame for _, frame in erspan.whole(out / f"{device}.pcap")]
for case in results.cases:
    for session in case.sessions:
        device = device_of(session)
        expected = [session.stripped(frame)[:session.trunc] for _, frame in case.frames]
        if device in FOR_ALL.values():      # all sessions at once, frame by frame
            shared = [s for s in case.sessions if device_of(s) == device]
            at = shared.index(session)
            found = received[device][at:len(shared) * len(expected):len(shared)]
            if session is shared[-1]:
                del received[device][:len(shared) * len(expected)]
        else:
            found = received[device][:len(expected)]
        wrong = next((f"frame {i}:\n {a.hex()}\n {b.hex()}"
                      for i, (a, b) in enumerate(zip(found, expected)) if a != b), "")
        ok(expected and found == expected, f"{device}: {session.name}",
           f"{len(found)} of {len(expected)} frames", wrong)
for device in received:
    rx = links[device]
    ok(rx["errors"] == rx["fifo_errors"] == 0, f"{device} has no complaints", rx)
finish()
