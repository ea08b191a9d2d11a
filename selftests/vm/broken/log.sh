#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A warning in the kernel's log (made up: a stock kernel gives none on demand).
# expect: kernel log: .*WARNING: CPU: 0
. /selftests/lib.sh
echo "<4>WARNING: CPU: 0 PID: 1 at net/sched/act_api.c:1" >/dev/kmsg
ok "all is well"
finish
