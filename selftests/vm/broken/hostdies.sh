#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The host's half dies of an exception.
# expect: host: exit status 1: ZeroDivisionError
. /selftests/lib.sh
ok "the VM's half"
finish
