#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A script that cannot go on.
# expect: Bail out! failed: ip link set nothing up
. /selftests/lib.sh
need ip link set nothing up
finish
