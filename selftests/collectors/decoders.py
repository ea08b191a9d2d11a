# SPDX-License-Identifier: GPL-2.0-only
"""Decoders that are at hand and give frames back: tshark, scapy; and where the other ones run."""
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

    def read(self, pcap, *words, more=()):
        preferences = [word for p in (*erspan.PREFERENCES, *more) for word in ("-o", p)]
        return self.run("-n", "-r", pcap, *preferences, *words)

    def frames(self, pcap):
        """(ns, frame) of each copy: bytes from where tshark finds an inner Ethernet header."""
        text = self.read(pcap, "-Y", "gre", "-T", "jsonraw", "-j", "frame")
        times = [round(float(t) * 1e6) * 1000 for t in self.read(
            pcap, "-Y", "gre", "-T", "fields", "-e", "frame.time_epoch").split()]
        found = []
        for when, packet in zip(times, json.loads(text or "[]", object_pairs_hook=lambda p: p),
                                strict=True):
            layers = dict(dict(packet)["_source"])["layers"]
            raw = bytes.fromhex(dict(layers)["frame_raw"][0])
            names = [name for name, _ in layers]
            inner = [at for at, name in enumerate(names)
                     if name == "eth_raw" and at > names.index("gre_raw")]
            if inner:
                found.append((when, raw[layers[inner[0]][1][1]:]))
        return found

    def statuses(self, pcap):
        """(ns, what is said of the inner checksums, the last of each kind) of each copy."""
        rows = self.read(pcap, "-Y", "gre", "-T", "fields", "-E", "separator=/t", "-E",
                         "occurrence=l", "-e", "frame.time_epoch",
                         *(w for name in erspan.CHECKSUMS for w in ("-e", name))).splitlines()
        rows = [row.split("\t") for row in rows]
        return [(round(float(row[0]) * 1e6) * 1000, dict(zip(erspan.CHECKSUMS, row[1:])))
                for row in rows]

    def objects(self, pcap, folder):
        """Files that it finds in HTTP: {name: bytes}."""
        target = WORK / folder
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        self.run("-n", "-r", pcap, "-q", "-o", "ip.defragment:TRUE", "-o", "ipv6.defragment:TRUE",
                 "--export-objects", f"http,{target}")
        return {path.name: path.read_bytes() for path in target.iterdir()}


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
