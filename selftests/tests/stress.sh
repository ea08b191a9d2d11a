#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything changes under mirrored traffic: actions, filters, links, routes, namespaces, queues, the module.
# cpus: 2
# timeout: 400
exec python3 /selftests/tests/stress-workers.py
