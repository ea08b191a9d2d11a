#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for refuse.sh: refused tc commands.

The word that is wrong must be in what tc prints, in a single line.
"""
import re
import subprocess

import rawtc
from tap import finish, ok

TO = "dst_ip 192.0.2.9"
OLD = 900               # the action that bad ones are to replace
# What tc itself says after the reason.
TC_ENDS = ("We have an error talking to the kernel", 'Command "action" is unknown')

# Bad words, and what the line must name.
WORDS = [
    ("id 1", "dst_ip"),
    ("dst_ip 0.0.0.0", "dst_ip"),
    ("dst_ip 127.0.0.1", "dst_ip"),
    ("dst_ip 224.0.0.1", "dst_ip"),
    ("dst_ip 255.255.255.255", "dst_ip"),
    ("dst_ip ::", "dst_ip"),
    ("dst_ip ::1", "dst_ip"),
    ("dst_ip ff02::1", "dst_ip"),
    ("dst_ip ::ffff:192.0.2.9", "dst_ip"),
    ("dst_ip fe80::9", "dst_ip.* dev"),
    ("dst_ip 192.0.2", "dst_ip"),
    ("dst_ip collector", "dst_ip"),
    (f"{TO} dst_ip 2001:db8::9", "dst_ip"),
    (f"{TO} src_ip 2001:db8::1", "src_ip"),
    ("dst_ip 2001:db8::9 src_ip 192.0.2.1", "src_ip"),
    (f"{TO} src_ip 224.0.0.1", "src_ip"),
    (f"{TO} src_ip 0.0.0.0", "src_ip"),
    (f"{TO} dev nosuch0", "dev"),
    (f"{TO} id 1024", "id"),
    (f"{TO} id -1", "id"),
    (f"{TO} id 1x", "id"),
    (f"{TO} erspan_ver 3", "erspan_ver"),
    (f"{TO} erspan_dir both", "erspan_dir.* auto ingress egress"),
    (f"{TO} erspan_hwid 64", "erspan_hwid"),
    (f"{TO} erspan_hwid cpus", "erspan_hwid"),
    (f"{TO} sgt 65536", "sgt"),
    (f"{TO} encap vlan", "encap.* erspan gretap vxlan geneve"),
    (f"{TO} vni 16777216 encap vxlan", "vni"),
    (f"{TO} encap vxlan dst_port 0", "dst_port"),
    (f"{TO} encap geneve dst_port 65536", "dst_port"),
    (f"{TO} vni 7", "vni"),
    (f"{TO} encap gretap dst_port 4789", "dst_port"),
    (f"{TO} encap vxlan id 7", "Session ID"),
    (f"{TO} encap geneve timestamp ns", "timestamp"),
    (f"{TO} encap gretap erspan_ver 1", "encap erspan"),
    (f"{TO} encap vxlan vlan_tag strip", "tag"),
    (f"{TO} encap vxlan erspan_hwid cpu", "Hw ID"),
    (f"{TO} timestamp 1us", "timestamp.* 100us 100ns ns"),
    (f"{TO} subheader 2", "subheader"),
    (f"{TO} subheader 1 timestamp ns", "subheader"),
    (f"{TO} timestamp ns subheader none", "timestamp"),
    (f"{TO} erspan_ver 1 subheader 5", "type III"),
    (f"{TO} erspan_ver 1 timestamp ns", "type III"),
    (f"{TO} erspan_ver 0 id 1", "type I"),
    (f"{TO} erspan_ver 1 port 1048576", "port"),
    (f"{TO} port 1", "port"),
    (f"{TO} vlan_tag both", "vlan_tag"),
    (f"{TO} fixlen", "fixlen"),
    (f"{TO} trunc l5", "trunc"),
    (f"{TO} trunc l4+", "trunc"),
    (f"{TO} trunc l4+65536", "trunc"),
    (f"{TO} oversize drop", "oversize"),
    (f"{TO} limit 1mbit", "burst"),
    (f"{TO} limit 1mbit 64k", "burst"),
    (f"{TO} limit 1mbit burst 0", "burst"),
    (f"{TO} limit 1mbit burst 64q", "burst"),
    (f"{TO} limit 10pps burst 64k", "burst"),
    (f"{TO} limit 10pps burst 0", "burst"),
    (f"{TO} limit 0 burst 64k", "limit"),
    (f"{TO} limit 0pps burst 1", "limit"),
    (f"{TO} limit -1mbit burst 64k", "limit"),
    (f"{TO} limit fast burst 64k", "limit"),
    (f"{TO} limit 1mbit burst 1k limit 2mbit burst 1k", "limit"),
    (f"{TO} limit 1pps burst 1 limit 2pps burst 1", "limit"),
    (f"{TO} burst 64k", "burst"),
    (f"{TO} plaintext 1", "1|plaintext"),
    (f"{TO} anonymize", "anonymize|not complete"),
    (f"{TO} anonymize 00", "anonymize.* 64"),
    (f"{TO} anonymize {'00' * 32}", "weak"),
    (f"{TO} anonymize id 0123456789abcdef", "anonymize.*key"),
    (f"{TO} anonymize_mac", "anonymize_mac"),
    (f"{TO} zero_payload 1", "1|zero_payload"),
    (f"{TO} for nobody", "for"),
    (f"{TO} trunc 13", "trunc"),
    (f"{TO} trunc 0", "trunc"),
    (f"{TO} trunc 65536", "trunc"),
    (f"{TO},192.0.2.8", "several|spread"),
    (f"{TO},", "one family"),
    (f"{TO},192.0.2.8, spread flow", "one family"),
    (f"{TO},2001:db8::9 spread flow", "one family"),
    (f"{TO},nowhere spread flow", "one family"),
    (f"{TO},192.0.2.9 spread flow", "twice"),
    (f"{TO} spread flow", "several"),
    (f"{TO},192.0.2.8 spread none", "spread"),
    (TO + "".join(f",192.0.3.{i}" for i in range(1, 65)) + " spread copy", "64"),
    (f"{TO} sample 0", "sample"),
    (f"{TO} sample 2 all", "all"),
    (f"{TO} sample flow", "sample"),
    (f"{TO} sample 2 burst 0", "burst"),
    (f"{TO} sample 2 burst", "not complete|burst"),
    (f"{TO} flow_seed x", "flow_seed"),
    (f"{TO} flow_seed 0x10000000000000000", "flow_seed"),
    (f"{TO} flow_inner 1", "1|flow_inner"),
    (f"{TO} tos 256", "tos"),
    (f"{TO} ttl 0", "ttl"),
    (f"{TO} ttl 256", "ttl"),
    (f"{TO} mark 0x100000000", "mark"),
    (f"{TO} priority high", "priority"),
    (f"{TO} color 7", "color"),
    (f"{TO} id", "not complete|id"),
    (f"{TO} id 1 id 2", "id"),
    (f"{TO} drop pass", "CONTROL"),
]

# Whole commands.
COMMANDS = [
    (f"actions add action mirrorx {TO} goto chain 5", "goto"),
    (f"actions replace action mirrorx {TO} goto chain 5 index {OLD}", "goto"),
    (f"actions add action mirrorx {TO} index {OLD}", "exists"),
    ("actions add action mirrorx index 5", "dst_ip"),
    ("filter add dev d0 ingress matchall action mirrorx index 5", "dst_ip"),
    ("filter add dev d0 ingress flower action mirrorx index 5", "dst_ip"),
    ("actions get action mirrorx index 5", "index"),
    ("actions delete action mirrorx index 5", "index"),
    (f"actions delete action mirrorx index {OLD} action mirrorx index 5", "index"),
    (f"actions add action mirrorx {TO} action mirrorx id 3", "dst_ip"),
    (f"filter add dev d0 ingress matchall action mirrorx {TO} action gact pass"
     " action mirrorx id 3", "dst_ip"),
    (f"actions add action mirrorx {TO} skip_sw", "skip_sw|not supported|policy validation"),
    (f"filter add dev d0 ingress matchall skip_sw action mirrorx {TO}", "offload|setup flow action"),
]


class Judge:
    def __init__(self):
        self.netlink = rawtc.Netlink()
        self.said = []

    def state(self):
        return ({index: (rawtc.configuration(act), rawtc.counters(act))
                 for index, act in self.netlink.list().actions().items()},
                len(self.netlink.filters("d0")), rawtc.references())

    def refused(self, command, named):
        before = self.state()
        run = subprocess.run(["tc", *command.split()], text=True, capture_output=True)
        lines = [line for line in run.stderr.splitlines() if not line.startswith(TC_ENDS)]
        if lines and lines[0].startswith("Bad action type"):
            del lines[1:]       # all that gact takes: says a tc that does not know the word
        self.said += [command, *(f"\t{line}" for line in lines)]
        ok(run.returncode and not run.stdout and len(lines) == 1
           and re.search(rf"\b({named})\b", lines[0]) and self.state() == before,
           f"refused in one line, without a trace: {command}",
           f"status {run.returncode}, the line is to name {named}", run.stdout, run.stderr,
           "" if self.state() == before else f"{before}\n{self.state()}")


def main():
    subprocess.run("""set -e
        modprobe act_mirrorx
        ip link add d0 up type dummy
        ip link add d1 up type dummy
        ip address add 192.0.2.1/24 dev d1
        ip address add 2001:db8::1/64 dev d1 nodad
        tc qdisc add dev d0 clsact
        """ f"tc actions add action mirrorx {TO} src_ip 192.0.2.1 dev d1 id 7 index {OLD}",
                   shell=True, executable="/bin/bash", check=True)
    judge = Judge()
    for words, named in WORDS:
        judge.refused(f"actions add action mirrorx {words}", named)
        judge.refused(f"actions replace action mirrorx {words} index {OLD}", named)
        judge.refused(f"filter add dev d0 ingress matchall action mirrorx {words}", named)
    for command, named in COMMANDS:
        judge.refused(command, named)
    print("# What tc printed:")
    for line in judge.said:
        print(f"# {line}")
    finish()


main()
