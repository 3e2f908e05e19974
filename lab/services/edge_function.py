"""CloudFront functions, run by node in a process of their own; and events between HTTP and what functions see."""

import json
import queue
import shutil
import subprocess
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from lab.services.exchange import Headers
from lab.services.http_proxy import Answer, Question

HARNESS = Path(__file__).with_name("edge_function.js")
SECONDS = 2.0
"""CloudFront allows about 1 ms of processor time; a busy machine needs longer to hand the event over."""


class FunctionError(Exception):
    """It could not be run, or threw. The text is the runtime's."""


def why_not() -> str:
    """What keeps this machine from running functions; empty: nothing."""
    if shutil.which("node"):
        return ""
    return "CloudFront functions need node, which is not on this machine: `apt-get install nodejs`"


class EdgeFunction:
    """One version of one function. Events go one after the other."""

    def __init__(self, code: str) -> None:
        """FunctionError when the code does not load."""
        missing = why_not()
        if missing:
            raise FunctionError(missing)
        self.code = code
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["node", str(HARNESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._said: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, name="edge-function", daemon=True).start()
        try:
            self._exchange({"code": code}, 10.0)
        except FunctionError:
            self.stop()
            raise

    def run(self, event: dict[str, Any]) -> dict[str, Any]:
        """The handler's result. FunctionError."""
        result = self._exchange({"event": event}, SECONDS).get("result")
        if not isinstance(result, dict):
            raise FunctionError("the function returned no object")
        return result

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._said.put(line)
        except ValueError:  # closed
            return

    def _exchange(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()
                answer: dict[str, Any] = json.loads(self._said.get(timeout=seconds))
            except (OSError, ValueError) as error:
                raise FunctionError(f"the function's process is gone: {error}") from error
            except queue.Empty:
                raise FunctionError(f"the function did not end within {seconds:g} s") from None
        if not answer["ok"]:
            raise FunctionError(str(answer["error"]))
        return answer


def request_event(question: Question, distribution: str, domain: str, request_id: str) -> dict[str, Any]:
    """[CloudFront guide, 'CloudFront Functions event structure']"""
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": domain,
            "distributionId": distribution,
            "eventType": "viewer-request",
            "requestId": request_id,
        },
        "viewer": {"ip": question.client},
        "request": {
            "method": question.method,
            "uri": question.path,
            "querystring": _values(urllib.parse.parse_qsl(question.query, keep_blank_values=True)),
            "headers": _values((key.lower(), value) for key, value in question.headers if key.lower() != "cookie"),
            "cookies": _values(_cookies(question.header("cookie"))),
        },
    }


def response_event(event: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The same request's event for viewer-response: a function there does not see the body."""
    context = {**event["context"], "eventType": "viewer-response"}
    headers = _values((key.lower(), value) for key, value in answer.headers if key.lower() != "set-cookie")
    response = {"statusCode": answer.status, "statusDescription": "", "headers": headers, "cookies": {}}
    return {**event, "context": context, "response": response}


def changed_request(question: Question, result: dict[str, Any]) -> Question:
    """What a viewer-request function made of a request."""
    headers: Headers = [(name, one["value"]) for name, one in _flat(result.get("headers"))]
    cookies = "; ".join(f"{name}={one['value']}" for name, one in _flat(result.get("cookies")))
    if cookies:
        headers.append(("cookie", cookies))
    pairs = [(name, one["value"]) for name, one in _flat(result.get("querystring"))]
    return Question(
        method=question.method,  # read-only for functions
        path=str(result.get("uri", question.path)),
        query=urllib.parse.urlencode(pairs),
        headers=headers,
        body=question.body,
        client=question.client,
        secure=question.secure,
    )


def response_of(result: dict[str, Any], before: Answer | None = None) -> Answer:
    """What a function answered; `before` is the origin's answer, whose body stays unless the function gives one."""
    headers = [(name, one["value"]) for name, one in _flat(result.get("headers"))]
    if before is not None:
        headers += [(key, value) for key, value in before.headers if key.lower() == "set-cookie"]
    headers += [("set-cookie", f"{name}={one['value']}") for name, one in _flat(result.get("cookies"))]
    body = before.body if before is not None else b""
    given = result.get("body")
    if isinstance(given, str):
        body = given.encode()
    elif isinstance(given, dict):
        import base64

        data = str(given.get("data", ""))
        body = base64.b64decode(data) if given.get("encoding") == "base64" else data.encode()
    return Answer(int(result["statusCode"]), [one for one in headers if one[0].lower() != "content-length"], body)


def _values(pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            found[name].setdefault("multiValue", [{"value": found[name]["value"]}]).append({"value": value})
        else:
            found[name] = {"value": value}
    return found


def _flat(values: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, one in (values or {}).items():
        found += [(name, each) for each in one.get("multiValue") or [one]]
    return found


def _cookies(header: str) -> list[tuple[str, str]]:
    pairs = (part.strip().partition("=") for part in header.split(";") if part.strip())
    return [(name, value) for name, _, value in pairs]
