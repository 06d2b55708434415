"""Visitors of the mirrored ChatGPT site, and the operator who looks after them."""

from __future__ import annotations

import base64
import json
from typing import Any

from .chatgpt_page import Answer, Page
from .cluster import Cluster
from .commands import ADMIN
from .raw import Address, Decoder, fetch
from .waiting import wait_until


def page(cluster: Cluster, token: str, worker: int = 0, is_present: bool = False) -> Page:
    """A page of the site that a visitor has open, with one of the workers behind it."""
    return Page(cluster.workers[worker].address, is_present=is_present, token=token)


def detail(answer: Decoder) -> dict[str, Any]:
    return json.loads(answer.body)["detail"]


def listed(visitor: Page, query: str = "") -> list[str]:
    return [item["id"] for item in visitor.value(f"conversations{query}")["items"]]


def wait_listed(visitor: Page, conversation: str) -> None:
    wait_until(lambda: conversation in listed(visitor), 5, what="the conversation in the list")


def begun(visitor: Page, *texts: str, **members: Any) -> Answer:
    """A conversation that has begun and is known."""
    answer = visitor.ask(*texts or ("hello",), **members)
    assert answer.status == 200 and answer.is_done, bytes(answer.decoder.body)
    wait_until(
        lambda: visitor.call(f"conversation/{answer.conversation}").status == 200, 5, what="the conversation's owner"
    )
    return answer


def table(
    address: Address, body: Any = None, method: str | None = None, query: str = "", secret: str = ADMIN
) -> Decoder:
    """The operator's table of seeds."""
    basic = base64.b64encode(f"admin:{secret}".encode()).decode()
    return fetch(address, f"/seedtoken{query}", body, method=method, headers={"Authorization": f"Basic {basic}"})


def disable(cluster: Cluster, account: str) -> None:
    administer(cluster, f"pools/chatgpt/accounts/{account}", {"enabled": False}, "PATCH")


def administer(cluster: Cluster, path: str, body: Any, method: str) -> None:
    basic = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    answer = fetch(cluster.worker, f"/admin/api/{path}", body, method=method, headers=headers)
    assert answer.status == 200, bytes(answer.body)
