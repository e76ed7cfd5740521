"""A Hub on the loopback: repositories of datasets in memory, and just the calls that making and filling one takes.

It knows nothing of our code. Shards go the LFS way (batch, then upload), all else inside the commit, as on the Hub.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_secret_of_the_test"
OWNER = "somebody"


class Hub:
    """What the server holds: per repository and branch the files, and every request that it got."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.private: dict[str, bool] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.broken = False
        self.url = ""

    def files(self, repo_id: str, branch: str = "main") -> dict[str, bytes]:
        return self.repos[repo_id][branch]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Not on the terminal of the tests."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.broken:
            self._send(500, {"error": "the Hub is on fire"})
            return
        for pattern, method in _ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {path}")
            if found:
                # An upload goes to a signed address, without the token.
                if self.command != "PUT" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    self._send(401, {"error": "Invalid username or password."})
                    return
                method(self, body, **found.groupdict())
                return
        self._send(404, {"error": f"the stand-in does not know {path}"})

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status >= 400 and isinstance(value, dict):
            self.send_header("X-Error-Message", value["error"])
        self.end_headers()
        self.wfile.write(data)

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        owner = wanted.get("organization") or OWNER
        name = f"{owner}/{wanted['name']}"
        if owner != OWNER:
            self._send(403, {"error": f"You don't have the rights to create a dataset under the namespace {owner!r}"})
        elif name in self.hub.repos:
            self._send(
                409, {"error": "You already created this dataset repo", "url": f"{self.hub.url}/datasets/{name}"}
            )
        else:
            self.hub.repos[name] = {"main": {".gitattributes": b""}}
            self.hub.private[name] = wanted.get("visibility") == "private" or bool(wanted.get("private"))
            self._send(200, {"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name})

    def branch(self, _: bytes, repo: str, name: str) -> None:
        branches = self.hub.repos[repo]
        if name in branches:
            self._send(409, {"error": "Reference already exists"})
            return
        branches[name] = dict(branches["main"])
        self._send(200, {})

    def info(self, _: bytes, repo: str, revision: str = "main") -> None:
        files = [{"rfilename": name} for name in self.hub.files(repo, revision)]
        self._send(200, {"id": repo, "private": self.hub.private[repo], "sha": "0" * 40, "siblings": files})

    def tree(self, _: bytes, repo: str, revision: str) -> None:
        files = self.hub.files(repo, revision)
        self._send(200, [{"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in files.items()])

    def validate(self, body: bytes) -> None:
        content = json.loads(body)["content"]
        wrong = not content.startswith("---\n")
        self._send(
            400 if wrong else 200, {"error": "no metadata", "errors": [{"message": "no metadata"}], "warnings": []}
        )

    def preupload(self, body: bytes, repo: str, revision: str) -> None:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        self._send(200, {"files": files})

    def batch(self, body: bytes, repo: str) -> None:
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/blobs/{wanted['oid']}"}}}
            for wanted in json.loads(body)["objects"]
        ]
        self._send(200, {"transfer": "basic", "objects": objects})

    def blob(self, body: bytes, oid: str) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.blobs[oid] = body
        self._send(200, {})

    def commit(self, body: bytes, repo: str, revision: str) -> None:
        files = self.hub.repos[repo][revision]
        for line in body.splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = base64.b64decode(value["content"])
            elif step["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif step["key"] == "deletedFile":
                del files[value["path"]]
        oid = hashlib.sha1(body).hexdigest()
        self._send(200, {"commitUrl": f"{self.hub.url}/datasets/{repo}/commit/{oid}", "commitOid": oid})


_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
_ROUTES: list[tuple[str, Any]] = [
    (r"POST /api/repos/create", _Handler.create),
    (r"POST /api/validate-yaml", _Handler.validate),
    (rf"POST /api/datasets/{_REPO}/branch/(?P<name>[\w.-]+)", _Handler.branch),
    (rf"GET /api/datasets/{_REPO}", _Handler.info),
    (rf"GET /api/datasets/{_REPO}/revision/(?P<revision>[\w.-]+)", _Handler.info),
    (rf"GET /api/datasets/{_REPO}/tree/(?P<revision>[\w.-]+)", _Handler.tree),
    (rf"POST /api/datasets/{_REPO}/preupload/(?P<revision>[\w.-]+)", _Handler.preupload),
    (rf"POST /datasets/{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"PUT /blobs/(?P<oid>\w+)", _Handler.blob),
    (rf"POST /api/datasets/{_REPO}/commit/(?P<revision>[\w.-]+)", _Handler.commit),
]


@contextmanager
def serving() -> Iterator[Hub]:
    """A Hub that listens on a free port of this machine until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
