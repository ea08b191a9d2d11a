#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One flow in N: those, all of them, that the manual says; and each N-th frame, and runs.
# timeout: 300
. /selftests/lib.sh

ROOM="-s 1600 -B 65536"

topo 9000
need modprobe -a sch_ingress cls_matchall
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso on gro off
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 198.51.100.2

# shellcheck disable=SC2086
{
capture src eth0 in -Q in $ROOM
capture src eth0 out -Q out $ROOM
capture col eth0 copies -Q in $ROOM
}
check "traffic" python3 /selftests/tests/flows_traffic.py
capture_stop
finish
