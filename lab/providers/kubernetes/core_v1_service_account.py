"""A service account: who a pod is, to Azure's federation, too."""

from lab.providers.kubernetes.cluster import KubernetesType


class ServiceAccount(KubernetesType):
    """See KubernetesType."""

    token = "kubernetes:core/v1:ServiceAccount"
