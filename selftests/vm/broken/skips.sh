#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Nothing but a skipped test case: neither passed nor failed.
# expect: ^pass$
. /selftests/lib.sh
skip "not here" "because"
finish
