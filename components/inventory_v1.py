"""Version 1 of the inventory, converted to version 2 on reading.

With the primary dead nobody can run `pulumi up`, so whatever the last one published must do. What version 1 left out
(which packages stand at a site, which site is home) follows from what stands there; it knew three sites. Pure.
"""

from typing import Any

VERSION = 1

PACKAGES = {"aws": ["aws"], "azure": ["azure-native"], "onprem": ["command"]}
"""Sites of version 1 → Pulumi's packages for them; a cluster adds its own."""

ENGINE = "mysql"
"""The only one."""

_SAME = ("topology", "dr_mode", "active_site", "tunnels", "backups", "digest")


def converted(data: dict[str, Any]) -> dict[str, Any]:
    """Plain JSON of version 2. ValueError names what is missing."""
    try:
        return _converted(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"inventory of version 1: {error!r} is missing or wrong: run `pulumi up` again") from None


def _converted(data: dict[str, Any]) -> dict[str, Any]:
    home, away = _sites(data)
    jobs = data.get("jobs") or []
    machines = data.get("azure_machines") or []
    clustered = {job["site"] for job in jobs}
    hosts = [
        *({**{key: value for key, value in host.items() if key != "transport"}, "way": host["transport"]}
          for host in data["hosts"]),
        *(_machine(machine) for machine in machines),
        *(_job(job) for job in jobs),
    ]  # fmt: skip
    return {
        **{key: data[key] for key in _SAME if key in data},
        "version": 2,
        "sites": [
            {"name": site, "providers": [*PACKAGES.get(site, []), *(["kubernetes"] if site in clustered else [])]}
            for site in (home, away)
        ],
        "home": home,
        "away": away,
        "hosts": hosts,
        "flows": [_flow(replica) for replica in data.get("replicas") or []],
        "endpoints": [_endpoint(one, machines) for one in data.get("databases") or []],
        "names": [_name(name, data.get("latch")) for name in data.get("names") or []],
        "store": _store(data.get("store") or ""),
    }


def _sites(data: dict[str, Any]) -> tuple[str, str]:
    """(home, away): by what stands there, because version 1 said only who serves just now."""
    both = [str(data["active_site"]), str(data["standby_site"])]
    away = [one["site"] for one in data.get("azure_machines") or [] if "standby" in one["roles"]]
    where = {host["name"]: host["site"] for host in data["hosts"]}
    away += [where[replica["replica"]] for replica in data.get("replicas") or [] if replica["replica"] in where]
    found = away[0] if away else both[1]
    return next((site for site in both if site != found), ""), found


def _machine(machine: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": machine["name"],
        "site": machine["site"],
        "address": "",
        "roles": machine["roles"],
        "way": {
            "kind": "azure-run-command",
            "subscription": machine["subscription"],
            "resource_group": machine["resource_group"],
            "vm": machine["vm"],
        },
        "status": machine.get("status", ""),
    }


def _job(job: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{job['site']}-{job['cronjob']}",
        "site": job["site"],
        "address": "",
        "roles": ["backup"],
        "way": {
            "kind": "pod",
            "context": job["context"],
            "namespace": job["namespace"],
            "cronjob": job["cronjob"],
        },
    }


def _flow(replica: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in replica.items() if key != "replica"}
    return {**kept, "target": replica["replica"], "engine": ENGINE, "kind": "mysql-replica"}


def _endpoint(database: dict[str, Any], machines: list[dict[str, Any]]) -> dict[str, Any]:
    through = [one["name"] for one in machines if one["site"] == database["site"]]
    site = database["site"]
    return {**database, "name": f"{site}-{ENGINE}", "engine": ENGINE, "through": through[0] if through else ""}


def _name(name: dict[str, Any], latch: dict[str, Any] | None) -> dict[str, Any]:
    if latch is None:
        raise ValueError(f"inventory of version 1: {name['fqdn']} has no latch: run `pulumi up` again")
    return {**name, "steering": {"kind": "route53-latch", **latch}}


def _store(text: str) -> str:
    """`HOST:/directory` has become a URL, as the others were."""
    host, colon, folder = text.partition(":")
    return f"ssh://{host}{folder}" if colon and folder.startswith("/") and not folder.startswith("//") else text
