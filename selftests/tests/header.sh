#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every field of every outer header, for every option, as tshark reads it.
. /selftests/lib.sh

topo
need modprobe -a sch_ingress cls_matchall cls_basic em_meta act_gact
need ip -n src address add 192.0.2.77/24 dev und0
need ip -n src address add 2001:db8:9::77/64 dev und0 nodad preferred_lft 0
# Collectors behind a gateway, by routes that say which address to come from.
need ip -n src route add 203.0.113.9 via 192.0.2.9 src 192.0.2.77
need ip -n src -6 route add 2001:db8:77::9 via 2001:db8:9::9 src 2001:db8:9::77
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9
need in_src ping -q -c 1 -W 5 2001:db8:9::9
need in_src tc qdisc add dev und0 clsact
need in_src tc filter add dev und0 egress pref 1 basic match "meta(nf_mark eq 42) and meta(priority eq 7)" \
	action pass index 42

capture src eth0 in -Q in -s 2000 -B 8192
capture src eth0 out -Q out -s 2000 -B 8192
capture col eth0 copies -Q in -s 3000 -B 16384
check "traffic" python3 /selftests/tests/header_traffic.py
capture_stop
finish
