"""Puts the stand-ins into a PULUMI_HOME: `python -m lab.providers.install PULUMI_HOME`.

Each is installed under the version of its SDK in this environment, which is the version that the SDK writes on every
resource: the engine then finds the stand-in and looks no further. Pulumi's own language host asks for the provider of
every SDK that is installed, used or not, so those without a stand-in get a launcher that only says so.
"""

import json
import shlex
import sys
import sysconfig
from pathlib import Path

from lab.paths import TREE
from lab.providers import PACKAGES, tokens
from lab.providers.framework.schema import Schemas, default_folder, sdk_version


def install(home: Path) -> dict[str, Path]:
    """Write a launcher for each package and have its schemas ready; gives the launchers. Fine to repeat."""
    launchers = {}
    for package in PACKAGES:
        version = sdk_version(package)
        folder = home / "plugins" / f"resource-{package.replace('_', '-')}-v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        Schemas(package, version).require([*tokens(package), f"pulumi:providers:{package}"])
        launcher = folder / f"pulumi-resource-{package.replace('_', '-')}"
        start = TREE / "lab" / "providers" / "start.py"
        words = [sys.executable, "-P", str(start), package, version, str(default_folder())]
        launcher.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        launcher.chmod(0o755)
        launchers[package] = launcher
    for name, version in _installed_sdks().items():
        if name.replace("-", "_") in PACKAGES:
            continue
        folder = home / "plugins" / f"resource-{name}-v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        launcher = folder / f"pulumi-resource-{name}"
        complaint = f"the twinsite lab has no stand-in for {name}: take its resources out of this stack"
        launcher.write_text(f"#!/bin/sh\necho {shlex.quote(complaint)} >&2\nexit 1\n")
        launcher.chmod(0o755)
        launchers[name] = launcher
    return launchers


def _installed_sdks() -> dict[str, str]:
    """Provider name -> version, of every Pulumi SDK beside this interpreter's own packages."""
    found = {}
    for place in sysconfig.get_path("purelib"), sysconfig.get_path("platlib"):
        for file in Path(place).glob("pulumi_*/pulumi-plugin.json"):
            plugin = json.loads(file.read_text())
            if plugin.get("resource"):
                found[plugin["name"]] = plugin["version"]
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("give the PULUMI_HOME to install into")
    for name, path in install(Path(sys.argv[1])).items():
        print(f"{name} {path}")
