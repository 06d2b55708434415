"""Files that accounts sent up, and pictures that were made for them; each is its owner's alone."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from .grok_clock import Clock, Ids
from .grok_errors import DENIED, Refused, invalid, not_found
from .grok_pictures import jpeg

MEGABYTE = 1024 * 1024


@dataclass
class File:
    """Something an account sent up."""

    id: str
    owner: str
    name: str
    kind: str
    data: bytes
    uri: str
    created: str

    def wire(self) -> dict[str, Any]:
        told = {"fileMetadataId": self.id, "fileMimeType": self.kind, "fileName": self.name, "fileUri": self.uri}
        return told | {"parsedFileUri": "", "createTime": self.created, "fileSource": "SELF_UPLOAD_FILE_SOURCE"}


@dataclass
class Asset:
    """Bytes at a path that only one account may read."""

    owner: str
    kind: str
    data: bytes


class Files:
    """All files and assets."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self.limit = 3 * MEGABYTE
        self.by_id: dict[str, File] = {}
        self.assets: dict[str, Asset] = {}

    def upload(self, owner: str, user_id: str, body: dict[str, Any]) -> File:
        name, kind, content = (body.get(member) for member in ("fileName", "fileMimeType", "content"))
        if not isinstance(name, str) or not name or not isinstance(kind, str) or not isinstance(content, str):
            raise invalid("fileName, fileMimeType and content are required")
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise invalid("content is not base64") from None
        if not data:
            raise invalid("content is empty")
        return self.keep(owner, user_id, name, kind, data)

    def keep(self, owner: str, user_id: str, name: str, kind: str, data: bytes) -> File:
        if len(data) > self.limit:
            raise Refused(403, DENIED, "Upload rejected", bare=True)
        file_id = self._ids.next()
        uri = f"users/{user_id}/{file_id}/content"
        self.by_id[file_id] = File(file_id, owner, name, kind, data, uri, self._clock.stamp())
        self.assets[uri] = Asset(owner, kind, data)
        return self.by_id[file_id]

    def owned(self, file_id: str, owner: str) -> File | None:
        found = self.by_id.get(file_id)
        return found if found is not None and found.owner == owner else None

    def generate(self, owner: str, user_id: str) -> tuple[str, str]:
        """The paths of a new picture: half done, and done."""
        place = f"users/{user_id}/generated/{self._ids.next()}"
        half, whole = f"{place}-part-0/image.jpg", f"{place}/image.jpg"
        for path in (half, whole):
            self.assets[path] = Asset(owner, "image/jpeg", jpeg(path))
        return half, whole

    def asset(self, path: str, owner: str) -> Asset:
        """What is at a path; others than the owner learn nothing, not even whether there is something."""
        found = self.assets.get(path)
        if found is None and owner:
            raise not_found("Asset")
        if found is None or found.owner != owner:
            raise Refused(403, DENIED, "Access denied", bare=True)
        return found
