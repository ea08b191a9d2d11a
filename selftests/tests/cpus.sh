#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# With erspan_hwid cpu every CPU has its Hw ID and a sequence of its own; else all share one.
# cpus: 3
. /selftests/lib.sh

topo
need modprobe -a sch_ingress cls_matchall
need in_src tc qdisc add dev eth0 clsact
need in_src ping -q -c 1 -W 5 192.0.2.9

capture src eth0 out -Q out -s 2000 -B 8192
capture col eth0 copies -Q in -s 3000 -B 16384
check "traffic" python3 /selftests/tests/cpus_traffic.py
capture_stop
finish
