# SPDX-License-Identifier: GPL-2.0-only
"""Decoders that are at hand and give frames back: tshark, scapy; and where the other ones run."""
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import erspan
from scapy.all import Ether
from scapy.contrib.erspan import ERSPAN_I
from scapy.utils import RawPcapWriter
from truth import whole_packets

WORK = Path("/mnt")         # the same folder for all, in a root and outside: see check


class Root:
    """A folder with programs of another release."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *command):
        return ["chroot", self.path, *map(str, command)]


def write_pcap(name, packets):
    """PACKETS, (ns, bytes), in the folder that all can read."""
    path = WORK / name
    with RawPcapWriter(str(path), linktype=1) as out:
        out.write_header(None)
        for when, packet in packets:
            out.write_packet(packet, sec=when // 10 ** 9, usec=when % 10 ** 9 // 1000)
    return path


class Tshark:
    """What a tshark finds in copies."""

    def __init__(self, where):
        self.where = where
        said = self.run("--version").splitlines()[0]
        self.version = said.split()[2].rstrip(".")

    def run(self, *words):
        run = subprocess.run(self.where("tshark", *words), text=True, capture_output=True, cwd="/")
        if run.returncode:
            raise RuntimeError(f"tshark {words}: {run.stderr}")
        return run.stdout

    def frames(self, pcap):
        """Of each packet the frame in ERSPAN, or None: bytes from where tshark finds an inner
        Ethernet header."""
        preferences = [word for p in erspan.PREFERENCES for word in ("-o", p)]
        text = self.run("-n", "-r", pcap, *preferences, "-T", "jsonraw", "-j", "frame")
        # Layers of the same name must not hide each other: all pairs, no dict.
        for packet in json.loads(text or "[]", object_pairs_hook=lambda pairs: pairs):
            layers = dict(dict(packet)["_source"])["layers"]
            raw = bytes.fromhex(dict(layers)["frame_raw"][0])
            inner = [where for name, where in layers if name == "eth_raw"][1:]
            yield raw[inner[0][1]:] if inner else None

    def look(self, pcap, folder):
        """Of each packet what is said of the inner checksums (the last of each kind); and the
        files in HTTP.  Here tshark may put together what belongs together."""
        target = WORK / folder
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        preferences = [word for p in erspan.PREFERENCES if "check" in p for word in ("-o", p)]
        rows = self.run("-n", "-r", pcap, *preferences, "-T", "fields", "-E", "separator=/t", "-E",
                        "occurrence=l", *(w for name in erspan.CHECKSUMS for w in ("-e", name)),
                        "--export-objects", f"http,{target}").splitlines()
        return [dict(zip(erspan.CHECKSUMS, row.split("\t"))) for row in rows], \
            {hashlib.sha256(path.read_bytes()).hexdigest() for path in target.iterdir()}


def scapy_frames(packets):
    """The frames that scapy's ERSPAN layers find."""
    found = []
    for packet in whole_packets(packets):
        gre = Ether(packet).payload.payload
        # It knows type I, but takes all of 0x88be for type II.
        above = ERSPAN_I(gre.original[4:]) if (gre.proto, gre.seqnum_present) == (0x88be, 0) else gre
        inner = above.getlayer(Ether)
        if inner is not None:
            found.append(inner.original)
    return found
