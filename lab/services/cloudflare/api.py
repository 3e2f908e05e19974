"""api.cloudflare.com/client/v4: what operations and doctor ask, read only.

[Cloudflare API: Load Balancers, Pools (list, health), Monitors; Zones get; User API Tokens verify and get; Alerting
policies; API response format]
"""

import re
import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from lab.services.api import Answer, bearer, told
from lab.services.cloudflare import HOST, SERVERS, ZONE
from lab.services.cloudflare.model import BALANCER, MONITOR, NOTIFICATION, POOL, Records
from lab.services.cloudflare.monitors import Monitors
from lab.services.signature import Request

PAGE = 100
TOKEN_ID = "0123456789abcdef0123456789abcdef"
_SMALL = re.compile("(?<!^)(?=[A-Z])")
_HIDDEN = ("urn", "id")


class _Refused(Exception):
    """`code` is Cloudflare's."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


class CloudflareApi:
    """One token, which may all."""

    def __init__(self, token: str, records: Records, monitors: Monitors) -> None:
        self._token, self._records, self._monitors = token, records, monitors

    def owns(self, name: str) -> bool:
        return name == HOST

    def answer(self, request: Request) -> Answer:
        path = urllib.parse.unquote(request.path).removeprefix("/client/v4/")
        query = dict(urllib.parse.parse_qsl(request.query))
        try:
            self._judge(request, path)
            found = self._found(request.method, path)
        except _Refused as refused:
            error = {"code": refused.code, "message": str(refused)}
            return told(refused.status, {"success": False, "errors": [error], "messages": [], "result": None})
        said: dict[str, Any] = {"success": True, "errors": [], "messages": []}
        if not isinstance(found, list):
            return told(200, {"result": found, **said})
        page, size = int(query.get("page") or 1), int(query.get("per_page") or PAGE)
        part = found[(page - 1) * size : page * size]
        pages = -(-len(found) // size)
        info = {"page": page, "per_page": size, "count": len(part), "total_count": len(found), "total_pages": pages}
        return told(200, {"result": part, "result_info": info, **said})

    def _judge(self, request: Request, path: str) -> None:
        given = bearer(request)
        if not given:
            raise _Refused(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            if path.endswith("tokens/verify"):
                raise _Refused(401, 1000, "Invalid API Token")
            raise _Refused(403, 9109, "Invalid access token")

    def _found(self, method: str, path: str) -> Any:
        for pattern, gives in self._paths().items():
            found = re.fullmatch(pattern, path) if method == "GET" else None
            if found is not None:
                return gives(*found.groups())
        raise _lost(path)

    def _paths(self) -> Mapping[str, Callable[..., Any]]:
        balancing = r"accounts/([^/]+)/load_balancers"
        return {
            "user/tokens/verify": lambda: {"id": TOKEN_ID, "status": "active"},
            f"user/tokens/{TOKEN_ID}": self._own,
            r"zones/([^/]+)": self._zone,
            r"zones/([^/]+)/load_balancers": self._balancers,
            rf"{balancing}/pools": lambda account: self._listed(POOL, account),
            rf"{balancing}/monitors": lambda account: self._listed(MONITOR, account),
            rf"{balancing}/pools/([^/]+)/health": self._health,
            r"accounts/([^/]+)/alerting/v3/policies": lambda account: self._listed(NOTIFICATION, account),
            r"accounts/([^/]+)/subscriptions": self._subscriptions,
        }

    def _own(self) -> dict[str, Any]:
        """Of a token with the groups that the lists in policies/ name, on every zone and account."""
        zone, account = "com.cloudflare.api.account.zone.*", "com.cloudflare.api.account.*"
        groups = {
            zone: ("Zone Read", "Load Balancers Write"),
            account: ("Load Balancing: Monitors and Pools Write", "Notifications Write"),
        }
        policies = [
            {"effect": "allow", "resources": {place: "*"}, "permission_groups": [{"name": one} for one in names]}
            for place, names in groups.items()
        ]
        return {"id": TOKEN_ID, "status": "active", "policies": policies}

    def _zone(self, identity: str) -> dict[str, Any]:
        zone = self._records(ZONE).get(identity)
        if zone is None:
            raise _Refused(404, 1001, "Invalid zone identifier")
        plan = str(zone.get("plan") or "free")
        return {
            "id": identity,
            "name": zone["name"],
            "status": "active",
            "account": {"id": zone.get("account")},
            "plan": {"legacy_id": plan, "name": f"{plan.title()} Website"},
            "name_servers": list(SERVERS),
        }

    def _balancers(self, zone: str) -> list[dict[str, Any]]:
        self._zone(zone)
        found = self._records(BALANCER).items()
        return [_described(identity, one) for identity, one in found if one.get("zoneId") == zone]

    def _listed(self, token: str, account: str) -> list[dict[str, Any]]:
        self._account(account)
        found = self._records(token).items()
        return [_described(identity, one) for identity, one in found if one.get("accountId") == account]

    def _health(self, account: str, identity: str) -> dict[str, Any]:
        self._account(account)
        if self._records(POOL).get(identity, {}).get("accountId") != account:
            raise _lost(f"pool {identity}")
        places = {
            f"{region} {number + 1}": {
                "healthy": all(healthy for healthy, _ in known.values()),
                "origins": [
                    {
                        address: {
                            "healthy": healthy,
                            "failure_reason": seen.reason,
                            "response_code": seen.code,
                            "rtt": f"{1000 * seen.seconds:.1f}ms",
                        }
                    }
                    for address, (healthy, seen) in known.items()
                ],
            }
            for (region, number), known in sorted(self._monitors.said(identity).items())
        }
        return {"pool_id": identity, "pop_health": places}

    def _subscriptions(self, account: str) -> list[dict[str, Any]]:
        self._account(account)
        return [{"rate_plan": {"id": "load_balancing", "public_name": "Load Balancing"}}]

    def _account(self, identity: str) -> None:
        if identity not in {str(zone.get("account")) for zone in self._records(ZONE).values()}:
            raise _Refused(403, 9109, "Unauthorized to access requested resource")


def _described(identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """As the API spells it."""
    return {"id": identity, **{key: value for key, value in _spelt(record).items() if key not in _HIDDEN}}


def _spelt(value: Any) -> Any:
    if isinstance(value, Mapping):
        # What is Host in a header stays so.
        return {
            _SMALL.sub("_", key).lower() if key[:1].islower() else key: _spelt(one)
            for key, one in value.items()
            if not key.startswith("__")
        }
    return [_spelt(one) for one in value] if isinstance(value, list) else value


def _lost(path: str) -> _Refused:
    return _Refused(404, 7003, f"Could not route to /{path}, perhaps your object identifier is invalid?")
