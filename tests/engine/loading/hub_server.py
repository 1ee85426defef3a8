"""A hub of one model on 127.0.0.1: what huggingface_hub asks of the real one, files and all."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "somebody/tiny"


class HubServer(ThreadingHTTPServer):
    """Serves `folder` as `REPO`; a context."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self.fetched: list[tuple[str, str]] = []
        """(path, Range header) of every file that was sent."""
        self.breaks_off: str | None = None
        """After half of this file the connection is lost, once."""
        self.dies = False
        """With that connection all is lost."""
        self.holds: str | None = None
        """Half of this file is sent, and the rest once `go_on` is set."""
        self.half_sent, self.go_on = threading.Event(), threading.Event()
        self.lost = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "HubServer":
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is none."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = urlsplit(self.path).path
        if self.server.lost:
            self._send(418, b"", {}, body)  # a status that the client doesn't wait and ask again for
        elif path.startswith(f"/api/models/{REPO}"):
            self._send_json(self._tree() if "/tree/" in path else self._info())
        elif path.startswith(f"/{REPO}/resolve/") and path.split("/", 5)[5] in self.server.files:
            self._send_file(path.split("/", 5)[5], body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound" if REPO in path else "RepoNotFound"}, body)

    def _info(self) -> object:
        siblings = [{"rfilename": name, "size": path.stat().st_size} for name, path in self.server.files.items()]
        return {"id": REPO, "modelId": REPO, "sha": COMMIT, "siblings": siblings, "tags": [], "downloads": 0}

    def _tree(self) -> object:
        return [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": _hash(path)}
            for name, path in self.server.files.items()
        ]

    def _send_json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"}, body=True)

    def _send_file(self, name: str, body: bool) -> None:
        path = self.server.files[name]
        content, asked = path.read_bytes(), self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        headers = {"ETag": f'"{_hash(path)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if body:
            self.server.fetched.append((name, asked))
        self._send(206 if start else 200, content[start:], headers, body, name)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool, name: str = "") -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if not body:
            return
        if name and name in (self.server.breaks_off, self.server.holds):
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.server.half_sent.set()
            if name == self.server.breaks_off:
                self.server.breaks_off, self.close_connection = None, True
                self.server.lost = self.server.dies
                return
            self.server.go_on.wait(60)
            content = content[len(content) // 2 :]
        self.wfile.write(content)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def use(monkeypatch, server: HubServer, home: Path) -> None:
    """Makes huggingface_hub ask that server, and keep what it fetches in `home`."""
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home))
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
