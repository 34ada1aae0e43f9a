"""A mock of the Graph API, as small as the collector's calls allow.

It answers every account and hashtag with three media, of which one hides its likes (a default) and one
has no usable id (a rejection), tells a usage, and lists the paths it was asked for.
"""

import json
import re
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from loopback import Loopback
from template import ROOT

USER_ID = "17841400000000001"
TOKEN = "placeholder-token"
RENEWED = "placeholder-renewed-token"
MINUTE = 60
# What answers: the newest version whose end is known. Its days left are a metric, and no alarm goes off for them.
VERSION = re.findall(r"^\| `(v[\d.]+)` \| [\d-]+ \| [\d-]+ \|", (ROOT / "docs" / "versions.md").read_text(), re.MULTILINE)[-1]
DAY = 24 * 60 * MINUTE


def media(seed: int) -> list[dict]:
    now = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())
    common = {"timestamp": now, "caption": "x", "media_type": "IMAGE", "media_product_type": "FEED",
              "media_url": "https://cdn.example.com/1.jpg", "permalink": "https://example.com/p/1/",
              "comments_count": 2}
    return [
        {**common, "id": str(seed + 1), "like_count": 10},
        {**common, "id": str(seed + 2)},
        {**common, "id": "not digits", "like_count": 10},
    ]


def hashtag_id(name: str) -> str:
    return str(17840000000000000 + sum(map(ord, name)))


def answer(path: str, query: dict[str, str], days: int) -> tuple[int, dict]:
    """The status and body that a call gets. The path comes without its version."""
    if path == "/oauth/access_token" and query.get("fb_exchange_token") == TOKEN:
        return 200, {"access_token": RENEWED, "token_type": "bearer", "expires_in": 60 * DAY}
    if query.get("access_token", "") not in (TOKEN, RENEWED, f"app|{TOKEN}"):
        return 400, {"error": {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}}
    if path == "/debug_token":
        days = 60 if query["input_token"] == RENEWED else days
        return 200, {"data": {"is_valid": True, "expires_at": int(time.time()) + days * DAY + MINUTE,
                              "data_access_expires_at": int(time.time()) + (days + 30) * DAY, "scopes": ["instagram_basic"]}}
    if path == "/ig_hashtag_search":
        return 200, {"data": [{"id": hashtag_id(query["q"])}]}
    if path.endswith("/recent_media"):
        return 200, {"data": media(int(path.split("/")[1]))}
    account = re.search(r"business_discovery\.username\(([a-z0-9._]+)\)", query.get("fields", ""))
    if path == f"/{USER_ID}" and account:
        seed = 17850000000000000 + 10 * sum(map(ord, account[1]))
        found = {"id": str(seed), "username": account[1], "name": "x", "followers_count": 5, "media_count": 3,
                 "profile_picture_url": "https://cdn.example.com/p.jpg", "media": {"data": media(seed)}}
        return 200, {"business_discovery": found, "id": USER_ID}
    if path == f"/{USER_ID}" and query.get("fields") == "id":
        return 200, {"id": USER_ID}
    return 400, {"error": {"message": "Unsupported get request.", "type": "GraphMethodException", "code": 100}}


class GraphApi(Loopback):
    """The mock, listening on loopback while used as a context. `missing` accounts and hashtags are not there, the
    token is valid for `days`, and `usage` percent of the limit are used. With an `error` it refuses every call. If it is
    `dead`, it hangs up."""

    def __init__(self, delay: float = 0.0, missing: frozenset[str] = frozenset()):
        self.calls: list[str] = []
        self.missing, self.days, self.usage = missing, 40, 12
        self.error: dict | None = None
        self.dead = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urlsplit(self.path)
                path = re.sub(r"^/v\d+\.\d+", "", url.path)
                api.calls.append(path)
                time.sleep(delay)
                if api.dead:
                    self.close_connection = True
                    return
                query = {k: v[0] for k, v in parse_qs(url.query).items()}
                status, body = answer(path, query, api.days)
                if api.error and api.error["code"] == 190 and path == "/debug_token":
                    status, body = 200, {"data": {"is_valid": False, "error": api.error}}
                elif api.error:
                    status, body = 400, {"error": api.error}
                elif any(f"({name})" in query.get("fields", "") or path == f"/{hashtag_id(name)}/recent_media" for name in api.missing):
                    status, body = 400, {"error": {"message": "Invalid user id", "code": 110, "error_subcode": 2207013}}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("facebook-api-version", VERSION)
                self.send_header("x-app-usage", json.dumps({"call_count": api.usage, "total_time": 3, "total_cputime": 4}))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                """Its lines would hold the token, as part of the URL."""

        super().__init__(Handler)
