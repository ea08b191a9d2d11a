# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of collectors.sh: conversations of each kind, mirrored in all formats at once.

What is mirrored when is in cases.json; a case has a time of its own, in which
nothing else passes.
"""
import hashlib
import http.client
import http.server
import json
import os
import random
import socket
import threading
import time

from cases import enter, in_ns, socket_in

# Sessions by number, which is also the action's index and part of the collector's address:
# the words, the same without `fixlen` if a profile has it, and the underlay's IP version.
SESSIONS = {
    1: ("erspan_ver 0", "", 4),
    2: ("erspan_ver 1", "", 4),
    3: ("erspan_ver 1 vlan_tag strip", "", 4),
    4: ("erspan_ver 2", "", 4),
    5: ("erspan_ver 2 subheader 1", "", 4),
    6: ("erspan_ver 2 subheader 3", "", 4),
    7: ("erspan_ver 2 timestamp ns", "", 4),
    8: ("erspan_ver 2 subheader 7", "", 4),
    9: ("erspan_ver 2 vlan_tag strip", "", 4),
    10: ("erspan_ver 1", "", 6),
    11: ("erspan_ver 2", "", 6),
    12: ("erspan_ver 2 timestamp ns", "", 6),
    13: ("for wireshark", "", 4),
    14: ("for suricata", "erspan_ver 1", 4),
    15: ("for zeek", "erspan_ver 2 timestamp ns", 4),
    16: ("for snort", "erspan_ver 2 timestamp ns subheader 3", 4),
    17: ("for linux", "", 4),
    18: ("for ovs", "", 4),
    19: ("for arkime", "erspan_ver 1 vlan_tag strip", 4),
    20: ("for ntopng", "", 4),
}
TYPE_I = 1                      # has no Session ID
SMALL, BULK = 3000, 300000
DATAGRAM = 700
# Ports that no decoder takes for those of another protocol: of the servers, and of the clients
FIRST_PORT, CLIENTS = 28001, 100
# Kind: where the server is and its address, size of the answer, words, MTU of the underlay.
KINDS = {
    "plain": ("peer", "198.51.100.2", SMALL, "", 9000),
    "vlan": ("peer", "10.1.1.2", SMALL, "", 9000),
    "qinq": ("peer", "10.1.2.2", SMALL, "", 9000),
    "ipv6": ("peer", "2001:db8:1::2", SMALL, "", 9000),
    "bulk": ("src", "198.51.100.1", BULK, "", 9000),
    "cut": ("peer", "198.51.100.2", SMALL, "trunc 400", 9000),
    "fixed": ("peer", "198.51.100.2", SMALL, "trunc l4+300 fixlen", 9000),
    "fixed6": ("peer", "2001:db8:1::2", SMALL, "trunc l4+300 fixlen", 9000),
    "fragment": ("src", "198.51.100.1", BULK, "oversize fragment", 1500),
    "split": ("src", "198.51.100.1", BULK, "oversize split", 1500),
}
cases = []


def body(size, seed):
    """What no compression or pattern search would take for something else."""
    return random.Random(seed).randbytes(size)


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    """One that answers a single request, in a namespace."""

    def __init__(self, ns, address, port, answer):
        enter(ns)
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Answer)
        self.body, self.timeout = answer, 60
        self.thread = threading.Thread(target=self.handle_request)
        self.thread.start()


def download(kind, server_ns, address, port, size):
    """An HTTP request that a rule looks for, and its whole answer."""
    answer = body(size, kind)
    server = Server(server_ns, address, port, answer)
    enter({"src": "peer", "peer": "src"}[server_ns])
    client = http.client.HTTPConnection(address, port, timeout=60, source_address=("", port + CLIENTS))
    # The path is near the start, so that it is in what is left of a request that is cut.
    client.request("GET", f"/mirrorx/{kind}", headers={"Cookie": "c=" + "x" * 900})
    got = client.getresponse().read()
    client.close()
    server.thread.join()
    server.server_close()
    if got != answer:
        raise RuntimeError(f"{kind}: {len(got)} bytes came of {size}")
    return {"path": f"/mirrorx/{kind}", "size": size, "sha256": hashlib.sha256(answer).hexdigest()}


def datagrams(server_ns, address, port):
    """A UDP datagram there and one back."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket_in(server_ns, family, socket.SOCK_DGRAM)
    server.bind((address, port))
    client = socket_in({"src": "peer", "peer": "src"}[server_ns], family, socket.SOCK_DGRAM)
    client.bind(("", port + CLIENTS))
    client.connect((address, port))
    client.send(body(DATAGRAM, "question"))
    question, there = server.recvfrom(2000)
    server.sendto(question[::-1], there)
    client.recv(2000)
    server.close()
    client.close()


def address_of(number):
    return f"2001:db8:9::{100 + number}" if SESSIONS[number][2] == 6 else f"192.0.2.{100 + number}"


def words_of(number, words):
    own, unfixed, _ = SESSIONS[number]
    cut = "trunc" in words and "fixlen" not in words
    return f"{unfixed if cut and unfixed else own} {words}".strip()


def actions(words):
    """The actions as this kind wants them: replaced, so that their sequence goes on."""
    return "".join(f"actions replace action mirrorx dst_ip {address_of(n)} "
                   f"{words_of(n, words)}{'' if n == TYPE_I else f' id {n}'} index {n}\n"
                   for n in SESSIONS)


def filters():
    line = " ".join(f"action mirrorx index {n}" for n in SESSIONS)
    return "".join(f"filter add dev eth0 {hook} pref 1 matchall {line}\n"
                   for hook in ("ingress", "egress"))


def shown():
    """What tc says of the actions, by index."""
    said = json.loads(in_ns("src", "tc", "-j", "-d", "-s", "actions", "list", "action", "mirrorx"))
    return {act["index"]: act for part in said for act in part.get("actions", [])}


def batch(lines):
    in_ns("src", "tc", "-batch", "-", input=lines)


def wait_for_silence():
    """Until nothing has moved at the collector for longer than TCP delays an acknowledgment: all
    that a case caused has come, also to devices that are behind."""
    enter("col")
    seen, now = None, ""
    while seen != now:
        time.sleep(0.3)
        with open("/proc/thread-self/net/dev") as counters:
            seen, now = now, counters.read()


def mirrored(kind, server_ns, address, size, words, mtu, port):
    in_ns("src", "ip", "link", "set", "und0", "mtu", mtu)
    batch(actions(words) + (filters() if not cases else ""))
    before, begin = shown(), time.time()
    file = download(kind, server_ns, address, port, size)
    datagrams(server_ns, address, port)
    wait_for_silence()
    end, after = time.time(), shown()
    for n, act in after.items():
        for key in act["mirrorx_stats"]:
            act["mirrorx_stats"][key] -= before[n]["mirrorx_stats"][key]
    cases.append({"kind": kind, "begin": begin, "end": end, "words": words, "mtu": mtu,
                  "port": port, "server": address, "file": file, "sessions": after})


def main():
    for port, (kind, case) in enumerate(KINDS.items(), FIRST_PORT):
        mirrored(kind, *case, port)
    batch("filter del dev eth0 ingress pref 1\nfilter del dev eth0 egress pref 1\n")
    sessions = {n: {"words": words, "address": address_of(n)} for n, (words, *_) in SESSIONS.items()}
    with open(os.path.join(os.environ["OUT"], "cases.json"), "w") as out:
        json.dump({"sessions": sessions, "cases": cases}, out, indent=1)


main()
