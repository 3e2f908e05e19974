"""A resource group."""

from lab.providers.azure_native.cloud import GROUP, AzureType, generated


class ResourceGroup(AzureType):
    """Deleting it deletes what is in it; the engine deletes that first anyway."""

    token = "azure-native:resources:ResourceGroup"
    path = GROUP
    api = "2024-03-01"
    autoname = generated("resourceGroupName", 90)
    live = True
    provisioned = False
