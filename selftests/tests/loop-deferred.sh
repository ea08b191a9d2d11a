#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Never a copy of a copy: behind queues, VLAN devices and bridges.
exec python3 /selftests/tests/loop-forms.py deferred
