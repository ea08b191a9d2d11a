# SPDX-License-Identifier: GPL-2.0-only
"""What each collector is expected to see, and the table of what it saw."""
import re
from pathlib import Path

from tap import ok

DOCUMENT = Path(__file__).resolve().parents[2] / "Documentation/collectors.md"
KINDS = {"plain": "plain", "vlan": "VLAN", "qinq": "QinQ", "ipv6": "IPv6", "bulk": "bulk",
         "cut": "cut", "fixed": "fixed", "fixed6": "fixed, IPv6", "fragment": "fragment",
         "split": "split"}
LINUX = (1, 2, 3, 4, 10, 11, 17)        # that collectors.sh makes a device for


def expected(name, session, case):
    return None


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, collector, session, cells):
        versions, rows = self.rows.setdefault(collector.name, (set(), {}))
        versions.add(collector.version)
        known = rows.setdefault(session.name, cells)
        for kind in cells:
            if known[kind] != cells[kind]:
                known[kind] += f" or {cells[kind]}"

    def compare(self, write):
        for name, (versions, rows) in self.rows.items():
            print('#', name, versions)
            for s, cells in rows.items():
                print('#  ', s.ljust(30), cells)
