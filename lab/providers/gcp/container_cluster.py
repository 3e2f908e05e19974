"""A GKE cluster: its control plane is the lab's (lab/services/cluster.py), its nodes are its pools'."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName, Call
from lab.providers.gcp.cloud import Part, unprotected


class Cluster(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:container/cluster:Cluster"
    path = "projects/{project}/locations/{location}/clusters/{name}"
    live = True
    linked = False
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {
        "selfLink": "https://container.googleapis.com/v1/{id}",
        "endpoint": "34.64.10.20",
        "labelFingerprint": "{hex}",
        "masterAuth": {
            "clientCertificate": "",
            "clientCertificateConfig": {"issueClientCertificate": False},
            "clientKey": "",
            "clusterCaCertificate": "TEFC",
        },
        "masterVersion": "1.34.1-gke.100",
        "operation": "",
        "servicesIpv4Cidr": "10.201.0.0/20",
    }

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        unprotected(self.token, identity, state)
        super().delete(call, identity, state)
