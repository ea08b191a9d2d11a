# SPDX-License-Identifier: GPL-2.0-only
"""Open vSwitch with its datapath in user space: an erspan port that forwards to a device.

    wire0 --- wire1 - und (a bridge, with the collector's address)
                       :
                  erspan port - mon (a bridge) - out1 --- out0
"""
import os
import select
import socket
import struct
import subprocess
import time
from pathlib import Path

# A device's socket has room for some 90 packets, so it is given no more than it takes; those of
# which no frame comes are gone after a while.
UNDER_WAY, STUCK, QUIET = 40, 0.2, 0.5
RUN = "/run/ovs"
ETH_P_ALL, SO_RCVBUFFORCE, MTU = 3, 33, 9000
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4


class Ovs:
    """Ends with the process namespace that it is in."""

    def __init__(self, root):
        self.root, self.env = root, os.environ | {f"OVS_{d}DIR": RUN for d in ("RUN", "LOG", "DB")}
        self.daemons = []
        self.run = Path(root.path, RUN[1:])
        self.run.mkdir()
        said = self.call("/usr/lib/openvswitch-switch/ovs-vswitchd", "--version")
        self.version = said.split()[3]
        self.call("ovsdb-tool", "create", f"{RUN}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.start("ovsdb-server", f"{RUN}/conf.db", f"--remote=punix:{RUN}/db.sock")
        self.wait(lambda: (self.run / "db.sock").exists())
        self.vsctl("--no-wait", "init")
        self.start("/usr/lib/openvswitch-switch/ovs-vswitchd", f"unix:{RUN}/db.sock")
        for one, other in ("wire0", "wire1"), ("out0", "out1"):
            ip(f"link add {one} type veth peer name {other}")
            for dev in one, other:
                Path(f"/proc/sys/net/ipv6/conf/{dev}/disable_ipv6").write_text("1")
                ip(f"link set {dev} mtu {MTU} up")
        self.vsctl("add-br", "und", "--", "set", "bridge", "und", "datapath_type=netdev",
                   "--", "add-port", "und", "wire1",
                   "--", "add-br", "mon", "--", "set", "bridge", "mon", "datapath_type=netdev",
                   "fail_mode=secure", "--", "add-port", "mon", "out1")
        ip(f"link set und mtu {MTU} up")
        self.sender, self.receiver = self.socket("wire0"), self.socket("out0", ETH_P_ALL)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def socket(self, dev, proto=0):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(proto))
        made.bind((dev, proto))
        return made

    def call(self, *command):
        return subprocess.run(self.root(*command), check=True, text=True, env=self.env,
                              capture_output=True).stdout

    def vsctl(self, *words):
        return self.call("ovs-vsctl", "--timeout=20", *words)

    def start(self, *command):
        log = f"{RUN}/{len(self.daemons)}.log"
        self.daemons.append(subprocess.Popen(
            self.root(*command, "-vconsole:off", f"--log-file={log}"), env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def wait(self, condition):
        end = time.monotonic() + 20
        while not condition():
            if time.monotonic() > end or any(d.poll() is not None for d in self.daemons):
                raise RuntimeError("Open vSwitch does not start")
            time.sleep(0.05)

    def listen(self, number, address, version, packet):
        """One erspan port, for one session; PACKET has the collector's link-layer address."""
        remote, bits = ("2001:db8:9::1", 64) if ":" in address else ("192.0.2.1", 24)
        more = "options:erspan_idx=1" if version == 1 else "options:erspan_dir=0 options:erspan_hwid=1"
        ip("address flush dev und")
        self.vsctl("--if-exists", "del-port", "mon", "mirror", "--", "add-port", "mon", "mirror",
                   "--", "set", "interface", "mirror", "type=erspan", f"options:remote_ip={remote}",
                   f"options:local_ip={address}", f"options:key={number}",
                   f"options:erspan_ver={version}", *more.split(), "--", "set", "bridge", "und",
                   f"other_config:hwaddr={packet[:6].hex(':')}")
        ip(f"address add {address}/{bits} dev und")
        self.call("ovs-ofctl", "del-flows", "mon")
        self.call("ovs-ofctl", "add-flow", "mon", "in_port=mirror,actions=output:out1")
        # It learns of the address by netlink, in its own time.
        self.wait(lambda: address in self.call("ovs-appctl", "-t", self.control(),
                                               "tnl/ports/show", "-v"))

    def control(self):
        return f"{RUN}/ovs-vswitchd.{self.daemons[1].pid}.ctl"

    def decode(self, packets):
        """The frames that come out for PACKETS."""
        self.drain()
        frames, under_way = [], 0
        for packet in packets:
            self.sender.send(packet)
            under_way += 1
            while under_way >= UNDER_WAY:
                found = self.drain(STUCK)
                frames += found
                under_way = max(0, under_way - len(found)) if found else 0
        while found := self.drain(QUIET):
            frames += found
        return frames

    def drain(self, seconds=0):
        """What has come, or comes within so many seconds."""
        frames = []
        while select.select([self.receiver], [], [], 0 if frames else seconds)[0]:
            frame, more, _, where = self.receiver.recvmsg(1 << 16, 256)
            if where[2] != socket.PACKET_OUTGOING:
                frames.append(with_tag(frame, more))
        return frames


def with_tag(frame, more):
    """A frame with the tag that the kernel took out of it (struct tpacket_auxdata)."""
    for level, kind, data in more:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, *_, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)
