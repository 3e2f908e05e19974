"""Traffic: which site a name answers with, and what stands before the standby.

Here: names with a failover pair, the latch, the notice page, the front of the standby, and the pure model of Route 53
behind their rules (answers.py). Not here: refusals (rules/traffic.py), moving users (operations).
Provider SDKs are heavy, so the names below load their module on first use.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .certificate import EdgeCertificate, EdgeCertificateArgs
    from .failover_pair import CheckArgs, PrimaryEnd, Route53FailoverPair, Route53FailoverPairArgs, SecondaryEnd
    from .front_door import FrontDoor, FrontDoorArgs
    from .latch import Latch, LatchArgs, LatchStore
    from .maintenance_page import MaintenancePage, MaintenancePageArgs
    from .static_site import StaticSite, StaticSiteArgs

_HOME = {
    "CheckArgs": ".failover_pair",
    "EdgeCertificate": ".certificate",
    "EdgeCertificateArgs": ".certificate",
    "FrontDoor": ".front_door",
    "FrontDoorArgs": ".front_door",
    "Latch": ".latch",
    "LatchArgs": ".latch",
    "LatchStore": ".latch",
    "MaintenancePage": ".maintenance_page",
    "MaintenancePageArgs": ".maintenance_page",
    "PrimaryEnd": ".failover_pair",
    "Route53FailoverPair": ".failover_pair",
    "Route53FailoverPairArgs": ".failover_pair",
    "SecondaryEnd": ".failover_pair",
    "StaticSite": ".static_site",
    "StaticSiteArgs": ".static_site",
}

__all__ = [
    "CheckArgs",
    "EdgeCertificate",
    "EdgeCertificateArgs",
    "FrontDoor",
    "FrontDoorArgs",
    "Latch",
    "LatchArgs",
    "LatchStore",
    "MaintenancePage",
    "MaintenancePageArgs",
    "PrimaryEnd",
    "Route53FailoverPair",
    "Route53FailoverPairArgs",
    "SecondaryEnd",
    "StaticSite",
    "StaticSiteArgs",
]

__getattr__ = lazily(__name__, _HOME)
