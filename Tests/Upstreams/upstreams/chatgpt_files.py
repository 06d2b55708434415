"""Files: created, put at an address of their own, announced, and fetched again."""

from __future__ import annotations

import hashlib
import itertools
import time
from typing import Any
from urllib.parse import quote

from .exchange import Request
from .spoken import described
from .web import Refused

USES = ("multimodal", "my_files", "ace_upload")
#: What must not go to the place where blobs are kept.
PRIVATE = ("authorization", "oai-device-id", "oai-language", "cookie", "chatgpt-account-id")


class File:
    """One file, which is its account's own."""

    def __init__(self, name: str, account: str, told: dict[str, Any]) -> None:
        self.id, self.account, self.told = name, account, told
        self.data: bytes | None = None
        self.kind = "application/octet-stream"
        self.is_uploaded = False
        self.polls = 0
        self.created = time.time()


def _lost() -> Refused:
    return Refused(404, {"detail": "File not found."})


class Files:
    """All files, and the addresses at which they can be had for a while."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, File] = {}
        self.leaks = 0
        self._numbers = itertools.count(1)

    def make(self, account: str, name: str, data: bytes, kind: str, prefix: str = "file-") -> str:
        """A file that the site makes itself."""
        file = self._new(account, {"file_name": name, "file_size": len(data)}, prefix)
        file.data, file.kind, file.is_uploaded = data, kind, True
        return file.id

    def _new(self, account: str, told: dict[str, Any], prefix: str = "file-") -> File:
        file = File(f"{prefix}{next(self._numbers):08d}", account, told)
        self.files[file.id] = file
        return file

    def of(self, account: str, name: str) -> File:
        file = self.files.get(name)
        if file is None or file.account != account:
            raise _lost()
        return file

    # Upload

    def create(self, account: str, body: dict[str, Any]) -> dict[str, Any]:
        name, size = body.get("file_name"), body.get("file_size")
        if not isinstance(name, str) or "." not in name or not isinstance(size, int) or size < 0:
            raise Refused(422, {"detail": "file_name and file_size are needed"})
        if body.get("use_case") not in USES:
            raise Refused(422, {"detail": "use_case"})
        file = self._new(account, body)
        url = f"{self.url}/blob/{file.id}?se=2030&sig={self._sign(file.id, 'put')}"
        return {"status": "success", "file_id": file.id, "upload_url": url}

    def put(self, name: str, request: Request) -> None:
        file = self._signed(name, request, "put")
        leaked = [header for header in PRIVATE if request.header(header)]
        if leaked:
            self.leaks += 1
            raise Refused(403, {"detail": f"{leaked[0]} has no business here"})
        if request.header("x-ms-blob-type") != "BlockBlob":
            raise Refused(400, {"detail": "x-ms-blob-type must be BlockBlob"})
        if len(request.body) != file.told["file_size"]:
            raise Refused(400, {"detail": "the size is not what it was said to be"})
        file.data, file.kind = request.body, request.header("content-type") or file.kind

    def uploaded(self, account: str, name: str) -> dict[str, Any]:
        file = self.of(account, name)
        if file.data is None:
            raise Refused(400, {"detail": "nothing was uploaded"})
        file.is_uploaded = True
        return {"status": "success", "download_url": self.address(file)}

    def status(self, account: str, name: str, polls: int) -> dict[str, Any]:
        """Indexing takes so many looks."""
        file = self.of(account, name)
        file.polls += 1
        state = "success" if file.is_uploaded and file.polls > polls else "pending"
        told = {"id": file.id, "name": file.told["file_name"], "size": file.told["file_size"]}
        return told | {"retrieval_index_status": state, "mime_type": file.kind}

    # Download

    def address(self, file: File) -> str:
        """An address that works for whoever has it, or only for its owner."""
        until = int(time.time() + 300)
        if file.id.startswith("file_"):
            sig = self._sign(file.id, str(until))
            return f"{self.url}/backend-api/estuary/content?id={file.id}&ts={until}&sig={sig}"
        sig = self._sign(file.id, "get")
        return f"{self.url}/blob/{file.id}?rscd={quote('attachment; filename=' + file.told['file_name'])}&sig={sig}"

    def download(self, account: str, name: str) -> dict[str, Any]:
        file = self.of(account, name)
        if file.data is None:
            raise _lost()
        told = {"file_name": file.told["file_name"], "creation_time": file.created}
        return {"status": "success", "download_url": self.address(file)} | told

    def blob(self, name: str, request: Request) -> File:
        file = self._signed(name, request, "get")
        if file.data is None:
            raise _lost()
        return file

    def estuary(self, account: str, request: Request) -> File:
        file = self.of(account, request.query.get("id", ""))
        until = request.query.get("ts", "")
        if request.query.get("sig") != self._sign(file.id, until) or not until.isdigit() or int(until) < time.time():
            raise Refused(403, {"detail": "The link has expired."})
        return file

    def _sign(self, name: str, purpose: str) -> str:
        return hashlib.sha256(f"{id(self)}:{name}:{purpose}".encode()).hexdigest()[:24]

    def _signed(self, name: str, request: Request, purpose: str) -> File:
        file = self.files.get(name)
        if file is None or request.query.get("sig") != self._sign(name, purpose):
            raise Refused(403, {"detail": "AuthenticationFailed"})
        return file

    # Messages

    def attached(self, account: str, messages: list[dict[str, Any]]) -> list[str]:
        """A line for each file that came with messages; all must be there, and the account's own."""
        lines = []
        for message in messages:
            pointers = [part["asset_pointer"] for part in message["content"]["parts"] if isinstance(part, dict)]
            images = [pointer.partition("://")[2] for pointer in pointers]
            others = [attached["id"] for attached in (message.get("metadata") or {}).get("attachments", [])]
            for name in dict.fromkeys(images + others):
                file = self.of(account, name)
                if not file.is_uploaded or file.data is None:
                    raise Refused(400, {"detail": f"File {name} was not uploaded."})
                lines.append(described("image" if name in images else "file", file.kind, file.data))
        return lines


def stats(files: Files) -> dict[str, int]:
    done = [file for file in files.files.values() if file.is_uploaded]
    return {"files": len(files.files), "uploaded": len(done), "leaks": files.leaks}

