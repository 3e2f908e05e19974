"""The edge functions as their runtime calls them, and the notice page that they hand out."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from twinsite.traffic.edge import NOTICE_MARKER, edge_function, notice_page

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="the functions are JavaScript and there is no node")


def call(name: str, event: dict[str, Any], retry_after_seconds: int = 300) -> dict[str, Any]:
    """What the edge function NAME makes of `event`."""
    code = edge_function(name, retry_after_seconds=retry_after_seconds)
    program = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    done = subprocess.run([str(NODE), "-e", program], capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def request(method: str, uri: str, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): {"value": value} for name, value in headers.items()}
    return {"request": {"method": method, "uri": uri, "querystring": {"a": {"value": "1"}}, "headers": named}}


@needs_node
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("uri", ["/", "/petclinic/", "/petclinic/owners/7", "/latch/dr"])
def test_every_path_is_the_one_page(method: str, uri: str) -> None:
    found = call("notice-request", request(method, uri, if_none_match='"x"', range="bytes=0-1", accept="text/html"))
    assert (found["uri"], found["querystring"]) == ("/index.html", {})
    assert found["headers"] == {"accept": {"value": "text/html"}}


@needs_node
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_would_write_is_told_503_without_asking_the_origin(method: str) -> None:
    found = call("notice-request", request(method, "/petclinic/owners"), retry_after_seconds=120)
    assert found["statusCode"] == 503
    assert found["headers"] == {"retry-after": {"value": "120"}, "cache-control": {"value": "no-store"}}


@needs_node
def test_the_origins_200_becomes_a_503_that_nobody_keeps() -> None:
    headers = {"content-type": {"value": "text/html"}, "etag": {"value": "x"}, "last-modified": {"value": "y"}}
    found = call("notice-response", {"response": {"statusCode": 200, "statusDescription": "OK", "headers": headers}})
    assert (found["statusCode"], found["statusDescription"]) == (503, "Service Unavailable")
    assert found["headers"] == {
        "content-type": {"value": "text/html"},
        "retry-after": {"value": "300"},
        "cache-control": {"value": "no-store"},
    }


@pytest.mark.parametrize("name", ["notice-request", "notice-response"])
def test_a_function_fits_what_the_edge_takes(name: str) -> None:
    # CloudFront functions: at most 10 KB.
    assert len(edge_function(name, retry_after_seconds=86400).encode()) < 10_000


def test_the_page_says_where_to_go_and_escapes_what_it_is_given() -> None:
    page = notice_page(title="A & B", message="<script>", standby_url="https://dr.example.com/petclinic/?a=1&b=2")
    assert NOTICE_MARKER in page
    assert "<title>A &amp; B</title>" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert 'href="https://dr.example.com/petclinic/?a=1&amp;b=2"' in page
    assert "Continue at dr.example.com" in page
    assert "$" not in page
