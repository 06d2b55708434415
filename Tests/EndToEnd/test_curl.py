"""`curl`, as the README shows it."""

from __future__ import annotations

import json
import subprocess

from conftest import Target
from support.raw import Stream, chat, told


def curl(target: Target, body: object, *options: str) -> str:
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--max-time", "20", *options]
    command += [f"{target.base_url}/chat/completions", "-H", f"Authorization: Bearer {target.key}"]
    command += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain(target: Target) -> None:
    answer = json.loads(curl(target, chat("Hello 🎏"), "--compressed"))
    assert answer["choices"][0]["message"]["content"] == "You said: Hello 🎏"


def test_stream(target: Target) -> None:
    stream = Stream.parse(curl(target, chat(told({"text": "one two 🎏"}), stream=True)).encode())
    assert stream.text() == "one two 🎏"
    assert stream.done == 1


def test_stream_arrives_while_it_is_made(target: Target) -> None:
    command = ["curl", "-sN", "--max-time", "20", f"{target.base_url}/chat/completions"]
    command += ["-H", f"Authorization: Bearer {target.key}", "-H", "Content-Type: application/json"]
    command += ["-d", json.dumps(chat(told({"endless": True, "interval": 0.1}), stream=True))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        seen = b""
        while seen.count(b"data: ") < 5:
            seen += process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=5)
    assert b"[DONE]" not in seen


def test_a_large_body_needs_expect_continue(target: Target) -> None:
    body = chat("x" * 3_000_000)
    answer = json.loads(curl(target, body, "--http1.1", "-H", "Expect: 100-continue"))
    assert len(answer["choices"][0]["message"]["content"]) == 3_000_000 + len("You said: ")
