"""What serves: the application behind nginx. Files first, then services; nothing here touches data."""

import hashlib
import http.client
import pathlib
import re
import shutil
import socket
import ssl
import string
import time
from typing import Any

from ..errors import Failed
from ..machine import put, run
from . import host
from .config import Config
from .fetch import ARTEFACT

FOLDER = pathlib.Path(__file__).parent
CERTIFICATE = pathlib.Path("/etc/twinsite/origin.pem")
ENVIRONMENT = pathlib.Path("/etc/twinsite/application.env")
PASSWORD = pathlib.Path("/etc/twinsite/application.password")
AUTHORITY = pathlib.Path("/etc/twinsite/application-ca.pem")
NGINX = pathlib.Path("/etc/nginx/conf.d/twinsite.conf")
UNIT = "twinsite-application.service"
TIMER = "twinsite-standby-certificate.timer"
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
ANSWER_SECONDS = 180
_TEMPLATES = ("nginx.conf", "server.xml", "tomcat-dropin.conf", f"{TIMER}", "twinsite-standby-certificate.service")


def files_digest(config: Config) -> str:
    """Changes when anything that this payload would write changes."""
    application, database = config.application, config.database
    told = repr((config.site, application, database, config.origin))
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in _TEMPLATES]
    return hashlib.sha256("\0".join([told, *texts]).encode()).hexdigest()[:16]


def nginx_conf(config: Config, secret: str) -> str:
    """nginx's file for the origin."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,255}", secret):
        raise Failed("the origin's secret has less than 16 characters or strange ones: draw it anew in the vault")
    header = config.origin.header
    return string.Template((FOLDER / "nginx.conf").read_text(encoding="utf-8")).substitute(
        header=header,
        header_variable="http_" + header.lower().replace("-", "_"),
        secret=secret,
        direct="\n".join(f'  "{name}" 1;' for name in config.origin.direct_hosts) or "  # nobody",
        certificate=CERTIFICATE,
    )


def environment(config: Config) -> str:
    """The application's environment file; the password is in a file of its own."""
    database = config.database
    told = {
        "SITE": config.site,
        "DATABASE_ADDRESS": database.address,
        "DATABASE_PORT": str(database.port),
        "DATABASE_USER": database.login.user,
        "DATABASE_PASSWORD_FILE": str(PASSWORD),
        "DATABASE_SCHEMA": database.schema,
        "DATABASE_CA": str(AUTHORITY) if database.tls_ca else SYSTEM_AUTHORITIES,
        **config.application.environment,
    }
    return "".join(f"{name}={_quoted(value)}\n" for name, value in told.items())


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def war_name(context: str) -> str:
    """Tomcat's file name for a context path."""
    return "ROOT" if context == "/" else context.strip("/").replace("/", "#")


def certificate(text: str) -> bool:
    """Put the origin's certificate; True when it is another one. Failed when it is none."""
    if "BEGIN CERTIFICATE" not in text or "PRIVATE KEY-----" not in text:
        raise Failed(
            "the origin's certificate secret holds no PEM certificate and key: store the chain and the key as PEM text"
        )
    return put(CERTIFICATE, text if text.endswith("\n") else f"{text}\n", 0o600)


def service(config: Config) -> str:
    """The unit that serves the application."""
    return UNIT if config.application.kind == "unit" else f"{host.tomcat()}.service"


def wanted(config: Config, password: str, secret: str) -> "list[tuple[pathlib.Path, str, int, str]]":
    """(path, text, mode, group) of every file that serves."""
    name = service(config)
    group = "tomcat" if config.application.kind == "war" else "root"
    found: list[tuple[pathlib.Path, str, int, str]] = [
        (ENVIRONMENT, environment(config), 0o640, group),
        (PASSWORD, password, 0o640, group),
        (NGINX, nginx_conf(config, secret), 0o600, "root"),
        (host.UNITS / f"{name}.d/twinsite.conf", _template("tomcat-dropin.conf"), 0o644, "root"),
        (host.UNITS / TIMER, _template(TIMER), 0o644, "root"),
        (
            host.UNITS / "twinsite-standby-certificate.service",
            _template("twinsite-standby-certificate.service"),
            0o644,
            "root",
        ),
    ]
    if config.database.tls_ca:
        found.append((AUTHORITY, config.database.tls_ca, 0o644, "root"))
    if config.application.kind == "unit":
        found.append((host.UNITS / UNIT, config.application.unit, 0o644, "root"))
    else:
        found.append((pathlib.Path(f"/etc/{host.tomcat()}/server.xml"), _template("server.xml"), 0o640, group))
    return found


def deploy(config: Config, password: str, secret: str) -> str:
    """Write every file; nothing is started. What changed."""
    files = wanted(config, password, secret)
    changed = [str(path) for path, text, mode, group in files if put(path, text, mode, group=group)]
    pathlib.Path("/etc/nginx/sites-enabled/default").unlink(missing_ok=True)
    if config.application.kind == "war":
        changed += _war(config)
    run(["nginx", "-t"])
    return f"{len(changed)} files written" if changed else "nothing to change"


def war(config: Config) -> pathlib.Path:
    """Where Tomcat finds the application."""
    return pathlib.Path(f"/var/lib/{host.tomcat()}/webapps", f"{war_name(config.application.context)}.war")


def _war(config: Config) -> list[str]:
    """Tomcat unpacks what it finds at its start, so a changed WAR is put in while it is stopped."""
    place = war(config)
    if host.sha256(place) == config.application.sha256:
        return []
    run(["systemctl", "stop", service(config)], 120)
    shutil.rmtree(place.with_suffix(""), ignore_errors=True)
    draft = place.with_name(".twinsite.draft")
    shutil.copyfile(ARTEFACT, draft)
    shutil.chown(draft, group="tomcat")
    draft.chmod(0o640)
    draft.replace(place)
    return [str(place)]


def start(config: Config) -> str:
    """Start what serves, now and at each boot; a machine that a failback closed stays closed."""
    name = service(config)
    host.systemctl("daemon-reload")
    host.systemctl("enable", "-q", "nginx.service", name, TIMER)
    host.systemctl("start", TIMER)
    host.systemctl("reload-or-restart", "nginx.service")
    if host.CLOSED.exists():
        return "closed by a failback: the application stays stopped"
    host.systemctl("restart", name)
    return f"{name} and nginx run"


def answer(config: Config, secret: str, seconds: float = ANSWER_SECONDS) -> str:
    """The page as CloudFront gets it: verified certificate, header, status 200. And nobody else gets it, but users of
    a name that leads here directly, whose browsers verify the certificate, too."""
    if host.CLOSED.exists():
        return "closed by a failback: not asked"
    deadline, seen = time.monotonic() + seconds, "nothing"
    path = config.application.health_path
    while True:
        try:
            status, until = ask(config, path, {config.origin.header: secret})
            if status == 200:
                break
            seen = f"status {status}"
        except ssl.SSLCertVerificationError as error:
            raise _refused_certificate(config.origin.host, "CloudFront", error) from None
        except OSError as error:
            seen = str(error)
        if time.monotonic() > deadline:
            raise Failed(f"{path} did not answer 200 within {seconds:g} s; last seen: {seen}; {_words(config)}")
        time.sleep(0.5)
    locked, _ = ask(config, path, {})
    if locked != 403 and config.origin.host not in config.origin.direct_hosts:
        raise Failed(f"without the header {config.origin.header} {path} answers {locked}, not 403: the origin is open")
    for name in config.origin.direct_hosts:
        try:
            status, _ = ask(config, path, {}, name)
        except ssl.SSLCertVerificationError as error:
            raise _refused_certificate(name, "a user's browser", error) from None
        if status != 200:
            raise Failed(f"{path} answers {status} to users of {name}, who come without the header")
    return f"200 on {path}; 403 without the header; certificate until {until}"


def _refused_certificate(name: str, who: str, error: ssl.SSLCertVerificationError) -> Failed:
    return Failed(
        f"the origin's certificate is not accepted for {name} ({error.verify_message}): {who} would refuse it, too; "
        "store one of a public authority that names this host"
    )


def ask(config: Config, path: str, headers: dict[str, str], name: str = "") -> "tuple[int, str]":
    """(status, certificate's end) of a page of this machine, asked as the front door asks, or as a user of `name`."""
    name = name or config.origin.host
    context = ssl.create_default_context()
    # Python 3.13 asks for more than chain, name and date (RFC 5280 to the letter); CloudFront does not.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", 443), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=name) as secured,
    ):
        until = str((secured.getpeercert() or {}).get("notAfter", ""))
        connection: Any = http.client.HTTPSConnection(name, timeout=30)
        connection.sock = secured
        try:
            connection.request("GET", path, headers={"Host": name, "Connection": "close", **headers})
            return int(connection.getresponse().status), until
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from None


def _words(config: Config) -> str:
    """The application's last words."""
    lines = run(["journalctl", "-u", service(config), "-n", "5", "--no-pager", "-o", "cat"])
    return f"its last words: {lines.strip()[-600:]}"


def _template(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
