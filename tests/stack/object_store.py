"""A mock of S3, as small as the collector's requests allow: it lists what is put into it and serves some objects."""

import hashlib
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from loopback import Loopback

REFUSAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class ObjectStore(Loopback):
    """The mock, listening on loopback while used as a context. It serves `objects`; if `denied`, it refuses every put."""

    def __init__(self):
        self.objects: dict[str, bytes] = {}
        self.puts: list[tuple[str, int]] = []
        self.denied = False
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = store.objects.get(urlsplit(self.path).path)
                etag = body and f'"{hashlib.md5(body).hexdigest()}"'
                if body is None:
                    self.respond(403, REFUSAL)
                elif self.headers["If-None-Match"] == etag:
                    self.respond(304)
                else:
                    self.respond(200, body, etag)

            def do_PUT(self):
                length = int(self.headers["Content-Length"])
                self.rfile.read(length)
                store.puts.append((urlsplit(self.path).path, length))
                self.respond(*((403, REFUSAL) if store.denied else (200, b"", '"stored"')))

            def respond(self, status: int, body: bytes = b"", etag: str | None = None):
                self.send_response(status)
                if etag:
                    self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """The test's own output says enough."""

        super().__init__(Handler)
        self.environment = {
            "AWS_ENDPOINT_URL": self.address, "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "placeholder", "AWS_SECRET_ACCESS_KEY": "placeholder"}
