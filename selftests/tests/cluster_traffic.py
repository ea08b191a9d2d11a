# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of cluster.sh: Suricatas, and HTTP that they share, while one dies and comes back.

Short connections are made anew in each phase; long ones last as long as all of it.
"""
import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import time

from cases import enter, family_of, in_ns
from guest import PATIENCE

OUT = os.environ["OUT"]
ROOT, INDEX, SHORT, LONG = "/tmp/root", 7, 60, 36
SERVERS = ("198.51.100.2", "2001:db8:1::2")
PORT, FIRST_SHORT, FIRST_LONG, ANSWER = 80, 20000, 30000, 3000
# Besides the configuration that has all checks on: little memory; a connection that is closed is
# logged soon, though not before a slow machine has repeated its last word, and no other one
# before the end.
SET = ("af-packet.0.ring-size=4000", "max-pending-packets=1024", "stats.interval=2",
       f"flow-timeouts.tcp.closed={PATIENCE}", "flow-timeouts.tcp.new=600",
       "flow-timeouts.tcp.established=600")
MOUNTS = f"""for dir in proc sys dev; do mount --rbind /$dir {ROOT}/$dir || exit; done
mount --bind "$1" {ROOT}/var/log && shift && exec chroot {ROOT} "$@\""""
OPTIONS = "spread flow for suricata id 1"


class Worker:
    """A host with Suricata; each start has a log of its own."""

    def __init__(self, number):
        self.ns, self.address, self.starts, self.process = f"w{number}", f"192.0.2.{number}", 0, None

    def start(self):
        self.starts += 1
        self.log = f"{OUT}/{self.ns}-{self.starts}"
        os.mkdir(self.log)
        # A switch floods what is for a host that it does not know any more, as one that died.
        only = f"af-packet.0.bpf-filter=dst host {self.address}"
        words = [word for setting in (*SET, only) for word in ("--set", setting)]
        self.command = ["suricata", "-c", "/mnt/suricata.yaml", "-l", "/var/log", "--af-packet=eth0",
                        "--runmode=workers", *words]
        with open(f"{self.log}/said", "w") as said:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.ns, "sh", "-c", MOUNTS, "-", self.log, *self.command],
                stdout=said, stderr=subprocess.STDOUT)

    def said(self):
        with open(f"{self.log}/said") as said:
            return said.read()

    def wait(self):
        wait_for(lambda: "Engine started" in self.said() or self.process.poll() is not None, seconds=100)
        if "Engine started" not in self.said() or self.process.poll() is not None:
            raise RuntimeError(f"{self.ns}: {self.said()}")

    def logged(self):
        """Connections that it has logged as over."""
        with open(f"{self.log}/eve.json") as eve:
            return sum('"event_type":"flow"' in line and '"proto":"TCP"' in line for line in eve)

    def die(self):
        """As a host does: without a last word, and nobody answers any more."""
        self.process.kill()
        self.process.wait()
        in_ns("col", "ip", "link", "set", self.ns, "down")

    def come_back(self):
        """Nobody is told where it is before it can take something."""
        self.start()
        self.wait()
        in_ns("col", "ip", "link", "set", self.ns, "up")

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60 * PATIENCE)
        if status:
            raise RuntimeError(f"{self.ns}: status {status}\n{self.said()}")


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(ANSWER))
        self.end_headers()
        self.wfile.write(bytes(ANSWER))

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100

    def __init__(self, address):
        enter("peer")
        self.address_family = family_of(address)
        super().__init__((address, PORT), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Client(http.client.HTTPConnection):
    """Number and kind make its port and path."""

    def __init__(self, kind, number):
        port = number + (FIRST_LONG if kind == "long" else FIRST_SHORT)
        super().__init__(SERVERS[number % 2], PORT, timeout=30 * PATIENCE, source_address=("", port))
        self.path, self.requests = f"/mirrorx/{kind}/{number}", 0

    def ask(self):
        self.request("GET", f"{self.path}/{self.requests}")
        self.requests += 1
        if len(self.getresponse().read()) != ANSWER:
            raise RuntimeError(f"{self.path}: half an answer")


def wait_for(what, meanwhile=lambda: None, seconds=30):
    """Whether it happens; what does not is for the host to see."""
    end = time.monotonic() + seconds * PATIENCE
    while not what():
        if time.monotonic() > end:
            return False
        meanwhile()
        time.sleep(0.1)
    return True


def tc_says(*words):
    return in_ns("src", "tc", "-s", *words, "actions", "get", "action", "mirrorx", "index", INDEX)


def shown():
    """What tc says of each worker"""
    act = next(a for part in json.loads(tc_says("-j")) for a in part.get("actions", []))
    return {c["dst_ip"]: c for c in act["collectors"]}, act["mirrorx_stats"]


class Story:
    """What happens, and when."""

    def __init__(self, workers):
        self.workers, self.phases, self.events, self.short = workers, [], [], 0
        enter("src")
        self.long = [Client("long", number) for number in range(LONG)]

    def tell(self, what):
        self.events.append((time.time(), what))
        with open("/dev/kmsg", "w") as log:
            log.write(f"<5>mirrorx-bed: | # {what}")

    def ask(self):
        enter("src")
        for client in self.long:
            client.ask()

    def phase(self, name):
        time.sleep(0.5)                 # acknowledgments that wait, and copies
        self.tell(f"{SHORT} new connections and {LONG} old ones: {name}")
        begin, first = time.time(), self.short
        for self.short in range(first + 1, first + SHORT + 1):
            enter("src")
            client = Client("short", self.short)
            client.ask()
            client.close()
            if self.short % (SHORT // 3) == 0:
                self.ask()
        time.sleep(0.5)
        collectors, stats = shown()
        self.phases.append({"name": name, "begin": begin, "end": time.time(), "collectors": collectors,
                            "stats": stats, "said": tc_says()})

    def away(self, worker):
        return shown()[0][worker.address]["away"]


def main():
    workers = [Worker(number) for number in sys.argv[1:]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait()
    hosts = ",".join(worker.address for worker in workers)
    commands = [f"actions add action mirrorx dst_ip {hosts} {OPTIONS} index {INDEX}",
                *(f"filter add dev eth0 {hook} matchall action mirrorx index {INDEX}"
                  for hook in ("ingress", "egress"))]
    in_ns("src", "tc", "-batch", "-", input="\n".join(commands))
    servers = [Server(address) for address in SERVERS]
    story, lost = Story(workers), workers[1]
    story.phase("all workers live")
    wait_for(lambda: sum(worker.logged() for worker in workers) >= SHORT, seconds=60)
    lost.die()
    story.tell(f"{lost.ns} dies")
    noticed = wait_for(lambda: story.away(lost), story.ask)
    story.tell(f"that is noticed: {story.away(lost)}" if noticed else "that is not noticed")
    story.phase(f"without {lost.ns}")
    lost.come_back()
    story.tell(f"{lost.ns} lives again")
    noticed = wait_for(lambda: not story.away(lost), story.ask)
    story.tell("that is noticed" if noticed else "that is not noticed")
    story.phase(f"{lost.ns} is back")
    enter("src")
    for client in story.long:
        client.close()
    time.sleep(1)
    collectors, stats = shown()
    for worker in workers:
        worker.stop()
    for server in servers:
        server.shutdown()
    with open(f"{OUT}/cluster.json", "w") as out:
        json.dump({"workers": {w.address: [f"{w.ns}-{n + 1}" for n in range(w.starts)] for w in workers},
                   "lost": lost.address, "commands": commands, "suricata": lost.command,
                   "phases": story.phases, "events": story.events, "collectors": collectors, "stats": stats,
                   "port": PORT, "first_short": FIRST_SHORT, "first_long": FIRST_LONG, "answer": ANSWER,
                   "long": [c.requests for c in story.long], "short": story.short}, out, indent=1)


main()
