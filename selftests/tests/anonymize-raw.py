#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for anonymize.sh: a key goes in, and never comes out."""
import os
import socket

import rawtc as tc
from rawtc import attr, options
from tap import finish, ok

KEY = bytes.fromhex(os.environ["KEY"])
netlink, listener = tc.Netlink(), tc.Netlink(groups=1 << 3)     # RTMGRP_TC


def heard():
    """All that was said to everybody."""
    found = b""
    listener.socket.settimeout(0.5)
    try:
        while True:
            found += listener.socket.recv(1 << 20)
    except socket.timeout:
        return found


def act(*more):
    return tc.action(options(*more, index=9, dst="192.0.2.9"))


answer = netlink.add(act(attr(tc.ANON_KEY, KEY), attr(tc.ANON_MAC, 1), attr(tc.ZERO_PAYLOAD, 1)))
ok(not answer.error, "a key is accepted", answer)
got, listed = netlink.get(tc.by_index(9)), netlink.list()
said = {"get": b"".join(got.replies), "dump": b"".join(listed.replies), "notification": heard()}
for what, data in said.items():
    shown = [part for part in (KEY, KEY[:16], KEY[16:], KEY[:8], KEY[8:16], KEY[16:24], KEY[24:]) if part in data]
    ok(len(data) > 100 and not shown, f"a {what} has nothing of it", len(data), shown)
found = got.actions()[9]
ok(tc.ANON_KEY not in found and len(found[tc.ANON_ID]) == 8, "but a fingerprint", found)
back = {number: data for number, data in found.items() if isinstance(number, int) and number in tc.SIZES and
        number != tc.PARMS}
answer = netlink.replace(tc.action(tc.nest(tc.OPTIONS, tc.parms(9), *(attr(n, d) for n, d in back.items()))))
ok("anonymize_mac needs" in answer.message and tc.ANON_ID in netlink.get(tc.by_index(9)).actions()[9],
   "a dump with anonymize_mac that is sent back without the key changes nothing", answer)
answer = netlink.replace(act(attr(tc.ANON_KEY, KEY[::-1])))
ok(not answer.error and netlink.get(tc.by_index(9)).actions()[9][tc.ANON_ID] != found[tc.ANON_ID],
   "another key has another fingerprint", answer)
netlink.flush()
finish()
