"""Good arguments of GkeStandby and Workload, and what Google and a cluster would say."""

from typing import Any

from twinsite import DrMode

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"

GKE: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "site": "gcp",
    "project": "crm-dr",
    "cluster": "crm",
    "region": "asia-northeast3",
    "zones": ["asia-northeast3-a", "asia-northeast3-b"],
    "network_id": "projects/crm-dr/global/networks/dr",
    "nodes_range": "10.40.0.0/24",
    "pods_range": "10.44.0.0/16",
    "services_range": "10.41.0.0/20",
    "operator_ranges": ["198.51.100.0/24"],
    "identities": {"writer": "crm/writer"},
    "site_is_active": False,
    "labels": {"team": "dr"},
}

DEFINITION: dict[str, Any] = {"name": "crm", "digest": f"sha256:{'ab' * 32}", "env": {"LOG_LEVEL": "info"}}

STANDBY: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "standby": True,
    "cluster": {"site": "gcp", "exists": True, "context": "gke_crm", "kubeconfig": "{}"},
    "definition": DEFINITION,
    "namespace": "crm",
    "repository": "asia-northeast3-docker.pkg.dev/crm-dr/crm/crm",
    "database": {
        "address": "10.31.0.3",
        "port": 5432,
        "schema": "crm",
        "user": "crm_app",
        "password": "hidden",
        "tls_ca": "PEM",
    },
    "site_is_active": False,
}
HOME: dict[str, Any] = {
    **STANDBY,
    "standby": False,
    "cluster": {"site": "aws", "exists": True, "context": "eks", "kubeconfig": None},
    "namespace_exists": True,
    "repository": "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/crm",
    "cache": {"address": "cache.internal", "port": 6379},
}


def cluster(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"endpoint": "203.0.113.9", "masterAuth": {"clusterCaCertificate": "Q0E="}}


def account(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"email": f"{inputs['accountId']}@crm-dr.iam.gserviceaccount.com", "name": f"accounts/{inputs['accountId']}"}


def uid(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {**inputs["metadata"], "uid": f"uid-of-{name}"}}


SAID = {
    CLUSTER: cluster,
    "gcp:serviceaccount/account:Account": account,
    "gcp:compute/globalAddress:GlobalAddress": lambda name, inputs: {"address": "203.0.113.80"},
    CONFIG: uid,
    SECRET: uid,
}
