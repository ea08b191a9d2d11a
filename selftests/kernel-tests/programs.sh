#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs that speak netlink without tc: the kernel's ynl, and pyroute2.
# timeout: 900
. /selftests/lib.sh
topo
export PYTHONPATH=$PYTHONPATH:/selftests/tests/programs
exec ip netns exec src python3 /selftests/tests/programs/programs.py
