#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything changes while traffic is mirrored: actions, filters, links, routes, namespaces, queues, the module.
# cpus: 3
# timeout: 900
# on demand: three emulated CPUs that take turns need many minutes for it
exec python3 /selftests/tests/stress-workers.py
