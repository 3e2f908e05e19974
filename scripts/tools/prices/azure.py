"""Azure's retail prices: a public API that answers in pages of JSON."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .found import Found, Open, Wanted, first_tier, only

ROOT = "https://prices.azure.com/api/retail/prices"
_FIELDS = {"service": "serviceName", "size": "armSkuName", "product": "productName", "meter": "meterName"}
_OTHERS = ("Windows", "Spot", "Low Priority", "Cloud Services")
"""Words in the product or the offer of what is not a plain one of that size."""


def prices(wanted: Sequence[Wanted], fetch: Open) -> dict[tuple[str, str], Found]:
    """By sku and region. OSError when it cannot be asked."""
    return {(one.sku, one.region): _price(one, fetch) for one in wanted}


def _price(one: Wanted, fetch: Open) -> Found:
    asked = [f"{field} eq '{one.where[key]}'" for key, field in _FIELDS.items() if key in one.where]
    asked += [f"armRegionName eq '{one.region}'", "priceType eq 'Consumption'"]
    address = f"{ROOT}?{urllib.parse.urlencode({'$filter': ' and '.join(asked)})}"
    tiers = [
        (float(item.get("tierMinimumUnits") or 0), float(item["retailPrice"]))
        for item in _items(address, fetch)
        if _plain(item) and item["unitOfMeasure"] == one.where["unit"] and item["currencyCode"] == "USD"
    ]
    return only(first_tier(tiers), address)


def _items(address: str, fetch: Open) -> Iterator[Mapping[str, Any]]:
    page: str | None = address
    while page:
        with fetch(page) as stream:
            found = json.load(stream)
        yield from found["Items"]
        page = found.get("NextPageLink")


def _plain(item: Mapping[str, Any]) -> bool:
    return not any(word in f"{item['productName']} {item['skuName']}" for word in _OTHERS)
