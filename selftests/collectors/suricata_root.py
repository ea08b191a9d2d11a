# SPDX-License-Identifier: GPL-2.0-only
"""Print an archive of a root folder with Suricata for tests to run in a VM.

Of the root that `root` unpacks: the program, what it links to, its rules, and ours.
"""
import re
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM, LOADER = "usr/bin/suricata", "/lib64/ld-linux-x86-64.so.2"
MAGIC = "usr/share/misc/magic.mgc"
CONFIG = ("classification", "reference", "threshold")
RULES = ("decoder-events", "stream-events", "http-events")
OURS = ("suricata.yaml", "mirrorx.rules")
EMPTY = ("dev", "mnt", "proc", "run", "sys", "tmp", "var/log", "var/run")


def files(root):
    """What of the root it takes, links followed."""
    said = subprocess.run(["chroot", root, LOADER, "--list", f"/{PROGRAM}"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    libraries = set(re.findall(r"(/\S+) \(0x", said)) | {LOADER}
    return [PROGRAM, MAGIC, *(f"etc/suricata/{name}.config" for name in CONFIG),
            *(f"etc/suricata/rules/{name}.rules" for name in RULES),
            *(path[1:] for path in sorted(libraries))]


def main():
    root = Path(subprocess.run([HERE / "root"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip())
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz", dereference=True) as archive:
        for name in EMPTY:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name in files(root):
            archive.add(root / name, name)
        for name in OURS:
            archive.add(HERE / name, f"mnt/{name}")


main()
