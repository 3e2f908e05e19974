"""What is not as it is to be on this machine: what serves, what it was told, what keeps it able to. Changes nothing.

`apply` does the steps again that are behind what is found here (`undone`).
"""

import contextlib
import functools
import json
import pathlib
import ssl
import time
from collections.abc import Iterator

from .. import health
from ..backup import timer
from ..errors import Failed, Refused
from ..health import Problem
from ..machine import run
from . import data, fetch, host, status, web
from .config import Config

LEFT_OF_LIFE = 1 / 6
"""Authorities and their clients renew at two thirds of a certificate's life; a sixth before its end that has failed."""
ANSWER_SECONDS = 3.0
_APPLY = "run `sudo twinsite-guest standby apply` on the standby machine"
_MOUNTS = ("/", "/var", "/var/log", "/var/lib/twinsite", "/run")


def problems(config: Config) -> "list[Problem]":
    """All of them; a look that fails is one, too. While the role is at work, or has failed, its status says that."""
    found = [*health.agent(), *health.disk(_MOUNTS)]
    if status.get(status.STATUS).get("outcome") != "ready":
        return found
    for what, look in (("units", units), ("files", files), ("page", page)):
        found += health.looked(what, functools.partial(look, config), _APPLY)
    return found


def undone(config: Config) -> "set[str]":
    """Steps of the plan whose work somebody has undone."""
    steps = {"page": "start", "schedule": "schedule", "artefact": "deploy"}
    found: list[Problem] = []
    for look in (units, files):
        # Nothing is there yet, or the vault is not: the steps themselves say so. What was found before counts.
        with contextlib.suppress(Failed, Refused, OSError, ValueError):
            for problem in look(config):
                found.append(problem)
    return {steps.get(one.what.split()[0], "deploy" if one.what.startswith("file ") else "start") for one in found}


def units(config: Config) -> Iterator[Problem]:
    """What serves, now and after the next boot; a machine that a failback closed has its application stopped."""
    serves = ["nginx.service", web.TIMER]
    if not host.CLOSED.exists():
        serves.insert(1, web.service(config))
    for problem in health.units(serves):
        yield Problem(problem.what, problem.problem, _mask(problem) or _APPLY)
    for problem in health.units([timer.TIMER] if config.own else []):
        what = f"{problem.problem}: while this site is the writer nothing would be backed up"
        yield Problem(f"schedule {problem.what}", what, _mask(problem) or _APPLY)


def _mask(problem: Problem) -> str:
    return "" if problem.mends else problem.fix.replace("`twinsite repair`", f"`{_APPLY.split('`')[1]}`")


def files(config: Config) -> Iterator[Problem]:
    """What the role wrote, and the application as it was pinned."""
    secret = fetch.secret(config, config.origin.secret)
    password = fetch.secret(config, config.database.login.password)
    wanted = {path: (text, mode, "root") for path, text, mode, _ in web.wanted(config, password, secret)}
    for problem in health.files(wanted):
        yield Problem(problem.what, problem.problem, _APPLY)
    if config.own:
        told = json.loads(pathlib.Path(data.BACKUP_JSON).read_text(encoding="utf-8"))
        schedule = {timer.UNITS / name: (text, 0o644, "root") for name, text in timer.files(told).items()}
        for problem in health.files(schedule):
            yield Problem(f"schedule {problem.what}", problem.problem, _APPLY)
    if config.application.kind == "war" and host.sha256(web.war(config)) != config.application.sha256:
        yield Problem("artefact", f"{web.war(config)} is not the application that was pinned", _APPLY)


def page(config: Config) -> Iterator[Problem]:
    """The page as the front door gets it, and until when its certificate holds."""
    if host.CLOSED.exists():
        return
    secret = fetch.secret(config, config.origin.secret)
    try:
        web.answer(config, secret, ANSWER_SECONDS)
    except Failed as error:
        yield Problem("page", str(error).splitlines()[0], _APPLY)
    shown = run(["openssl", "x509", "-noout", "-startdate", "-enddate", "-in", str(web.CERTIFICATE)])
    yield from certificate(dict(line.split("=", 1) for line in shown.splitlines()), time.time())


def certificate(dates: "dict[str, str]", now: float) -> Iterator[Problem]:
    """One that should have been renewed; `dates` as openssl has them. Pure."""
    begins, ends = (ssl.cert_time_to_seconds(dates[name]) for name in ("notBefore", "notAfter"))
    if ends - now < (ends - begins) * LEFT_OF_LIFE:
        yield Problem(
            "certificate",
            f"the origin's certificate ends on {dates['notAfter']}",
            "store a renewed one in the vault; `sudo twinsite-guest standby certificate` takes it at once",
        )
