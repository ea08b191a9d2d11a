# SPDX-License-Identifier: GPL-2.0-only
"""For tests in Python in a VM: commands, namespaces, tc's JSON.

Running commands from here instead of from a shell saves most of the processes,
which are slow without hardware virtualisation.
"""
import ctypes
import json
import os
import shlex
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

KMEMLEAK = Path("/sys/kernel/debug/kmemleak")    # on a debug kernel, where memory is another matter
PATIENCE = int(os.environ.get("PATIENCE") or 1)          # how many times as long all may take
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


@contextmanager
def netns(name):
    """What is done and started within happens in this network namespace."""
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(here)
        os.close(here)
        os.close(there)


def _setns(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(command, ns=None, text=None):
    """One command, not by a shell: a CompletedProcess."""
    def go():
        return subprocess.run(shlex.split(command) if isinstance(command, str) else command,
                              input=text, text=True, capture_output=True, timeout=60 * PATIENCE)
    if not ns:
        return go()
    with netns(ns):
        return go()


def must(command, ns=None, text=None):
    """What the test cannot go on without: its output."""
    done = run(command, ns, text)
    if done.returncode:
        raise RuntimeError(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def batch(tool, lines, ns=None):
    """Many lines for one ip or tc."""
    return must(f"{tool} -batch -", ns, "\n".join(line.strip() for line in lines.strip().splitlines())
                + "\n")


def wait_for(seconds, condition):
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            return value
        time.sleep(0.03)
    return value


def actions_in(tree):
    """All mirrorx actions in tc's JSON, wherever they are."""
    if isinstance(tree, list):
        return [act for item in tree for act in actions_in(item)]
    if not isinstance(tree, dict):
        return []
    found = [tree] if tree.get("kind") == "mirrorx" and "index" in tree else []
    return found + [act for item in tree.values() for act in actions_in(item)]


def tc_actions(what="actions list action mirrorx", ns=None):
    """The mirrorx actions that a tc command shows, with their counters."""
    return actions_in(json.loads(must(f"tc -j -s {what}", ns) or "[]"))


REASONS = ("unsampled", "loop", "secret", "no_route", "no_neigh", "dev_down", "mtu", "no_mem",
           "bad_frame", "xmit", "limited", "congested")


def settings(act):
    """An action without what changes by itself."""
    changing = ("installed", "first_used", "last_used", "stats", "mirrorx_stats", "order", "ref", "bind")
    return {key: value for key, value in act.items() if key not in changing}
