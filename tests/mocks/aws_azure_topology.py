"""Topology aws-azure under mocks: a user's settings, some changed, and what its program registers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi

from stacks import home
from stacks.aws_azure import build as aws_azure
from stacks.aws_azure import settings as aws_azure_settings
from stacks.settings import Reader
from tests.aws_azure_config import PROVIDERS, SECRETS, SETTINGS

from . import azure_site, traffic_world
from .harness import Run, run

FILL = {**azure_site.FILL, **traffic_world.FILL}
FILL["azure-native:storage:StorageAccount"] = lambda name, inputs: {
    **azure_site.FILL["azure-native:storage:StorageAccount"](name, inputs),
    **traffic_world.account(name, inputs),
}
IDS = {**azure_site.ID_TYPES, **traffic_world.IDS}


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def see(stack: str, project: Path) -> home.Home:
    """A home outside AWS, wherever the tests run."""
    return home.see(stack, project, {"HOME": "/none"}, Path("/none"))


def read(providers: Mapping[str, str] | None = None, **change: Any) -> aws_azure.Settings:
    """Settings of a user's stack file, and a change; of a provider's own, too."""
    values = {key: text(value) for key, value in {**SETTINGS, **SECRETS, **change}.items()}
    pulumi.runtime.set_all_config(
        PROVIDERS | dict(providers or {}) | {f"twinsite:{key}": value for key, value in values.items()}
    )
    reader = Reader(values.get)
    with mock.patch.object(aws_azure_settings, "see", see):
        settings = aws_azure.read(reader)
    reader.finish("stack test")
    return settings


def build(seen: Run | None = None, **change: Any) -> Run:
    """The program with these settings changed."""
    return run(lambda: aws_azure.build(read(**change)), fill=FILL, ids=IDS, seen=seen)
