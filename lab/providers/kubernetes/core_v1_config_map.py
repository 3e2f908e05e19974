"""A map of texts that pods mount or read."""

from lab.providers.kubernetes.cluster import KubernetesType


class ConfigMap(KubernetesType):
    """The provider replaces it when its data changes, so that what uses it by name starts anew."""

    token = "kubernetes:core/v1:ConfigMap"
    replaces = frozenset({"data", "binaryData"})
