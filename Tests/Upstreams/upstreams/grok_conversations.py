"""Conversations as the Grok web app keeps them: trees of responses, links to a branch, and copies of branches."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .grok_clock import Clock, Ids
from .grok_errors import not_found

HUMAN, ASSISTANT = "human", "assistant"
# The arrays and flags that every response has on the wire, whether there is anything in them or not.
EMPTY: dict[str, Any] = {
    "manual": False, "partial": False, "shared": False, "query": "", "queryType": "", "webSearchResults": [],
    "xpostIds": [], "xposts": [], "generatedImageUrls": [], "imageAttachments": [], "fileAttachments": [],
    "cardAttachmentsJson": [], "fileUris": [], "fileAttachmentsMetadata": [], "isControl": False, "steps": [],
    "imageEditUris": [], "mediaTypes": [], "webpageUrls": [], "metadata": {}, "citedWebSearchResults": [],
    "toolResponses": [], "streamErrors": [],
}  # fmt: skip


@dataclass
class Response:
    """One message of either side."""

    id: str
    sender: str
    message: str
    parent: str
    created: str
    model: str = ""
    members: dict[str, Any] = field(default_factory=dict)
    # An answer that is being written, or that nobody finished.
    partial: bool = False

    def wire(self) -> dict[str, Any]:
        told = {"responseId": self.id, "message": self.message, "sender": self.sender, "createTime": self.created}
        told |= {"parentResponseId": self.parent} if self.parent else {}
        return told | EMPTY | {"model": self.model, "partial": self.partial} | self.members


@dataclass
class Conversation:
    """A tree of responses with an owner."""

    id: str
    owner: str
    temporary: bool
    created: str
    title: str = "New conversation"
    responses: dict[str, Response] = field(default_factory=dict)
    # Answers being written, and those that their readers left and did not stop.
    running: set[str] = field(default_factory=set)
    abandoned: set[str] = field(default_factory=set)
    hidden: bool = False
    cloned_from: str | None = None
    cloned_responses: int = 0

    def path(self, last: str) -> list[Response]:
        """From the root to a response."""
        found: list[Response] = []
        while last:
            response = self.responses[last]
            found.append(response)
            last = response.parent
        return found[::-1]

    @property
    def unfinished(self) -> set[str]:
        return self.running | self.abandoned

    def add(self, response: Response) -> Response:
        self.responses[response.id] = response
        return response

    def wire(self) -> dict[str, Any]:
        told = {"conversationId": self.id, "title": self.title, "starred": False, "createTime": self.created}
        told |= {"modifyTime": self.created, "systemPromptName": "", "temporary": self.temporary}
        return told | {"mediaTypes": [], "workspaces": [], "taskResult": {}}


@dataclass
class Link:
    """A branch that anybody with the link can read and copy: what was said up to one response, and nothing later."""

    id: str
    owner: str
    conversation: Conversation
    response_id: str
    responses: list[Response]
    indexed: bool
    views: int = 0
    clones: int = 0

    def wire(self) -> dict[str, Any]:
        told = {"shareLinkId": self.id, "conversationId": self.conversation.id, "responseId": self.response_id}
        return told | {"allowIndexing": self.indexed, "viewCount": self.views}


class Library:
    """Everything that was said to the upstream and not deleted."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self.conversations: dict[str, Conversation] = {}
        self.links: dict[str, Link] = {}
        self.counts = dict.fromkeys(("conversations", "responses", "shares", "clones", "unshared", "deleted"), 0)

    # Conversations

    def begin(self, owner: str, temporary: bool) -> Conversation:
        conversation = Conversation(self._ids.next(), owner, temporary, self._clock.stamp())
        self.conversations[conversation.id] = conversation
        self.counts["conversations"] += 1
        return conversation

    def owned(self, conversation_id: str, owner: str) -> Conversation:
        """A conversation of somebody's; whatever belongs to others does not exist for him."""
        found = self.conversations.get(conversation_id)
        if found is None or found.owner != owner or found.hidden:
            raise not_found("Conversation")
        return found

    def of(self, owner: str) -> Iterator[Conversation]:
        return (c for c in self.conversations.values() if c.owner == owner and not c.hidden)

    def say(self, conversation: Conversation, sender: str, text: str, parent: str, **members: Any) -> Response:
        """A new response; the parent must be one of the conversation's, or nothing for a new root."""
        self.counts["responses"] += 1
        made = Response(self._ids.next(), sender, text, parent, self._clock.stamp(), **members)
        return conversation.add(made)

    def delete(self, conversation: Conversation) -> None:
        del self.conversations[conversation.id]
        self.counts["deleted"] += 1

    # Links and copies

    def share(self, conversation: Conversation, response_id: str, indexed: bool) -> Link:
        if response_id not in conversation.responses:
            raise not_found("Response")
        self.counts["shares"] += 1
        shard = base64.urlsafe_b64encode(f"shard-{self.counts['shares'] % 4}".encode()).decode().rstrip("=")
        kept = [Response(**vars(response)) for response in conversation.path(response_id)]
        name = f"{shard}_{self._ids.next()}"
        link = Link(name, conversation.owner, conversation, response_id, kept, indexed)
        self.links[name] = link
        return link

    def link(self, link_id: str) -> Link:
        found = self.links.get(link_id)
        if found is None:
            raise not_found("Share link")
        return found

    def unshare(self, link: Link) -> None:
        del self.links[link.id]
        self.counts["unshared"] += 1

    def clone(self, link: Link, owner: str) -> Conversation:
        """A copy with ids of its own, which belongs to whoever asked."""
        self.counts["clones"] += 1
        link.clones += 1
        copy = self.begin(owner, temporary=False)
        copy.title, copy.cloned_from = link.conversation.title, link.conversation.id
        copy.cloned_responses = len(link.responses)
        parent = ""
        for response in link.responses:
            said = self.say(copy, response.sender, response.message, parent, model=response.model)
            said.members = dict(response.members)
            parent = said.id
        return copy
