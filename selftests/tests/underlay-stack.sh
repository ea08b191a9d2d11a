#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copies pass netfilter and IPsec, and keep to the MTU that the path tells.
exec python3 /selftests/tests/underlay-hooks.py
