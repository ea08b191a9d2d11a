# SPDX-License-Identifier: GPL-2.0-only
"""Roots of Debian releases: where their packages come from, and where they are kept."""
import datetime
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

# For mmdebstrap's hooks: the links of a merged /usr, which no package brings.
MERGED_USR = 'for dir in bin sbin lib lib64; do mkdir -p "$1/usr/$dir"; ln -s "usr/$dir" "$1/$dir"; done'
STORE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mirrorx/roots"


def say(text):
    print(f"root: {text}", file=sys.stderr, flush=True)


def own_release():
    """The codename of what this machine runs."""
    return re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(), re.M)[1]


def mirror(part=""):
    """Where this machine's own release, or PART of it ("-security"), comes from."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                             "Created-By: Packages", f"Codename: {own_release()}{part}"],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    found = sorted(set(listed.split()))
    if not found:
        sys.exit(f"root: apt knows no source of {own_release()}{part}; apt-get update")
    return found[0]


def sources(*suites):
    """Lines of a sources.list for these suites."""
    return [f"deb {mirror('-security' if suite.endswith('-security') else '')} {suite} main" for suite in suites]


def kept(suite, recipe, make):
    """The file or folder that MAKE(path) has made of what RECIPE, bytes, tells.

    It is kept for a week, and longer if there is no newer one to be had.
    """
    STORE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(Path(__file__).read_bytes() + recipe).hexdigest()[:12]
    target = STORE / f"{suite}-{digest}-{datetime.date.today():%G-%V}"
    new = STORE / f"{target.name}.new"
    with open(STORE / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            remove(new)
            try:
                make(new)
                new.rename(target)
                say(f"ready: {target.name}")
            except subprocess.CalledProcessError as why:
                older = sorted(STORE.glob(f"{suite}-{digest}-*[0-9]"))
                if not older:
                    raise
                say(f"NOTE: {why}; using {older[-1].name}")
                target = older[-1]
        for old in STORE.glob("[!.]*"):
            if old != target and old.stat().st_mtime < time.time() - 14 * 86400:
                remove(old)
        os.utime(target)
    return target


def remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
