"""What each cloud was told of a VPN, as routers for the box. The whole of it: tests/lab/test_cloud_vpn.py."""

from collections.abc import Mapping
from typing import Any

import pytest

from lab.services import cloud_vpn
from tests.lab.cloud_vpn_bed import WRONG
from tests.lab.cloud_vpn_world import Records, graph, told
from tests.policy.pack import said


@pytest.fixture(scope="module")
def records() -> Records:
    return told()


@pytest.mark.parametrize("name", WRONG)
def test_what_is_told_wrongly_is_refused_by_a_policy_once_addresses_are_known(records: Records, name: str) -> None:
    """That it stays down is shown by tests/lab/test_cloud_vpn.py."""
    assert said(graph(records)) == {}
    found = said(graph(WRONG[name].change(records)))
    assert set(found) == {"bgp-session-cannot-come-up" if "own address" in name else "tunnel-ends-differ"}
    assert {one.partition(":")[0] for those in found.values() for one in those} == set(WRONG[name].tunnels)


def connection(**options: Any) -> dict[str, Mapping[str, Any]]:
    told = {"tunnel1Address": "13.124.0.1", "tunnel1InsideCidr": "169.254.9.0/30", "tunnel1PresharedKey": "one"}
    told |= {"tunnel2Address": "13.124.0.2", "tunnel2InsideCidr": "169.254.9.4/30", "tunnel2PresharedKey": "two"}
    return {"vpn-1": {"vpnGatewayId": "vgw-1", "customerGatewayId": "cgw-1", **told, **options}}


def at_aws(**options: Any) -> list[Any]:
    records: dict[str, dict[str, Mapping[str, Any]]] = {
        "aws:ec2/vpc:Vpc": {"vpc-1": {"cidrBlock": "10.1.0.0/16"}},
        "aws:ec2/vpnGateway:VpnGateway": {"vgw-1": {"vpcId": "vpc-1", "amazonSideAsn": "64512"}},
        "aws:ec2/customerGateway:CustomerGateway": {"cgw-1": {"bgpAsn": "65000", "ipAddress": "34.1.1.1"}},
        "aws:ec2/vpnConnection:VpnConnection": connection(**options),
    }
    return cloud_vpn.at_aws(lambda token: records[token])


def test_aws_takes_everything_where_the_program_chose_nothing_and_does_not_call() -> None:
    (router,) = at_aws()
    plain, sealed = router.ends[0].ike.split(", ")
    assert plain.startswith("aes128-aes256-sha1-sha256-sha384-sha512-modp1024-")
    assert sealed.startswith("aes128gcm16-aes256gcm16-prfsha1-prfsha256-prfsha384-prfsha512-modp1024-")
    assert router.ends[0].esp.split(", ")[1].startswith("aes128gcm16-aes256gcm16-modp1024-")
    assert [end.calls for end in router.ends] == [False, False]


def test_options_are_of_one_tunnel() -> None:
    (router,) = at_aws(tunnel2Phase1DhGroupNumbers=[20.0], tunnel2StartupAction="start")
    first, second = router.ends
    assert (first.calls, second.calls) == (False, True)
    assert second.ike.split(", ")[0] == "aes128-aes256-sha1-sha256-sha384-sha512-ecp384"
    assert first.ike.endswith("-modp2048s256")


def test_a_connection_with_static_routes_has_no_session() -> None:
    assert at_aws(staticRoutesOnly=True) == []


def test_a_key_is_not_shown_where_an_end_is() -> None:
    (router,) = at_aws(tunnel1PresharedKey="of nobody else")
    assert router.ends[0].key == "of nobody else"
    assert "of nobody else" not in repr(router)


def test_google_advertises_subnets_unless_it_is_told_to_choose() -> None:
    def advertised(**bgp: Any) -> tuple[str, ...]:
        records: dict[str, dict[str, Mapping[str, Any]]] = {
            "gcp:compute/subnetwork:Subnetwork": {
                "a": {"ipCidrRange": "10.30.0.0/20", "network": "projects/p/global/networks/ours"},
                "b": {"ipCidrRange": "10.99.0.0/20", "network": "projects/p/global/networks/others"},
            },
            "gcp:compute/router:Router": {"r": {"name": "r", "network": "https://x/networks/ours", "bgp": bgp}},
            "gcp:compute/haVpnGateway:HaVpnGateway": {
                "g": {"name": "g", "vpnInterfaces": [{"id": 1, "ipAddress": "34.1.1.1"}]}
            },
            "gcp:compute/externalVpnGateway:ExternalVpnGateway": {
                "e": {"name": "e", "interfaces": [{"id": 3, "ipAddress": "13.124.0.1"}]}
            },
            "gcp:compute/vPNTunnel:VPNTunnel": {
                "t": {"name": "t", "router": "r", "sharedSecret": "s", "vpnGateway": "p/g", "vpnGatewayInterface": 1.0,
                      "peerExternalGateway": "p/e", "peerExternalGatewayInterface": 3.0},
            },
            "gcp:compute/routerInterface:RouterInterface": {
                "i": {"name": "i", "router": "r", "vpnTunnel": "t", "ipRange": "169.254.9.2/30"},
            },
            "gcp:compute/routerPeer:RouterPeer": {
                "p": {"name": "p", "router": "r", "interface": "i", "peerIpAddress": "169.254.9.1", "peerAsn": 64512.0},
            },
        }  # fmt: skip
        (router,) = cloud_vpn.at_google(lambda token: records[token])
        assert (router.ends[0].outside, router.ends[0].peer) == ("34.1.1.1", "13.124.0.1")
        return router.advertised

    services = [{"range": "10.31.0.0/20"}]
    assert advertised(asn=65000.0) == ("10.30.0.0/20",)
    assert advertised(asn=65000.0, advertiseMode="CUSTOM", advertisedIpRanges=services) == ("10.31.0.0/20",)
    both = {"advertisedIpRanges": services, "advertisedGroups": ["ALL_SUBNETS"]}
    assert advertised(asn=65000.0, advertiseMode="CUSTOM", **both) == ("10.30.0.0/20", "10.31.0.0/20")
