#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that dies.  The tests after it run in another boot.
# expect: the kernel died
. /selftests/lib.sh
ok "so far"
echo c >/proc/sysrq-trigger
finish
