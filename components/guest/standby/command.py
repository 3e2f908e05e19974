"""The role's verbs: apply, gate, report, undo, certificate, close, open, renew.

Exit 0 done, 1 failed, 2 refused; sentences on stderr, one JSON object on stdout.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .. import client, machine, packages
from ..backup import timer
from ..errors import Failed, Refused
from ..health import plain
from ..machine import alone, put
from . import data, fetch, health, host, plan, status, web
from .config import Config, read

CONFIG = "/etc/twinsite/standby.json"
DRAIN_SECONDS = 60


class Work:
    """What each step does on this machine. Secrets are fetched once a run."""

    def __init__(self, config: Config, run: status.Run) -> None:
        self._config, self._run = config, run
        self._lock = threading.Lock()
        self._secrets: dict[str, str] = {}
        self._login = False

    def _secret(self, name: str) -> str:
        config = self._config
        wanted = {
            "password": config.database.password,
            "application": config.database.login.password,
            "header": config.origin.secret,
            "certificate": config.origin.certificate,
        }
        with self._lock:
            if name not in self._secrets:
                self._secrets[name] = fetch.secret(config, wanted[name])
            return self._secrets[name]

    def _progress(self, event: dict[str, Any]) -> None:
        status.say(f"  {json.dumps(event)}")

    def client(self) -> str:
        done = packages.install(packages.missing(host.CLIENT))
        client.require()
        return f"installed {', '.join(done)}" if done else "already there"

    def packages(self) -> str:
        wanted = packages.missing(host.SERVER) + host.missing_packages(self._config.packages)
        if self._config.application.kind == "war":
            try:
                host.tomcat()
            except Failed:
                wanted.append(host.TOMCATS)
        done = packages.install(wanted)
        return f"installed {', '.join(done)}" if done else "already there"

    def artefact(self) -> str:
        return fetch.artefact(self._config)

    def certificate(self) -> str:
        return "put" if web.certificate(self._secret("certificate")) else "already there"

    def restore(self) -> str:
        data.write_documents(self._config, self._secret("password"))
        done = data.restore(self._config, self._secret("password"), self._progress)
        self._run.data(
            backup_id=done["backup_id"], backup_began=done["backup_began"], restored_rows=done["restored_rows"]
        )
        how = "the database has it already" if done["already"] else f"{done['restored_rows']} rows"
        return f"backup {done['backup_id']}: {how}"

    def prove(self) -> str:
        found = data.prove(self._config, self._secret("password"))
        self._run.data(divergent_tables=[])
        return f"every table was equal to the manifest of {found['backup_id']}"

    def login(self) -> str:
        data.login(self._config, self._secret("password"), self._secret("application"))
        self._login = True
        return f"{self._config.database.login.user} has schema {self._config.database.schema} and nothing else"

    def schedule(self) -> str:
        """Its own backups; each run looks whether this site is the writer."""
        if self._config.own is None:
            return "it backs itself up by hand only"
        data.write_documents(self._config, self._secret("password"))
        timer.apply(data.BACKUP_JSON)
        return f"`{self._config.own.schedule}` into {self._config.own.store}, while {self._config.site} is the writer"

    def deploy(self) -> str:
        data.write_documents(self._config, self._secret("password"))
        return web.deploy(self._config, self._secret("application"), self._secret("header"))

    def start(self) -> str:
        return web.start(self._config)

    def answer(self) -> str:
        said = web.answer(self._config, self._secret("header"))
        if self._login:
            data.forget_former(self._config, self._secret("password"))
        return said


def apply(config: Config) -> dict[str, Any]:
    """Do what is left, side by side where steps do not need each other; the status document."""
    wanted = plan.keys(config, web.files_digest(config))
    marks = status.get(status.MARKS)
    undone = health.undone(config) if marks else set()
    marks = {step: key for step, key in marks.items() if step not in undone}
    to_do = plan.left(marks, wanted)
    run = status.Run(to_do)
    work = Work(config, run)
    actions: dict[str, Callable[[], str]] = {step: getattr(work, step) for step in plan.STEPS}
    done: set[str] = set()
    running: dict[str, threading.Thread] = {}
    failures: list[tuple[str, Exception]] = []
    changed = threading.Condition()

    def one(step: str) -> None:
        run.begin(step)
        try:
            detail = actions[step]()
        except Exception as error:
            words = str(error) if isinstance(error, (Refused, Failed)) else f"{type(error).__name__}: {error}"
            run.end(step, "failed", words)
            with changed:
                failures.append((step, error))
                running.pop(step)
                changed.notify()
            return
        run.end(step, "done", detail)
        with changed:
            if step not in plan.ALWAYS:
                marks[step] = wanted[step]
                status.put(status.MARKS, marks)
            done.add(step)
            running.pop(step)
            changed.notify()

    with changed:
        while True:
            if not failures:
                for step in plan.ready(to_do, running, done):
                    running[step] = threading.Thread(target=one, args=(step,), daemon=True)
                    running[step].start()
            if not running:
                break
            changed.wait()
    if failures:
        step, error = failures[0]
        words = str(error) if isinstance(error, (Refused, Failed)) else f"{type(error).__name__}: {error}"
        run.finish("failed", step, words, final=isinstance(error, Refused))
        raise Refused(error.problems) if isinstance(error, Refused) else Failed(f"step {step}: {words}")
    run.finish("ready", "", f"serves backup {run.document['backup_id']}")
    return run.document


def report(path: str) -> dict[str, Any]:
    """The last run's status, and how things are now."""
    found: dict[str, Any] = {"outcome": "", **status.get(status.STATUS), "closed": host.CLOSED.exists()}
    try:
        config = read(path)
        name = web.service(config)
        found["application"] = "closed" if found["closed"] else ("running" if host.active(name) else "stopped")
        found["problems"] = plain(health.problems(config))
        found |= data.facts(config, fetch.secret(config, config.database.password))
    except (Refused, Failed) as problem:
        found.setdefault("application", "unknown")
        found |= {"writable": None, "marker": {}, "words": str(problem)}
        found.setdefault("problems", [])
    # Also after a machine was replaced, whose status file is new.
    found["backup_id"] = found.get("backup_id") or found["marker"].get("backup_id", "")
    # The last thing: who asked compares it with the moment at which the answer came.
    return {**found, "clock": time.time()}


def certificate(config: Config) -> dict[str, Any]:
    """Take a renewed certificate from the vault; connections that are open go on."""
    changed = web.certificate(fetch.secret(config, config.origin.certificate))
    if changed:
        machine.run(["nginx", "-t"])
        host.systemctl("reload-or-restart", "nginx.service")
    return {"changed": changed}


def close(config: Config) -> dict[str, Any]:
    """Stop the application, over reboots too, until `open`; done when it has no session left in the database."""
    if not host.CLOSED.exists():
        put(host.CLOSED, data.stamp(), 0o644)
    host.systemctl("stop", web.service(config))
    password = fetch.secret(config, config.database.password)
    deadline = time.monotonic() + DRAIN_SECONDS
    while left := data.sessions(config, password):
        if time.monotonic() > deadline:
            raise Failed(
                f"{left} sessions of {config.database.login.user} are still in {config.database.schema}: end them"
            )
        time.sleep(0.2)
    return {"closed": True}


def open_again(config: Config) -> dict[str, Any]:
    """Take `close` back."""
    host.CLOSED.unlink(missing_ok=True)
    host.systemctl("reset-failed", web.service(config))
    if not host.active(web.service(config)):
        host.systemctl("start", web.service(config))
    return {"closed": False, "answer": web.answer(config, fetch.secret(config, config.origin.secret))}


def renew(config: Config, backup_id: str, store: str) -> dict[str, Any]:
    """Replace the data by a backup. The caller has made sure that nobody writes here (no latch object is set)."""
    closed_at = host.CLOSED.read_text(encoding="utf-8").strip() if host.CLOSED.exists() else ""
    if data.taken_before(backup_id, closed_at):
        raise Refused(
            [
                f"backup {backup_id} is older than the data here, which users changed until {closed_at}, when a "
                "failback "
                "closed this machine: name a later one, or one that the failback dumped"
            ]
        )
    host.systemctl("stop", web.service(config))
    data.replace(config, fetch.secret(config, config.database.password), backup_id, store)
    marks = status.get(status.MARKS)
    for step in ("restore", "prove", "start"):
        marks.pop(step, None)
    status.put(status.MARKS, marks)
    return apply(config)


def undo(config: Config) -> dict[str, Any]:
    """Take the role away. Data stay where they are."""
    timer.undo()
    for unit in ("nginx.service", web.service(config), web.TIMER):
        host.systemctl("disable", "--now", "-q", unit)
    for path in (web.NGINX, web.ENVIRONMENT, web.PASSWORD, web.AUTHORITY, web.CERTIFICATE, host.UNITS / web.UNIT):
        path.unlink(missing_ok=True)
    for name in (data.BACKUP_JSON, data.BACKUP_SECRETS):
        if os.path.exists(name):
            os.unlink(name)
    for name in (web.TIMER, "twinsite-standby-certificate.service", f"{web.service(config)}.d/twinsite.conf"):
        (host.UNITS / name).unlink(missing_ok=True)
    host.systemctl("daemon-reload")
    for path in (status.STATUS, status.MARKS):
        path.unlink(missing_ok=True)
    return {"undone": True}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest standby", description=__doc__)
    parser.add_argument("verb", choices=["apply", "gate", "report", "undo", "certificate", "close", "open", "renew"])
    parser.add_argument("backup", nargs="?", default="", metavar="ID", help="renew: the backup")
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default="", help="(this role fetches its secrets itself)")
    parser.add_argument("--store", default="", help="renew: another store than the configured one")
    parser.add_argument("--timeout", type=float, default=600, help="gate: seconds to wait (default 600)")
    return parser


def _told(options: argparse.Namespace) -> Config:
    try:
        return read(options.config)
    except Refused as refusal:
        if options.verb == "apply":  # a verdict, too
            status.Run([]).finish("failed", "", str(refusal), final=True)
        raise


def _act(options: argparse.Namespace) -> dict[str, Any]:
    config = _told(options)
    if options.verb == "renew":
        if not options.backup:
            raise Refused(["renew: name the backup, `twinsite-guest backup list` shows them"])
        return renew(config, options.backup, options.store)
    verbs: dict[str, Callable[[Config], dict[str, Any]]] = {
        "apply": apply,
        "undo": undo,
        "certificate": certificate,
        "close": close,
        "open": open_again,
    }
    return verbs[options.verb](config)


def main(argv: list[str]) -> int:
    """Run a verb; the exit code."""
    options = _parser().parse_intermixed_args(argv)  # the wrapper puts its options before the id
    try:
        if options.verb == "report":
            print(json.dumps(report(options.config)))
            return 0
        if options.verb == "gate":
            passed, found, why = status.gate(options.timeout)
            print(json.dumps(found))
            if not passed:
                print(f"{why}\n--- {status.LOG}\n{status.last_lines()}", file=sys.stderr)
            return 0 if passed else 1
        with alone("standby"):
            print(json.dumps(_act(options)))
        return 0
    except (Refused, Failed) as problem:
        print(problem, file=sys.stderr)
        return problem.code
