"""The azure-native stand-in on the real engine with a daemon: what the world becomes, and what Azure would refuse."""

from lab.providers.azure_native.dbformysql_server import DELETED
from tests.engine.conftest import LiveStack, late

SITE = """
    import base64, pulumi
    from pulumi_azure_native import compute, network, resources
    settings = pulumi.Config()
    group = resources.ResourceGroup("g", resource_group_name="g", location="koreacentral")
    inside = {"resource_group_name": group.name}
    vnet = network.VirtualNetwork("v", address_space={"address_prefixes": ["10.40.0.0/16"]}, **inside)
    nsg = network.NetworkSecurityGroup("n", **inside)
    subnet = network.Subnet("s", virtual_network_name=vnet.name, address_prefix="10.40.1.0/24",
                            network_security_group={"id": nsg.id}, **inside)
    address = network.PublicIPAddress("p", sku={"name": "Standard"}, public_ip_allocation_method="Static", **inside)
    nic = network.NetworkInterface("nic", ip_configurations=[{
        "name": "one", "subnet": {"id": subnet.id}, "public_ip_address": {"id": address.id}}], **inside)
    gib = settings.get_int("gib") or 4
    disk = compute.Disk("d", disk_size_gb=gib, creation_data={"create_option": "Empty"}, **inside)
    vm = compute.VirtualMachine(
        "vm", hardware_profile={"vm_size": settings.get("size") or "Standard_B2s"},
        network_profile={"network_interfaces": [{"id": nic.id}]},
        os_profile={"computer_name": "standby", "admin_username": "x",
                    "custom_data": base64.b64encode((settings.get("data") or "#!/bin/sh").encode()).decode()},
        storage_profile={"data_disks": [{"lun": 0, "create_option": "Attach", "managed_disk": {"id": disk.id}}]},
        opts=pulumi.ResourceOptions(replace_on_changes=["osProfile.customData"], delete_before_replace=True), **inside,
    )
    pulumi.export("address", address.ip_address)
    pulumi.export("private", nic.ip_configurations[0].private_ip_address)
"""


def test_a_program_becomes_networks_firewalls_and_machines_and_goes_without_a_trace(live: LiveStack) -> None:
    live.desk.extra.update(late())
    live.program(SITE)
    live.up()
    world, outputs = live.world, live.outputs()
    (vpc,), (subnet,), (face,), (machine,), (volume,) = (
        world.vpcs, world.subnets, world.interfaces, world.machines, world.volumes,
    )  # fmt: skip
    assert (vpc.cidr, vpc.internet, vpc.resolver) == ("10.40.0.0/16", True, "168.63.129.16")
    assert (subnet.vpc, subnet.cidr) == (vpc.id, "10.40.1.0/24")
    assert (face.address, face.public_address) == (outputs["private"], outputs["address"])
    assert face.address == "10.40.1.4", "Azure keeps the first four"
    (group,) = [one for one in world.groups if one.id in face.groups]
    assert group.ordered
    assert [rule.cidr for rule in group.ingress] == ["10.40.0.0/16", "168.63.129.16/32", "0.0.0.0/0"]
    assert [rule.deny for rule in group.ingress] == [False, False, True]
    assert (machine.user_data, machine.hostname, machine.agent) == ("#!/bin/sh", "standby", True)
    assert machine.volumes == (("lun0", volume.id),)
    live.up("--expect-no-changes")
    live.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    live.must("destroy", "--yes", "--skip-preview")
    rest = live.world
    assert (rest.vpcs, rest.subnets, rest.groups, rest.interfaces, rest.volumes, rest.machines) == ((),) * 6


def test_changed_custom_data_makes_another_machine_and_a_changed_size_restarts_the_same(live: LiveStack) -> None:
    live.program(SITE)
    live.up()
    (first,) = live.world.machines
    asked = len(live.box.worlds)
    live.config("size", "Standard_B4ms")
    live.config("gib", "8")
    live.up()
    seen = [one.running for world in live.box.worlds[asked:] for one in world.machines]
    assert False in seen
    assert seen[-1] is True
    (same,), (volume,) = live.world.machines, live.world.volumes
    assert (same.id, volume.gib) == (first.id, 8)
    live.config("data", "#!/bin/bash")
    live.up()
    (other,) = live.world.machines
    assert other.id != first.id
    assert (other.user_data, other.interface, other.volumes) == ("#!/bin/bash", first.interface, first.volumes)


def test_what_azure_refuses_is_refused_with_its_code(live: LiveStack) -> None:
    live.memory.records_put(DELETED, "kept", {"of": "a server of this morning"})
    live.program("""
        import pulumi
        from pulumi_azure_native import dbformysql, network, resources, storage
        group = resources.ResourceGroup("g", resource_group_name="g", location="koreacentral")
        inside = {"resource_group_name": group.name}
        vnet = network.VirtualNetwork("v", address_space={"address_prefixes": ["10.40.0.0/16"]}, **inside)
        place = {"virtual_network_name": vnet.name, **inside}
        one = network.Subnet("one", address_prefix="10.40.1.0/24", **place)
        after = pulumi.ResourceOptions(depends_on=[one])
        network.Subnet("overlapping", address_prefix="10.40.1.128/25", opts=after, **place)
        network.Subnet("outside", address_prefix="10.41.1.0/24", **place)
        network.NetworkInterface("reserved", ip_configurations=[{
            "name": "one", "subnet": {"id": one.id}, "private_ip_allocation_method": "Static",
            "private_ip_address": "10.40.1.3"}], **inside)
        dbformysql.Server("again", server_name="kept", administrator_login="dbadmin", administrator_login_password="x",
                          sku={"name": "Standard_B2s", "tier": "Burstable"}, **inside)
        storage.BlobContainer("lost", account_name="nobodys", **inside)
        network.PublicIPAddress("alone", resource_group_name="missing", sku={"name": "Standard"},
                                public_ip_allocation_method="Static", location="koreacentral")
    """)
    code, said = live.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert code != 0
    for word in (
        "NetcfgSubnetRangesOverlap",
        "NetcfgInvalidSubnet",
        "PrivateIPAddressNotInSubnet",
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "Specified server name 'kept' is already used",
    ):
        assert word in said
    assert len(live.world.subnets) == 1
