#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One frame in N, at random: how many, how far apart, and none uncounted.
. /selftests/lib.sh

topo 9000
need modprobe -a pktgen sch_ingress cls_matchall
for ns in src peer; do
	need ip netns exec $ns ethtool -K eth0 tx off tso off gso on gro off
done
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 198.51.100.2

# All but the flood: a slow VM asks for addresses again, and mirrors that, too.
capture src eth0 out -Q out -s 1600 -B 32768 "not udp"
capture col eth0 copies -Q in -s 1600 -B 65536
check "traffic" python3 /selftests/tests/sampling_traffic.py
capture_stop
finish
