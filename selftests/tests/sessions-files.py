#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for sessions.sh: right files, wrong files, and what becomes of them."""
import json
import subprocess
from pathlib import Path

from guest import must, run, tc_actions, wait_for
from tap import finish, ok

CONF = Path("/etc/mirrorx")
GOOD = """# what goes in and out
[Mirror]
Device=eth0
Collector=192.0.2.9
Options=id 7
"""
# What is wrong with a file; the line that is named, and what is said of it.
WRONG = [
    ("Device=eth0\n", 1, "[Mirror] has to come first"),
    ("[Mirror]\nDevice\n", 2, "not KEY=VALUE"),
    ("[Mirrors]\nDevice=eth0\n", 1, "only [Mirror]"),
    ("[Mirror]\nDevice=eth0\nDevice=eth1\n", 3, "twice"),
    ("[Mirror]\nDevice=eth0\n[Mirror]\n", 3, "twice"),
    (GOOD + "Speed=1\n", 6, "not a key"),
    (GOOD + "Direction=up\n", 6, "not one of ingress, egress, both"),
    (GOOD + "Filter=flower ip_proto 'tcp\n", 6, "no closing quotation"),
    (GOOD + "Filter=flower ip_proto nonsense\n", 6, "nonsense"),
    (GOOD + "Filter=protocol nowhere matchall\n", 6, "nowhere"),
    (GOOD.replace("eth0", "eth9"), 3, "no such device"),
    (GOOD.replace("eth0", "a device of many words"), 3, "not the name of a device"),
    (GOOD.replace("192.0.2.9", "collector.example"), 4, "collector.example"),
    (GOOD.replace("192.0.2.9", "192.0.2.9 id 9 nonsense"), 4, "nonsense"),
    (GOOD.replace("id 7", "id 2000"), 5, "id"),
    (GOOD.replace("id 7", "trunc 1"), 5, "trunc"),
    (GOOD.replace("id 7", "dst_ip 192.0.2.8"), 5, "dst_ip"),
    (GOOD.replace("Collector=192.0.2.9\n", ""), None, "Collector= is missing"),
    ("", None, "[Mirror] is missing"),
]


def write(name, text):
    (CONF / f"{name}.conf").write_text(text)


def mirrorx(*words):
    return run(["mirrorx", *words], "src") if words[0] == "check" else \
        run(["ip", "netns", "exec", "src", "mirrorx", *words])


def filters(dev="eth0"):
    return [entry for hook in ("ingress", "egress")
            for entry in json.loads(must(f"tc -j filter show dev {dev} {hook}", "src") or "[]")
            if "options" in entry]


def kinds(dev="eth0"):
    return {qdisc["kind"] for qdisc in json.loads(must(f"tc -j qdisc show dev {dev}", "src"))}


def everything():
    """What there is of tc's, without what changes by itself."""
    return ([(entry["pref"], entry["kind"]) for entry in filters()], sorted(kinds()),
            [(act["index"], act["dst_ip"], act.get("id")) for act in tc_actions(ns="src")],
            sorted(path.name for path in Path("/run/mirrorx").glob("[!.]*")))


def ping(count):
    return run(f"ping -q -c {count} -i 0.05 -W 5 198.51.100.2", "src")


def sent():
    return sum(act["mirrorx_stats"]["sent"] for act in tc_actions(ns="src"))


def life():
    """From nothing to nothing."""
    none = mirrorx("start", "web")
    ok(none.returncode == 1 and none.stderr == "mirrorx: /etc/mirrorx/web.conf: No such file or directory\n",
       "what has no file is not started", none)
    untouched = everything()
    write("web", GOOD)
    done = mirrorx("status", "web")
    ok(done.returncode == 3 and "not mirroring" in done.stdout, "status: it is not started yet", done)
    done = mirrorx("start", "web")
    ok(done.returncode == 0 and not done.stdout + done.stderr, "a session is started", done)
    ok(len(filters()) == 2 and len(tc_actions(ns="src")) == 1, "one action, in both directions", filters())
    before = sent()
    ok(not ping(10).returncode and wait_for(5, lambda: sent() >= before + 20), "what passes is copied",
       sent())
    done = mirrorx("status")
    ok(done.returncode == 0 and done.stdout.startswith("web: eth0 both, to 192.0.2.9: mirroring\n  sent 2"),
       "status says so", done)
    again = mirrorx("start", "web")
    ok(again.returncode == 0 and len(filters()) == 2 and len(tc_actions(ns="src")) == 1,
       "started once more, there is still one", again, filters())
    must(f"tc filter del dev eth0 ingress pref {filters()[0]['pref']}", "src")
    ok(mirrorx("status").returncode == 3, "status: it notices that a filter is gone")
    mirrorx("start")
    ok(mirrorx("status").returncode == 0, "and starting brings it back")
    done = mirrorx("stop", "web")
    ok(done.returncode == 0 and everything() == untouched, "stopped, everything is as it was", done,
       everything())
    ok(mirrorx("stop", "web").returncode == 0, "there is no harm in stopping it twice")
    (CONF / "web.conf").unlink()


def wrong_files():
    before = everything()
    for text, line, why in WRONG:
        write("bad", text)
        done = mirrorx("start", "bad")
        where = f"/etc/mirrorx/bad.conf:{line}: " if line else "/etc/mirrorx/bad.conf: "
        ok(done.returncode == 1 and done.stderr.count("\n") == 1 and why in done.stderr
           and done.stderr.startswith(f"mirrorx: {where}"), f"wrong: {where}{why}", done)
        ok(everything() == before, "and nothing has changed", before, everything())
    for text, line, why in WRONG[:8:3]:
        write("bad", text)
        ok(why in mirrorx("check", "bad").stderr, f"check finds it, too: {why}")
    (CONF / "bad.conf").unlink()


def changes():
    """A file that is changed while it is in use."""
    write("web", GOOD)
    mirrorx("start", "web")
    before = everything()
    write("web", GOOD.replace("id 7", "id 2000"))
    done = mirrorx("start", "web")
    ok(done.returncode == 1 and everything() == before, "with a wrong change the old session goes on", done)
    write("web", GOOD.replace("id 7", "id 8") + "Direction=egress\nFilter=protocol ip flower ip_proto icmp\n")
    done = mirrorx("start", "web")
    acts = tc_actions(ns="src")
    ok(done.returncode == 0 and [entry["kind"] for entry in filters()] == ["flower"]
       and [act["id"] for act in acts] == [8], "with a right one it is replaced", done, filters(), acts)
    before = sent()
    ping(5)
    ok(wait_for(5, lambda: sent() == before + 5), "and does what it says", before, sent())
    mirrorx("stop")


def neighbours():
    """Several on one device, and what is others'."""
    must("tc qdisc add dev eth0 clsact", "src")
    must("tc filter add dev eth0 ingress pref 7 matchall action gact pass", "src")
    write("web", GOOD)
    write("dns", GOOD.replace("id 7", "id 9") + "Filter=protocol ip flower ip_proto udp dst_port 53\n")
    before = everything()
    ok(mirrorx("start").returncode == 0 and len(filters()) == 5, "two on one device", filters())
    mirrorx("stop", "dns")
    ok(len(filters()) == 3 and mirrorx("status", "web").returncode == 0, "one stops, the other goes on")
    mirrorx("stop")
    ok(everything() == before, "the operator's own qdisc and filter stay", everything())
    must("tc qdisc del dev eth0 clsact", "src")
    must("tc qdisc add dev eth0 ingress", "src")
    done = mirrorx("start", "web")
    ok("only clsact has egress" in done.stderr and not filters(),
       "with the qdisc ingress there is no egress", done)
    write("web", GOOD + "Direction=ingress\n")
    done = mirrorx("start", "web")
    # tc shows what this qdisc has at either hook
    ok(done.returncode == 0 and len({entry["pref"] for entry in filters()}) == 1, "but ingress", done,
       filters())
    mirrorx("stop")
    ok("ingress" in kinds(), "and the qdisc stays")
    must("tc qdisc del dev eth0 ingress", "src")


def many_at_once():
    for number in range(8):
        write(f"many{number}", GOOD.replace("id 7", f"id {number}"))
    started = [subprocess.Popen(["ip", "netns", "exec", "src", "mirrorx", "start", f"many{number}"])
               for number in range(8)]
    ok([process.wait() for process in started] == [0] * 8, "eight are started at the same time")
    # Not by filters(): of matchall's the kernel leaves out the one in which a message ends.
    there = sorted((act["id"], act["bind"]) for act in tc_actions(ns="src"))
    ok(there == [(number, 2) for number in range(8)], "and are all there, each with two filters", there)
    mirrorx("stop")
    for number in range(8):
        (CONF / f"many{number}.conf").unlink()
    ok(not filters() and "clsact" not in kinds(), "and gone, with the qdisc")


def without_device():
    must("ip link add gone up type dummy", "src")
    write("web", GOOD.replace("eth0", "gone"))
    ok(mirrorx("start", "web").returncode == 0, "on a device that goes away")
    must("ip link del gone", "src")
    ok(mirrorx("status", "web").returncode == 3, "status: it went away")
    must("ip link add gone up type dummy", "src")
    done = mirrorx("start", "web")
    ok(done.returncode == 0 and len(filters("gone")) == 2 and len(tc_actions(ns="src")) == 1
       and mirrorx("status", "web").returncode == 0, "when there is another, it is started on that", done)
    must("ip link set gone down", "src")        # older kernels rename nothing that is up
    must("ip link set gone name renamed", "src")
    ok(mirrorx("stop", "web").returncode == 0 and not filters("renamed") and "clsact" not in kinds("renamed")
       and not tc_actions(ns="src"), "it is stopped under a new name, too")
    write("web", GOOD.replace("eth0", "renamed"))
    ok(mirrorx("start", "web").returncode == 0, "and started under that")
    must("ip link del renamed", "src")
    done = mirrorx("stop", "web")
    ok(done.returncode == 0 and not tc_actions(ns="src"), "and stopped without its device", done)


life()
wrong_files()
changes()
neighbours()
many_at_once()
without_device()
finish()
