#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of cluster.sh: what each Suricata made of its share, against what was on the wire.

The phases: all workers live, one is dead, it is back.
"""
import sys
from collections import Counter

from tap import finish, ok
from workers import Cluster, expected, repeating

ALIVE, WITHOUT, BACK = range(3)
cluster = Cluster(sys.argv[1])
lost, hosts = cluster.lost, list(cluster.workers)
staying = [host for host in hosts if host != lost]
on_wire, busy = expected(cluster.source), repeating(cluster.source)


def client(flow):
    return next(port for _, port in flow if port != cluster.port)


def is_long(flow):
    return client(flow) >= cluster.first_long


def requests(flow):
    """Paths of all requests of a connection"""
    if not is_long(flow):
        return [f"/mirrorx/short/{client(flow) - cluster.first_short}/0"]
    number = client(flow) - cluster.first_long
    return [f"/mirrorx/long/{number}/{n}" for n in range(cluster.long[number])]


def together(number):
    """{flow: its only worker} of a phase, in which each packet on the wire was copied once"""
    name, where = cluster.phases[number]["name"], cluster.where(number)
    sent, got = (Counter((p.ends, p.frame) for p in cluster.during(packets, number))
                 for packets in (cluster.source, cluster.copies))
    ok(sent and sent == got, f"{name}: each packet has one copy, of the same bytes", sum(sent.values()),
       sum(got.values()))
    apart = {flow: found for flow, found in where.items() if len(found) != 1}
    during = cluster.during(cluster.copies, number)
    directions = Counter(map(frozenset, {p.ends for p in during}))
    ok(not apart and set(directions.values()) == {2},
       f"{name}: both directions of {len(where)} flows, each at one worker", list(apart.items())[:3],
       directions)
    return {flow: min(found) for flow, found in where.items()}


def seen(name, report, flow, counts):
    """What is wrong with what a Suricata says of a connection from its beginning on, or ''"""
    wrong = []
    if report.flows[flow] != [counts]:
        wrong.append(f"flows {report.flows[flow]}, not [{counts}]")
    for what, found in (("requests", report.requests), ("alerts", report.alerts)):
        if any(found[path] != 1 for path in requests(flow)):
            wrong.append(f"{what}: {[found[path] for path in requests(flow)]}")
    if any(report.files[path, cluster.answer, "CLOSED"] != 1 for path in requests(flow)):
        wrong.append("files")
    complaints = [event for event in report.complaints[flow]
                  if flow not in busy or "retransmission" not in event]
    if complaints:
        wrong.append(f"complaints: {complaints}")
    return f"{name}, {client(flow)}: {', '.join(wrong)}" if wrong else ""


def nobody_else(flow, host, start):
    """No other Suricata has heard of a connection."""
    return not any(reports[n].flows[flow] or any(reports[n].requests[path] for path in requests(flow))
                   for other, reports in cluster.reports.items() for n in range(len(reports))
                   if (other, n) != (host, start))


def short_ones(number, where):
    """Each is complete at the worker that the capture tells, and nowhere else."""
    phase = cluster.phases[number]["name"]
    start = {host: int(host == lost and number == BACK) for host in hosts}
    flows = {flow: host for flow, host in where.items() if not is_long(flow)}
    wrong = [seen(host, cluster.reports[host][start[host]], flow, on_wire[flow])
             for flow, host in flows.items()]
    ok(flows and not any(wrong), f"{phase}: Suricata has all of {len(flows)} new connections: packets, bytes,"
       " request, file and alert, no complaints", *list(filter(None, wrong))[:5])
    twice = [client(flow) for flow, host in flows.items() if not nobody_else(flow, host, start[host])]
    ok(not twice, f"{phase}: and no other one knows of them", twice[:5])
    return Counter(flows.values())


def untouched(where):
    """Old connections of those that stay"""
    flows = {flow: host for flow, host in where[ALIVE].items() if is_long(flow) and host != lost}
    copied = {host: expected(p for p in cluster.copies if p.worker == host) for host in staying}
    wrong = [seen(host, cluster.reports[host][0], flow, on_wire[flow]) for flow, host in flows.items()]
    ok(len(flows) > 10 and not any(wrong), f"{len(flows)} old connections of those that stay: one flow each,"
       " with all packets from beginning to end, all requests, files and alerts, no complaints",
       *list(filter(None, wrong))[:5])
    others = [client(flow) for flow, host in flows.items() if not nobody_else(flow, host, 0)]
    ok(not others, "and no other one knows of them", others[:5])
    ok(all(copied[host].get(flow) == on_wire[flow] for flow, host in flows.items()),
       "and so says the capture of their copies")


def moved(where):
    """Old connections of the one that dies"""
    flows = {flow for flow, host in where[ALIVE].items() if is_long(flow) and host == lost}
    ok(flows and all(where[WITHOUT].get(flow) in staying and where[BACK].get(flow) == lost for flow in flows),
       f"{len(flows)} old connections of the one that dies go to others, and return")
    wrong = []
    for flow in flows & set(where[WITHOUT]):
        host = where[WITHOUT][flow]
        got = expected(p for p in cluster.copies if p.flow == flow and p.worker == host)[flow]
        if cluster.reports[host][0].flows[flow] != [got]:
            wrong.append(f"{client(flow)}: {cluster.reports[host][0].flows[flow]}, not {got}")
        back = cluster.reports[lost][1].flows[flow]
        if len(back) != 1 or not back[0][0]:
            wrong.append(f"{client(flow)}: back: {back}")
    ok(not wrong, "Suricata has all that their new workers got, and of what returned", *wrong[:5])


def told():
    """What tc says"""
    gone = {p["name"]: p["collectors"] for p in cluster.phases}
    alive, without, back = gone.values()
    ok(not any(c["away"] for shown in (alive, back) for c in shown.values()) and
       {h: c["away"] for h, c in without.items()} == {h: "no_neigh" if h == lost else None for h in hosts},
       "tc says who is away, and why", gone)
    ok(not any(c["moved"] for c in alive.values()) and without[lost]["moved"] > 0 and
       not any(back[h]["moved"] for h in staying), "and how many copies went to others for it", gone)
    lost_ones = len(cluster.source) - len(cluster.copies)
    reasons = {name: n for name, n in cluster.stats.items()
               if name not in ("sent", "bytes", "in_flight_max") and n}
    ok(lost_ones <= reasons.get("no_neigh", 0) and set(reasons) <= {"no_neigh"},
       f"what never left is counted: {reasons}", lost_ones, cluster.stats)


where = [together(number) for number in (ALIVE, WITHOUT, BACK)]
shares = [short_ones(number, flows) for number, flows in enumerate(where)]
ok(all(set(share) == set(hosts if number != WITHOUT else staying) for number, share in enumerate(shares)),
   "all workers that live get new connections", shares)
old = [{flow: host for flow, host in flows.items() if is_long(flow)} for flows in where]
gone = {flow for flow in old[ALIVE] if old[ALIVE][flow] != old[WITHOUT].get(flow)}
ok(gone == {flow for flow, host in old[ALIVE].items() if host == lost},
   f"only the dead one's flows move, {len(gone)} of {len(old[ALIVE])}")
ok(old[ALIVE] == old[BACK], "only they return", Counter(old[BACK].values()))
untouched(where)
moved(where)
told()
dropped = {host: [report.dropped for report in reports] for host, reports in cluster.reports.items()}
ok(not any(sum(dropped.values(), [])), "no Suricata dropped a packet", dropped)
finish()
