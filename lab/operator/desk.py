"""The desk itself: home folder, environment, project copy, stack. Works with the box and, recorded only, without it."""

import configparser
import dataclasses
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import keys
from lab.client import SOCKET_VARIABLE, LabError
from lab.model import SITE_ADDRESS
from lab.operator import stack
from lab.paths import TREE, Paths, cache
from lab.scenes import Given, Scene
from lab.services import google
from lab.services.authority import Authority
from lab.services.azure import Operator
from lab.services.credentials import Credentials

NAMESPACE = "twoperator"
PASSWD = Path("/etc/netns") / NAMESPACE / "passwd"
"""`ip netns exec` binds it over /etc/passwd: OpenSSH looks for ~ there and not in $HOME."""
INSIDE = "TWINSITE_LAB_BOX"
"""Set at the desk; `lab` refuses to take the desk down from under itself."""

# Nothing of these is for the desk: own programs and sources, and the terminal.
_KEPT = ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COLUMNS", "LINES", "PYTHONUNBUFFERED")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Desk:
    """One operator. `live` is False when there is no box: then no namespace, no socket, all is recorded only."""

    def __init__(self, paths: Paths, live: bool, tree: Path = TREE) -> None:
        self.paths = paths
        self.live = live
        self.tree = tree
        self.home = paths.desk
        self.project = self.home / "twinsite"
        self.ssh_key = self.home / ".ssh" / "id_ed25519"

    def host_key(self, machine: str) -> Path:
        """Where an on-prem machine's host key is kept until it boots with it."""
        return self.paths.run / "hosts" / machine

    def prepare_identity(self, scene: Scene, operator: Credentials) -> None:
        """Keys, passwords and access keys. Before the daemon starts, which reads them."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.write(keys.generate("operator@twinsite-lab"), self.ssh_key)
        known = []
        for machine in scene.machines:
            pair = keys.generate(machine.name)
            keys.write(pair, self.host_key(machine.name))
            known.append(f"[{SITE_ADDRESS}]:{machine.forwarded_port} {' '.join(pair.public.split()[:2])}\n")
        (self.home / ".ssh" / "known_hosts").write_text("".join(known))
        passwords = self.home / ".passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({name: secrets.token_urlsafe(18) for name in scene.passwords}))
        profile = configparser.ConfigParser()
        profile["default"] = {
            "aws_access_key_id": operator.access_key,
            "aws_secret_access_key": operator.secret_key,
        }
        (self.home / ".aws").mkdir(mode=0o700, exist_ok=True)
        credentials = self.home / ".aws" / "credentials"
        credentials.touch(mode=0o600)
        with credentials.open("w") as out:
            profile.write(out)
        (self.home / ".azure").mkdir(mode=0o700, exist_ok=True)
        principal = self.home / ".azure" / "operator.json"
        principal.touch(mode=0o600)
        principal.write_text(json.dumps(dataclasses.asdict(Operator.new())))
        for path, text in (
            (self._google_key, google.Operator.new().file()),
            (self._cloudflare_token, secrets.token_urlsafe(30)),
        ):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text)

    def passwords(self) -> dict[str, str]:
        """What prepare_identity wrote."""
        found: dict[str, str] = json.loads((self.home / ".passwords.json").read_text())
        return found

    def given(self, scene: Scene, ami: str) -> Given:
        """Of what prepare_identity wrote."""
        hosts = {machine.name: keys.read(self.host_key(machine.name)) for machine in scene.machines}
        authority = Authority(self.paths.authority)
        return Given(ami, keys.read(self.ssh_key), self.azure_operator(), hosts, self.passwords(), authority)

    def azure_operator(self) -> Operator:
        """The service principal that prepare_identity wrote."""
        return Operator(**json.loads((self.home / ".azure" / "operator.json").read_text()))

    @property
    def _google_key(self) -> Path:
        return self.home / ".config" / "gcloud" / "operator.json"

    @property
    def _cloudflare_token(self) -> Path:
        return self.home / ".cloudflare" / "token"

    def google_operator(self) -> google.Operator:
        """The service account whose key prepare_identity wrote."""
        return google.Operator.read(self._google_key.read_text())

    def cloudflare_token(self) -> str:
        """The API token that prepare_identity wrote."""
        return self._cloudflare_token.read_text()

    def operator_credentials(self) -> Credentials:
        """What prepare_identity wrote."""
        profile = configparser.ConfigParser(interpolation=None)
        profile.read(self.home / ".aws" / "credentials")
        return Credentials(profile["default"]["aws_access_key_id"], profile["default"]["aws_secret_access_key"])

    def prepare(self, scene: Scene, box: str, ami: str) -> None:
        """Project copy, plugins and the stack. About two seconds, most of it Pulumi's."""
        (self.home / "backend").mkdir(exist_ok=True)
        passphrase = self.home / ".passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(os.urandom(24).hex())
        (self.home / ".bashrc").write_text(r"PS1='(twinsite lab) \w\$ '" + "\n")
        (self.home / "bin").mkdir(exist_ok=True)
        for name in ("pulumi", "twinsite", "kubectl"):
            wrapper = self.home / "bin" / name
            wrapper.unlink(missing_ok=True)
            wrapper.symlink_to(TREE / "lab" / "operator" / f"{name}.sh")
        self.refresh_project()
        given = self.given(scene, ami)
        ours = f"Pulumi.{scene.stack}.yaml"
        files = {source.name: source.read_text() for source in self.tree.glob("Pulumi.*.yaml")}
        for name, text in ({ours: ""} | files).items():
            values = scene.settings(given) if name == ours else {}
            (self.project / name).write_text(stack.overlay(text, box, {"ground": str(stack.GROUND), **values}))
        plugins = [sys.executable, "-m", "lab.providers.install", str(self.home / ".pulumi")]
        self._must(plugins, box, cwd=self.tree, environment=os.environ | {"PYTHONPATH": str(TREE)})
        self._must(["pulumi", "stack", "init", scene.stack], box)
        for key, value in scene.secrets(given).items():
            self._must(["pulumi", "config", "set", "--stack", scene.stack, "--secret", key], box, stdin=value)

    def refresh_project(self) -> None:
        """Links to everything in the tree; the project file is a copy, so that no command can write into the tree."""
        if not (self.tree / "Pulumi.yaml").exists():
            raise LabError(f"{self.tree} has no Pulumi.yaml: the desk needs the whole repository")
        self.project.mkdir(exist_ok=True)
        (self.tree / ".twinsite").mkdir(exist_ok=True)  # reports and evidence outlive the box
        wanted = {
            entry.name
            for entry in self.tree.iterdir()
            if entry.name != ".git" and not re.fullmatch(r"Pulumi(\..*)?\.yaml", entry.name)
        }
        for link in self.project.iterdir():
            if link.is_symlink() and link.name not in wanted:
                link.unlink()
        for name in wanted:
            link = self.project / name
            if not link.is_symlink():
                link.symlink_to(self.tree / name)
        (self.project / "Pulumi.yaml").write_bytes((self.tree / "Pulumi.yaml").read_bytes())

    def environment(self, box: str) -> dict[str, str]:
        """All of the desk's environment: nothing of the caller's but the terminal's."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        backend = f"file://{self.home / 'backend'}"
        environment = kept | {
            "HOME": str(self.home),
            "USER": "root" if self.live else os.environ.get("USER", "operator"),
            "SHELL": "/bin/bash",
            "TWINSITE_CACHE": str(cache()),  # HOME is another here
            "PATH": ":".join([str(self.home / "bin"), str(Path(sys.executable).parent), *_tools(), _SYSTEM_PATH]),
            "AWS_EC2_METADATA_DISABLED": "true",  # the desk is no EC2 machine
            "PULUMI_HOME": str(self.home / ".pulumi"),
            "PULUMI_BACKEND_URL": backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home / ".passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "TWINSITE_LAB_BACKEND": backend,
            "TWINSITE_LAB_PULUMI": find_pulumi(),
            INSIDE: box,
        }
        if self.live:
            bundle = str(self.paths.authority / "ca.pem")
            environment |= dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), bundle)
            environment[SOCKET_VARIABLE] = str(self.paths.socket)
            environment |= self.azure_operator().environment()
            environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(self._google_key)
            environment["CLOUDFLARE_API_TOKEN"] = self.cloudflare_token()
        return environment

    def command(self, words: Sequence[str]) -> list[str]:
        """`words` as run at the desk."""
        return ["ip", "netns", "exec", NAMESPACE, *words] if self.live else list(words)

    def enter(self) -> None:
        """What the namespace needs besides the box's part. `leave` takes it away."""
        lines = []
        for line in Path("/etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[2:3] == [str(os.getuid())]:
                fields[5] = str(self.home)
            lines.append(":".join(fields))
        PASSWD.parent.mkdir(parents=True, exist_ok=True)
        PASSWD.write_text("\n".join(lines) + "\n")

    def leave(self) -> None:
        """Inverse of enter; fine when there is nothing."""
        PASSWD.unlink(missing_ok=True)
        if PASSWD.parent.is_dir() and not any(PASSWD.parent.iterdir()):
            PASSWD.parent.rmdir()

    def _must(
        self,
        words: Sequence[str],
        box: str,
        stdin: str = "",
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd or self.project,
            env=environment or self.environment(box),
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise LabError(f"preparing the desk: `{' '.join(words)}` exited with {done.returncode}: {said}")


def find_pulumi() -> str:
    """The Pulumi CLI that scripts/setup left, else the one on PATH."""
    found = shutil.which("pulumi", path=":".join([*_tools(), os.environ.get("PATH", _SYSTEM_PATH)]))
    if found is None:
        raise LabError("there is no Pulumi CLI: run `./scripts/setup`")
    return found


def _tools() -> list[str]:
    return [str(cache() / "tools" / "current" / "bin")]
