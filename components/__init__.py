"""The twinsite library: components that make disaster recovery across sites something to provision and drill.

Here: Pulumi components, the rules that refuse bad designs, the inventory they publish, and the files that run on
machines (guest/). Not here: a particular topology (stacks/), anything done after `pulumi up` (operations/).
Provider SDKs are heavy, so the names of `__init__.pyi` load their module on first use.
"""

import pkgutil

import lazy_loader

# So that twinsite.stacks and twinsite.operations find what a topology of another package brings (ADR 37).
__path__ = pkgutil.extend_path(__path__, __name__)

EXTRAS = {
    "pulumi_azure_native": "azure",
    "pulumi_cloudflare": "cloudflare",
    "pulumi_gcp": "gcp",
    "pulumi_kubernetes": "kubernetes",
}
"""Which extra of the wheel brings an SDK that not every user wants."""

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    try:
        return _find(name)
    except ModuleNotFoundError as missing:
        if extra := EXTRAS.get((missing.name or "").partition(".")[0]):
            raise ModuleNotFoundError(
                f"twinsite.{name} needs {missing.name}: pip install 'twinsite[{extra}]'", name=missing.name
            ) from missing
        raise
