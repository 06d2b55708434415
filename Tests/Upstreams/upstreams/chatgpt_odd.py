"""Pages that the site has not, for those who pass everything through: what came, what moves, what must be mended."""

from __future__ import annotations

import base64
from typing import Any

from .exchange import Request
from .web import HTML_TYPE

#: A page that speaks of the site's own hosts.
TEXT = "<html><body><a href='https://chatgpt.com/c/1'>ChatGPT</a> https://cdn.oaistatic.com/assets/a.js</body></html>"
EVENTS = 'data: {"conversation_id":"c-1"}\n\ndata: {"title":"A title"}\n\ndata: [DONE]\n\n'


def odd_page(request: Request, path: str, url: str) -> tuple[int, Any, dict[str, str], str] | None:
    """Status, body, headers and kind of a page under `sim/`."""
    if path == "sim/echo":
        body = base64.b64encode(request.body).decode()
        said = {"method": request.method, "target": request.target, "headers": request.headers, "body": body}
        return 200, said, {}, ""
    if path == "sim/redirect":
        return 302, "", {"Location": f"{url}/backend-api/me"}, ""
    if path == "sim/media":
        return 200, "not really a film", {"Content-Disposition": 'attachment; filename="a.mp4"'}, "video/mp4"
    if path == "sim/events":
        return 200, EVENTS, {"Set-Cookie": "conv_key=sim; Path=/"}, "text/event-stream; charset=utf-8"
    if path == "sim/text":
        return 200, TEXT, {"Cache-Control": "no-store", "X-Private": "yes"}, HTML_TYPE
    return None
