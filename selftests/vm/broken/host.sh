#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The VM's half passes, the host's does not.
# expect: not ok 1 - the host sees it
. /selftests/lib.sh
ok "the VM's half"
finish
