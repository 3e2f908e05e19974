"""Refusals about who may write: the three registers, and the agent that holds a site's gate. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .backup import Writer, federation_problems, label_problems, pod_problems
from .gcs_backup import shortened
from .hosts import generation_problems, region_problems
from .intent import Intent

REGISTERS = 3
"""Of which two decide (ADR 44)."""
PLACE = re.compile(r"(?:s3|gs)://([^/]+)/.+|azblob://([^/]+)/[^/]+/.+")
DOCUMENT = "writer.json"
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/(.+)")


@dataclass(frozen=True, kw_only=True)
class WriterRegistersIntent(Intent):
    """What WriterRegisters is meant to be."""

    project: str = ""
    bucket: str = ""
    """Of that name at both clouds."""
    aws_region: str = ""
    gcp_location: str = ""
    third: str = ""
    third_region: str = ""
    home: Writer = field(default_factory=Writer)
    """The agent in AWS' cluster."""
    home_provider: str = ""
    away: Writer = field(default_factory=Writer)
    """The one in Google's."""
    generation: int = 1
    given_up: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """AWS, Google, the third."""
        return f"s3://{self.bucket}/{DOCUMENT}", f"gs://{self.bucket}/{DOCUMENT}", self.third

    @property
    def pool(self) -> str:
        """Of workload identities: its name is kept from others for 30 days after it is deleted."""
        return f"{shortened(self.bucket, 24)}-{self.generation}"

    @property
    def account(self) -> str:
        """At Google, of the agent in AWS' cluster."""
        return f"{shortened(self.bucket, 24)}-agent"

    def problems(self) -> list[str]:
        """Why two registers could fail together, or an agent could not read them."""
        problems = [
            *self._bucket(),
            *self._third(),
            *self._provider(),
            *generation_problems("generation", self.generation),
        ]
        for which, agent in (("home", self.home), ("away", self.away)):
            problems += [one.replace("writer.", f"{which}.") for one in federation_problems(agent)]
        return problems

    def _bucket(self) -> Iterator[str]:
        if not re.fullmatch(r"[a-z][a-z0-9-]{4,46}[a-z0-9]", self.bucket):
            yield (
                f"bucket is {self.bucket!r}: use 6 to 48 lower-case letters, digits and hyphens, a letter first and no "
                "hyphen last: it is the name at AWS and at Google alike"
            )
        elif self.bucket.startswith(("goog", "gcp-", "xn--", "sthree-")) or "google" in self.bucket:
            yield f"bucket is {self.bucket!r}: a cloud keeps such names for itself; choose another"
        for name, example in (("project", "crm-dr"), ("gcp_location", "asia-northeast3")):
            if not getattr(self, name):
                yield f"{name} is empty: set it, like {example}"
        yield from region_problems(self.aws_region)

    def _third(self) -> Iterator[str]:
        found = PLACE.fullmatch(self.third)
        if not found:
            yield (
                f"third is {self.third!r}: name a register that somebody made in a third place, "
                "azblob://ACCOUNT/CONTAINER/NAME, s3://BUCKET/NAME in another region or gs://BUCKET/NAME elsewhere"
            )
            return
        if found[1] == self.bucket:
            yield (
                f"third is {self.third}, in one of the two buckets: whatever takes that one takes two registers, and "
                "nobody may write; take another place"
            )
        if not self.third.startswith("s3://"):
            return
        if not self.third_region:
            yield f"third is {self.third}: name its region, third_region"
        elif self.third_region == self.aws_region:
            yield (
                f"third is in {self.third_region}, where the primary's register is: one region that fails takes two of "
                "three, and nobody may write; take another place"
            )

    def _provider(self) -> Iterator[str]:
        found = _PROVIDER.fullmatch(self.home_provider)
        listed = "`aws iam list-open-id-connect-providers` lists them"
        if not found:
            yield (
                f"home_provider is {self.home_provider!r}: give the ARN of the identity provider that AWS' account has "
                f"for the cluster's issuer ({listed}; `eksctl utils associate-iam-oidc-provider` makes it)"
            )
        elif self.home.issuer and found[1] != self.home.issuer.removeprefix("https://"):
            yield (
                f"home_provider is of {found[1]}, and the cluster's issuer is {self.home.issuer}: its pods would be "
                f"nobody at AWS; give the provider of that issuer ({listed})"
            )


@dataclass(frozen=True, kw_only=True)
class WriterAgentIntent(Intent):
    """What a WriterAgent is meant to do."""

    site: str = ""
    home: str = ""
    namespace: str = ""
    agent: str = "twinsite-writer"
    image: str = ""
    flow: str = ""
    schemas: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    text: str = ""
    released: bool = False
    exists: bool = True
    site_is_active: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Why it must not run like this."""
        problems = [*pod_problems(self.image, namespace=self.namespace, agent=self.agent), *label_problems(self.tags)]
        strange = [one for one in self.places if not PLACE.fullmatch(one)]
        if strange or len(set(self.places)) != REGISTERS:
            problems.append(
                f"places are {', '.join(self.places)}: name {REGISTERS} that fail apart, each s3://BUCKET/NAME, "
                "gs://BUCKET/NAME or azblob://ACCOUNT/CONTAINER/NAME"
            )
        for name in ("site", "home", "flow", "schemas", "text"):
            if not getattr(self, name):
                problems.append(f"{name} is empty: name it")
        return problems
