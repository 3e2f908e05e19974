"""Time stamps over records, by an authority on loopback that OpenSSL plays: kept once verified, stopping nothing."""

import http.server
import io
import pathlib
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from operations import chain
from operations.chain import stamp
from operations.chain.stamp import Authority, NoStamp, made
from operations.console import Plain
from stacks import promise
from stacks.settings import Reader
from tests.evidence_chain import PASSED, VERIFIER, key, records, subject, trust

TREE = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = """[tsa_config]
dir = .
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
certs = ./ca.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(folder: pathlib.Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def authority(folder: pathlib.Path, name: str) -> pathlib.Path:
    """An authority and, by it, a certificate for time stamps."""
    place = folder / name
    place.mkdir()
    (place / "tsa.cnf").write_text(SETTINGS)
    (place / "serial").write_text("01\n")
    (place / "extensions").write_text(
        "extendedKeyUsage = critical, timeStamping\nkeyUsage = critical, digitalSignature\n"
    )
    fresh = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(place, *fresh, "-x509", "-days", "2", "-subj", f"/CN={name} root", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(place, *fresh, "-subj", f"/CN={name}", "-keyout", "tsa.key", "-out", "tsa.csr")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions")
    openssl(place, "x509", "-req", "-in", "tsa.csr", *signed, "-out", "tsa.pem")
    return place


class Server(http.server.ThreadingHTTPServer):
    """Stamps what it is asked to; `answer` may be changed to do worse."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.answers: list[bytes] = []
        self.replays = False
        self.kind = "application/timestamp-reply"
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stamped(self, query: bytes) -> bytes:
        if self.replays:
            return self.answers[0]
        (self.folder / "query").write_bytes(query)
        ts = ("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa_config", "-queryfile", "query", "-out", "reply")
        openssl(self.folder, *ts)
        self.answers.append((self.folder / "reply").read_bytes())
        return self.answers[-1]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/timestamp-query"
        found = self.server.stamped(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def tsa(tmp_path: pathlib.Path) -> Iterator[Server]:
    server = Server(authority(tmp_path, "one"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def trusting(tsa: Server, ca: pathlib.Path | None = None) -> Authority:
    return Authority(tsa.url, ((ca or tsa.folder) / "ca.pem").read_text())


def ended(folder: pathlib.Path, by: Authority | None, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """(the record's place, what was said) of an attempt that passed."""
    monkeypatch.setenv("TWINSITE_EVIDENCE_KEY", str(key(folder, "ann").path))
    said = io.StringIO()
    about = replace(subject(folder, f"file://{folder}/place"), stamps=by)
    found = chain.recorded(chain.begun(about, "drill restore", {}, Plain(said), None), lambda _: dict(PASSED))
    assert found["verdict"] == "passed"
    return found["record"], said.getvalue()


def test_the_last_record_of_an_attempt_is_stamped_and_the_documented_command_verifies_it(
    tmp_path: pathlib.Path, tsa: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _ = ended(tmp_path, trusting(tsa), monkeypatch)
    there = tmp_path / "place" / "dev"
    newest = list(records(there))[-1]
    assert record["stamp"] == f"stamps/{newest.removesuffix('.json')}.tsr" and len(tsa.answers) == 1
    page = (TREE / "docs" / "evidence.md").read_text()
    commands = [line.strip() for line in re.findall(r"^    (openssl ts .*)$", page, re.MULTILINE)]
    assert len(commands) == 2
    (there / "ca.pem").write_text(trusting(tsa).certificates)
    verify, show = (line.replace("00000042", newest.removesuffix(".json")).split()[1:] for line in commands)
    assert "Verification: OK" in openssl(there, *verify)
    assert "Time stamp:" in openssl(there, *show)
    (there / "ca.pem").unlink()
    assert VERIFIER.main(["--keys", str(trust(tmp_path, key(tmp_path, "ann"))), str(there)]) == 0
    path = there / "records" / newest
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    (there / "ca.pem").write_text(trusting(tsa).certificates)
    altered = subprocess.run(["openssl", *verify], cwd=there, capture_output=True, check=False)
    assert altered.returncode != 0 and b"message imprint mismatch" in altered.stderr


def test_an_answer_to_an_earlier_request_of_the_same_bytes_has_another_nonce(tsa: Server) -> None:
    made(b"record", trusting(tsa), 5.0)
    tsa.replays = True
    with pytest.raises(NoStamp, match="nonce mismatch"):
        made(b"record", trusting(tsa), 5.0)


def test_an_answer_for_other_bytes_is_none(tsa: Server) -> None:
    made(b"another", trusting(tsa), 5.0)
    tsa.replays = True
    with pytest.raises(NoStamp, match="mismatch"):
        made(b"record", trusting(tsa), 5.0)


def test_a_stamp_of_somebody_else_is_none(tmp_path: pathlib.Path, tsa: Server) -> None:
    with pytest.raises(NoStamp, match="certificate"):
        made(b"record", trusting(tsa, authority(tmp_path, "two")), 5.0)


def test_what_is_no_time_stamp_is_none(tsa: Server) -> None:
    tsa.kind = "text/html"
    with pytest.raises(NoStamp, match="answered text/html"):
        made(b"record", trusting(tsa), 5.0)
    with pytest.raises(NoStamp, match="is no http"):
        made(b"record", Authority("file:///etc/passwd", ""), 5.0)


def test_an_authority_that_does_not_answer_stops_nothing_and_is_said(
    tmp_path: pathlib.Path, tsa: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = trusting(tsa)
    tsa.shutdown()
    tsa.server_close()
    record, said = ended(tmp_path, by, monkeypatch)
    assert record["stamp"] is None and record["number"] == 2
    assert "record 2 has no time stamp: " in said and "does not answer" in said
    assert not (tmp_path / "place" / "dev" / "stamps").exists()


def test_nobody_is_asked_where_nobody_was_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "made", lambda *_: pytest.fail("it was asked"))
    assert ended(tmp_path, None, monkeypatch)[0]["stamp"] is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"evidence_stamp_url": "https://tsa.example"}, "go together"),
        ({"evidence_stamp_authorities": "-----BEGIN CERTIFICATE-----"}, "go together"),
        ({"evidence_stamp_url": "tsa", "evidence_stamp_authorities": "-----BEGIN CERTIFICATE-----"}, "with http://"),
    ],
)
def test_an_authority_that_nobody_could_check_is_refused(config: dict[str, str], words: str) -> None:
    reader = Reader(config.get)
    promise.stamps(reader)
    (problem,) = reader.problems
    assert words in problem
