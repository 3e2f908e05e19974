"""CloudFront's edge in the lab, with TLS on local ports: aliases, certificates, behaviours, functions, origins."""

import http.client
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.services import edge_function
from lab.services.authority import Authority
from lab.services.cloudfront import CloudFront
from lab.services.edge_function import EdgeFunction, FunctionError
from lab.services.http_proxy import Door

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
FUNCTION = "aws:cloudfront/function:Function"
CERTIFICATE = "aws:acm/certificate:Certificate"
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/one"
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]

needs_node = pytest.mark.skipif(bool(edge_function.why_not()), reason=edge_function.why_not() or "there is node")


NOTICE_REQUEST = """
function handler(event) {
  var request = event.request;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return {statusCode: 503, statusDescription: 'Service Unavailable', headers: {'retry-after': {value: '300'}}};
  }
  request.uri = '/index.html';
  request.querystring = {};
  return request;
}
"""
NOTICE_RESPONSE = """
function handler(event) {
  var response = event.response;
  response.statusCode = 503;
  response.headers['retry-after'] = {value: '300'};
  response.headers['cache-control'] = {value: 'no-store'};
  return response;
}
"""


class Origin(http.server.ThreadingHTTPServer):
    """Keeps what it was asked; answers as a test says."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), OriginPage)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.status, self.headers, self.body = 200, {"Cache-Control": "no-store"}, b"origin"
        self.pages: dict[str, bytes] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class OriginPage(http.server.BaseHTTPRequestHandler):
    server: Origin

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body))
        page = self.server.pages.get(self.path)
        answer = self.server.body if page is None else page
        self.send_response(self.server.status if page is None else 200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Edge:
    """One distribution with alias dr.example.com before `origin.example.net`."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "ca")
        self.origin = Origin(self.authority.context("origin.example.net"))
        self.behaviour: dict[str, Any] = {
            "targetOriginId": "one", "viewerProtocolPolicy": "redirect-to-https", "allowedMethods": METHODS,
            "cachedMethods": ["GET", "HEAD"], "cachePolicyId": DISABLED, "originRequestPolicyId": EXCEPT_HOST,
        }  # fmt: skip
        self.distribution: dict[str, Any] = {
            "domainName": "d1.cloudfront.net", "aliases": ["dr.example.com"], "enabled": True,
            "viewerCertificate": {"acmCertificateArn": ARN}, "defaultCacheBehavior": self.behaviour,
            "origins": [{"originId": "one", "domainName": "origin.example.net", "connectionAttempts": 1,
                         "customHeaders": [{"name": "X-Origin-Secret", "value": "abc"}],
                         "customOriginConfig": {"httpsPort": 443, "originProtocolPolicy": "https-only"}}],
        }  # fmt: skip
        self.records: dict[str, dict[str, Any]] = {
            DISTRIBUTION: {"E1": self.distribution},
            FUNCTION: {},
            CERTIFICATE: {ARN: {"status": "ISSUED", "domainName": "dr.example.com"}},
        }
        self.names = {"origin.example.net": "origin"}
        self.cloudfront = CloudFront(
            lambda token: self.records.get(token, {}), self.authority, self.names.get, self._connect
        )
        self.doors = [
            Door(socket.create_server(("127.0.0.1", 0)), self.cloudfront.handle, certificate)
            for certificate in (None, self.cloudfront.certificate)
        ]
        for door in self.doors:
            door.start()

    def _connect(self, address: str, port: int, seconds: float) -> socket.socket:
        assert (address, port) == ("origin", 443)
        return socket.create_connection(self.origin.server_address[:2], seconds)  # type: ignore[arg-type]

    def ask(
        self, method: str = "GET", path: str = "/", body: bytes | None = None, name: str = "dr.example.com",
        secure: bool = True, **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        raw = socket.create_connection(("127.0.0.1", self.doors[secure].server_port), 10)
        if secure:
            trust = ssl.create_default_context(cafile=str(self.authority.certificate_path))
            raw = trust.wrap_socket(raw, server_hostname=name)
        connection = http.client.HTTPConnection(name)
        connection.sock = raw
        try:
            connection.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        for door in self.doors:
            door.stop()
        self.cloudfront.stop()
        self.origin.shutdown()
        self.origin.server_close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    made = Edge(tmp_path)
    yield made
    made.stop()


def test_a_request_reaches_the_origin_under_its_own_name_with_the_secret(edge: Edge) -> None:
    status, headers, body = edge.ask("POST", "/owners?a=1", b"firstName=Ann", X_Origin_Secret="forged", Cookie="s=1")
    assert (status, body) == (200, b"origin")
    assert headers["x-cache"] == "Miss from cloudfront"
    assert len(headers["x-amz-cf-id"]) == 56
    method, path, seen, sent = edge.origin.seen[0]
    assert (method, path, sent) == ("POST", "/owners?a=1", b"firstName=Ann")
    assert seen["host"] == "origin.example.net"
    assert seen["x-origin-secret"] == "abc", "the distribution's header wins over the user's"
    assert seen["cookie"] == "s=1"
    assert seen["x-forwarded-for"] == "127.0.0.1"


def test_without_an_origin_request_policy_neither_cookies_nor_query_go_on(edge: Edge) -> None:
    del edge.behaviour["originRequestPolicyId"]
    edge.ask("GET", "/?a=1", Cookie="s=1", Accept_Language="ko")
    _, path, seen, _ = edge.origin.seen[0]
    assert path == "/"
    assert "cookie" not in seen
    assert "accept-language" not in seen
    assert seen["user-agent"] == "Amazon CloudFront"


def test_a_name_that_is_no_alias_is_refused(edge: Edge) -> None:
    edge.distribution["aliases"] = []
    with pytest.raises(ssl.SSLCertVerificationError):
        edge.ask()
    assert edge.ask(name="d1.cloudfront.net")[0] == 200, "its own name always works"
    assert edge.ask(secure=False)[0] == 403


def test_an_alias_without_an_issued_certificate_has_no_certificate(edge: Edge) -> None:
    edge.records[CERTIFICATE][ARN]["status"] = "PENDING_VALIDATION"
    with pytest.raises(ssl.SSLCertVerificationError):
        edge.ask()


def test_plain_http_is_redirected_and_methods_that_are_not_allowed_are_refused(edge: Edge) -> None:
    status, headers, _ = edge.ask(path="/a?b=1", secure=False)
    assert (status, headers["location"]) == (301, "https://dr.example.com/a?b=1")
    edge.behaviour["allowedMethods"] = ["GET", "HEAD"]
    assert edge.ask("POST", body=b"x")[0] == 403
    assert edge.origin.seen == []


def test_an_origin_whose_certificate_has_another_name_is_a_502(edge: Edge) -> None:
    edge.distribution["origins"][0]["domainName"] = "elsewhere.example.net"
    edge.names["elsewhere.example.net"] = "origin"
    status, headers, body = edge.ask()
    assert status == 502
    assert headers["x-cache"] == "Error from cloudfront"
    assert b"elsewhere.example.net" in body
    edge.names.clear()
    assert edge.ask()[0] == 502, "a name that does not resolve, too"


def test_an_answer_is_kept_as_long_as_policy_and_origin_allow(edge: Edge) -> None:
    edge.behaviour |= {"cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
    edge.ask()
    edge.ask()
    assert len(edge.origin.seen) == 1, "CachingOptimized keeps for a second at least, whatever the origin says"
    del edge.behaviour["cachePolicyId"]
    edge.behaviour |= {"minTtl": 0, "defaultTtl": 60, "maxTtl": 60}
    edge.ask(path="/kept")
    edge.ask(path="/kept")
    assert len(edge.origin.seen) == 3, "no-store is honoured"
    edge.origin.headers = {}
    edge.ask(path="/kept")
    status, headers, body = edge.ask(path="/kept")
    assert len(edge.origin.seen) == 4
    assert (status, headers["x-cache"], body) == (200, "Hit from cloudfront", b"origin")
    edge.ask(path="/other")
    assert len(edge.origin.seen) == 5


def test_an_error_of_the_origin_can_be_shown_as_another_status_and_page(edge: Edge) -> None:
    edge.distribution["customErrorResponses"] = [
        {"errorCode": 404, "responseCode": 503, "responsePagePath": "/sorry.html"}
    ]
    edge.origin.status = 404
    assert edge.ask()[0] == 404, "the page is not there either"
    edge.origin.pages["/sorry.html"] = b"sorry"
    status, _, body = edge.ask()
    assert (status, body) == (503, b"sorry")


def associate(edge: Edge, event: str, code: str) -> None:
    edge.records[FUNCTION][event] = {"code": code}
    edge.behaviour.setdefault("functionAssociations", []).append(
        {"eventType": event, "functionArn": f"arn:aws:cloudfront::123456789012:function/{event}"}
    )


@needs_node
def test_a_notice_page_is_a_503_that_nobody_keeps(edge: Edge) -> None:
    associate(edge, "viewer-request", NOTICE_REQUEST)
    associate(edge, "viewer-response", NOTICE_RESPONSE)
    edge.distribution["orderedCacheBehaviors"] = [
        {**edge.behaviour, "pathPattern": "/healthz", "functionAssociations": []}
    ]
    status, headers, body = edge.ask("GET", "/any/page?x=1")
    assert (status, body) == (503, b"origin")
    assert headers["retry-after"] == "300"
    assert headers["cache-control"] == "no-store"
    assert edge.origin.seen[-1][1] == "/index.html"
    status, _, body = edge.ask("POST", "/owners", b"x")
    assert (status, len(edge.origin.seen)) == (503, 1), "answered at the edge"
    assert edge.ask("GET", "/healthz")[0] == 200
    edge.origin.status = 404
    assert edge.ask("GET", "/gone")[0] == 404, "an origin's error skips the response function"


@needs_node
def test_functions_may_be_asynchronous_and_see_what_cloudfront_shows_them(edge: Edge) -> None:
    associate(
        edge,
        "viewer-request",
        """async function handler(event) {
            const r = event.request;
            return {statusCode: 200, headers: {'x-seen': {value: [r.method, r.uri, r.querystring.a.value,
                r.cookies.s.value, r.headers.host.value, event.viewer.ip, event.context.eventType].join(' ')}},
                body: {encoding: 'text', data: 'from the edge'}};
        }""",
    )
    status, headers, body = edge.ask("GET", "/p?a=1", Cookie="s=2")
    assert (status, body) == (200, b"from the edge")
    assert headers["x-seen"] == "GET /p 1 2 dr.example.com 127.0.0.1 viewer-request"
    assert headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"


@needs_node
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("function other() {}", "no `function handler(event)`"),
        ("function handler(event) {", "SyntaxError"),
        ("import cf from 'cloudfront';\nfunction handler(event) {}", "no key value stores"),
    ],
)
def test_code_that_cannot_run_is_refused_with_the_reason(code: str, why: str) -> None:
    with pytest.raises(FunctionError, match=why.replace("(", r"\(").replace(")", r"\)")):
        EdgeFunction(code)


@needs_node
def test_a_function_that_throws_is_a_503_and_has_no_way_out_of_its_box(edge: Edge) -> None:
    associate(edge, "viewer-request", "function handler(event) { return require('fs'); }")
    status, _, body = edge.ask()
    assert status == 503
    assert b"require is not defined" in body
