#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The name of a test case is not a warning.
# expect: ^pass$
. /selftests/lib.sh
ok "no WARNING: here"
finish
