#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for untrusted.sh: a user without privileges, root of a namespace of its own.

Without this test, whoever may make a namespace could fill the host's memory or log, or slow down
other namespaces.  What tc itself lets such a user do is not the module's matter: it is compared
with what actions of the kernel's own (gact) cost.
"""
import json
import os
import re
import subprocess
import time
from pathlib import Path

from guest import KMEMLEAK, batch, must, tc_actions, wait_for
from tap import finish, ok

CGROUP = Path("/tmp/cgroup/user")
MANY = 4000


class Inside:
    """The user, without privileges but in the namespaces that it makes."""

    def __init__(self, cgroup=None):
        def enter():
            if cgroup:
                (cgroup / "cgroup.procs").write_text(str(os.getpid()))
        self.process = subprocess.Popen(
            ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups",
             "unshare", "--user", "--map-root-user", "--net", "--kill-child", "--fork",
             "python3", "/selftests/tests/untrusted-inside.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=enter)

    def __call__(self, *call):
        """What the function returned; None if the user is no more."""
        try:
            print(json.dumps(call), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def leave(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def log():
    """What the kernel said, less what the tests say."""
    said = subprocess.run("dmesg", text=True, check=True, capture_output=True).stdout
    return [line for line in said.splitlines() if "mirrorx-bed: " not in line]


def own(user):
    """It works, and only there."""
    uid, mapped = user("setup")
    ok(uid == 0 and mapped[:3] == ["0", "1000", "1"], "an unprivileged user, root of its namespace",
       uid, mapped)
    passed = user("send", 20)
    ok(passed == [20, 20], "its mirror works", passed)
    must("tc actions add action mirrorx dst_ip 192.0.2.9 id 7 index 1")
    ok(not tc_actions()[0]["mirrorx_stats"]["sent"] and
       [act["mirrorx_stats"]["sent"] for act in user("actions")] == [20],
       "the same action of another namespace is another one", tc_actions(), user("actions"))
    code, said = user("tc", "filter", "add", "dev", "m0", "ingress", "matchall", "action", "mirrorx",
                      "dst_ip", "192.0.2.9", "dev", "eth77")
    ok(code and "eth77" in said, "a device of another namespace does not exist", said)
    ok([act["dev"] for act in user("actions")] == [None], "and nothing has changed")
    must("tc actions flush action mirrorx")
    ok(len(user("actions")) == 1, "a flush outside leaves its actions")
    before = log()
    errors = user("refused", 400)
    ok(errors == {"ERANGE": 200, "EINVAL": 100, "ENODEV": 100}, "400 requests are refused", errors)
    ok(log() == before, "and the kernel's log does not tell of it", log()[len(before):])
    ok(user("bound", 500) and user("send", 5) == [5, 5], "500 filters come and go, the mirror works on")


def linear(user):
    """Many actions: the last ones cost what the first ones did."""
    for spread, collectors in (False, 1), (True, MANY):
        seconds, error = user("add", MANY, "mirrorx", spread)
        if error or not isinstance(seconds, list):
            raise RuntimeError(f"{seconds} {error}")
        quarter = len(seconds) // 4
        first, last = min(seconds[:quarter]), min(seconds[-quarter:])       # the least is disturbed least
        name = f"{MANY} actions, {'a collector each' if spread else 'one collector'}"
        ok(not error and len(seconds) * 25 == MANY, name, error)
        ok(last < 3 * first, f"{name}: time is linear", f"{first} s for 25 at first, {last} s at last")
        count = user("listeners")
        ok(count == collectors + spread, f"{name}: {count} sockets listen to routers", count)
        ok(user("send", 5) == [5, 5], f"{name}: the mirror works on")
        cleared = user("clear")
        ok(cleared < 3 * sum(seconds) + 5, f"{name}: gone in {cleared:.1f} s", sum(seconds))


def free():
    """Bytes of memory, when nothing is cached that need not be; with pages that CPUs keep at hand."""
    Path("/proc/sys/vm/drop_caches").write_text("3")
    kept = re.findall(r"^ +count: +(\d+)$", Path("/proc/zoneinfo").read_text(), re.M)
    kib = next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemFree:"))
    return 1024 * int(kib) + os.sysconf("SC_PAGE_SIZE") * sum(map(int, kept))


def cgroups():
    CGROUP.parent.mkdir()
    must(f"mount -t cgroup2 cgroup2 {CGROUP.parent}")
    (CGROUP.parent / "cgroup.subtree_control").write_text("+memory")
    CGROUP.mkdir()


def charged():
    return int((CGROUP / "memory.current").read_text())


def cost(user, kind):
    """Bytes per action that are charged to the user, and that are not."""
    before, charged_before = free(), charged()
    user("add", MANY, kind, True)
    paid = charged() - charged_before
    all_of_it = before - free()
    user("clear", kind)
    return paid / MANY, (all_of_it - paid) / MANY


def usual(kind):
    """The same for one user of several: memory moves by itself, too."""
    costs = []
    for _ in range(3):
        user = Inside(CGROUP)
        user("setup")
        costs.append(cost(user, kind))
        user.leave()
        time.sleep(.5)
    return sorted(costs, key=lambda cost: cost[1])[1]


def accounted():
    """What the action adds to what tc needs for any is charged to whoever adds it."""
    paid, unpaid = usual("mirrorx")
    _, common = usual("gact")
    ok(paid > 1000 and unpaid < common + 1200,
       f"an action is charged with {paid:.0f} bytes; {unpaid:.0f} are not, of gact {common:.0f}")


def fill():
    """What a user does who takes all memory that it may have: how it ended, bytes of the host's."""
    user, before = Inside(CGROUP), free()
    user("setup")
    result = user("add", 100000, "mirrorx", True)
    used = before - free()
    user.leave()
    return result and result[1], used


def confined():
    """Memory that the user may have ends before the host's does."""
    (CGROUP / "memory.max").write_text(str(32 << 20))
    said, left = log(), []
    must("dmesg --console-level emerg")         # it may say whom it killed, with a trace
    for _ in range(3):
        ended, used = fill()
        time.sleep(1)
        left.append(free())
    must("dmesg --console-level debug")
    ok(ended in (None, "ENOMEM") and used < 96 << 20,
       f"a user with 32 MiB gets no further than {used >> 20} MiB of the host's", ended)
    wrong = [line for line in log()[len(said):] if re.search("WARNING|BUG|KASAN", line)]
    ok(not wrong, "the kernel reports no more than whom it killed", *wrong)
    (CGROUP / "memory.max").write_text("max")
    ok(wait_for(10, lambda: left[1] - free() < 12 << 20), "and what it had can be had again", *left, free())


def main():
    batch("ip", "link add eth77 up type dummy")
    must("modprobe act_mirrorx")
    cgroups()
    if not KMEMLEAK.exists():           # which keeps something of its own about each allocation
        accounted()
    user = Inside()
    own(user)
    linear(user)
    user.leave()
    confined()
    finish()


main()
