"""Which site, which database, which registers; read from writer.json and its secrets, every problem at once."""

import re
from dataclasses import dataclass, field
from typing import Any

from .. import documents
from ..archive.config import Federation
from ..archive.gcs import Identity
from ..errors import Refused
from ..logical.config import NAME, Config, End
from .identity import AwsRole, AzureClient
from .registers import BlobRegister, GcsRegister, Register, S3Register
from .rule import REGISTERS

PORT = 8080
NOBODY = Federation()
PLACE = re.compile(r"(s3|gs|azblob)://([a-z0-9][a-z0-9._-]+)/(\S+)")


@dataclass(frozen=True)
class Place:
    """Where a register is."""

    url: str
    region: str = ""
    """Of a bucket at AWS."""

    @property
    def parts(self) -> "tuple[str, str, str]":
        """Scheme, bucket or account, name."""
        found = PLACE.fullmatch(self.url)
        assert found is not None  # read
        return found[1], found[2], found[3]

    def beside(self, name: str) -> "Place":
        """Another object of the same bucket or container."""
        return Place(f"{self.url.rpartition('/')[0]}/{name}", self.region)


@dataclass(frozen=True)
class Settings:
    """Of one site's agent."""

    site: str
    home: str
    """The site at which the data were first."""
    flow: Config
    """Whose gate it is: name, schemas and this end. The other end is not asked."""
    places: "tuple[Place, ...]"
    status: "Place | None"
    """Where it leaves what it knows, for operations."""
    text: str
    """What /writer answers where this site may write."""
    released: bool = False
    """Whether the gate is let go where this site may write."""
    port: int = PORT
    google: Federation = NOBODY
    aws_role: str = ""
    aws_token_file: str = ""
    words: "dict[str, str]" = field(default_factory=dict, repr=False)
    """Of the third place: tenant, client_id and client_secret at Azure."""

    def register(self, place: Place) -> Register:
        """What asks that place."""
        scheme, where, name = place.parts
        if scheme == "s3":
            role = AwsRole(place.region, self.aws_role, self.aws_token_file)
            return S3Register(where, place.region, role.get, name)
        if scheme == "gs":
            return GcsRegister(where, Identity(self.google, 0, hurried=True).token, name)
        container, _, blob = name.partition("/")
        client = AzureClient(*(self.words[one] for one in AZURE))
        return BlobRegister(where, container, client.get, blob)


AZURE = ("tenant", "client_id", "client_secret")


def read(path: str, secrets: str) -> Settings:
    """Refused with everything that is wrong."""
    data, words = documents.read(path), documents.read(secrets)
    problems: list[str] = []
    said = {name: str(data.get(name) or "") for name in ("site", "home", "flow", "text")}
    problems += [f"{name} is missing: name it" for name, value in said.items() if not value]
    if said["flow"] and not NAME.fullmatch(said["flow"]):
        problems.append(f"flow is {said['flow']!r}: give the name of the replication's flow")
    places = tuple(_place(one, problems) for one in data.get("registers") or ())
    if len(places) != REGISTERS or len({one.url for one in places}) != len(places):
        problems.append(f"registers are {[one.url for one in places]}: name {REGISTERS} places that fail apart")
    told = words.get("third") or {}
    azure = {name: str(told.get(name) or "") for name in AZURE}
    if any(one.url.startswith("azblob://") for one in places) and not all(azure.values()):
        problems.append(f"a register is at Azure, and the secrets' `third` lacks one of {', '.join(AZURE)}")
    end, schemas = _end(data, words, problems), tuple(map(str, data.get("schemas") or ()))
    if not schemas:
        problems.append("schemas are missing: name those whose tables are behind the gate")
    port = documents.whole_number(data, "port", PORT, 1, 65535, problems)
    if problems:
        raise Refused(problems)
    status = data.get("status")
    google, aws = data.get("google") or {}, data.get("aws") or {}
    return Settings(
        site=said["site"],
        home=said["home"],
        flow=Config(
            name=said["flow"],
            source=end,
            target=end,
            replication_user="",
            replication_password="",
            schemas=schemas,
            slot_wal_keep_mib=1,
            authority_at_target="",
        ),
        places=places,
        status=_place(status, problems) if status else None,
        text=said["text"],
        released=data.get("released") is True,
        port=port,
        google=Federation(*(str(google.get(name, "")) for name in ("audience", "token_file", "service_account"))),
        aws_role=str(aws.get("role", "")),
        aws_token_file=str(aws.get("token_file", "")),
        words=azure,
    )


def _place(said: Any, problems: "list[str]") -> Place:
    one = said if isinstance(said, dict) else {}
    place = Place(str(one.get("place", "")), str(one.get("region", "")))
    if not PLACE.fullmatch(place.url):
        problems.append(
            f"register {place.url!r} is none: give s3://BUCKET/NAME, gs://BUCKET/NAME or "
            "azblob://ACCOUNT/CONTAINER/NAME"
        )
    elif place.url.startswith("s3://") and not place.region:
        problems.append(f"register {place.url} has no region: name it beside the place")
    return place


def _end(data: "dict[str, Any]", words: "dict[str, Any]", problems: "list[str]") -> End:
    said = data.get("database")
    said = said if isinstance(said, dict) else {}
    problems += [
        f"database.{name} is missing: name it" for name in ("address", "database", "user") if not said.get(name)
    ]
    return End(
        address=str(said.get("address", "")),
        database=str(said.get("database", "")),
        user=str(said.get("user", "")),
        password=str(words.get("database_password", "")),
        port=documents.whole_number(said, "port", 5432, 1, 65535, problems, "database."),
        tls_ca=str(said.get("tls_ca", "")),
        certificate_name=str(said.get("certificate_name", "")),
    )
