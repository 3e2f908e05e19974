"""Commands over real SSH (a server of asyncssh in this process) and here."""

import os
import threading
import time

import asyncssh

from tests.engine.conftest import LiveStack
from tests.engine.ssh_host import Host

CONNECTION = """
    import json, os, pulumi
    from pulumi_command import local, remote
    settings = pulumi.Config()
    connection = remote.ConnectionArgs(
        host="127.0.0.1", port=int(settings.require("port")), user="ubuntu", private_key=os.environ["TEST_KEY"],
        host_key=settings.require("host_key"), dial_error_limit=settings.get_int("limit") or 3, per_dial_timeout=5,
    )
"""


def prepare(live: LiveStack, host: Host, program: str) -> None:
    live.program(CONNECTION + program)
    live.config("port", str(host.port))
    live.config("host_key", host.host_key)
    live.desk.extra["TEST_KEY"] = host.private_key


def test_create_update_delete_and_triggers_run_when_they_should(live: LiveStack, host: Host) -> None:
    program = """
    command = remote.Command(
        "command", connection=connection, create="cat; echo created; echo aside >&2", update="echo updated",
        delete="echo deleted > deleted", stdin=settings.get("stdin") or "given\\n",
        triggers=[settings.get("trigger") or "1"],
    )
    pulumi.export("stdout", command.stdout)
    pulumi.export("stderr", command.stderr)
    """
    prepare(live, host, program)
    said = live.up()
    assert live.outputs() == {"stdout": "given\ncreated", "stderr": "aside"}
    assert "created" in said
    assert "aside" in said
    live.up("--expect-no-changes")
    live.config("stdin", "other")
    live.up()
    assert live.outputs()["stdout"] == "updated"
    assert host.ran == ["cat; echo created; echo aside >&2", "echo updated"]
    assert host.environments[1]["PULUMI_COMMAND_STDOUT"] == "given\ncreated"
    live.config("trigger", "2")
    live.up()
    assert host.ran[2:] == ["cat; echo created; echo aside >&2", "echo deleted > deleted"]
    live.must("destroy", "--yes", "--skip-preview")
    assert (host.folder / "deleted").read_text() == "deleted\n"


def test_a_failing_command_fails_the_update_with_its_own_words(live: LiveStack, host: Host) -> None:
    prepare(live, host, """
    remote.Command("command", connection=connection, create="echo charon says no >&2; exit 3", logging="none")
    """)  # fmt: skip
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "Process exited with status 3" in said
    assert "charon says no" in said
    assert "command" not in live.state()


def test_logging_says_which_output_is_shown(live: LiveStack, host: Host) -> None:
    prepare(live, host, """
    both = "echo {}-$((40+{})); echo hidden-$((40+{})) >&2"
    remote.Command("one", connection=connection, create=both.format("shown", 2, 3), logging="stdout")
    remote.Command("two", connection=connection, create=both.format("hidden", 4, 5), logging="none")
    """)  # fmt: skip
    said = live.up()
    assert "shown-42" in said
    assert not [number for number in (43, 44, 45) if f"hidden-{number}" in said]


def test_the_host_key_is_verified_and_dials_are_counted(live: LiveStack, host: Host) -> None:
    prepare(live, host, """
    remote.Command("command", connection=connection, create="true")
    """)  # fmt: skip
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    live.config("host_key", other)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "after 4 failed attempts" in said
    assert "host key mismatch" in said
    assert host.ran == []
    live.config("host_key", host.host_key)
    host.refuse = 2
    live.up()
    assert host.ran == ["true"]


def test_a_host_behind_another_is_reached_through_it(live: LiveStack, host: Host) -> None:
    prepare(live, host, """
    connection.proxy = remote.ProxyConnectionArgs(
        host=connection.host, port=connection.port, user="jump", private_key=connection.private_key,
        host_key=connection.host_key,
    )
    remote.Command("command", connection=connection, create="echo behind > behind")
    """)  # fmt: skip
    live.up()
    assert host.hops == [f"127.0.0.1:{host.port}"]
    assert (host.folder / "behind").read_text() == "behind\n"


def test_keys_and_secret_input_stay_out_of_state_and_output(live: LiveStack, host: Host) -> None:
    prepare(live, host, """
    secret = pulumi.Output.secret("clear-0123456789")
    remote.Command("stdin", connection=connection, create="cat > got", stdin=secret)
    create = pulumi.Output.concat("echo ", secret)
    shown = remote.Command("create", connection=connection, create=create, logging="none")
    pulumi.export("shown", shown.stdout)
    """)  # fmt: skip
    said = live.up()
    assert (host.folder / "got").read_text() == "clear-0123456789"
    text = live.must("stack", "export")
    for clear in ("clear-0123456789", "PRIVATE KEY"):
        assert clear not in text
        assert clear not in said
    assert live.outputs()["shown"] == "clear-0123456789"


def test_ctrl_c_ends_a_command_that_would_run_for_long(live: LiveStack, host: Host) -> None:
    import signal

    prepare(live, host, """
    remote.Command("command", connection=connection, create="echo begun; sleep 300")
    """)  # fmt: skip
    running = live.desk.start(live.folder, "up", "--yes", "--skip-preview")
    said: list[str] = []
    drain = threading.Thread(target=lambda: said.append(running.communicate()[0]), daemon=True)
    drain.start()
    deadline = time.monotonic() + 60
    while not host.ran and time.monotonic() < deadline:
        time.sleep(0.05)
    assert host.ran
    os.kill(running.pid, signal.SIGINT)
    drain.join(60)
    assert not drain.is_alive(), "the command held up Ctrl-C"
    assert "interrupted: the connection was closed" in said[0]


def test_files_and_folders_are_copied(live: LiveStack, host: Host) -> None:
    folder = live.folder / "folder" / "inner"
    folder.mkdir(parents=True)
    (folder / "leaf").write_text("leaf")
    prepare(live, host, """
    here = settings.require("host")
    remote.CopyToRemote("text", connection=connection, source=pulumi.StringAsset("words"), remote_path=here + "/text")
    remote.CopyToRemote("file", connection=connection, source=pulumi.FileAsset("Pulumi.yaml"), remote_path=here)
    remote.CopyToRemote("folder", connection=connection, source=pulumi.FileArchive("folder"), remote_path=here)
    """)  # fmt: skip
    live.config("host", str(host.folder))
    live.up()
    assert (host.folder / "text").read_text() == "words"
    assert (host.folder / "Pulumi.yaml").read_text() == (live.folder / "Pulumi.yaml").read_text()
    assert (host.folder / "folder" / "inner" / "leaf").read_text() == "leaf"
    live.up("--expect-no-changes")


def test_a_local_command_runs_at_the_desk(live: LiveStack) -> None:
    live.program("""
        import pulumi
        from pulumi_command import local
        command = local.Command(
            "command", create="cat; echo $WORD $PWD", stdin="in ", environment={"WORD": "word"}, dir="/"
        )
        bad = local.Command("bad", create="echo no >&2; exit 4", opts=pulumi.ResourceOptions(depends_on=[command]))
        pulumi.export("said", command.stdout)
    """)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "exit status 4" in said
    assert live.state()["command"]["outputs"]["stdout"] == "in word /"
