#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Time in the copies: hardware's stamp, else the stack's, else now; right around every edge.
. /selftests/lib.sh

KINDS="stamp cookie"
[[ $(uname -r) != 5.10.* ]] || KINDS=stamp	# cookies came with 6.0

topo
need modprobe -a testdev sch_ingress cls_matchall
need in_src tc qdisc add dev eth0 clsact
for kind in $KINDS; do
	need ip -n src link add "$kind" type "$kind"
	need ip -n src link set "$kind" up
	need in_src tc qdisc add dev "$kind" clsact
	capture src "$kind" "$kind" -Q in -s 2000 -B 4096
done
need in_src ping -q -c 1 -W 5 192.0.2.9

capture src eth0 in -Q in -s 2000 -B 8192
capture src eth0 out -Q out -s 2000 -B 8192
capture col eth0 copies -Q in -s 3000 -B 16384
check "traffic" python3 /selftests/tests/clock_traffic.py
capture_stop
finish
