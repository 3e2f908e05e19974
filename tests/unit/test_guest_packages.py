"""Packages are installed with patience for who else is at it, and MySQL's is left to people."""

import os
import re
import shutil
import subprocess
import types
from pathlib import Path

import pytest

from twinsite.guest import machine, packages
from twinsite.guest.database import host, settings
from twinsite.guest.errors import Failed, Refused
from twinsite.guest.gateway import converge
from twinsite.machine.gate import GATE_SECONDS
from twinsite.rules.standby import ColdWarmVmIntent

# As apt 2.6.2 and 3.3.5 and dpkg 1.21 say it (seen); apt exits 100, dpkg 2.
LISTS = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 28826 (apt-get)"
FRONTEND = "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?"
DPKG = "dpkg: error: dpkg frontend lock was locked by another process with pid 4711"

PROGRAM = """#!/bin/sh
echo "${0##*/} $*" >>"$HERE/ran"
case "${0##*/} $*" in
"apt-cache policy gone"*) echo "  Candidate: (none)" ;;
apt-cache*) echo "  Candidate: 1" ;;
*"$BUSY"*)
  left=$(cat "$HERE/busy")
  [ "$left" = 0 ] || { echo $((left - 1)) >"$HERE/busy"; echo "$WORDS" >&2; exit 100; } ;;
esac
case "$*" in *install*) cp "$HERE/policy-rc.d" "$HERE/policy-then" 2>/dev/null; env >"$HERE/environment" ;; esac
exit 0
"""


class Host:
    """A host whose apt and dpkg are busy for a while."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.clock, self._set = folder, 0.0, monkeypatch.setenv
        (folder / "bin").mkdir()
        for name in ("apt-get", "apt-cache", "dpkg"):
            (folder / "bin" / name).write_text(PROGRAM)
            (folder / "bin" / name).chmod(0o755)
        self._set("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        self._set("HERE", str(folder))
        self.busy("nothing at all", "", 0)
        monkeypatch.setattr(packages, "_POLICY", folder / "policy-rc.d")
        monkeypatch.setattr(packages, "put", lambda path, text, mode: path.write_text(text))
        monkeypatch.setattr(packages, "time", types.SimpleNamespace(monotonic=lambda: self.clock, sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds

    def busy(self, command: str, words: str, times: int) -> None:
        """That part of a command line meets a lock so often."""
        self._set("BUSY", command)
        self._set("WORDS", words)
        (self.folder / "busy").write_text(str(times))

    @property
    def ran(self) -> list[str]:
        return [" ".join(line.split()) for line in (self.folder / "ran").read_text().splitlines()]


@pytest.fixture
def host_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("command", "words"), [("update", LISTS), ("install", FRONTEND), ("dpkg --configure", DPKG), ("install", LISTS)]
)
def test_a_lock_of_another_program_is_waited_for(host_: Host, command: str, words: str) -> None:
    host_.busy(command, words, 5)
    assert packages.install([("zstd",)]) == ["zstd"]
    assert sum(command in line for line in host_.ran) == 6
    assert host_.clock == 10


def test_a_lock_that_stays_ends_in_a_sentence_that_says_who_to_look_for(host_: Host) -> None:
    host_.busy("update", LISTS, 1_000_000)
    with pytest.raises(Failed, match=r"for 300 s .*apply again\. .*held by process 28826"):
        packages.install([("zstd",)])
    assert packages.LOCK_SECONDS <= host_.clock <= packages.LOCK_SECONDS + 4


def test_every_gate_outlasts_the_locks_that_its_host_waits_for(host_: Host) -> None:
    """Each command has met the lock: together they wait once, and a gate leaves ten minutes for boot and packages."""
    host_.busy("-", LISTS, 1_000_000)
    with pytest.raises(Failed):
        packages.install([("zstd",)])
    assert host_.clock + 600 - 4 <= min(GATE_SECONDS, ColdWarmVmIntent.gate_timeout_seconds)


def test_what_is_no_lock_is_said_at_once(host_: Host) -> None:
    host_.busy("install", "E: Unable to fetch some archives", 1)
    with pytest.raises(Failed, match="Unable to fetch some archives"):
        packages.install([("zstd",)])
    assert host_.clock == 0


def test_the_first_package_that_the_archives_have_is_taken_and_named_whole(host_: Host) -> None:
    assert packages.install([("gone", "zstd"), ("nginx",), ("nginx",)]) == ["zstd", "nginx"]
    (line,) = [line for line in host_.ran if "install" in line]
    assert line.endswith("--no-install-recommends zstd nginx")


def test_archives_without_mysql_are_named_before_anything_is_installed(host_: Host) -> None:
    with pytest.raises(Refused, match="none of gone, gone-too: add a repository that has"):
        packages.install([("zstd",), ("gone", "gone-too")])
    assert not [line for line in host_.ran if "install" in line]


@pytest.mark.parametrize("starts", [True, False])
def test_packages_start_their_services_only_where_they_are_to(host_: Host, starts: bool) -> None:
    packages.install([("zstd",)], starts)
    assert (host_.folder / "policy-then").exists() == (not starts)
    assert not (host_.folder / "policy-rc.d").exists()
    assert "NEEDRESTART_SUSPEND=1" in (host_.folder / "environment").read_text()


def test_a_gateway_without_recommended_packages_gets_the_one_with_its_ciphers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian 12: AES-GCM and ecp384 are in a package that libstrongswan only recommends (seen with dpkg -c)."""
    for program in converge.PACKAGES:
        if not program.startswith("/"):
            (tmp_path / program).touch(0o755)
    monkeypatch.setattr(packages, "_PATH", str(tmp_path))
    exists = os.path.exists
    there = ("/usr/sbin/charon-systemd", str(tmp_path))
    monkeypatch.setattr(os.path, "exists", lambda path: str(path).startswith(there) and (path in there or exists(path)))
    assert packages.missing(converge.PACKAGES) == [("libstrongswan-standard-plugins",)]


def test_a_command_that_hangs_or_is_not_there_is_a_sentence() -> None:
    with pytest.raises(Failed, match=r"`sleep 9` did not end within 0\.1 s"):
        machine.run(["sleep", "9"], 0.1)
    with pytest.raises(Failed, match="no-such-program is not installed"):
        machine.run(["no-such-program"])
    assert machine.run(["sh", "-c", "exit 1"], good=(0, 1)) == ""


@pytest.fixture
def unattended(tmp_path: Path) -> list[str]:
    """unattended-upgrades' blacklist with our file, as apt reads it."""
    if not shutil.which("apt-config"):
        pytest.skip("apt-config is not on this machine (no Debian or Ubuntu)")
    command = ["apt-config", "-c", str(settings.FOLDER / "unattended.conf"), "dump"]
    dump = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}).stdout
    return re.findall(r'^Unattended-Upgrade::Package-Blacklist:: "(.*)";$', dump, re.MULTILINE)


@pytest.mark.parametrize(
    ("package", "held"),
    [
        ("mysql-server", True), ("mysql-server-8.4", True), ("mysql-server-core-8.4", True),
        ("mysql-community-server", True), ("mysql-community-server-core", True), ("mysql-client", False),
        ("libssl3t64", False), ("linux-image-generic", False),
    ],
)  # fmt: skip
def test_unattended_upgrades_leave_the_server_to_people_and_nothing_else(
    unattended: list[str], package: str, held: bool
) -> None:
    # `re.match(blacklist_regexp, pkgname)` (unattended-upgrade 2.9.1, is_pkgname_in_blacklist)
    assert any(re.match(pattern, package) for pattern in unattended) is held


def test_needrestart_leaves_mysqld_running_and_restarts_the_rest(tmp_path: Path) -> None:
    # The files of conf.d are evaluated in turn; then the first key that matches a unit's name says (needrestart 3.6).
    program = "our %nrconf = (override_rc => {qr(^dbus) => 0}); eval do { local(@ARGV, $/) = shift; <> }; die $@ if $@;"
    program += "for my $rc (@ARGV) { my @r = map { $nrconf{override_rc}{$_} } grep { $rc =~ /$_/ } keys "
    program += '%{$nrconf{override_rc}}; print "$rc=", $r[0] // "yes", "\\n" }'
    units = ["mysql.service", "mysql-router.service", "nginx.service"]
    command = ["perl", "-e", program, str(settings.FOLDER / "needrestart.conf"), *units]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["mysql.service=0", "mysql-router.service=yes", "nginx.service=yes"]


def test_both_files_are_put_once_and_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {tmp_path / str(path)[1:]: name for path, name in host.UPGRADES.items()}
    monkeypatch.setattr(host, "UPGRADES", places)
    assert len(host.upgrades()) == 1
    assert host.upgrades() == []
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in places)
