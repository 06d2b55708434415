"""A program that runs a command on a machine of its own, as far as its network is concerned.

    unshare --user --map-root-user --mount --net --pid --fork --kill-child python3 forgetful_names.py RESOLV_CONF COMMAND...

There is only the loopback, and a name server at 127.0.0.1 for every name: the loopback. It lets the first two questions of
each kind for a name go unanswered, as a network does that loses datagrams. RESOLV_CONF is a file it may write.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

LOST = 2
ADDRESS = 1
SIOCSIFFLAGS = 0x8914
UP = 1


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP))


def answer(question: bytes) -> bytes:
    """The loopback for a question about an address of version 4, nothing for others."""
    (kind,) = struct.unpack(">H", question[name_end(question) : name_end(question) + 2])
    record = b"\xc0\x0c" + struct.pack(">HHIH", ADDRESS, 1, 30, 4) + bytes([127, 0, 0, 1])
    records = record if kind == ADDRESS else b""
    head = question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, 1 if records else 0, 0, 0)
    return head + question[12 : name_end(question) + 4] + records


def name_end(question: bytes) -> int:
    at = 12
    while question[at]:
        at += question[at] + 1
    return at + 1


def serve(server: socket.socket) -> None:
    seen: Counter[bytes] = Counter()
    while True:
        question, client = server.recvfrom(2048)
        what = question[12 : name_end(question) + 2]
        seen[what] += 1
        if seen[what] > LOST:
            server.sendto(answer(question), client)


if __name__ == "__main__":
    raise_loopback()
    names = Path(sys.argv[1])
    names.write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", names, Path("/etc/resolv.conf").resolve()], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    # The command is the first process of its name space, so that the name server ends with it.
    if os.fork() == 0:
        serve(server)
    os.execvp(sys.argv[2], sys.argv[2:])
