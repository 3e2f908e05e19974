"""Where operations keep journal, lock and a copy of the inventory: a bucket in the standby's region, in every mode."""

from typing import Any

import pulumi
import pulumi_gcp as gcp

from .args import tags
from .settings import NAME, Settings


def bucket(settings: Settings) -> gcp.storage.Bucket:
    """Private, and with a name that Pulumi draws: names of buckets are the whole world's."""
    return gcp.storage.Bucket(
        f"{NAME}-operations",
        # Google keeps it so, and another spelling would be another place.
        location=settings.location.upper(),
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        # With the default `destroy` fails while there is a journal; one of a stack that is gone helps nobody.
        force_destroy=True,
        labels=tags(),
    )


def publish(there: gcp.storage.Bucket, published: pulumi.Output[dict[str, Any]]) -> None:
    """The inventory, for when Pulumi cannot answer."""
    gcp.storage.BucketObject(
        f"{NAME}-inventory",
        bucket=there.name,
        name="inventory.json",
        content_type="application/json",
        content=pulumi.Output.json_dumps(published, indent=1, sort_keys=True),
        # To the provider another content is another object of the same name: made first, it goes with the old one.
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )
