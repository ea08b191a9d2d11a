#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copies by VLAN devices, bonds, bridges, VRFs; devices renamed, MTUs changed.
exec python3 /selftests/tests/underlay-devices.py
