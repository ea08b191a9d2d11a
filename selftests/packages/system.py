# SPDX-License-Identifier: GPL-2.0-only
"""Debian systems with a kernel: made, changed by chroot, and booted."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import roots

HERE = Path(__file__).resolve().parent
VM_SECONDS = 3600              # dkms builds for two kernels in there, emulated

# The next kernel that each release has to offer.
RELEASES = {
    "bookworm": "linux-image-6.12-cloud-amd64 linux-headers-6.12-cloud-amd64",
    "trixie": "-t trixie-backports linux-image-cloud-amd64 linux-headers-cloud-amd64",
}
# What is installed, and what apt has at hand, so that no network is needed.
WITH = "linux-image-cloud-amd64,systemd-sysv,udev,iputils-ping,bash-completion,openssl"
LATER = "dkms iproute2 python3 linux-headers-cloud-amd64"
# Where a chroot, and rpm's scripts in it, find programs: first those that are put in their way.
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTER = ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "sh", "-c"]
# The test is a service, and the last thing that the system does.
SERVICE = """[Unit]
Description=Test of mirrorx
[Service]
ExecStart=/root/vm.sh {words}
StandardInput=null
StandardOutput=file:/dev/console
StandardError=inherit
[Install]
WantedBy=multi-user.target
"""
APT_CONF = """APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
"""
SETUP = 'mkdir -p "$1/etc/apt/apt.conf.d"; printf %s "$APT_CONF" >"$1/etc/apt/apt.conf.d/90offline"'
FETCH = "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --download-only --yes -qq {}"


def run(*words, **more):
    """What a command prints, and its status."""
    done = subprocess.run([str(word) for word in words], text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    return done.stdout, done.returncode


def archive(suite):
    """The path of a system of that release."""
    sources = roots.sources(suite, f"{suite}-updates", f"{suite}-backports", f"{suite}-security")

    def make(new):
        roots.say(f"installing {suite}: 600 MB to download, two minutes")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--format=tar", f"--include={WITH}",
                        "--skip=cleanup/apt", f"--setup-hook={SETUP}",
                        f"--customize-hook={FETCH.format(LATER)}",
                        f"--customize-hook={FETCH.format(RELEASES[suite])}", suite, new, *sources],
                       check=True, stdout=sys.stderr,
                       env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "APT_CONF": APT_CONF})
    recipe = repr((WITH, LATER, FETCH, SETUP, APT_CONF, RELEASES[suite], sources))
    return roots.kept(f"system-{suite}", recipe.encode(), make)


class System:
    """A Debian system in a folder, entered by chroot, without a network."""

    def __init__(self, suite, root):
        self.suite, self.root = suite, root
        self.end()
        self.root.mkdir()
        subprocess.run(["tar", "-C", self.root, "-xf", archive(suite)], check=True)
        self.kernel, = self.kernels()
        # A chroot has the host's kernel, which is not to be found in it.
        self.write("usr/local/bin/uname", f"#!/bin/sh\n[ \"$*\" = -r ] || exec /bin/uname \"$@\"\n"
                                          f"echo {self.kernel}\n")
        self.path("usr/local/bin/uname").chmod(0o755)

    def path(self, name):
        return self.root / name

    def write(self, name, text):
        self.path(name).write_text(text)

    def kernels(self):
        """Releases of those that are installed."""
        return {path.name.partition("-")[2] for path in self.root.glob("boot/vmlinuz-*")}

    def put(self, debs, name):
        self.path(name).mkdir(parents=True, exist_ok=True)
        for deb in debs:
            shutil.copy(deb, self.path(name))

    def run(self, command):
        return run(*ENTER, 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/bash -ec "cd /root; $1"',
                   self.root, command, env={"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive",
                                            "LC_ALL": "C"})

    def rpm(self, *words):
        """The rpm of this machine, as the system has none."""
        return run(*ENTER, 'mount -t proc proc "$0/proc" && exec rpm --root "$0" "$@"', self.root,
                   "--define", f"_install_script_path {PATH}", *words)

    def files(self):
        """All that are mirrorx's by their name, but for those to be installed from."""
        return {path for path in self.root.rglob("*mirrorx*") if self.path("root") not in path.parents}

    def installed(self):
        """Kernels that dkms has the module for."""
        return re.findall(r"act_mirrorx/\S+ (\S+), \S+: installed", self.run("dkms status")[0])

    def is_sound(self):
        """Nothing of dpkg's is half done, and the packages are there."""
        audit, status = self.run("dpkg --audit")
        shown, _ = self.run("dpkg-query -W -f '${db:Status-Abbrev}\\n' act-mirrorx-dkms tc-mirrorx")
        return not status and not audit.strip() and shown.split() == ["ii", "ii"]

    def boot(self, kernel, words, log):
        """What is on the console while vm.sh runs with these WORDS."""
        disk = self.root.with_name("disk")
        disk.unlink(missing_ok=True)
        shutil.copy(HERE / "vm.sh", self.path("root/vm.sh"))
        self.write("etc/systemd/system/test.service", SERVICE.format(words=words))
        self.run("systemctl enable -q test.service")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", self.root, disk, "4G"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(log, "wb") as console:
            subprocess.run(["timeout", str(VM_SECONDS), "qemu-system-x86_64", "-machine", "q35",
                            "-accel", "tcg", "-cpu", "qemu64,+rdrand", "-m", "1024", "-nographic",
                            "-no-reboot", "-nic", "none",
                            "-kernel", self.path(f"boot/vmlinuz-{kernel}"),
                            "-initrd", self.path(f"boot/initrd.img-{kernel}"),
                            "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe",
                            "-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1 net.ifnames=0 "
                            "no_timer_check systemd.show_status=0 systemd.mask=serial-getty@ttyS0.service"],
                           stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        disk.unlink()
        return log.read_text(errors="replace").replace("\r", "").splitlines()

    def end(self):
        shutil.rmtree(self.root, ignore_errors=True)
