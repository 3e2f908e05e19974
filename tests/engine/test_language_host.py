"""The Python language host against the real engine. What is asserted here holds for Pulumi's own host, too."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real_pulumi import PYTHON, Desk

pytestmark = pytest.mark.cold

WAIT_SECONDS = 30.0


def eventually(what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS:g} s: {what}"
        time.sleep(0.05)


def processes(marker: str) -> list[str]:
    """Command lines of living processes whose environment or arguments hold `marker`, which is a test's own folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                if marker.encode() in words + (entry / "environ").read_bytes():
                    found.append(words.replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended meanwhile, or is another user's
    return found


def wait_for_line(running: subprocess.Popen[str], wanted: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if wanted in line:
            return
    raise AssertionError(f"the command ended before it said {wanted!r}")


def test_a_program_runs_in_the_virtual_environment_that_the_options_name(desk: Desk) -> None:
    project = desk.project(
        "where",
        """
        import os, pulumi, sys
        pulumi.export("prefix", sys.prefix)
        pulumi.export("folder", os.getcwd())
        pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
        pulumi.export("root", pulumi.runtime.get_root_directory())
        pulumi.export("active", [os.environ["VIRTUAL_ENV"], os.environ["PATH"].split(":")[0]])
        """,
    )
    desk.must(project, "up", "--yes", "--skip-preview")
    outputs = json.loads(desk.must(project, "stack", "output", "--json"))
    assert outputs == {
        "prefix": str(PYTHON),
        "folder": str(project),
        "stack": "organization/where/test",
        "root": str(project),
        "active": [str(PYTHON), str(PYTHON / "bin")],
    }


def test_a_virtual_environment_that_does_not_exist_is_refused_with_the_fix(desk: Desk) -> None:
    project = desk.project("nowhere", "", options="virtualenv: gone")
    done = desk.run(project, "preview")
    assert done.returncode != 0
    assert "gone" in done.stdout
    assert "pulumi install" in done.stdout


def test_a_preview_is_a_dry_run_and_an_update_is_not(desk: Desk) -> None:
    project = desk.project("dry", 'import pulumi\nprint("dry run:", pulumi.runtime.is_dry_run())\n')
    assert "dry run: True" in desk.must(project, "preview")
    assert "dry run: False" in desk.must(project, "up", "--yes", "--skip-preview")


def test_secret_configuration_reaches_the_program_as_a_secret(desk: Desk) -> None:
    project = desk.project(
        "secrets",
        """
        import pulumi
        config = pulumi.Config()
        pulumi.export("open", config.require("open"))
        pulumi.export("length", config.require_secret("hidden").apply(len))
        pulumi.export("hidden", config.require_secret("hidden"))
        """,
    )
    desk.must(project, "config", "set", "open", "in plain sight")
    desk.must(project, "config", "set", "--secret", "hidden", "out of sight")
    shown = desk.must(project, "up", "--yes", "--skip-preview")
    assert "in plain sight" in shown
    assert "out of sight" not in shown
    assert "out of sight" not in desk.must(project, "stack", "export")
    assert json.loads(desk.must(project, "stack", "output", "--json", "--show-secrets"))["hidden"] == "out of sight"


def test_the_program_is_told_which_keys_are_secret(desk: Desk) -> None:
    project = desk.project(
        "careless",
        """
        from pulumi.runtime.config import is_config_secret
        print("hidden:", is_config_secret("careless:hidden"), "open:", is_config_secret("careless:open"))
        """,
    )
    desk.must(project, "config", "set", "--secret", "hidden", "out of sight")
    desk.must(project, "config", "set", "open", "in plain sight")
    assert "hidden: True open: False" in desk.must(project, "preview")


def test_what_a_program_prints_is_shown_at_once(desk: Desk) -> None:
    project = desk.project(
        "prints",
        """
        import pathlib, sys, time
        print("to standard output")
        print("to standard error", file=sys.stderr)
        deadline = time.monotonic() + 60
        while not pathlib.Path("go-on").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        """,
    )
    running = desk.start(project, "preview")
    wait_for_line(running, "to standard output")  # while the program still waits
    (project / "go-on").touch()
    rest, _ = running.communicate(timeout=300)
    assert "to standard error" in rest
    assert running.returncode == 0


def test_an_exception_is_shown_once_and_fails_the_command(desk: Desk) -> None:
    project = desk.project("raises", 'raise ValueError("of all things")\n')
    done = desk.run(project, "preview")
    diagnostics = done.stdout[done.stdout.index("Diagnostics:") :]
    assert done.returncode != 0
    assert diagnostics.count("ValueError: of all things") == 1
    # Exit code 32: the user has seen the error, so the host adds none of its own.
    assert "exited with" not in diagnostics


def test_an_exit_code_of_the_programs_own_is_reported(desk: Desk) -> None:
    project = desk.project("exits", "import os\nos._exit(7)\n")
    done = desk.run(project, "preview")
    assert done.returncode != 0
    assert "exited with code 7" in done.stdout


def test_a_program_that_is_killed_fails_the_command(desk: Desk) -> None:
    project = desk.project("killed", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    done = desk.run(project, "preview")
    assert done.returncode != 0
    assert "SIGKILL" in done.stdout


SLOW = """
import subprocess, time
subprocess.Popen(["sleep", "300"])
print("the program runs")
time.sleep(300)
"""


def test_ctrl_c_ends_the_program_its_children_and_the_host(desk: Desk) -> None:
    project = desk.project("slow", SLOW)
    running = desk.start(project, "up", "--yes", "--skip-preview")
    wait_for_line(running, "the program runs")
    # A child that has just begun has no command line for a moment.
    eventually("the program's child is seen", lambda: any("sleep" in line for line in processes(str(desk.folder))))
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=300)
    assert running.returncode != 0
    assert "KeyboardInterrupt" not in said
    eventually("every process of the update has ended", lambda: not processes(str(desk.folder)))


def test_an_engine_that_is_killed_leaves_no_process(desk: Desk) -> None:
    project = desk.project("slow", SLOW)
    running = desk.start(project, "up", "--yes", "--skip-preview")
    wait_for_line(running, "the program runs")
    running.kill()
    running.communicate(timeout=300)
    eventually("host and program have ended", lambda: not processes(str(desk.folder)))


def policy_pack(desk: Desk, level: str) -> Path:
    folder = desk.folder / f"pack-{level}"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text(f"runtime:\n  name: python\n  options: {{virtualenv: {PYTHON}}}\n")
    (folder / "__main__.py").write_text(
        f"""
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_stash(args, report):
    if args.resource_type == "pulumi:index:Stash" and args.props["input"] == "forbidden":
        report("a stash holds what is forbidden")

policy = ResourceValidationPolicy(name="no-stash", description="No stash.", validate=no_stash)
PolicyPack("pack", policies=[policy], enforcement_level=EnforcementLevel.{level})
"""
    )
    return folder


def test_a_violated_mandatory_policy_fails_preview_and_update(desk: Desk) -> None:
    project = desk.project("forbidden", 'import pulumi\npulumi.Stash("it", input="forbidden")\n')
    pack = policy_pack(desk, "MANDATORY")
    for words in (("preview",), ("up", "--yes", "--skip-preview")):
        done = desk.run(project, *words, "--policy-pack", str(pack))
        assert done.returncode != 0
        assert "a stash holds what is forbidden" in done.stdout
        assert "Traceback" not in done.stdout
    eventually("the policy pack's process has ended", lambda: not processes(str(desk.folder)))


def test_a_violated_advisory_policy_and_a_satisfied_mandatory_one_pass(desk: Desk) -> None:
    project = desk.project("advised", 'import pulumi\npulumi.Stash("it", input="forbidden")\n')
    done = desk.must(project, "preview", "--policy-pack", str(policy_pack(desk, "ADVISORY")))
    assert "a stash holds what is forbidden" in done
    (project / "__main__.py").write_text('import pulumi\npulumi.Stash("it", input="allowed")\n')
    desk.must(project, "preview", "--policy-pack", str(policy_pack(desk, "MANDATORY")))


def test_a_policy_pack_that_does_not_start_says_why(desk: Desk) -> None:
    project = desk.project("plain", "")
    pack = policy_pack(desk, "MANDATORY")
    (pack / "__main__.py").write_text("import a_module_that_is_not_there\n")
    done = desk.run(project, "preview", "--policy-pack", str(pack))
    assert done.returncode != 0
    assert "a_module_that_is_not_there" in done.stdout


def test_a_provider_written_in_python_runs_as_a_plugin(desk: Desk) -> None:
    project = desk.project(
        "plugged",
        """
        import pulumi
        class Thing(pulumi.CustomResource):
            doubled: pulumi.Output[str]
            def __init__(self, name, value):
                super().__init__("mine:index:Thing", name, {"value": value, "doubled": None})
        pulumi.export("doubled", Thing("it", "ab").doubled)
        """,
    )
    plugin = desk.folder / "mine"
    plugin.mkdir()
    (plugin / "PulumiPlugin.yaml").write_text(f"runtime:\n  name: python\n  options: {{virtualenv: {PYTHON}}}\n")
    (plugin / "__main__.py").write_text(
        """
import sys
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import CheckResponse, CreateResponse, Provider
from pulumi.provider.experimental.server import main

class Mine(Provider):
    async def check(self, request):
        return CheckResponse(inputs=request.new_inputs)
    async def create(self, request):
        value = request.properties["value"].value
        return CreateResponse(resource_id="1", properties={**request.properties, "doubled": PropertyValue(value * 2)})

main(sys.argv[1:], "0.0.1", Mine())
"""
    )
    with (project / "Pulumi.yaml").open("a") as settings:
        settings.write("plugins:\n  providers:\n    - name: mine\n      path: ../mine\n")
    desk.must(project, "up", "--yes", "--skip-preview")
    assert json.loads(desk.must(project, "stack", "output", "--json"))["doubled"] == "abab"
    eventually("the provider's process has ended", lambda: not processes(str(desk.folder)))


def test_pulumi_about_names_the_interpreter_and_its_packages(desk: Desk) -> None:
    project = desk.project("asked", "")
    said = desk.must(project, "about")
    assert str(PYTHON / "bin" / "python") in said
    assert re.search(r"\bpulumi[-_]policy\b", said)


def test_pulumi_install_makes_the_environment_that_the_options_name(desk: Desk) -> None:
    project = desk.project("fresh", "", options="toolchain: pip, virtualenv: made")
    desk.extra["PULUMI_PYTHON_CMD"] = sys.executable
    (project / "requirements.txt").write_text("# nothing, so that no network is needed\n")
    desk.must(project, "install")
    assert (project / "made" / "bin" / "python").exists()


def test_pulumi_install_fails_with_the_installers_own_words(desk: Desk) -> None:
    project = desk.project("lacking", "", options="toolchain: pip, virtualenv: made")
    desk.extra["PULUMI_PYTHON_CMD"] = sys.executable
    (project / "requirements.txt").write_text("./a-folder-that-is-not-there\n")
    done = desk.run(project, "install")
    assert done.returncode != 0
    assert "a-folder-that-is-not-there" in done.stdout


def test_a_toolchain_that_this_host_does_not_know_is_refused_with_the_alternatives(desk: Desk) -> None:
    project = desk.project("poetic", "", options="toolchain: poetry")
    done = desk.run(project, "preview")
    assert done.returncode != 0
    assert "poetry" in done.stdout.lower()


def test_a_type_checker_named_in_the_options_runs_before_the_program(desk: Desk) -> None:
    project = desk.project("typed", 'x: int = "no"\n', options=f"virtualenv: {PYTHON}, typechecker: mypy")
    done = desk.run(project, "preview")
    assert done.returncode != 0
    assert "Incompatible types in assignment" in done.stdout
