"""Google's own SDK as the judge of the simulated Gemini, so that simulator and provider are not wrong together."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from support.raw import fetch
from support.simulator import Simulator

FLASH, PRO3 = "gemini-2.5-flash", "gemini-3-pro-preview"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters_json_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLS = [types.Tool(function_declarations=[WEATHER])]
CALLS = [
    {"name": "get_weather", "arguments": {"city": "台北"}},
    {"name": "get_weather", "arguments": {"city": "Tainan"}},
]


@pytest.fixture
def vendor(gemini_sim: Simulator) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=gemini_sim.url, timeout=20_000)
    with genai.Client(api_key="sim-key-1", vertexai=False, http_options=options) as client:
        yield client


def ask(client: genai.Client, contents: Any = "hello", model: str = FLASH, **config: Any) -> Any:
    return client.models.generate_content(model=model, contents=contents, config=config)


def stream(client: genai.Client, contents: Any = "hello", model: str = FLASH, **config: Any) -> list[Any]:
    return list(client.models.generate_content_stream(model=model, contents=contents, config=config))


def text_of(events: list[Any]) -> str:
    parts = [part for e in events for c in e.candidates or [] for part in (c.content and c.content.parts) or []]
    return "".join(part.text or "" for part in parts if not part.thought)


def refused(client: genai.Client, words: str, status: int = 400, **members: Any) -> errors.ClientError:
    with pytest.raises(errors.ClientError, match=words) as caught:
        ask(client, **members)
    assert caught.value.code == status
    return caught.value


# Text


def test_plain_and_streamed(vendor: genai.Client, gemini_sim: Simulator) -> None:
    answer = ask(vendor, system_instruction="be brief", temperature=0.5)
    assert answer.text == "You said: hello" and answer.candidates[0].finish_reason == "STOP"
    usage = answer.usage_metadata
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (3, 2)
    assert usage.total_token_count == usage.prompt_token_count + 5
    events = stream(vendor)
    assert text_of(events) == "You said: hello" and len(events) == 3
    assert events[-1].candidates[0].finish_reason == "STOP"
    assert gemini_sim.last()["target"].endswith(":streamGenerateContent?alt=sse")


def test_the_wire_of_a_stream(gemini_sim: Simulator) -> None:
    body = json.dumps({"contents": [{"parts": [{"text": "a b"}]}]}).encode()
    address, path = ("127.0.0.1", gemini_sim.port), f"/v1beta/models/{FLASH}:streamGenerateContent"
    headers = {"x-goog-api-key": "sim-key-1"}
    events = bytes(fetch(address, f"{path}?alt=sse", body, headers=headers).body)
    assert events.startswith(b"data: {") and events.endswith(b"}\r\n\r\n") and b"[DONE]" not in events
    counts = [json.loads(e[6:])["usageMetadata"]["promptTokenCount"] for e in events.split(b"\r\n\r\n")[:-1]]
    assert counts[0] != counts[-1], "the count of the prompt drifts"
    array = json.loads(bytes(fetch(address, path, body, headers=headers).body))
    assert len(array) == len(counts)


def test_conversations_are_remembered(vendor: genai.Client, gemini_sim: Simulator) -> None:
    chat = vendor.chats.create(model=FLASH)
    chat.send_message("first")
    gemini_sim.next({"recall": True})
    assert chat.send_message("second").text == "first|second"


def test_limits_and_stops(vendor: genai.Client) -> None:
    answer = ask(vendor, max_output_tokens=3)
    assert (answer.text, answer.candidates[0].finish_reason) == ("You", "MAX_TOKENS")
    spent = ask(vendor, max_output_tokens=2)
    assert spent.text is None and spent.candidates[0].finish_reason == "MAX_TOKENS", "all went into thoughts"
    assert text_of(stream(vendor, "one END two", stop_sequences=["END"])) == "You said: one "


def test_pictures(vendor: genai.Client) -> None:
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    assert f"[inlineData image/png {len(PNG)} " in ask(vendor, [picture, "what is it?"]).text
    odd = types.Part.from_bytes(data=PNG, mime_type="image/x-odd")
    refused(vendor, "Unsupported MIME type", contents=[odd])
    far = types.Part.from_uri(file_uri="https://example.org/a.png", mime_type="image/png")
    refused(vendor, "file uri", contents=[far])
    assert "[fileData" in ask(vendor, [far], PRO3).text


def test_split_letters(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.next({"text": "夜市 🎏 naïve", "write_size": 1})
    assert text_of(stream(vendor)) == "夜市 🎏 naïve"


# Thoughts


def test_thoughts(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.control(default={"reasoning": ["Hm, ", "yes."], "text": "42"})
    shown = ask(vendor, thinking_config={"include_thoughts": True, "thinking_budget": 1024})
    assert [(part.text, part.thought) for part in shown.candidates[0].content.parts] == [
        ("Hm, ", True),
        ("yes.", True),
        ("42", None),
    ]
    hidden = ask(vendor)
    assert len(hidden.candidates[0].content.parts) == 1 and hidden.usage_metadata.thoughts_token_count == 2
    none = ask(vendor, thinking_config={"thinking_budget": 0})
    assert none.usage_metadata.thoughts_token_count is None
    ending = stream(vendor, model=PRO3, thinking_config={"thinking_level": "low"})[-1].candidates[0]
    assert ending.content.parts[0].text == "" and ending.content.parts[0].thought_signature


@pytest.mark.parametrize(
    ("model", "told", "words"),
    [
        ("gemini-2.0-flash", {"include_thoughts": True}, "not supported"),
        ("gemini-2.5-pro", {"thinking_budget": 0}, "only works in thinking mode"),
        ("gemini-2.5-pro", {"thinking_budget": 100}, "between 128 and 32768"),
        (FLASH, {"thinking_level": "low"}, "level LOW is not supported"),
        (PRO3, {"thinking_budget": 500}, "budget is not supported"),
        (PRO3, {"thinking_budget": 500, "thinking_level": "low"}, "only one of"),
        (PRO3, {"thinking_level": "minimal"}, "MINIMAL is not supported"),
    ],
)
def test_thinking_that_a_model_cannot(vendor: genai.Client, model: str, told: dict[str, Any], words: str) -> None:
    refused(vendor, words, model=model, thinking_config=told)


# Tools


def test_a_python_function_is_called(vendor: genai.Client, gemini_sim: Simulator) -> None:
    """The SDK calls, answers and asks again by itself; signatures and ids must survive that."""
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return f"rain in {city}"

    for model in (FLASH, PRO3):
        gemini_sim.next({"tool_calls": CALLS}, {"tool_calls": CALLS[:1]}, {})
        text = ask(vendor, "weather?", model, tools=[get_weather]).text
        assert text == 'Results: get_weather={"result": "rain in 台北"}'
    assert asked == ["台北", "Tainan", "台北"] * 2


def test_streamed_calls_are_whole(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.next({"tool_calls": CALLS})
    events = stream(vendor, model=PRO3, tools=TOOLS)
    parts = events[0].candidates[0].content.parts
    assert [part.function_call.args["city"] for part in parts] == ["台北", "Tainan"]
    assert parts[0].thought_signature and not parts[1].thought_signature
    assert parts[0].function_call.id != parts[1].function_call.id
    assert events[-1].candidates[0].finish_reason == "STOP"


def turn_with(vendor: genai.Client, sim: Simulator, model: str = PRO3) -> list[Any]:
    """A conversation whose model has just made two calls, with responses to both."""
    sim.next({"tool_calls": CALLS})
    question = types.UserContent("weather?")
    called = ask(vendor, [question], model, tools=TOOLS).candidates[0].content
    answers = [types.Part(function_response=_response(part.function_call)) for part in called.parts]
    return [question, called, types.Content(role="user", parts=answers)]


def _response(call: Any) -> types.FunctionResponse:
    return types.FunctionResponse(id=call.id, name=call.name, response={"result": call.args["city"]})


def test_signatures_are_wanted_back(vendor: genai.Client, gemini_sim: Simulator) -> None:
    turns = turn_with(vendor, gemini_sim)
    assert ask(vendor, turns, PRO3, tools=TOOLS).text.startswith("Results: ")
    first = turns[1].parts[0]
    signature, first.thought_signature = first.thought_signature, None
    refused(vendor, "missing a thought_signature", contents=turns, model=PRO3, tools=TOOLS)
    first.thought_signature = signature[:-1] + bytes([signature[-1] ^ 1])
    refused(vendor, "Corrupted thought signature", contents=turns, model=PRO3, tools=TOOLS)
    first.thought_signature = signature
    refused(vendor, "Corrupted thought signature", contents=turns, model="gemini-3-flash-preview", tools=TOOLS)
    first.thought_signature = b"skip_thought_signature_validator"
    assert ask(vendor, turns, PRO3, tools=TOOLS).text
    first.thought_signature = None
    later = [*turns, types.ModelContent("rain"), types.UserContent("and now?")]
    assert ask(vendor, later, PRO3, tools=TOOLS).text == "You said: and now?", "only the current turn must carry them"


def test_responses_answer_their_calls(vendor: genai.Client, gemini_sim: Simulator) -> None:
    turns = turn_with(vendor, gemini_sim)
    both = turns[2].parts
    usual = {"model": PRO3, "tools": TOOLS}
    for parts in ([both[0]], [*both, both[1]], [types.Part(text="never mind")]):
        wrong = [*turns[:2], types.Content(role="user", parts=parts)]
        refused(vendor, "number of function response parts", contents=wrong, **usual)
    swapped = [*turns[:2], types.Content(role="user", parts=both[::-1])]
    refused(vendor, "in the order of the calls", contents=swapped, **usual)
    refused(vendor, "after a function call turn", contents=[turns[0], turns[2]], **usual)
    refused(vendor, "after a user turn", contents=turns[1:], **usual)
    refused(vendor, 'Unknown name "id"', contents=turns, model=FLASH, tools=TOOLS)


# Answers of a form


def test_structured_output(vendor: genai.Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"response_mime_type": "application/json"}
    assert json.loads(ask(vendor, response_json_schema=schema, **form).text) == {"n": 7}
    assert json.loads(text_of(stream(vendor, response_schema=schema, **form))) == {"n": 7}
    assert json.loads(ask(vendor, **form).text) == {"ok": True}
    refused(vendor, "needs the mime type", response_json_schema=schema)
    refused(vendor, "mime type: 'application/json' is unsupported", tools=TOOLS, **form)
    assert ask(vendor, model=PRO3, tools=TOOLS, **form).text


def test_several_candidates_and_logprobs(vendor: genai.Client) -> None:
    plain = {"model": "gemini-2.0-flash"}
    two = ask(vendor, candidate_count=2, **plain).candidates
    assert [c.content.parts[0].text for c in two] == ["(0) You said: hello", "(1) You said: hello"]
    found = ask(vendor, response_logprobs=True, logprobs=2, **plain).candidates[0].logprobs_result
    assert [entry.token for entry in found.chosen_candidates] == ["You", " said:", " hello"]
    assert len(found.top_candidates[0].candidates) == 2
    refused(vendor, "Multiple candidates", model=PRO3, candidate_count=2)
    refused(vendor, "Penalty is not enabled", model="gemini-2.5-pro", presence_penalty=0.5)


def test_blocked_and_unsafe(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.next({"refusal": "no"}, {"refusal": "no", "block_reason": "SAFETY"}, {"safety": "RECITATION"})
    blocked = ask(vendor)
    assert blocked.candidates is None and blocked.prompt_feedback.block_reason == "PROHIBITED_CONTENT"
    (event,) = stream(vendor)
    assert event.prompt_feedback.block_reason == "SAFETY"
    unsafe = ask(vendor).candidates[0]
    assert unsafe.finish_reason == "RECITATION" and unsafe.content.parts is None


# What it refuses


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"temperature": 3}, r"range \[0, 2\]"),
        ({"stop_sequences": ["a"] * 6}, "at most 5"),
        ({"tools": [{"function_declarations": [{"name": "a b"}]}]}, "Invalid function name"),
        ({"tools": [{"function_declarations": [{"name": "f"}, {"name": "f"}]}]}, "Duplicate function"),
        ({"tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}]}, "non-empty"),
        ({"tool_config": {"function_calling_config": {"mode": "ANY"}}}, "without function declarations"),
        (
            {
                "tools": [{"function_declarations": [{"name": "f"}]}],
                "tool_config": {"function_calling_config": {"mode": "AUTO", "allowed_function_names": ["f"]}},
            },
            "when the mode is ANY",
        ),
    ],
)
def test_bad_requests(vendor: genai.Client, members: dict[str, Any], words: str) -> None:
    refused(vendor, words, **members)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"seed": 7}, 'Unknown name "seed": Cannot find field'),
        ({"generation_config": {"top_z": 1}}, "Unknown name \"top_z\" at 'generation_config'"),
        ({"contents": [{"parts": [{"text": "x", "cache": 1}]}]}, r"at 'contents\[0\].parts\[0\]'"),
        ({"contents": [{"parts": [{"text": 7}]}]}, r"'contents\[0\].parts\[0\].text' \(TYPE_STRING\), 7"),
        ({"contents": [{"parts": [{"inlineData": {"mime_type": "image/png", "data": "*"}}]}]}, "decoding failed"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "object", "$ref": "#/x"}}]}]},
            r'Unknown name "\$ref"',
        ),
    ],
)
def test_shapes_that_are_not_its_own(gemini_sim: Simulator, extra: dict[str, Any], words: str) -> None:
    """What the SDK would not send at all."""
    body = {"contents": [{"parts": [{"text": "x"}]}]} | extra
    path = f"/v1beta/models/{FLASH}:generateContent"
    headers = {"x-goog-api-key": "sim-key-1"}
    answer = fetch(("127.0.0.1", gemini_sim.port), path, json.dumps(body).encode(), headers=headers)
    error = json.loads(bytes(answer.body))["error"]
    assert answer.status == 400 and error["status"] == "INVALID_ARGUMENT"
    with pytest.raises(ValueError, match=words):
        raise ValueError(error["message"])


# Failures


def test_failures(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.next({"fault": "status", "status": 400, "why": "bad_key"})
    assert refused(vendor, "API key not valid").details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    gemini_sim.next({"fault": "status", "status": 429, "retry_after": 34.4, "why": "daily_quota"})
    details = refused(vendor, "quota", 429).details["error"]["details"]
    assert "PerDay" in details[0]["violations"][0]["quotaId"] and details[1]["retryDelay"] == "34.4s"
    refused(vendor, "is not found", 404, model="gemini-0")
    refused(vendor, "is not found", 404, model="gemini-embedding-001")
    gemini_sim.next({"fault": "status", "status": 503})
    with pytest.raises(errors.ServerError) as overloaded:
        ask(vendor)
    assert overloaded.value.status == "UNAVAILABLE"


@pytest.mark.parametrize("bare", [False, True])
def test_failures_within_a_stream(vendor: genai.Client, gemini_sim: Simulator, bare: bool) -> None:
    gemini_sim.next({"count": 9, "fault": "error_frame", "after": 3, "bare": bare})
    seen = []
    with pytest.raises(errors.APIError, match="overloaded"):
        for event in vendor.models.generate_content_stream(model=FLASH, contents="x"):
            seen.append(event.text)
    assert seen == ["0 ", "1 ", "2 "]


def test_a_stream_cut_short_says_no_reason(vendor: genai.Client, gemini_sim: Simulator) -> None:
    gemini_sim.next({"count": 9, "fault": "end_after", "after": 3})
    assert stream(vendor)[-1].candidates[0].finish_reason is None


def test_a_key_is_wanted(gemini_sim: Simulator) -> None:
    answer = fetch(("127.0.0.1", gemini_sim.port), f"/v1beta/models/{FLASH}:generateContent", b"{}")
    assert answer.status == 403 and json.loads(bytes(answer.body))["error"]["status"] == "PERMISSION_DENIED"


# Models, counts and embeddings


def test_models(vendor: genai.Client) -> None:
    names = [model.name for model in vendor.models.list(config={"page_size": 3})]
    assert len(names) == len(set(names)) == 7 and f"models/{FLASH}" in names, "all pages"
    assert vendor.models.get(model=FLASH).supported_actions[0] == "generateContent"
    with pytest.raises(errors.ClientError, match="not found"):
        vendor.models.get(model="gemini-0")


def test_counts(vendor: genai.Client) -> None:
    assert vendor.models.count_tokens(model=FLASH, contents="one two three").total_tokens > 3


def test_embeddings(vendor: genai.Client) -> None:
    model = "gemini-embedding-001"
    found = vendor.models.embed_content(model=model, contents=["夜市", "two words"]).embeddings
    assert [len(e.values) for e in found] == [3072, 3072] and found[0].values != found[1].values
    assert sum(x * x for x in found[0].values) == pytest.approx(1, abs=1e-4)
    short = vendor.models.embed_content(
        model=model, contents="x", config={"output_dimensionality": 768, "task_type": "RETRIEVAL_QUERY"}
    ).embeddings[0]
    assert sum(x * x for x in short.values) == pytest.approx(0.25, abs=1e-4), "other sizes are not of unit length"
    with pytest.raises(errors.ClientError, match="at most 100"):
        vendor.models.embed_content(model=model, contents=["x"] * 101)
    with pytest.raises(errors.ClientError, match="not found"):
        vendor.models.embed_content(model=FLASH, contents="x")
