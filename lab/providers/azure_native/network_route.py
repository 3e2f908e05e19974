"""One route of a route table."""

from lab.providers.azure_native.cloud import GROUP, AzureType, copied


class Route(AzureType):
    """Changes in place."""

    token = "azure-native:network:Route"
    path = GROUP + "/providers/Microsoft.Network/routeTables/{routeTableName}/routes/{routeName}"
    api = "2024-05-01"
    autoname = copied("routeName", 80)
    located = False
