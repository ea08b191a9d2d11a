#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for lifetime.sh: the module is loaded by tc, held by actions and unloaded."""
import os

from guest import batch, must, run, tc_actions, wait_for
from tap import finish, ok

TO = "dst_ip 192.0.2.9"


def loaded():
    return os.path.exists("/sys/module/act_mirrorx")


def unload():
    """Whether the module can be unloaded, now or when the last RCU callbacks have run."""
    return wait_for(5, lambda: not run("rmmod act_mirrorx").returncode)


def module():
    """Loading and unloading."""
    ok(not loaded(), "the module is not loaded at first")
    done = run(f"tc actions add action mirrorx {TO}")
    ok(not done.returncode and loaded() and len(tc_actions()) == 1, "tc loads the module by itself",
       done.stderr)
    refused = run("rmmod act_mirrorx")
    ok(refused.returncode and "in use" in refused.stderr, "it cannot be unloaded while there is an action",
       refused.stderr)
    must("tc actions flush action mirrorx")
    ok(unload() and not loaded(), "it can be unloaded when there is none")
    batch("ip", "link add d0 up type dummy\nnetns add other")
    must("tc qdisc add dev d0 clsact")
    done = run(f"tc filter add dev d0 ingress flower action mirrorx {TO}")
    ok(not done.returncode and loaded(), "a filter loads it, too", done.stderr)
    must(f"tc -n other actions add action mirrorx {TO}")
    must("tc filter delete dev d0 ingress")
    ok(run("rmmod act_mirrorx").returncode, "an action in another namespace keeps it")
    must("ip netns delete other")
    ok(unload(), "until that namespace is deleted")
    for alias in "net-act-mirrorx", "act_mirrorx":
        must(f"modprobe {alias}")
        ok(loaded(), f"modprobe {alias} loads it")
        ok(unload(), f"and it can be unloaded, unused ({alias})")
    must("ip link delete d0")


def namespace():
    """It goes with its devices, and an action that knows the way to its collector."""
    for collector in "192.0.2.9", "2001:db8:9::9":
        must("ip netns add other")
        batch("ip", """link set lo up
            link add und0 up type dummy
            address add 192.0.2.1/24 dev und0
            address add 2001:db8:9::1/64 dev und0 nodad""", "other")
        done = run(f"tc -n other actions add action mirrorx dst_ip {collector}")
        ok(not done.returncode and not done.stderr, f"the way to {collector} is known", done.stderr)
        must("ip netns delete other")
        ok(unload(), "its namespace is deleted, and the module can be unloaded")


module()
namespace()
finish()
