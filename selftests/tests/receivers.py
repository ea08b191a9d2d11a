#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of receivers.sh: what the kernel's devices received."""
import json
import sys
from pathlib import Path

import erspan
from tap import finish, ok

out = Path(sys.argv[1])
results = erspan.Results(out)
links = {link["ifname"]: link["stats64"]["rx"] for link in json.loads((out / "links.json").read_text())}
for session in results.sessions():
    expected = [frame[:session.trunc] for _, frame in session.case.frames]
    device = f"erspan{session.id}"
    received = [frame for _, frame in erspan.whole(out / f"{device}.pcap")]
    received = received[:len(expected)]
    wrong = next((f"frame {i}:\n {a.hex()}\n {b.hex()}"
                  for i, (a, b) in enumerate(zip(received, expected)) if a != b), "")
    ok(expected and received == expected, f"{device}: {session.name}",
       f"{len(received)} of {len(expected)} frames", wrong)
    rx = links[device]
    ok(rx["errors"] == rx["fifo_errors"] == 0, f"{device} has no complaints", rx)
finish()
