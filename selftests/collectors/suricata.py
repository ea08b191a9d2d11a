# SPDX-License-Identifier: GPL-2.0-only
"""What Suricata says of copies, read from a file or live from a device."""
import ipaddress
import json
import math
import shutil
import socket
import subprocess
import time
from functools import cache
from pathlib import Path

from decoders import WORK
from truth import headers, tags
from scapy.all import IP, TCP, UDP, Ether, IPv6

HERE = Path(__file__).resolve().parent
# It tells that data are missing, which is so if copies are cut.
GAPS = {"stream.reassembly_seq_gap"}
CUT = {"decoder.ipv4.trunc_pkt", "decoder.ipv6.trunc_pkt"}
TYPE_II_BYTES = 8           # it counts the header of type II as part of the packet
PACE = 0.0003               # seconds between frames: the device has nothing that waits


@cache
def flow_of(frame):
    """(protocol, ends, VLANs) as in a flow record"""
    packet = Ether(frame)
    network = packet[IP] if IP in packet else packet[IPv6]
    transport = packet[TCP] if TCP in packet else packet[UDP]
    return ("TCP" if TCP in packet else "UDP",
            frozenset([(network.src, transport.sport), (network.dst, transport.dport)]),
            tuple(tags(frame)))


def expected_flows(case, session, cut_too=True):
    """{flow: (packets, bytes)} of what is a valid packet, as Suricata counts."""
    flows, extra = {}, TYPE_II_BYTES if case.action(session)["erspan_ver"] == 1 else 0
    for frame in sum(case.frames(session).values(), []):
        if frame.cut and not cut_too:
            continue
        count, size = 1, len(frame.bytes)
        room = case.room(session)
        if case.splits() and size > room:
            head = headers(frame.bytes)["l4"]
            count = math.ceil((size - head) / (room - head))
            size += (count - 1) * head
        flow = flow_of(frame.original)
        packets, total = flows.get(flow, (0, 0))
        flows[flow] = packets + count, total + size + count * extra
    return flows


class Report:
    """eve.json: flows, alerts of our own rules, files, and events, which are complaints."""

    def __init__(self, path):
        self.flows, self.alerts, self.files, self.events = {}, [], [], []
        for line in path.read_text().splitlines():
            record = json.loads(line)
            getattr(self, record["event_type"], lambda _: None)(record)

    def flow(self, record):
        key = (record["proto"], frozenset([(record["src_ip"], record.get("src_port")),
                                           (record["dest_ip"], record.get("dest_port"))]),
               tuple(record.get("vlan", ())))
        if record["proto"] in ("TCP", "UDP"):
            flow = record["flow"]
            self.flows[key] = (flow["pkts_toserver"] + flow["pkts_toclient"],
                               flow["bytes_toserver"] + flow["bytes_toclient"])

    def alert(self, record):
        if record["alert"]["signature"].startswith("mirrorx"):
            self.alerts.append((record["alert"]["signature"], record.get("http", {}).get("url")))
        else:
            self.events.append(record["alert"]["signature"])

    def anomaly(self, record):
        self.events.append(record["anomaly"]["event"])

    def fileinfo(self, record):
        info = record["fileinfo"]
        self.files.append((info["filename"], info["size"], info.get("sha256"), info["state"]))


def addresses(flow):
    """A flow with addresses in one spelling"""
    proto, ends, vlans = flow
    return proto, frozenset((str(ipaddress.ip_address(a)), port) for a, port in ends), vlans


def judge(report, case, session):
    """(what was seen, as in the matrix; details)"""
    flows = {addresses(flow): counts for flow, counts in report.flows.items()}
    expected = expected_flows(case, session)
    request = [("mirrorx request", case.file["path"])] + 2 * [("mirrorx datagram", None)]
    file = (case.file["path"], case.file["size"], case.file["sha256"], "CLOSED")
    complaints = set(report.events) - (set() if case.whole() else GAPS)
    if case.repeats():      # on a busy machine
        complaints = {event for event in complaints if "retransmission" not in event}
    seen = [what for what, is_so in (
        ("flows", flows == expected), ("alert", sorted(report.alerts) == sorted(request)),
        ("file", report.files == [file]), ("complaints", complaints)) if is_so]
    details = [f"flows: {flows}", f"not:   {expected}", report.alerts, report.files, complaints]
    cut = sum(frame.cut for found in case.frames(session).values() for frame in found)
    if sum(report.events.count(event) for event in CUT) == cut > 0 and \
            flows == expected_flows(case, session, cut_too=False) and not report.alerts:
        return "cut packets invalid", details
    if not flows and not report.events:
        return "nothing", details
    return ", ".join(seen) or "misread", details


class Suricata:
    def __init__(self, root):
        self.root = root
        for name in "suricata.yaml", "mirrorx.rules":
            shutil.copy(HERE / name, WORK)
        said = subprocess.run(root("suricata", "-V"), text=True, capture_output=True).stdout
        self.version = said.split("version ")[1].split()[0]

    def log(self, name):
        log = WORK / name
        shutil.rmtree(log, ignore_errors=True)
        log.mkdir()
        return log

    def command(self, log, *words):
        return self.root("suricata", "-c", WORK / "suricata.yaml", "-l", log, *words)

    def checked(self, status, said, log):
        bad = [line for line in said.splitlines() if line[:2] in ("E:", "W:")]
        if status or bad:
            raise RuntimeError(f"suricata: status {status}\n{said}")
        return Report(log / "eve.json")

    def read(self, pcap):
        log = self.log(f"suricata-{pcap.stem}")
        run = subprocess.run(self.command(log, "-r", pcap), text=True, capture_output=True)
        return self.checked(run.returncode, run.stdout + run.stderr, log)

    def live(self, name, packets):
        """The same packets, sent to a device that Suricata listens on."""
        log = self.log(f"suricata-{name}")
        with open(log / "said", "w") as said:
            process = subprocess.Popen(
                self.command(log, "--af-packet=mirror1", "--runmode=workers"),
                stdout=said, stderr=subprocess.STDOUT)
            try:
                self.wait(lambda: "Engine started" in (log / "said").read_text(), process)
                with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                    sender.bind(("mirror0", 0))
                    for packet in packets:
                        sender.send(packet)
                        time.sleep(PACE)
                time.sleep(0.5)
            finally:
                process.terminate()
                status = process.wait(60)
        return self.checked(status, (log / "said").read_text(), log)

    def wait(self, condition, process):
        end = time.monotonic() + 60
        while not condition():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("suricata does not start")
            time.sleep(0.05)
