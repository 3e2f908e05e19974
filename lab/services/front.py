"""The clouds' APIs under their own names, over TLS: checks the caller as AWS does, then hands the request to moto;
other clouds' host names go to their services.

Not answered here: services other than S3, Secrets Manager, SSM, STS, EC2 and Route 53 (their names do not resolve).
"""

import http.client
import http.server
import json
import socket
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.services import aws_wire, iam
from lab.services.actions import Need, bucket_and_key, needed
from lab.services.api import Api
from lab.services.authority import Authority
from lab.services.credentials import ACCOUNT, Credentials, Register
from lab.services.ec2 import Ec2
from lab.services.exchange import HOP_BY_HOP, Exchange, Headers, Listener
from lab.services.route53_api import HOST as ROUTE53
from lab.services.route53_api import Route53
from lab.services.signature import Denied, Request, endpoint, is_s3, verify
from lab.services.web_identity import WebIdentity

ADDRESS = ("198.51.100.60", 443)
SERVICES = ("s3", "secretsmanager", "ssm", "sts", "ec2")

Policies = Callable[[str], Sequence[dict[str, Any]] | None]


class Front(Listener):
    """Threads: a handful of machines that poll, and one operator."""

    def __init__(
        self,
        listening: socket.socket,
        authority: Authority,
        register: Register,
        policies: Policies,
        moto: Path,
        apis: Sequence[Api] = (),
        route53: Route53 | None = None,
        ec2: Ec2 | None = None,
        web_identity: WebIdentity | None = None,
        log: Any = sys.stderr,
    ) -> None:
        """`policies` gives a role's policy documents, None when there is no such role; `apis` are other clouds'."""
        super().__init__(listening, Handler, log)
        self.authority = authority
        self.register = register
        self.policies = policies
        self.moto = moto
        self.apis = apis
        self.route53 = route53
        self.ec2 = ec2
        self.web_identity = web_identity
        self.refusals = 0
        """Requests that were denied; `status` shows it, because a polling guest would otherwise be silent about it."""
        self.dark: tuple[str, ...] = ()
        """Ends of host names that are down: nobody gets as far as a TLS session with them."""
        self._told: set[str] = set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.sni_callback = self._named

    def refused(self, line: str) -> None:
        """Count it, and write it down the first time: a machine that polls is refused every few seconds."""
        self.refusals += 1
        if line not in self._told and len(self._told) < 1000:
            self._told.add(line)
            print(line, file=self.log, flush=True)

    def _named(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        if not name or not (name.endswith(".amazonaws.com") or any(api.owns(name) for api in self.apis)):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name.endswith(self.dark):
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = self.authority.context(name)
        return None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the connection's own thread: a client that never finishes its handshake holds up nobody.
        request.settimeout(120)
        secured = self._context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()


class Handler(Exchange):
    """One connection."""

    server: Front
    server_version = "AmazonS3"

    def handle_any(self) -> None:
        body = self.body()
        path, _, query = self.path.partition("?")
        host = (self.headers.get("Host") or "").partition(":")[0].lower()
        # A header sent twice is one with a comma, as AWS's signing rules say.
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        request = Request(self.command, host, path, query, headers, body)
        for api in self.server.apis:
            if api.owns(host):
                self.answer(*api.answer(request))
                return
        if self.server.web_identity is not None and self.server.web_identity.asked(request):
            self.answer(*self.server.web_identity.answer(request))
            return
        caller = verify(request, self.server.register)
        if isinstance(caller, Denied):
            self._refuse(request, caller)
            return
        if endpoint(host)[0] == "sts" and needed(request).action == "sts:GetCallerIdentity":
            self._identity(caller)
            return
        denied = self._denied(request, caller)
        if denied is not None:
            self._refuse(request, denied)
            return
        if host == ROUTE53 and self.server.route53 is not None:
            self.answer(*self.server.route53.answer(request))
            return
        if endpoint(host)[0] == "ec2" and self.server.ec2 is not None:
            self.answer(*self.server.ec2.answer(request))
            return
        status, answer_headers, answer = self._moto(request)
        need = needed(request)
        if status == 404 and need.bucket and not self._may(caller, Need("s3:ListBucket", need.bucket)):
            # "If you don't have s3:ListBucket, Amazon S3 returns 403" for a key that does not exist [S3 API, GetObject]
            self._refuse(request, _access_denied(request, caller, Need("s3:ListBucket", need.bucket)))
            return
        self.answer(status, answer_headers, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

    def _denied(self, request: Request, caller: Credentials) -> Denied | None:
        need = needed(request)
        if need.action.startswith("secretsmanager:") and not need.resource.startswith("arn:") and need.resource != "*":
            need = Need(need.action, self._secret_arn(request, need.resource))
        return None if self._may(caller, need) else _access_denied(request, caller, need)

    def _may(self, caller: Credentials, need: Need) -> bool:
        if not caller.role:
            return True
        policies = self.server.policies(caller.role)
        context = {"aws:SecureTransport": "true", "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{caller.role}"}
        context["aws:RequestedRegion"] = endpoint((self.headers.get("Host") or "").lower())[1]
        if need.prefix is not None:
            context["s3:prefix"] = need.prefix
        return policies is not None and iam.allowed(policies, need.action, need.resource, context)

    def _secret_arn(self, request: Request, name: str) -> str:
        """AWS evaluates the secret's ARN, also when the caller gives its name."""
        headers = dict(request.headers) | {"x-amz-target": "secretsmanager.DescribeSecret"}
        question = Request("POST", request.host, "/", "", headers, json.dumps({"SecretId": name}).encode())
        status, _, answer = self._moto(question)
        return str(json.loads(answer)["ARN"]) if status == 200 else name

    def _moto(self, request: Request) -> tuple[int, Headers, bytes]:
        path, host = request.path, request.host
        if is_s3(host):
            bucket, key = bucket_and_key(request)
            path = "/" + urllib.parse.quote(f"{bucket}/{key}" if key else bucket, safe="/-_.~")
            host = f"s3.{endpoint(host)[1]}.amazonaws.com"
        connection = http.client.HTTPConnection("moto", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(60)
        try:
            connection.sock.connect(str(self.server.moto))
            connection.putrequest(
                request.method,
                path + ("?" + request.query if request.query else ""),
                skip_host=True,
                skip_accept_encoding=True,
            )
            connection.putheader("Host", host)
            for name, value in request.headers.items():
                if name not in (*HOP_BY_HOP, "content-length", "host"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _identity(self, caller: Credentials) -> None:
        identity = caller.session or "AIDALABOPERATOR"
        known = {"Arn": caller.arn, "UserId": identity, "Account": ACCOUNT}
        self.answer(*aws_wire.answer("sts", "GetCallerIdentity", known))

    def _refuse(self, request: Request, denied: Denied) -> None:
        self.server.refused(
            f"{self.client_address[0]} {request.method} {request.host}{request.path}: {denied.code}: {denied.message}"
        )
        service = endpoint(request.host)[0]
        error = aws_wire.AwsError(denied.code, denied.message)
        _, headers, body = aws_wire.answer(service if service in (*SERVICES, "route53") else "ssm", "", error)
        self.answer(denied.status, headers, body)


def _access_denied(request: Request, caller: Credentials, need: Need) -> Denied:
    message = (
        f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {need.resource} "
        "because no identity-based policy allows the action"
    )
    code = {"s3": "AccessDenied", "sts": "AccessDenied"}.get(endpoint(request.host)[0], "AccessDeniedException")
    return Denied(code, message, 403 if code == "AccessDenied" else 400)


def serve(front: Front) -> threading.Thread:
    """Run it in a thread of its own."""
    thread = threading.Thread(target=front.serve_forever, args=(0.1,), name="aws-front", daemon=True)
    thread.start()
    return thread
