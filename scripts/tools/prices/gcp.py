"""Google's list of prices, which wants a key: a size is the sum of its cores and its memory."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .found import Found, Open, Wanted, first_tier, only

ROOT = "https://cloudbilling.googleapis.com/v1/services"


def prices(wanted: Sequence[Wanted], fetch: Open, key: str) -> dict[tuple[str, str], Found]:
    """By sku and region. Each service is read once; the key is in no address that is told. OSError as with others."""
    services = dict.fromkeys(one.where["service"] for one in wanted)
    lists = {service: list(_skus(service, fetch, key)) for service in services}
    return {(one.sku, one.region): _price(one, lists[one.where["service"]]) for one in wanted}


def _price(one: Wanted, skus: Sequence[Mapping[str, Any]]) -> Found:
    address = f"{ROOT}/{one.where['service']}/skus"
    sum_usd = 0.0
    for part in one.where["parts"]:
        fitting = [sku for sku in skus if sku["description"].startswith(part["description"])]
        here = [sku for sku in fitting if one.region in sku["serviceRegions"] or "global" in sku["serviceRegions"]]
        ondemand = [sku for sku in here if sku["category"]["usageType"] == "OnDemand"]
        found = only([usd for sku in ondemand for usd in first_tier(_tiers(sku, part["unit"]))], address)
        if found.usd is None:
            return Found(None, f"{part['description']}: {found.words}")
        sum_usd += found.usd * part["quantity"]
    return Found(round(sum_usd, 6), address)


def _skus(service: str, fetch: Open, key: str) -> Iterator[Mapping[str, Any]]:
    token = ""
    while True:
        with fetch(f"{ROOT}/{service}/skus?{urllib.parse.urlencode({'key': key, 'pageToken': token})}") as stream:
            found = json.load(stream)
        yield from found["skus"]
        token = found.get("nextPageToken") or ""
        if not token:
            return


def _tiers(sku: Mapping[str, Any], unit: str) -> Iterator[tuple[float, float]]:
    pricing = sku["pricingInfo"][-1]["pricingExpression"]
    if pricing["usageUnit"] != unit:
        return
    for rate in pricing["tieredRates"]:
        price = rate["unitPrice"]
        if price["currencyCode"] == "USD":
            yield float(rate["startUsageAmount"]), int(price.get("units") or 0) + int(price.get("nanos") or 0) / 1e9
