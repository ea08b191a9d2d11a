#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The host's half: what the VM captured is here and whole."""
import sys

from scapy.all import ICMP, rdpcap
from tap import finish, ok

pings = [p[ICMP] for p in rdpcap(f"{sys.argv[1]}/pings.pcap")]
requests = [p.seq for p in pings if p.type == 8]
replies = [p.seq for p in pings if p.type == 0]
ok(requests == [1, 2, 3, 4, 5], "the capture has all requests in order", requests)
ok(replies == requests, "and their replies", replies)
finish()
