"""`wps service` and the official Python service SDK ask a recording server for the same; their requests are compared.

Takes the binary. Of each request these have to be the same: method, path as it was encoded, parameters, content type, body,
what is accepted, and what its token is for. The SDK has no method for three operations; they are asked through its
`send_request`, as its documentation says.
"""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import jwt
from azure.core.rest import HttpRequest
from azure.messaging.webpubsubservice import WebPubSubServiceClient

WPS = sys.argv[1]
KEY = "Schlüssel+/=&%,-long-enough-for-pyjwt-not-to-warn-about-it"
HUB = "chat"
# Names that have to be encoded, each in its own way.
GROUP, USER, CONNECTION = "a/b c+d%é", "ann@example.com", "c-1~_.x="
FILTER = "userId ne null and not ('x&y' in groups)"

recorded = []


class Recorder(BaseHTTPRequestHandler):
    """Answers as the service does, and keeps what was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding"):
            raise AssertionError("a body without a length")
        recorded.append(
            {
                "method": self.command,
                "path": url.path,
                # Of one name, their order counts.
                "query": sorted(parse_qsl(url.query, keep_blank_values=True, strict_parsing=True), key=lambda pair: pair[0]),
                "content-type": self.headers.get("content-type"),
                "body": body,
                "accept": self.headers.get("accept"),
                "authorization": self.headers.get("authorization"),
            }
        )
        status, answer = 200, b""
        if self.command == "GET":
            members = [{"connectionId": f"m{number}", "userId": "u"} for number in range(2)]
            page = {"value": members}
            if "continuationToken" not in url.query:
                page["nextLink"] = f"http://127.0.0.1:{PORT}{self.path}&continuationToken=a%2Bb%3D"
            answer = json.dumps(page).encode()
        elif self.command == "DELETE" or self.path.split("?")[0].endswith(":closeConnections"):
            status = 204
        elif ":send" in self.path:
            status = 202
        self.send_response(status)
        if self.command == "GET":
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
PORT = server.server_port
threading.Thread(target=server.serve_forever, daemon=True).start()
connection_string = f"Endpoint=http://127.0.0.1:{PORT};AccessKey={KEY};Version=1.0;"
client = WebPubSubServiceClient.from_connection_string(connection_string, hub=HUB)


def wps(*args, stdin=b""):
    """Runs `wps service`; its exit code has to be 0."""
    args = [WPS, "service", *args, "--hub", HUB, "--connection-string", connection_string, "-q"]
    ended = subprocess.run(args, input=stdin, capture_output=True, timeout=60, check=False)
    if ended.returncode != 0:
        raise AssertionError(f"exit {ended.returncode}: {ended.stderr.decode()}")


def plain(method, path, body=None):
    """An operation that the SDK has no method for."""
    url = f"http://127.0.0.1:{PORT}{path}?api-version=2024-12-01"
    headers = {"Accept": "application/json"} if method != "HEAD" else {}
    client.send_request(HttpRequest(method, url, json=body, headers=headers)).raise_for_status()


TEXT = {"content_type": "text/plain"}
TTL = {"params": {"messageTtlSeconds": "20"}}
NAMED = ["--connection", CONNECTION]
GRANT = {"target_name": GROUP}
# What the emulator's page and people write, as `json.dumps` does.
DATA = {"a": [1, None, "é"], "b": 1.5}

CASES = [
    ("sendToAll, text", lambda: client.send_to_all("héllo", **TEXT), ["send", "--all", "héllo"], b""),
    (
        "sendToAll, json, with filter and exclusions",
        lambda: client.send_to_all(DATA, filter=FILTER, excluded=["c2", "c 1"]),
        ["send", "--all", "-t", "json", json.dumps(DATA), "--filter", FILTER, "--exclude", "c2", "--exclude", "c 1"],
        b"",
    ),
    (
        "sendToGroup, binary, for a time",
        lambda: client.send_to_group(GROUP, b"\x00\xff\n", content_type="application/octet-stream", **TTL),
        ["send", "--group", GROUP, "-t", "binary", "-", "--message-ttl", "20s"],
        b"\x00\xff\n",
    ),
    (
        "sendToGroup, with exclusions",
        lambda: client.send_to_group(GROUP, "x", excluded=[CONNECTION], **TEXT),
        ["send", "--group", GROUP, "x", "--exclude", CONNECTION],
        b"",
    ),
    (
        "sendToUser, with a filter",
        lambda: client.send_to_user(USER, "x", filter=FILTER, **TEXT),
        ["send", "--user", USER, "x", "--filter", FILTER],
        b"",
    ),
    ("sendToConnection", lambda: client.send_to_connection(CONNECTION, "x", **TEXT), ["send", *NAMED, "x"], b""),
    ("connectionExists", lambda: client.connection_exists(CONNECTION), ["exists", *NAMED], b""),
    ("groupExists", lambda: client.group_exists(GROUP), ["exists", "--group", GROUP], b""),
    ("userExists", lambda: client.user_exists(USER), ["exists", "--user", USER], b""),
    (
        "closeAllConnections",
        lambda: client.close_all_connections(reason="so long & thanks", excluded=["c1", "c2"]),
        ["close", "--all", "--reason", "so long & thanks", "--exclude", "c1", "--exclude", "c2"],
        b"",
    ),
    (
        "closeGroupConnections",
        lambda: client.close_group_connections(GROUP, reason="r", excluded=[CONNECTION]),
        ["close", "--group", GROUP, "--reason", "r", "--exclude", CONNECTION],
        b"",
    ),
    (
        "closeUserConnections",
        lambda: client.close_user_connections(USER, excluded=[CONNECTION]),
        ["close", "--user", USER, "--exclude", CONNECTION],
        b"",
    ),
    (
        "closeConnection",
        lambda: client.close_connection(CONNECTION, reason="größer"),
        ["close", *NAMED, "--reason", "größer"],
        b"",
    ),
    (
        "addConnectionToGroup",
        lambda: client.add_connection_to_group(GROUP, CONNECTION),
        ["group", "add", GROUP, *NAMED],
        b"",
    ),
    (
        "removeConnectionFromGroup",
        lambda: client.remove_connection_from_group(GROUP, CONNECTION),
        ["group", "remove", GROUP, *NAMED],
        b"",
    ),
    (
        "removeConnectionFromAllGroups",
        lambda: client.remove_connection_from_all_groups(CONNECTION),
        ["group", "remove-all", *NAMED],
        b"",
    ),
    ("addUserToGroup", lambda: client.add_user_to_group(GROUP, USER), ["group", "add", GROUP, "--user", USER], b""),
    (
        "removeUserFromGroup",
        lambda: client.remove_user_from_group(GROUP, USER),
        ["group", "remove", GROUP, "--user", USER],
        b"",
    ),
    (
        "removeUserFromAllGroups",
        lambda: client.remove_user_from_all_groups(USER),
        ["group", "remove-all", "--user", USER],
        b"",
    ),
    (
        "addConnectionsToGroups",
        lambda: plain("POST", f"/api/hubs/{HUB}/:addToGroups", {"groups": [GROUP], "filter": FILTER}),
        ["group", "add", GROUP, "--filter", FILTER],
        b"",
    ),
    (
        "removeConnectionsFromGroups",
        lambda: plain("POST", f"/api/hubs/{HUB}/:removeFromGroups", {"groups": [GROUP], "filter": FILTER}),
        ["group", "remove", GROUP, "--filter", FILTER],
        b"",
    ),
    (
        "grantPermission",
        lambda: client.grant_permission("sendToGroup", CONNECTION, **GRANT),
        ["permission", "grant", "sendToGroup", *NAMED, "--group", GROUP],
        b"",
    ),
    (
        "revokePermission",
        lambda: client.revoke_permission("joinLeaveGroup", CONNECTION, **GRANT),
        ["permission", "revoke", "joinLeaveGroup", *NAMED, "--group", GROUP],
        b"",
    ),
    (
        "checkPermission",
        lambda: client.has_permission("joinLeaveGroup", CONNECTION, **GRANT),
        ["permission", "check", "joinLeaveGroup", *NAMED, "--group", GROUP],
        b"",
    ),
    (
        "listConnectionsInGroup, two pages",
        lambda: list(client.list_connections(group=GROUP, maxpagesize=200)),
        ["connections", "--group", GROUP],
        b"",
    ),
    (
        "listConnectionsInGroup, some",
        lambda: list(client.list_connections(group=GROUP, top=4, maxpagesize=4)),
        ["connections", "--group", GROUP, "--limit", "4"],
        b"",
    ),
    ("getServiceStatus", lambda: plain("HEAD", "/api/health"), ["health"], b""),
]


def taken(work):
    """The requests that some work makes."""
    recorded.clear()
    work()
    return list(recorded)


def comparable(request, name):
    """What has to be the same of a request."""
    request = dict(request)
    token = request.pop("authorization")
    if token is not None:
        scheme, _, token = token.partition(" ")
        url = f"http://127.0.0.1:{PORT}{request['path']}"
        # Valid for a little while, and for this request. The SDK names its parameters too, which do not count.
        claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_aud": False, "require": ["aud", "exp"]})
        request["token"] = (scheme, claims["aud"].partition("?")[0] == url)
    if request["method"] == "HEAD":
        # There is no body to accept.
        del request["accept"]
    if name in ("addConnectionsToGroups", "removeConnectionsFromGroups"):
        request["body"] = json.loads(request["body"])
    return request


failed = 0
for name, ask, args, stdin in CASES:
    try:
        theirs = [comparable(request, name) for request in taken(ask)]
        ours = [comparable(request, name) for request in taken(lambda: wps(*args, stdin=stdin))]
        if name == "getServiceStatus":
            # It needs none, and the SDK cannot leave it away.
            theirs[0].pop("token")
        assert len(theirs) == len(ours) and len(ours) > 0, f"{len(theirs)} requests of the SDK, {len(ours)} of wps"
        for their, our in zip(theirs, ours):
            if their.get("accept") == "*/*":
                # The SDK says nothing of the kind where it follows a link to the next page.
                their["accept"] = our["accept"]
            for field in their.keys() | our.keys():
                assert their.get(field) == our.get(field), f"{field}: {their.get(field)!r} of the SDK, {our.get(field)!r} of wps"
        print(f"ok      service: {name}: {', '.join(request['method'] for request in ours)}")
    except Exception as error:  # pylint: disable=broad-exception-caught
        failed += 1
        print(f"FAILED  service: {name}: {error}")
print(f"service: {len(CASES) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
