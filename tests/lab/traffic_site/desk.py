"""What a test does at the operator's desk: ask Route 53's servers, write and remove blobs of the two websites.

desk.py until NAME ANSWER SECONDS    seconds until it is answered with ANSWER (none: no address); exit 1 if it is not
desk.py watch NAME [SECONDS]         each answer that was not there before, one a line; without SECONDS until standard
                                     input ends
desk.py answer NAME                  its addresses now
desk.py ttl NAME                     how long a resolver may keep the answer
desk.py put|delete ACCOUNT BLOB [TEXT]
"""

import http.client
import json
import os
import select
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from dnslib import DNSError, DNSRecord  # type: ignore[import-untyped]

ROUTE53 = "198.51.100.53"
LATE_SECONDS = 60.0


def answer(name: str) -> str:
    """The addresses of `name` as Route 53 answers them; `none` without one, `-` when it does not answer."""
    try:
        found = DNSRecord.parse(DNSRecord.question(name).send(ROUTE53, 53, timeout=2))
    except (OSError, DNSError):
        return "-"
    return " ".join(sorted(str(record.rdata) for record in found.rr)) or "none"


def until(name: str, wanted: str, seconds: str) -> None:
    began = time.monotonic()
    while (found := answer(name)) != wanted:
        if time.monotonic() - began > float(seconds):
            sys.exit(f"{name} is still answered with {found} after {seconds} s, not {wanted}")
        time.sleep(0.3)
    print(f"{time.monotonic() - began:.1f}")


def ttl(name: str) -> None:
    found = DNSRecord.parse(DNSRecord.question(name).send(ROUTE53, 53, timeout=2))
    print(max(record.ttl for record in found.rr))


def watch(name: str, seconds: str = "inf") -> None:
    end, seen = time.monotonic() + float(seconds), set[str]()
    told = [sys.stdin] if seconds == "inf" else []
    while time.monotonic() < end:
        found = answer(name)
        if found not in seen:
            print(found, flush=True)
            seen.add(found)
        if select.select(told, [], [], 0.3)[0]:
            return


def send(request: urllib.request.Request) -> http.client.HTTPResponse:
    """Its answer. On a busy machine the desk's resolver may be late; an answer of the service is final."""
    end = time.monotonic() + LATE_SECONDS
    while True:
        try:
            answered: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=20)
            return answered
        except urllib.error.URLError as error:
            if not isinstance(error.reason, socket.gaierror) or time.monotonic() > end:
                raise
            print(f"{request.host}: {error.reason}", file=sys.stderr)


def blob(method: str, account: str, path: str, text: str = "set") -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": "https://storage.azure.com/.default",
    }
    login = f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    asked = urllib.request.Request(login, urllib.parse.urlencode(form).encode())
    token = json.load(send(asked))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03", "x-ms-blob-type": "BlockBlob"}
    url = f"https://{account}.blob.core.windows.net/$web/{path}"
    body = text.encode() if method == "PUT" else None
    print(send(urllib.request.Request(url, body, headers, method=method)).status)


verb, *words = sys.argv[1:]
if verb == "until":
    until(*words)
elif verb == "watch":
    watch(*words)
elif verb == "ttl":
    ttl(*words)
elif verb == "answer":
    print(answer(*words))
else:
    blob(verb.upper(), *words)
