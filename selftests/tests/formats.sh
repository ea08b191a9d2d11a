#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every ERSPAN type and platform subheader, with tags kept or taken out, as tshark reads it.
. /selftests/lib.sh

topo
need modprobe -a sch_ingress cls_matchall
# Type I has no Session ID: its copies are told apart by their source.
for n in {71..74}; do
	need ip -n src address add 192.0.2.$n/24 dev und0
	need ip -n src address add 2001:db8:9::$n/64 dev und0 nodad preferred_lft 0
done
# An interface index that the narrower fields have no room for
need ip -n src link add wide index 1048576 type dummy
need ip -n src link set wide up
for dev in eth0 wide; do
	need in_src tc qdisc add dev $dev clsact
done
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9

capture src eth0 in -Q in -s 2000 -B 8192
capture src eth0 out -Q out -s 2000 -B 8192
capture src wide wide -Q out -s 2000 -B 8192
capture col eth0 copies -Q in -s 3000 -B 16384
check "traffic" python3 /selftests/tests/formats_traffic.py
capture_stop
finish
