"""What happens in a turn, step by step: the messages of the answer and the events around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import chatgpt_tools as tools
from .chatgpt_encoding import Add, Change, Control, Grow, Line, Step
from .chatgpt_rules import last_user_text
from .chatgpt_tree import echo_of, user_texts
from .chatgpt_turn import Ask, message, topic_of
from .spoken import pieces_of

FINISHES = {"length": "max_tokens", "stop": "stop", "interrupted": "interrupted"}


def default_text(ask: Ask) -> str:
    """What is said when nobody told what to say."""
    if ask.scenario.get("echo"):
        return " ".join([echo_of(ask.conversation, ask.node, ask.said), *ask.attached])
    if ask.scenario.get("recall"):
        return user_texts(ask.conversation, ask.node)
    return " ".join([f"You said: {last_user_text({'messages': ask.said})}", *ask.attached])


def steps(ask: Ask) -> Iterator[Step]:
    """Everything that a client sees, but for the end of the stream."""
    scenario = ask.scenario
    if "refused" in scenario:
        yield Control({"message": None, "conversation_id": ask.conversation.id, "error": scenario["refused"]})
        return
    yield from _opening(ask)
    if scenario.get("big_line"):
        yield Control({"type": "server_ste_metadata", "metadata": {"padding": "p" * int(scenario["big_line"])}})
    if scenario.get("think") or scenario.get("reasoning"):
        yield from _thoughts(ask, list(scenario.get("reasoning", ["I add 2 and 2", " and get 4."])))
    tool = scenario.get("tool")
    if tool:
        yield from tools.steps(ask, tool)
    if tool not in ("async-image", "gptimage", "dalle"):
        yield from _text(ask)
    yield from _closing(ask)


def _opening(ask: Ask) -> Iterator[Step]:
    name = ask.conversation.id
    if ask.is_present:
        token = {"kind": "topic", "token": ask.resume_token, "conversation_id": name}
        yield Control({"type": "resume_conversation_token"} | token)
        if ask.scenario.get("handoff"):
            topic = topic_of(ask)
            options = [{"type": kind, "topic_id": topic} for kind in ("subscribe_ws_topic", "resume_sse_endpoint")]
            told = {"conversation_id": name, "turn_exchange_id": ask.node, "options": options}
            yield Control({"type": "stream_handoff"} | told)
    if not ask.is_delta:
        hidden = ask.metadata() | {"is_visually_hidden_from_conversation": True}
        done = {"status": "finished_successfully", "end_turn": True, "metadata": hidden}
        yield Add(message(ask, {"content_type": "text", "parts": [""]}, "system", **done))
        for said in ask.said:
            yield Add(said | {"status": "finished_successfully", "end_turn": None, "recipient": "all"})
    else:
        for said in ask.said:
            yield Control({"type": "input_message", "input_message": said, "conversation_id": name})


def _thoughts(ask: Ask, pieces: list[str]) -> Iterator[Step]:
    kind = ask.scenario.get("think", "usual")
    if kind == "usual":
        kind = "new" if ask.is_present else "old"
    done = {"p": "/message/status", "o": "replace", "v": "finished_successfully"}
    if kind == "old":
        metadata = ask.metadata() | {"initial_text": "Reasoning"}
        yield Add(message(ask, {"content_type": "text", "parts": [""]}, "tool", "a8km123", metadata=metadata))
        yield from map(Grow, pieces)
        told = {"finished_text": "Thought for 7s", "initial_text": "Reasoning"}
        yield Change([done, {"p": "/message/metadata", "o": "append", "v": told}])
    elif kind == "channel":
        yield Add(message(ask, {"content_type": "text", "parts": [""]}, channel="analysis", end_turn=False))
        yield from map(Grow, pieces)
        yield Change([done, {"p": "/message/end_turn", "o": "replace", "v": False}])
    else:
        content: dict[str, Any] = {"content_type": "thoughts", "thoughts": [], "source_analysis_msg_id": "x-1"}
        metadata = ask.metadata() | {"reasoning_status": "is_reasoning", "initial_text": "Thinking"}
        yield Add(message(ask, content, metadata=metadata, end_turn=False))
        thoughts = "/message/content/thoughts"
        yield Grow([{"summary": "Checking", "content": "", "chunks": [], "finished": False}], thoughts)
        yield from (Grow(piece, f"{thoughts}/0/content") for piece in pieces)
        yield Change([{"p": f"{thoughts}/0/finished", "o": "replace", "v": True}, done])
        recap = {"content_type": "reasoning_recap", "content": "Thought for 4s"}
        metadata = ask.metadata() | {"reasoning_status": "reasoning_ended", "finished_duration_sec": 4}
        ended = {"status": "finished_successfully", "end_turn": False, "metadata": metadata}
        yield Add(message(ask, recap, **ended))


def _pieces(ask: Ask) -> Iterable[str]:
    scenario = ask.scenario
    if ask.rest:
        return [ask.rest.pop(0)]
    if "parts" in scenario:
        parts = [f"part {number} of {scenario['parts']}. " for number in range(1, int(scenario["parts"]) + 1)]
        ask.rest += parts[1:]
        return parts[:1]
    pieces = pieces_of(scenario, tools.text(ask) or default_text(ask))
    return _halves(pieces) if scenario.get("halves") else pieces


def _halves(pieces: Iterable[str]) -> Iterator[str]:
    """Cuts as a program does that counts UTF-16 units: between the halves of a character too."""
    for piece in pieces:
        units = piece.encode("utf-16-le")
        yield from (units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2))


def _text(ask: Ask) -> Iterator[Step]:
    scenario, channel = ask.scenario, "final" if ask.is_present else None
    pieces = _pieces(ask)
    stop = "max_tokens" if ask.rest else FINISHES.get(scenario.get("finish", ""), "stop")
    told = {"is_complete": True, "finish_details": {"type": stop}} | tools.references(ask)
    if scenario.get("whole"):
        content = {"content_type": "text", "parts": ["".join(pieces)]}
        ended = {"status": "finished_successfully", "end_turn": True, "metadata": ask.metadata() | told}
        yield Add(message(ask, content, channel=channel, **ended))
        return
    answer = message(ask, {"content_type": "text", "parts": [""]}, channel=channel)
    yield Add(answer)
    if ask.is_present:
        marked = {"conversation_id": ask.conversation.id, "message_id": answer["id"]}
        yield Control({"type": "message_marker", "marker": "user_visible_token", "event": "first"} | marked)
    odd = iter(_noise() if scenario.get("noise") else [])
    for place, piece in enumerate(pieces):
        if place == scenario.get("fails_after"):
            yield Control({"type": "error", "error": {"message": "Something went wrong.", "code": "server_error"}})
            return
        yield Grow(piece)
        yield from [line for line in [next(odd, None)] if line]
    if scenario.get("moderate"):
        response = {"flagged": True, "blocked": True}
        told_of = {"conversation_id": ask.conversation.id, "message_id": answer["id"]}
        yield Control({"type": "moderation", "moderation_response": response} | told_of)
    yield Change(
        [
            {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
            {"p": "/message/end_turn", "o": "replace", "v": True},
            {"p": "/message/metadata", "o": "append", "v": told},
        ]
    )


def _noise() -> list[Step]:
    return [
        Line(b": ping"),
        Line(b"data: 2026-06-07T18:34:14.000000"),
        Line(b"data:"),
        Line(b"event: ping\ndata: 2026-06-07 18:34:14.1"),
        Control({"type": "something_new", "v": "not text"}),
    ]


def _closing(ask: Ask) -> Iterator[Step]:
    name = ask.conversation.id
    if ask.conversation.turns == 1 and not ask.conversation.is_temporary:
        yield Control({"type": "title_generation", "title": ask.conversation.title, "conversation_id": name})
    yield Control({"type": "message_stream_complete", "conversation_id": name})
    if ask.is_present:
        metadata = {"model_slug": ask.model, "plan_type": ask.plan, "tool_invoked": False, "turn_exchange_id": ask.node}
        yield Control({"type": "server_ste_metadata", "conversation_id": name, "metadata": metadata})
        blocked = [{"name": "gpt-5", "block_reason": "limit", "resets_after": "2026-06-07T18:34:14Z"}]
        limits = [{"feature_name": "image_gen", "remaining": 4, "reset_after": "2026-06-07T18:34:14Z"}]
        details = {"limits_progress": limits, "model_limits": [], "default_model_slug": "auto"}
        details["blocked_features"] = blocked if ask.scenario.get("blocked") else []
        yield Control({"type": "conversation_detail_metadata", "conversation_id": name} | details)
