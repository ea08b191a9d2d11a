#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same again, after leftover.
# expect: ^pass$
. /selftests/lib.sh
check "no namespaces" test -z "$(ip netns list)"
check "no files" test -z "$(ls -A /tmp)"
topo
echo "stays" >/tmp/file
ip netns exec src sleep 1000 &
finish
