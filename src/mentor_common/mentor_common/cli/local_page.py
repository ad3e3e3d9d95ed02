"""A web page that a command serves on this machine only."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_HOSTS = ("127.0.0.1", "localhost")
_MAX_BODY = 100_000  # bytes


class LocalPage(BaseHTTPRequestHandler):
    """Base of a page's request handler: answers GET by ``get()`` and POST by ``post()``.

    Only pages of this machine are answered. A page from elsewhere can reach a server on the
    loopback interface, too: under a name that resolves to this machine (DNS rebinding), which the
    Host header shows, or by a form, whose content type is never JSON.
    """

    def get(self, path: str) -> None:
        """Answer a GET request by ``send``."""
        raise NotImplementedError

    def post(self, path: str, content: Any) -> None:
        """Answer a POST request by ``send``; ``content``: the body's JSON.

        Raises:
            KeyError, OSError, TypeError, ValueError: the request is refused with this text.
        """
        raise NotImplementedError

    def send(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Send an answer.

        Args:
            kind: content type.
            body: the content.
            status: status of the answer.
        """
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def send_text(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Send plain text."""
        self.send("text/plain; charset=utf-8", text.encode(), status)

    def send_json(self, content: Any) -> None:
        """Send JSON."""
        self.send("application/json", json.dumps(content).encode())

    def do_GET(self) -> None:
        """Check the request, then call ``get``."""
        if self._host_is_local():
            self.get(self.path.partition("?")[0])

    def do_POST(self) -> None:
        """Check the request, then call ``post``."""
        if not self._host_is_local():
            return
        if self.headers.get_content_type() != "application/json":
            self.send_text("only JSON is accepted", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
            return
        try:
            length = int(self.headers.get("Content-Length", 0))
            if not 0 < length <= _MAX_BODY:
                raise ValueError(f"a body of {length} bytes")
            self.post(self.path, json.loads(self.rfile.read(length)))
        except (KeyError, OSError, TypeError, ValueError, RecursionError) as error:
            self.send_text(str(error), HTTPStatus.BAD_REQUEST)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: the page shows its errors, and asks for images many times a second."""

    def _host_is_local(self) -> bool:
        name, _, port = self.headers.get("Host", "").partition(":")
        address: Any = self.server.server_address
        if name in _HOSTS and port in ("", str(address[1])):
            return True
        self.send_text("this page is for this machine only", HTTPStatus.FORBIDDEN)
        return False


def serve_until_interrupted(server: ThreadingHTTPServer) -> None:
    """Print the address of a server, serve until Ctrl-C, and close it."""
    print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
