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

# The words that make each format; its number is session, index and part of the address.
FORMATS = {
    "III": (4, "erspan_ver 2"),
    "III_5": (7, "erspan_ver 2 timestamp ns"),
    "III_v6": (13, "erspan_ver 2"),
}
SMALL, BULK = 3000, 300000
DATAGRAM = 700
# Kind: where the server is and its address, size of the answer, words, MTU of the underlay.
KINDS = {
    "plain": ("peer", "198.51.100.2", SMALL, "", 9000),
    "vlan": ("peer", "10.1.1.2", SMALL, "", 9000),
    "qinq": ("peer", "10.1.2.2", SMALL, "", 9000),
    "ipv6": ("peer", "2001:db8:1::2", SMALL, "", 9000),
    "bulk": ("src", "198.51.100.1", BULK, "", 9000),
    "cut": ("peer", "198.51.100.2", SMALL, "trunc 400", 9000),
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
    client = http.client.HTTPConnection(address, port, timeout=60)
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
    client.connect((address, port))
    client.send(body(DATAGRAM, "question"))
    question, there = server.recvfrom(2000)
    server.sendto(question[::-1], there)
    client.recv(2000)
    server.close()
    client.close()


def addresses(name, number):
    return f"2001:db8:9::{100 + number}" if name.endswith("_v6") else f"192.0.2.{100 + number}"


def actions(words):
    """The actions as this kind wants them: replaced, so that their sequence goes on."""
    return "".join(f"actions replace action mirrorx dst_ip {addresses(name, number)} id {number} "
                   f"{own} {words} index {number}\n" for name, (number, own) in FORMATS.items())


def filters():
    line = " ".join(f"action mirrorx index {number}" for number, _ in FORMATS.values())
    return "".join(f"filter add dev eth0 {hook} pref 1 matchall {line}\n"
                   for hook in ("ingress", "egress"))


def counters():
    shown = json.loads(in_ns("src", "tc", "-j", "-s", "actions", "list", "action", "mirrorx"))
    return {act["index"]: act["mirrorx_stats"] for part in shown for act in part.get("actions", [])
            if "mirrorx_stats" in act}


def batch(lines):
    in_ns("src", "tc", "-batch", "-", input=lines)


def mirrored(kind, server_ns, address, size, words, mtu, port):
    in_ns("src", "ip", "link", "set", "und0", "mtu", mtu)
    batch(actions(words) + (filters() if not cases else ""))
    before, begin = counters(), time.time()
    file = download(kind, server_ns, address, port, size)
    datagrams(server_ns, address, port)
    time.sleep(0.3)                 # the last acknowledgments
    end, after = time.time(), counters()
    cases.append({
        "kind": kind, "begin": begin, "end": end, "words": words, "mtu": mtu, "port": port,
        "server": address, "file": file,
        "stats": {name: {key: after[n][key] - before.get(n, {}).get(key, 0) for key in after[n]}
                  for name, (n, _) in FORMATS.items()}})


def main():
    for port, (kind, case) in enumerate(KINDS.items(), 8001):
        mirrored(kind, *case, port)
    batch("filter del dev eth0 ingress pref 1\nfilter del dev eth0 egress pref 1\n")
    formats = {name: {"id": n, "words": words, "address": addresses(name, n)}
               for name, (n, words) in FORMATS.items()}
    with open(os.path.join(os.environ["OUT"], "cases.json"), "w") as out:
        json.dump({"formats": formats, "cases": cases}, out, indent=1)


main()
