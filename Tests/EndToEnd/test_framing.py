"""Requests whose framing can be read in two ways are refused, by the worker itself and through the edge.

Each attack would be a perfectly good chat request if only the flaw were overlooked, so a success means that it was.
"""

from __future__ import annotations

import json
import socket
import time

import pytest

from support.cluster import KEY, Cluster
from support.raw import Address, Decoder, RawClient, chat, connect, request_bytes
from support.simulator import Simulator

BODY = json.dumps(chat("framing")).encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
REST = b"Authorization: Bearer " + KEY.encode() + b"\r\nContent-Type: application/json\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SECOND = b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + REST + LENGTH + b"\r\n" + BODY


def post(*headers: bytes, body: bytes = BODY, line: bytes = LINE, host: bytes = HOST) -> bytes:
    return line + host + REST + b"".join(headers) + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return post(CHUNKED, body=body)


SIZE = b"%x" % len(BODY)
ATTACKS: dict[str, bytes] = {
    # Two lengths
    "length and chunked": post(LENGTH, CHUNKED, body=CHUNKS),
    "chunked and length": post(CHUNKED, LENGTH, body=CHUNKS),
    "length and chunked, length meant": post(LENGTH, CHUNKED, body=BODY),
    "repeated length": post(LENGTH, LENGTH),
    "differing lengths": post(LENGTH, b"Content-Length: 5\r\n"),
    "differing lengths, longer last": post(b"Content-Length: 5\r\n", LENGTH),
    "length list": post(b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY))),
    # Lengths that are no numbers
    "length with plus": post(b"Content-Length: +%d\r\n" % len(BODY)),
    "length with minus": post(b"Content-Length: -%d\r\n" % len(BODY)),
    "length in hex": post(b"Content-Length: 0x%x\r\n" % len(BODY)),
    "length with a space": post(b"Content-Length: 1 0\r\n"),
    "length empty": post(b"Content-Length: \r\n"),
    "length with exponent": post(b"Content-Length: 1e2\r\n"),
    "length with fraction": post(b"Content-Length: %d.0\r\n" % len(BODY)),
    "length past 64 bits": post(b"Content-Length: %d\r\n" % (2**64 + len(BODY))),
    "length with underscore": post(b"Content-Length: 1_0\r\n"),
    # Transfer codings
    "xchunked": post(b"Transfer-Encoding: xchunked\r\n", body=CHUNKS),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity\r\n", body=CHUNKS),
    "identity then chunked": post(b"Transfer-Encoding: identity, chunked\r\n", body=CHUNKS),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked\r\n", body=CHUNKS),
    "two coding headers": post(CHUNKED, CHUNKED, body=CHUNKS),
    "two different coding headers": post(CHUNKED, b"Transfer-Encoding: identity\r\n", body=CHUNKS),
    "gzip coding": post(b"Transfer-Encoding: gzip, chunked\r\n", body=CHUNKS),
    "quoted coding": post(b'Transfer-Encoding: "chunked"\r\n', body=CHUNKS),
    "coding with vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", body=CHUNKS),
    "empty coding with length": post(b"Transfer-Encoding:\r\n", LENGTH),
    "chunked in HTTP/1.0": post(CHUNKED, body=CHUNKS, line=LINE.replace(b"1.1", b"1.0")),
    # Line ends
    "bare LF everywhere": post(LENGTH).replace(b"\r\n", b"\n"),
    "bare LF after the request line": post(LENGTH, line=LINE.replace(b"\r\n", b"\n")),
    "bare LF after a header": post(b"X-A: 1\n", LENGTH),
    "bare LF ends the head": LINE + HOST + REST + LENGTH + b"\n" + BODY,
    "bare CR in a value": post(b"X-A: 1\r2\r\n", LENGTH),
    "bare CR before a header": post(b"X-A: 1\rContent-Length: 3\r\n", LENGTH),
    "CR CR LF": post(b"X-A: 1\r\r\n", LENGTH),
    "folded header": post(b"X-A: 1\r\n 2\r\n", LENGTH),
    "folded with tab": post(b"X-A: 1\r\n\t2\r\n", LENGTH),
    "folded coding": post(b"Transfer-Encoding:\r\n chunked\r\n", body=CHUNKS),
    "space before the first header": LINE + b" " + HOST + REST + LENGTH + b"\r\n" + BODY,
    # Names and values
    "space before the colon": post(b"Content-Length : %d\r\n" % len(BODY)),
    "space before the colon of a coding": post(b"Transfer-Encoding : chunked\r\n", LENGTH),
    "tab before the colon": post(b"X-A\t: 1\r\n", LENGTH),
    "no colon": post(b"X-A\r\n", LENGTH),
    "empty name": post(b": 1\r\n", LENGTH),
    "space in a name": post(b"X A: 1\r\n", LENGTH),
    "parenthesis in a name": post(b"X(A): 1\r\n", LENGTH),
    "letter outside ASCII in a name": post(b"X\xe9: 1\r\n", LENGTH),
    "NUL in a name": post(b"X\x00A: 1\r\n", LENGTH),
    "NUL in a value": post(b"X-A: 1\x002\r\n", LENGTH),
    "control character in a value": post(b"X-A: 1\x012\r\n", LENGTH),
    "DEL in a value": post(b"X-A: 1\x7f2\r\n", LENGTH),
    "NUL in the target": post(LENGTH, line=b"POST /v1/chat/completions\x00 HTTP/1.1\r\n"),
    # The request line
    "two spaces": post(LENGTH, line=b"POST  /v1/chat/completions HTTP/1.1\r\n"),
    "two spaces before the version": post(LENGTH, line=b"POST /v1/chat/completions  HTTP/1.1\r\n"),
    "tabs": post(LENGTH, line=b"POST\t/v1/chat/completions\tHTTP/1.1\r\n"),
    "space after the version": post(LENGTH, line=b"POST /v1/chat/completions HTTP/1.1 \r\n"),
    "lower-case version": post(LENGTH, line=b"POST /v1/chat/completions http/1.1\r\n"),
    "version 1.2": post(LENGTH, line=b"POST /v1/chat/completions HTTP/1.2\r\n"),
    "version 2.0": post(LENGTH, line=b"POST /v1/chat/completions HTTP/2.0\r\n"),
    "version 11": post(LENGTH, line=b"POST /v1/chat/completions HTTP/11\r\n"),
    "no version": post(LENGTH, line=b"POST /v1/chat/completions\r\n"),
    "space in the target": post(LENGTH, line=b"POST /v1/chat/completions /x HTTP/1.1\r\n"),
    "odd method": post(LENGTH, line=b"PO(ST /v1/chat/completions HTTP/1.1\r\n"),
    "lower-case method": post(LENGTH, line=b"post /v1/chat/completions HTTP/1.1\r\n"),
    "control character in the target": post(LENGTH, line=b"POST /v1/chat/completions\x01 HTTP/1.1\r\n"),
    # The host
    "no host": post(LENGTH, host=b""),
    "two hosts": post(LENGTH, host=HOST + HOST),
    "two different hosts": post(LENGTH, host=HOST + b"Host: other\r\n"),
    "space in the host": post(LENGTH, host=b"Host: local host\r\n"),
    # Chunks
    "bare LF after a chunk size": chunked(SIZE + b"\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare LF after chunk data": chunked(SIZE + b"\r\n" + BODY + b"\n0\r\n\r\n"),
    "bare LF after the last chunk": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\n\r\n"),
    "bare LF in the trailer": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nX-A: 1\n\r\n"),
    "bare LF ends the trailer": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\n\n"),
    "bare LF in a chunk extension": chunked(SIZE + b";a\n=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare CR after a chunk size": chunked(SIZE + b"\r" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size in 0x": chunked(b"0x" + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with plus": chunked(b"+" + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with minus": chunked(b"-" + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size after a space": chunked(b" " + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with underscore": chunked(b"0_" + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size past 64 bits": chunked(b"1" + b"0" * 15 + SIZE.rjust(2, b"0") + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "empty chunk size": chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk longer than its size": chunked(b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "non-hex chunk size": chunked(SIZE + b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
    # Size
    "a header of 70 KB": post(b"X-A: " + b"a" * 70_000 + b"\r\n", LENGTH),
    "a header name of 70 KB": post(b"X" * 70_000 + b": 1\r\n", LENGTH),
    "many headers of 70 KB together": post(*[b"X-%d: %s\r\n" % (n, b"a" * 700) for n in range(90)], LENGTH),
    "a target of 70 KB": post(LENGTH, line=b"POST /v1/chat/completions?" + b"a" * 70_000 + b" HTTP/1.1\r\n"),
    "a thousand headers": post(*[b"X-%d: 1\r\n" % n for n in range(1000)], LENGTH),
    # Smuggling: the second request must not be answered either
    "smuggled behind a length": post(LENGTH, CHUNKED, body=b"0\r\n\r\n" + SECOND),
    "smuggled behind a coding": post(
        b"Transfer-Encoding: xchunked\r\n", b"Content-Length: 4\r\n", body=b"0\r\n\r\n" + SECOND
    ),
    "smuggled behind a short length": post(b"Content-Length: 5\r\n", LENGTH, body=BODY[:5] + SECOND),
}


# What nginx 1.22 cannot be told to refuse: it takes a bare LF for a line end, drops a second CR, and gives a header
# without a colon an empty value. It passes on what it understood, written anew, so that nothing ambiguous is left.
REPAIRED_BY_NGINX = {
    "bare LF everywhere",
    "bare LF after the request line",
    "bare LF after a header",
    "bare LF ends the head",
    "CR CR LF",
    "no colon",
    "bare LF after a chunk size",
    "bare LF after chunk data",
    "bare LF after the last chunk",
    "bare LF in the trailer",
    "bare LF ends the trailer",
}
REFUSED = [("worker", name) for name in ATTACKS]
REFUSED += [("edge", name) for name in ATTACKS if name not in REPAIRED_BY_NGINX]


def statuses(address: Address, data: bytes, seconds: float = 5.0) -> tuple[list[int], bool]:
    """All statuses that come back, and whether the server closed the connection."""
    found: list[int] = []
    decoder = Decoder()
    with connect(address, seconds) as sock:
        try:
            sock.sendall(data)
        except OSError:
            pass  # refused while we still spoke; what it said may still be there to read
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                piece = sock.recv(65536)
            except ConnectionResetError:
                return found + ([decoder.status] if decoder.has_head else []), True
            except TimeoutError:
                break
            if not piece:
                return found + ([decoder.status] if decoder.has_head and not decoder.clean else []), True
            decoder.feed(piece)
            while decoder.clean:
                found.append(decoder.status)
                rest, decoder = decoder.rest, Decoder()
                decoder.feed(rest)
                sock.settimeout(0.3)  # long enough for a second answer, if there is one
    return found, False


@pytest.mark.parametrize(("door", "name"), REFUSED, ids=[" ".join(case) for case in REFUSED])
def test_ambiguous_requests_are_refused(cluster: Cluster, sim: Simulator, door: str, name: str) -> None:
    seen, closed = statuses(getattr(cluster, door), ATTACKS[name])
    assert closed or (door == "edge" and len(seen) == 1), "an unreadable request must end its connection"
    assert all(400 <= status < 600 for status in seen), seen
    assert len(seen) <= 1, "a second request was found in the bytes of the first"
    assert sim.requests() == [], "the vendor was asked"


@pytest.mark.parametrize("name", sorted(REPAIRED_BY_NGINX))
def test_what_the_edge_repairs_is_one_plain_request(cluster: Cluster, sim: Simulator, name: str) -> None:
    with RawClient(cluster.edge, ATTACKS[name] + SECOND) as client:
        answers = [client.read_all()]
        client.decoder = Decoder()
        client.decoder.feed(answers[0].rest)
        answers.append(client.read_all())
    assert all(answer.status == 200 or 400 <= answer.status < 500 for answer in answers if answer.has_head)
    assert all(request.json["messages"][0]["content"] == "framing" for request in sim.requests())
    assert len(sim.requests()) <= 2, "two requests were sent, no third one may be found in them"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("length and chunked", (400,)),
        ("length with plus", (400,)),
        ("xchunked", (400, 501)),
        ("version 2.0", (400, 505)),
        ("a header of 70 KB", (431,)),
        ("a target of 70 KB", (414,)),
        ("a thousand headers", (431,)),
        ("bare LF after a chunk size", (400,)),
        ("folded header", (400,)),
    ],
)
def test_the_worker_says_what_is_wrong(cluster: Cluster, name: str, status: tuple[int, ...]) -> None:
    seen, _ = statuses(cluster.worker, ATTACKS[name])
    assert len(seen) == 1 and seen[0] in status, seen


def test_the_edge_survives_every_attack(cluster: Cluster) -> None:
    for attack in ATTACKS.values():
        statuses(cluster.edge, attack)
    for worker in cluster.workers:
        assert worker.process is not None and worker.process.is_running
    with RawClient(cluster.edge, post(LENGTH)) as client:
        assert client.read_all().status == 200


GOOD: dict[str, bytes] = {
    "length": post(LENGTH),
    "chunked": chunked(CHUNKS),
    "chunked in pieces": chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    "chunk size in capitals with zeros": chunked(b"000" + SIZE.upper() + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension": chunked(SIZE + b";a=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailer": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n"),
    "any case of names": post(LENGTH).replace(b"Content-Length", b"cOnTeNt-LeNgTh").replace(b"Host", b"hOST"),
    "no space after the colon": post(LENGTH.replace(b": ", b":")),
    "space around a value": post(LENGTH.replace(b": ", b":   ").replace(b"\r\n", b"  \r\n")),
    "value outside ASCII": post(b"X-A: caf\xc3\xa9\r\n", LENGTH),
    "query": post(LENGTH, line=b"POST /v1/chat/completions?a=1 HTTP/1.1\r\n"),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("door", ["worker", "edge"])
def test_legal_requests_are_served(cluster: Cluster, sim: Simulator, door: str, name: str) -> None:
    with RawClient(getattr(cluster, door), GOOD[name]) as client:
        answer = client.read_all()
    assert answer.status == 200, bytes(answer.body)
    assert sim.last().json["messages"][0]["content"] == "framing"


@pytest.mark.parametrize("door", ["worker", "edge"])
def test_expect_continue(cluster: Cluster, door: str) -> None:
    head, body = post(LENGTH, b"Expect: 100-continue\r\n", body=b""), BODY
    with connect(getattr(cluster, door)) as sock:
        sock.sendall(head)
        assert sock.recv(4096).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("door", ["worker", "edge"])
def test_pipelined_requests_are_answered_in_order(cluster: Cluster, door: str) -> None:
    data = b"".join(request_bytes("/v1/chat/completions", chat(f"number {n}"), KEY) for n in range(5))
    with RawClient(getattr(cluster, door), data) as client:
        for number in range(5):
            answer = client.read_all()
            assert json.loads(answer.body)["choices"][0]["message"]["content"] == f"You said: number {number}"
            client.decoder = Decoder()
            client.decoder.feed(answer.rest)


def test_one_byte_at_a_time(cluster: Cluster) -> None:
    with connect(cluster.worker) as sock:
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in chunked(CHUNKS):
            sock.send(bytes([byte]))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_head_has_no_body(cluster: Cluster) -> None:
    with connect(cluster.worker) as sock:
        sock.sendall(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := sock.recv(4096):
            received += piece
    first, _, rest = received.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 ") and rest.startswith(b"HTTP/1.1 200 ")
