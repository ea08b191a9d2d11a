# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for programs.sh: what one program says of an action, the others do, too."""
import json
import subprocess
import sys

import pyroute2_mirrorx
from guest import must, tc_actions
from pyroute2.iproute import IPRoute
from tap import finish, ok

PROGRAMS = "/selftests/tests/programs"
INGRESS = 0xfffffff2        # of clsact
FILTER = "filter show dev eth0 ingress"
# What pyroute2 is told, and what tc shows then.
KEY = bytes(range(32)).hex()
OPTIONS = {"dst_ip": "192.0.2.9", "src_ip": "192.0.2.1", "id": 7, "erspan_dir": "egress",
           "erspan_hwid": 5, "sgt": 1234, "timestamp": "ns", "subheader": 3, "port": 99, "trunc": 64,
           "trunc_after": "l4", "fixlen": 1, "oversize": "split", "sample": 1, "limit": 10 ** 10,
           "burst": 10 ** 6, "tos": 16, "ttl": 9, "mark": 3, "priority": 2, "action": "ok"}
SHOWN = {**OPTIONS, "subheader": "3", "fixlen": True, "control_action": {"type": "pass"}}
# The same by the names and the values of the specification.
SPECIFIED = {"dst-ip4": "192.0.2.9", "src-ip4": "192.0.2.1", "id": 7, "erspan-ver": "type-iii",
             "erspan-dir": "egress", "erspan-hwid": 5, "sgt": 1234, "timestamp": "ns", "subheader": 3,
             "port": 99, "trunc": 64, "trunc-after": "l4", "fixlen": 1, "oversize": "split", "sample": 1,
             "limit-rate": 10 ** 10, "limit-burst": 10 ** 6, "tos": 16, "ttl": 9, "mark": 3,
             "priority": 2, "vlan-tag": "keep", "plaintext": 0, "encap": "erspan", "vni": 0,
             "spread": "none", "anon-mac": 0, "zero-payload": 0}


def ynl(device, *words):
    """What the kernel's reader of specifications says of the actions at the hook."""
    asked = {"family": 0, "ifindex": device, "parent": INGRESS}
    done = subprocess.run([sys.executable, f"{PROGRAMS}/ynl/cli.py", "--no-schema", "--spec",
                           f"{PROGRAMS}/merged.yaml", "--output-json", "--dump", "gettfilter", "--json",
                           json.dumps(asked)], text=True, capture_output=True)
    if done.returncode:
        return done.stderr
    return [action for entry in json.loads(done.stdout)
            for numbered in entry.get("options", {}).get("act", []) for action in numbered.values()]


def differences(expected, found):
    return {key: (value, found.get(key)) for key, value in expected.items() if found.get(key) != value}


def through_pyroute2(ip, device):
    ip.tc("add", "clsact", device)
    ip.tc("add-filter", "matchall", device, parent=INGRESS, action={"kind": "mirrorx", **OPTIONS})
    action, = tc_actions(FILTER)
    expected = {key: value for key, value in SHOWN.items() if key != "action"}
    ok(not differences(expected, action), "pyroute2 adds an action, tc shows what it was told",
       differences(expected, action))
    ip.tc("add-filter", "matchall", device, parent=INGRESS, prio=9, action={
        "kind": "mirrorx", "dst_ip": "192.0.2.9", "anonymize": KEY})
    must(f"tc actions add action mirrorx dst_ip 192.0.2.9 anonymize {KEY} index 99")
    keys = [found["anonymize"] for found in tc_actions(f"{FILTER} prio 9") + tc_actions(
        "actions get action mirrorx index 99")]
    ok(len(keys) == 2 and keys[0] == keys[1], "pyroute2 gives it the key that tc does", keys)
    must("tc filter del dev eth0 ingress prio 9")
    must("tc actions del action mirrorx index 99")
    try:
        pyroute2_mirrorx.get_parameters({"kind": "mirrorx", "dst_ip": "192.0.2.9", "speed": 1})
        ok(False, "pyroute2 refuses what is no option")
    except ValueError as why:
        ok("speed" in str(why), "pyroute2 refuses what is no option")
    return action


def read_by_pyroute2(ip, device, shown):
    found, = [options for message in ip.get_filters(device, parent=INGRESS)
              for options in [message.get_nested("TCA_OPTIONS", "TCA_MATCHALL_ACT", "TCA_ACT_PRIO_1",
                                                 "TCA_ACT_OPTIONS")] if options]
    ok(found.get_attr("TCA_MIRRORX_DST_IP4") == "192.0.2.9" and found.get_attr("TCA_MIRRORX_ID") == 7
       and found.get_attr("TCA_MIRRORX_LIMIT_RATE") == 10 ** 10, "pyroute2 reads it", found)
    counted = found.get_attr("TCA_MIRRORX_STATS").get_attr("TCA_MIRRORX_STATS_SENT")
    ok(counted == shown["mirrorx_stats"]["sent"] >= 5, "and its counters", counted)


def read_by_ynl(device, shown):
    read = ynl(device)
    if not ok(len(read) == 1 and read[0]["kind"] == "mirrorx", "ynl reads it", read):
        return
    options = read[0]["options"]
    ok(not differences(SPECIFIED, options), "ynl: all of its options", differences(SPECIFIED, options))
    counters = {key.replace("_", "-"): value for key, value in shown["mirrorx_stats"].items()}
    ok(options["stats"] == counters, "ynl: all of its counters", differences(counters, options["stats"]))
    ok(options["parms"]["index"] == shown["index"], "ynl: its index", options["parms"])


def main():
    pyroute2_mirrorx.register()
    with IPRoute() as ip:
        device, = ip.link_lookup(ifname="eth0")
        through_pyroute2(ip, device)
        must("ping -q -c 5 -i 0.05 -W 5 198.51.100.2")
        must("ip -n peer link set eth0 down")       # from here on the counters stay
        shown, = tc_actions(FILTER)
        read_by_pyroute2(ip, device, shown)
        read_by_ynl(device, shown)
    must("tc filter del dev eth0 ingress")
    must("tc filter add dev eth0 ingress matchall action mirrorx dst_ip 2001:db8:9::9")
    read = ynl(device)
    ok(read[0]["options"].get("dst-ip6") == "2001:db8:9::9", "ynl: an address of IPv6", read)
    finish()


main()
