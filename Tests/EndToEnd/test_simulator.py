"""The simulated upstream keeps its own promises; everything else leans on them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from support.raw import Decoder, RawClient, chat, fetch, request_bytes, told
from support.simulator import Simulator
from upstreams.faults import black_hole, closed_port


def ask(sim: Simulator, scenario: dict[str, Any], **members: Any) -> RawClient:
    body = chat(told(scenario), **members)
    return RawClient(("127.0.0.1", sim.port), request_bytes("/v1/chat/completions", body, "sim-key-1"))


def answer(sim: Simulator, scenario: dict[str, Any], **members: Any) -> Decoder:
    with ask(sim, scenario, **members) as client:
        return client.read_all()


def test_scenarios_are_merged_nearest_first(sim: Simulator) -> None:
    sim.control(default={"text": "default"}, models={"openai/gpt-4o-mini": {"text": "model"}})
    sim.next({"text": "next"})
    texts = [json.loads(answer(sim, s).body)["choices"][0]["message"]["content"] for s in ({}, {}, {"text": "told"})]
    assert texts == ["next", "model", "told"]


def test_requests_are_recorded_to_the_byte(sim: Simulator) -> None:
    body = b'{"model": "m",  "messages": []}'
    fetch(("127.0.0.1", sim.port), "/v1/chat/completions", body, "k", headers={"X-Odd": "é"})
    seen = sim.last()
    assert seen.body == body
    assert seen["head"].startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert seen.key == "k"


@pytest.mark.parametrize("fault", ["cut_after", "cut_inside", "cut_framing", "bad_chunk"])
def test_cut_streams_have_no_announced_end(sim: Simulator, fault: str) -> None:
    with ask(sim, {"fault": fault, "after": 3, "count": 9}, stream=True) as client:
        with_error = False
        try:
            client.read_all()
        except ValueError:
            with_error = True
        assert not client.decoder.clean
        assert with_error == (fault == "bad_chunk")
    assert sim.last()["state"] == "cut"


def test_spelling_variants(sim: Simulator) -> None:
    variants = {"eol": "crlf", "space": False, "comments": True, "multiline": True, "bom": True}
    body = bytes(answer(sim, {"text": "a b"} | variants, stream=True).body)
    assert body.startswith(b"\xef\xbb\xbf: before\r\ndata:{\r\n:between\r\ndata:")
    assert body.endswith(b"data:[DONE]\r\n:between\r\n\r\n")
    old = bytes(answer(sim, {"text": "a", "eol": "cr"}, stream=True).body)
    assert b"\n" not in old and old.endswith(b"data: [DONE]\r\r")


def test_gzip(sim: Simulator) -> None:
    zipped = answer(sim, {"text": "small", "gzip": True})
    assert json.loads(gzip.decompress(zipped.body))["choices"][0]["message"]["content"] == "small"


def test_a_leaving_client_is_noticed(sim: Simulator) -> None:
    with ask(sim, {"endless": True, "interval": 0.01}, stream=True) as client:
        client.read_events(3)
        assert sim.open()["open"] == 1
    assert sim.wait_gone()["events_written"] >= 3


def test_bytes_that_nobody_reads_are_told_apart(sim: Simulator) -> None:
    with ask(sim, {"endless": True, "piece_bytes": 2000, "burst": 50}, stream=True) as client:
        client.read_head()
        record = sim.last()
        assert record["bytes_sent"] <= record["bytes_written"]
    sim.wait_gone()


def test_addresses_where_nobody_answers() -> None:
    with closed_port() as port, pytest.raises(ConnectionRefusedError):
        fetch(("127.0.0.1", port), "/")
    with black_hole() as port, pytest.raises(TimeoutError):
        RawClient(("127.0.0.1", port), b"", seconds=0.2)
