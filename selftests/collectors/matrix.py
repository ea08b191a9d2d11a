# SPDX-License-Identifier: GPL-2.0-only
"""What each collector has to see of each session, and the table of what it saw."""
from pathlib import Path

from tap import ok

DOCUMENT = Path(__file__).resolve().parents[2] / "Documentation/collectors.md"
KINDS = {"plain": "plain", "vlan": "VLAN", "qinq": "QinQ", "ipv6": "IPv6", "bulk": "bulk",
         "cut": "cut", "fixed": "fixed", "fixed6": "fixed, IPv6", "fragment": "fragment",
         "split": "split"}
TYPES = range(1, 13)        # sessions of collectors_traffic.py that are types, not profiles
WITH_SUBHEADER, TYPE_II, OUTER_IPV6 = (5, 6, 7, 8, 12), (2, 3, 10), (10, 11, 12)

ALL = dict.fromkeys(KINDS, "all frames") | {"split": "all bytes"}
FITS = ALL | {"fragment": "what fits"}
FILES = ALL | dict.fromkeys(("plain", "vlan", "qinq", "ipv6", "bulk"), "all frames, file") | {
    "fragment": "file", "split": "all bytes, file"}
ALERTS = dict.fromkeys(KINDS, "flows, alert, file") | {
    "cut": "cut packets invalid", "fixed": "flows, alert", "fixed6": "flows, alert"}
FLOWS = dict.fromkeys(KINDS, "flows") | {"cut": "cut packets refused"}
FLOWS_OR_FRAMES = dict.fromkeys(KINDS, "flows") | dict.fromkeys(
    ("cut", "fixed", "fixed6"), "all frames") | {"fragment": "some frames"}
NOTHING, MISREAD, REFUSED = (dict.fromkeys(KINDS, what) for what in ("nothing", "misread", "refused"))

EXPECTED = {
    "tshark": dict.fromkeys((13, *TYPES), FILES),
    "scapy": dict.fromkeys((13, *TYPES), ALL),
    # The tunnel's packets pass it as they come, in pieces
    "Open vSwitch": dict.fromkeys((18, 2, 4, 10, 11), FITS),
    "Linux": dict.fromkeys((17, 1, 2, 3, 4, 10, 11), ALL),
    "Suricata": dict.fromkeys((14, 1, 2, 3), ALERTS) | {4: NOTHING},
    "Suricata, live": {14: ALERTS},
    "Zeek": dict.fromkeys((15, *TYPES), FLOWS),
    "Snort 3": {16: FLOWS, 1: REFUSED} | {n: FLOWS if n in (*WITH_SUBHEADER, *TYPE_II) else MISREAD
                                          for n in TYPES[1:]},
    "Arkime": dict.fromkeys((19, *TYPES), FLOWS),
    "ntopng": {20: FLOWS_OR_FRAMES} | {
        n: FLOWS_OR_FRAMES if n in TYPE_II or n in WITH_SUBHEADER and n not in OUTER_IPV6 else
        REFUSED if n in OUTER_IPV6 else MISREAD for n in TYPES} | {
        10: FLOWS_OR_FRAMES | {"fragment": "what fits"}},
}
BY_RULE = ("Zeek", "Snort 3", "Arkime", "ntopng")

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only -->
# What collectors see

Written by `make collectors-doc`; `make check` does the same again and compares.

A VM mirrors HTTP and UDP conversations of each kind, both directions at once, in
the sessions below.  Each collector gets what arrived; what it reports is compared
with what was captured at the source.  "Linux", "Open vSwitch" (userspace
datapath), Suricata, tshark and scapy are the real ones.  Zeek, Snort 3, Arkime
and ntopng are not to be had from Debian: for these a program in
`selftests/collectors/rules.py` follows the parsing rules of their sources.

| kind | conversation |
|---|---|
| plain, VLAN, QinQ, IPv6 | 3 kB of HTTP, a datagram each way: untagged, one tag, two, over IPv6 |
| bulk | an HTTP download of 300 kB that the mirrored host sends, with GSO |
| cut | `trunc 400`, without `fixlen` |
| fixed | `trunc l4+300 fixlen`, over IPv4 and IPv6 |
| fragment, split | bulk over an underlay with an MTU of 1500: `oversize fragment`, `oversize split` |

| seen | means |
|---|---|
| all frames | each frame, or what was left of it, byte for byte, in order |
| all bytes | the payload of the connections, byte for byte; frames had to be split |
| what fits | the frames that did not need fragments |
| some frames | these, and of others the beginning only |
| file | the downloaded file, with the right SHA-256 |
| flows | each connection, with its packets and bytes, and in Suricata its VLANs |
| alert | a rule for the request's path, and one for each datagram |
| cut packets invalid, refused | what was cut is not taken for a packet; all others are as they were |
| refused, misread, nothing | no frame at all, or none that is right |

Suricata validates all checksums and has rules for all that it finds wrong with
packets and streams.  Unless the table says so, it complained of nothing; only
that data are missing, which is so when copies are cut.

"""
FOOT = """
Tested versions, which are not compared by `make check`:

"""


class Table:
    def __init__(self):
        self.collectors = {name: (set(), {}) for name in EXPECTED}

    def add(self, collector, session, cells):
        versions, rows = self.collectors[collector.name]
        versions.add(collector.version)
        known = rows.setdefault(session.name, dict(cells))
        for kind, seen in cells.items():
            if seen not in known[kind].split(" or "):
                known[kind] += f" or {seen}"

    def lines(self):
        """Sessions of which a collector sees the same share a row."""
        yield f"| collector | session | {' | '.join(KINDS.values())} |"
        yield f"|---|---|{'---|' * len(KINDS)}"
        for name, (_, rows) in self.collectors.items():
            alike = {}
            for session, cells in sorted(rows.items()):
                alike.setdefault(tuple(cells[kind] for kind in KINDS), []).append(session)
            for cells, sessions in alike.items():
                listed = "<br>".join(f"`{s.partition(', ')[0]}`" + s.partition(",")[2].replace(
                    " IPv6", ", IPv6 outside") for s in sessions)
                yield f"| {name} | {listed} | {' | '.join(cells)} |"

    def versions(self):
        yield "| collector | version |"
        yield "|---|---|"
        for name, (versions, _) in self.collectors.items():
            what = "rules of commit " if name in BY_RULE else ""
            yield f"| {name} | {what}{', '.join(sorted(versions))} |"

    def compare(self, write):
        """With the document, or write it."""
        made = HEAD + "\n".join(self.lines()) + "\n" + FOOT + "\n".join(self.versions()) + "\n"
        if write:
            DOCUMENT.parent.mkdir(exist_ok=True)
            DOCUMENT.write_text(made)
        written = DOCUMENT.read_text() if DOCUMENT.exists() else ""
        made, written = (text.partition(FOOT)[0].splitlines() for text in (made, written))
        different = [line for line in made if line not in written] + \
            [f"not: {line}" for line in written if line not in made]
        ok(made == written, f"{DOCUMENT.name} says the same", *different[:20])
