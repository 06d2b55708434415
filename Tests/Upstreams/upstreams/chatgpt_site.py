"""The site's other pages: what they read and change, beside turns."""

from __future__ import annotations

import time
from typing import Any

from . import chatgpt_pages as pages
from .chatgpt_files import Files
from .chatgpt_running import Board
from .chatgpt_tools import SANDBOX
from .chatgpt_tree import Library, hang, lost
from .chatgpt_visitor import Visitor
from .exchange import Request
from .web import Refused

Answer = Any


class Site:
    """Everything that is kept about accounts, and the pages that show it."""

    def __init__(self, url: str) -> None:
        self.library = Library()
        self.files = Files(url)
        self.board = Board()

    def answer(
        self, request: Request, path: str, body: dict[str, Any], visitor: Visitor, polls: int
    ) -> Answer:
        """The answer to a call that is no turn; `path` is what follows the base."""
        name, plan = visitor.name, visitor.plan
        fixed = self._identity(request, path, name, plan, visitor.claims)
        if fixed is not None:
            return fixed
        head, _, rest = path.partition("/")
        if head == "files" and plan != "anonymous":
            return self._files(request, rest, body, name, polls)
        if path == "conversations":
            return self._conversations(request, body, name)
        if head == "conversation":
            return self._conversation(request, rest.split("/"), body, name)
        raise Refused(404, {"detail": "Not Found"})

    def _identity(self, request: Request, path: str, name: str, plan: str, claims: dict[str, Any]) -> Answer:
        if request.method == "GET" and path == "models":
            return pages.models(plan)
        if plan == "anonymous":
            return None
        if request.method == "GET" and path == "me":
            return pages.me(name, claims)
        if path == "accounts/check/v4-2023-04-27":
            return pages.accounts(name, plan)
        return pages.FIXED.get(path)

    def _files(self, request: Request, rest: str, body: dict[str, Any], name: str, polls: int) -> Answer:
        way = rest.split("/")
        match (request.method, *way):
            case ("POST", ""):
                return self.files.create(name, body)
            case ("POST", file, "uploaded"):
                return self.files.uploaded(name, file)
            case ("GET", "download", file) | ("GET", file, "download"):
                return self.files.download(name, file)
            case ("GET", file):
                return self.files.status(name, file, polls)
        raise Refused(404, {"detail": "Not Found"})

    def _conversations(self, request: Request, body: dict[str, Any], name: str) -> Answer:
        if request.method == "PATCH":
            if body.get("is_visible") is not False:
                raise Refused(422, {"detail": "is_visible"})
            self.library.hide_all(name)
            return {"success": True}
        return self.library.listed(name, request.query)

    def _conversation(self, request: Request, way: list[str], body: dict[str, Any], name: str) -> Answer:
        match (request.method, *way):
            case ("POST", "gen_title", conversation):
                self.library.of(name, conversation).title = "A title"
                return {"title": "A title"}
            case ("PATCH", conversation):
                self.library.change(name, conversation, body)
                return {"success": True}
            case ("GET", conversation):
                return self.shown(name, conversation)
            case ("GET", conversation, "stream_status"):
                self.library.of(name, conversation)
                running = self.board.running.get(conversation)
                return {"status": "IS_STREAMING" if running and not running.is_settled else "COMPLETE"}
            case ("POST", conversation, "async-status"):
                self.library.of(name, conversation).async_status = body.get("status")
                return {"status": "OK"}
            case ("GET", conversation, "attachment", file, "download"):
                self.library.of(name, conversation)
                return self.files.download(name, file)
            case ("GET", conversation, "interpreter", "download"):
                return self._sandbox(request.query, name, conversation)
            case ("POST", conversation, "interpreter", "download"):
                return self._sandbox(body, name, conversation)
        raise Refused(404, {"detail": "Not Found"})

    def shown(self, name: str, conversation: str) -> Answer:
        found = self.library.of(name, conversation)
        running = self.board.running.get(conversation)
        if running and not running.is_read:
            running.finish()
        if found.late and time.monotonic() >= found.late[0]:
            hang(found, found.current, [found.late[1]()])
            found.late, found.async_status = None, None
        return found.shown()

    def _sandbox(self, told: dict[str, Any], name: str, conversation: str) -> Answer:
        found = self.library.of(name, conversation)
        if found.is_temporary:
            raise lost("history_disabled_conversation_not_found")
        if told.get("message_id") not in found.nodes or told.get("sandbox_path") != SANDBOX:
            raise Refused(404, {"detail": "File not found."})
        file = self.files.make(name, "result.csv", b"sum\n4\n", "text/csv")
        return {"status": "success", "download_url": self.files.address(self.files.of(name, file))}
