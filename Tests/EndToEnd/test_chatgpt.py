"""ChatGPT's web application through two workers, with the openai SDK."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest

from support.cluster import KEY, Cluster
from support.commands import run_worker, worker_json
from support.raw import fetch
from support.simulator import Recorded, Simulator
from support.waiting import wait_until
from upstreams.chatgpt_tokens import account_id, mint, refresh_token, session_cookie
from upstreams.chatgpt_tools import PNG

MODEL = "chatgpt/gpt-4o"
Start = Callable[..., "Site"]
BOTH = pytest.mark.parametrize("generation", ["legacy", "f"])


class Site:
    """A cluster of two workers in front of the simulated site; each worker can be asked by itself."""

    def __init__(self, cluster: Cluster, sim: Simulator, stack: ExitStack) -> None:
        self.cluster, self.sim = cluster, sim
        self.clients = []
        for worker in cluster.workers:
            web = stack.enter_context(httpx.Client(transport=httpx.HTTPTransport(uds=worker.socket), timeout=25))
            client = openai.OpenAI(base_url="http://worker/v1", api_key=KEY, max_retries=0, http_client=web)
            self.clients.append(client)

    def ask(self, text: Any, worker: int = 0, model: str = MODEL, **members: Any) -> Any:
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        extra = {name: members.pop(name) for name in list(members) if name in EXTRA}
        return self.clients[worker].chat.completions.create(
            model=model, messages=messages, extra_body=extra, **members
        )

    def say(self, text: Any, worker: int = 0, **members: Any) -> str:
        return self.ask(text, worker, **members).choices[0].message.content

    def stream(self, text: Any, worker: int = 0, **members: Any) -> list[Any]:
        return list(self.ask(text, worker, stream=True, **members))

    def turns(self) -> list[Recorded]:
        return [r for r in self.sim.requests() if r["method"] == "POST" and r["path"].endswith("/conversation")]


EXTRA = {"conversation_id", "history_disabled", "system_hints", "deep_research", "Chatgpt-Account-Id"}


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def thoughts_of(chunks: list[Any]) -> str:
    deltas = (chunk.choices[0].delta for chunk in chunks if chunk.choices)
    return "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)


def hide_all(sim: Simulator, account: str) -> None:
    """Somebody deletes the account's conversations at the site itself."""
    shown = {"Authorization": f"Bearer {mint(account)}"}
    httpx.patch(f"{sim.url}/backend-api/conversations", headers=shown, json={"is_visible": False}).raise_for_status()


@pytest.fixture
def start(start_cluster: Callable[..., Cluster], chatgpt_sim: Simulator) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(*tokens: str, workers: int = 2, **env: str | float) -> Site:
            usual: dict[str, str | float] = {
                "CHATGPT_BASE_URL": chatgpt_sim.url,
                "CHATGPT_AUTH_URL": f"{chatgpt_sim.url}/oauth/token",
                "CHATGPT_TOKENS": ";".join(tokens or (mint("at-ok-1"), mint("at-ok-2"))),
                "MILLRACE_SECRET": "a-secret-for-tests-only-0123456789",
                "HISTORY_DISABLED": "false",
                "REDIS_TIMEOUT_MS": 2000,
                "COOLDOWNS": "true",
            }
            return Site(start_cluster(workers=workers, **(usual | env)), chatgpt_sim, stack)

        yield begin


@BOTH
def test_answers_whole_and_streamed(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    answer = site.ask("hello")
    assert answer.choices[0].message.content == "You said: hello" and answer.choices[0].finish_reason == "stop"
    assert answer.model == MODEL and answer.conversation_id and answer.usage.completion_tokens > 0
    chunks = site.stream("hello", worker=1)
    assert text_of(chunks) == "You said: hello" and chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.conversation_id for chunk in chunks}) == 1
    paths = {request["path"] for request in site.turns()}
    assert paths == {"/backend-api/f/conversation" if generation == "f" else "/backend-api/conversation"}
    counts = site.sim.stats()["sentinel"]
    assert counts["admitted"] == 2 and counts["proofs"] == 2


@BOTH
def test_conversations_go_on_with_another_worker(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    first = site.ask("#echo one")
    second = site.ask("#echo two", worker=1, conversation_id=first.conversation_id)
    said = second.choices[0].message.content
    assert second.conversation_id == first.conversation_id and "one" in said and "two" in said
    turns = site.turns()
    assert turns[0].key == turns[1].key and turns[1].json["conversation_id"]
    assert len(turns[1].json["messages"]) == 1, "only what is new is sent"
    history = [
        {"role": "user", "content": "#echo one"},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": "#echo three"},
    ]
    third = site.stream(history)
    assert "one" in text_of(third) and len(site.turns()[2].json["messages"]) == 1
    assert site.turns()[2].json["conversation_id"] == turns[1].json["conversation_id"]


def test_temporary_turns_tell_everything_again(start: Start) -> None:
    site = start(HISTORY_DISABLED="true")
    first = site.ask("one")
    assert site.turns()[0].json["history_and_training_disabled"] is True
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": "two"},
    ]
    assert site.say(history, worker=1) == "You said: two"
    told = site.turns()[1].json
    assert [m["author"]["role"] for m in told["messages"]] == ["system", "user", "assistant", "user"]
    assert "conversation_id" not in told
    with pytest.raises(openai.APIStatusError) as caught:
        site.ask("two", conversation_id=first.conversation_id)
    assert caught.value.status_code == 409 and caught.value.code == "conversation_unavailable"


def test_the_next_account_takes_over(start: Start) -> None:
    site = start(mint("at-429-1"), mint("at-ok-1"))
    for _ in range(3):
        assert site.say("hello") == "You said: hello"
    limited = [r for r in site.turns() if r["status"] == 429]
    assert len(limited) <= 1, "an account that rests is left alone"


def test_limits_are_told_when_nobody_is_left(start: Start) -> None:
    site = start(mint("at-429-1"))
    with pytest.raises(openai.RateLimitError) as caught:
        site.ask("hello")
    assert int(caught.value.response.headers["retry-after"]) > 200
    with pytest.raises(openai.RateLimitError):
        site.ask("hello", worker=1)
    assert len(site.turns()) == 1


def test_challenge_pages_are_not_the_accounts_fault(start: Start) -> None:
    site = start(mint("at-403-html-1"))
    with pytest.raises(openai.APIStatusError) as caught:
        site.ask("hello")
    assert caught.value.status_code == 502 and caught.value.code == "upstream_blocked"
    assert "<html" not in caught.value.response.text


def test_refresh_tokens_are_exchanged_once(start: Start) -> None:
    site = start(refresh_token("at-ok-7"), refresh_delay=1)
    assert site.say("hello") == site.say("hello", worker=1) == "You said: hello"
    refreshes = site.sim.stats()["refreshes"]
    assert [family["uses"] for family in refreshes.values()] == [1]


def test_a_rotated_refresh_token_is_used_next(start: Start, chatgpt_sim: Simulator) -> None:
    site = start(refresh_token("at-ok-8"))
    assert site.say("hello") == "You said: hello"
    chatgpt_sim._ask("POST", "/_revoke", {"name": "at-ok-8"})
    assert site.say("again", worker=1) == "You said: again"
    (family,) = site.sim.stats()["refreshes"].values()
    assert family["uses"] == 2 and family["reused"] == 0


def test_log_in_cookies_do_as_well(start: Start) -> None:
    site = start(f"sess-{session_cookie('at-ok-9')}")
    assert site.say("hello") == "You said: hello"


def test_dead_refresh_tokens_leave_the_pool(start: Start) -> None:
    site = start(refresh_token("dead-1"), mint("at-ok-1"))
    for _ in range(3):
        assert site.say("hello") == "You said: hello"
    assert len(site.sim.requests("/oauth/token")) == 1


@BOTH
def test_thoughts_are_told_apart(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    chunks = site.stream("#think hello")
    assert "I add 2 and 2 and get 4." in thoughts_of(chunks)
    assert "I add" not in text_of(chunks)


@BOTH
def test_tools_leave_their_traces(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    said = site.say("#code hello")
    assert "```python\nprint(2 + 2)\n```" in said and "```Output\n4" in said
    assert "[result.csv](http" in said and "sandbox:" not in said
    said = site.say("#browse hello")
    assert said == "It rains [[1]](https://example.invalid/a) in Taipei."


@BOTH
@pytest.mark.parametrize("word", ["dalle", "gptimage"])
def test_pictures_get_addresses_of_ours(start: Start, generation: str, word: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    said = site.say(f"#{word} a cat")
    assert said.startswith("![") and "/images/" in said and said.endswith(".png)")


@pytest.mark.limit(60)
def test_pictures_that_come_later_are_waited_for(start: Start) -> None:
    site = start(CHATGPT_PROTOCOL="f")
    said = site.say("#async-image a cat")
    assert "/images/" in said


@BOTH
def test_pictures_can_be_shown(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    said = site.say([
        {"role": "user", "content": [
            {"type": "text", "text": "#echo what is it"},
            {"type": "image_url", "image_url": {"url": url}},
        ]}
    ])
    assert "image" in said
    assert site.sim.stats()["files"] == {"files": 1, "uploaded": 1, "leaks": 0}


def test_streams_that_break_off_are_taken_up_again(start: Start) -> None:
    site = start(CHATGPT_PROTOCOL="f")
    assert site.say("#count=50 #cut=20") == site.say("#count=50")
    assert text_of(site.stream("#count=50 #cut=20", worker=1)) == site.say("#count=50")
    assert site.say("#handoff hello") == site.say("#handoff hello", worker=1)
    assert site.sim.stats()["resumed"] == 4


@BOTH
def test_long_answers_are_gone_on_with(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    answer = site.ask("#long=3 tell")
    assert answer.choices[0].message.content == "part 1 of 3. part 2 of 3. part 3 of 3. "
    assert answer.choices[0].finish_reason == "stop"
    assert text_of(site.stream("#long=3 tell", worker=1)) == answer.choices[0].message.content
    assert [r.json["action"] for r in site.turns()] == ["next", "continue", "continue"] * 2
    limited = site.ask("#long=3 tell", history_disabled=True)
    assert limited.choices[0].finish_reason == "length"


@BOTH
@pytest.mark.parametrize(
    "word", ["crlf", "bigline", "noinprogress", "utf8split", "surrogates", "surrogates-split", "noise", "multi", "split"]
)
def test_odd_streams_say_the_same(start: Start, generation: str, word: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation, workers=1)
    said = site.say(f"#{word} hello")
    assert said == text_of(site.stream(f"#{word} hello"))
    assert said in (f"You said: #{word} hello", "You said: hello", "Según lo que 夜市 🎏 dice — ok")


def test_what_goes_wrong_inside_of_answers(start: Start) -> None:
    site = start(COOLDOWNS="false", RETRY_TIMES="0")
    for word, status, code in [
        ("err200", 403, "upstream_check_required"),
        ("err200-json", 403, "upstream_check_required"),
        ("empty", 502, "upstream_invalid_response"),
        ("html403", 502, "upstream_blocked"),
        ("http500", 502, "upstream_error"),
    ]:
        for streams in (False, True):
            with pytest.raises(openai.APIStatusError) as caught:
                list(site.ask(f"#{word} hello", stream=streams))
            assert (caught.value.status_code, caught.value.code) == (status, code), word
    assert site.ask("#moderate hello").choices[0].finish_reason == "content_filter"


def test_the_account_of_a_workspace(start: Start) -> None:
    team = account_id("at-ok-1", team=True)
    site = start(f"{mint('at-ok-1')},{team}")
    site.say("hello")
    assert site.turns()[0].header("chatgpt-account-id") == team
    own = account_id("at-ok-1")
    site.clients[0].chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], extra_headers={"ChatGPT-Account-ID": own}
    )
    assert site.turns()[1].header("chatgpt-account-id") == own


@pytest.mark.limit(60)
def test_models_are_listed(start: Start) -> None:
    site = start(refresh_token("at-ok-3"))
    models = wait_until(
        lambda: [m.id for m in site.clients[0].models.list() if m.id.startswith("chatgpt/")], 25, what="the list"
    )
    assert "chatgpt/gpt-4o" in models


def test_nothing_is_kept_where_it_is_deleted_afterwards(start: Start) -> None:
    site = start(DELETE_AFTER="true")
    site.say("hello")
    wait_until(
        lambda: [r for r in site.sim.requests() if r["method"] == "PATCH" and r.json == {"is_visible": False}],
        5,
        what="the deletion",
    )


def test_one_message_at_a_time(start: Start) -> None:
    site = start(mint("at-ok-1"), mint("at-ok-2"))
    streams = [site.ask("#count=5", worker=place % 2, stream=True) for place in range(2)]
    assert [text_of(list(stream)) != "" for stream in streams] == [True, True]
    accounts = site.sim.stats()["accounts"]
    assert all(account["violations"] == {} for account in accounts.values())


def test_access_is_renewed_in_time_by_one_worker_of_the_cluster(start: Start) -> None:
    """Before anybody has asked for anything, and for accounts that were added while it runs as well."""
    site = start(refresh_token("at-ok-1"), workers=4, SCHEDULED_REFRESH="true")

    def exchanges() -> list[int]:
        return sorted(family["uses"] for family in site.sim.stats()["refreshes"].values())

    wait_until(exchanges, 20, what="the first exchange")
    assert site.say("hello", worker=3) == "You said: hello"
    assert exchanges() == [1], "nobody else has asked, and the turn goes with what is there"


def test_what_it_cannot_do_is_refused_and_what_has_no_effect_is_told(start: Start) -> None:
    site = start()
    for members in ({"logprobs": True}, {"n": 2}, {"prediction": {"type": "content", "content": "x"}}):
        with pytest.raises(openai.BadRequestError) as refused:
            site.ask("hello", **members)
        assert refused.value.param == next(iter(members)) and refused.value.code == "unsupported_parameter"
    assert not site.turns()
    raw = site.clients[0].chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], temperature=0.3, seed=7, presence_penalty=0
    )
    assert raw.headers["x-ignored-parameters"] == "temperature, seed"
    assert "x-ignored-parameters" not in site.clients[0].chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}]
    ).headers
    with pytest.raises(openai.BadRequestError):
        site.clients[0].embeddings.create(model=MODEL, input="hi")
    with pytest.raises(openai.BadRequestError):
        site.clients[0].completions.create(model=MODEL, prompt="hi")


def test_thoughts_stand_where_the_operator_or_the_request_wants_them(start: Start) -> None:
    site = start(SHOW_THINKING="think_tag")
    assert site.say("#think").startswith("<think>\n")
    plain = site.clients[0].chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "#think"}], extra_body={"show_thinking": False}
    )
    assert "<think>" not in plain.choices[0].message.content


def test_an_account_that_was_added_takes_one_message_at_a_time(start: Start) -> None:
    site = start(workers=3)
    added = run_worker(site.cluster, "accounts", "chatgpt", "add", stdin=mint("at-ok-3") + "\n")
    assert added.returncode == 0, added.stderr
    listed = worker_json(site.cluster, "accounts", "chatgpt", "list")
    assert [account["concurrency"] for account in listed] == [1, 1, 1]


def test_a_token_that_dies_on_the_way_is_renewed_once(start: Start, chatgpt_sim: Simulator) -> None:
    site = start(refresh_token("at-late-401-1"), mint("at-ok-1"), RETRY_TIMES="2", CHATGPT_PROTOCOL="f")
    # Whichever account has the first turn, the dying one has one of these.
    for _ in range(4):
        assert site.say("hello") == "You said: hello"
    (family,) = site.sim.stats()["refreshes"].values()
    assert 1 <= family["uses"] <= 2, "no account is renewed again and again"


def test_a_conversation_that_is_gone_is_told_again(start: Start, chatgpt_sim: Simulator) -> None:
    site = start(mint("at-ok-1"))
    first = site.ask("#echo one")
    hide_all(chatgpt_sim, "at-ok-1")
    history = [
        {"role": "user", "content": "#echo one"},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": "#echo two"},
    ]
    again = site.ask(history, worker=1)
    assert "one" in again.choices[0].message.content and len(site.turns()[-1].json["messages"]) == 3
    first = site.ask("#echo one")
    hide_all(chatgpt_sim, "at-ok-1")
    with pytest.raises(openai.APIStatusError) as caught:
        site.ask("two", conversation_id=first.conversation_id)
    assert (caught.value.status_code, caught.value.code) == (409, "conversation_unavailable")


@BOTH
def test_files_can_be_had_from_any_worker(start: Start, generation: str) -> None:
    site = start(CHATGPT_PROTOCOL=generation)
    for word, content in [("dalle", PNG), ("gptimage", PNG), ("code", b"sum\n4\n")]:
        said = site.say(f"#{word} hello")
        path = said[said.rindex("/images/") :].split(")")[0]
        answer = site.clients[1]._client.get(f"http://worker{path}")
        assert answer.status_code == 200 and answer.content == content, word


def test_a_token_of_the_callers_own(start: Start) -> None:
    site = start(mint("at-401-1"))
    answer = site.clients[0].chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], metadata={"cookie": mint("at-ok-5")}
    )
    assert answer.choices[0].message.content == "You said: hi"


def test_connections_that_break_are_taken_up_again(start: Start) -> None:
    site = start(CHATGPT_PROTOCOL="f")
    whole = site.say("#count=50")
    assert site.say("#count=50 #cut-hard=20") == whole
    assert text_of(site.stream("#count=50 #cut-hard=20", worker=1)) == whole
    assert site.sim.stats()["resumed"] == 2
    legacy = start(CHATGPT_PROTOCOL="legacy", RETRY_TIMES="0")
    with pytest.raises(openai.APIStatusError):
        legacy.say("#count=50 #cut-hard=20")


def test_tools_are_said_in_words(start: Start) -> None:
    site = start(CHATGPT_PROTOCOL="f")
    weather = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    site.ask("hello", tools=[{"type": "function", "function": weather}])
    told = site.turns()[-1].json["messages"]
    assert told[0]["author"]["role"] == "system" and "get_weather" in told[0]["content"]["parts"][0]


def test_files_are_brought_by_address(start: Start, chatgpt_sim: Simulator) -> None:
    site = start(UPLOAD_BY_URL="true", FETCH_PRIVATE_ADDRESSES="true", CHATGPT_PROTOCOL="f")
    said = site.say(f"{chatgpt_sim.url}/ #echo what is it")
    assert "file" in said and "http" not in said
    assert site.turns()[-1].json["messages"][0]["content"]["parts"] == ["#echo what is it"]
    assert site.sim.stats()["files"]["uploaded"] == 1


def test_an_account_that_is_watched_does_not_end_the_service_of_others(start: Start) -> None:
    site = start(mint("at-unusual-1"), mint("at-ok-1"), CHATGPT_PROTOCOL="f")
    assert [site.say("hello", worker=place % 2) for place in range(4)] == ["You said: hello"] * 4
    asked = [account for name, account in site.sim.stats()["accounts"].items() if name.startswith("at-unusual")]
    assert sum(account["turns"] for account in asked) <= 1, "it rests after its first refusal"


def test_a_hard_puzzle_holds_nobody_up(start: Start, chatgpt_sim: Simulator, note: Callable[[str], None]) -> None:
    chatgpt_sim.control(settings={"difficulty": "0001ff"})
    site = start(workers=1, CHATGPT_PROTOCOL="legacy", POW_DIFFICULTY="000000")
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(site.say("hello"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert fetch(site.cluster.worker, "/health").status == 200
        waits.append(time.monotonic() - began)
    assert said == ["You said: hello"] * 2
    middle = sorted(waits)[len(waits) // 2] * 1000
    note(f"puzzles: {len(waits)} other requests meanwhile, in the middle {middle:.1f} ms each")
    assert middle < 200
