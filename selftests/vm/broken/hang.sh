#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A test that does not end.
# timeout: 3
# expect: killed after 3 s
. /selftests/lib.sh
ok "so far"
sleep 1000
