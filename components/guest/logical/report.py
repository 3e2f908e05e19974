"""What a look found, as an object of Cloud Storage that operations read from any desk (ADR 57). Standard library only.

It is written over each time: how old it is says whether anybody still looks.
"""

import datetime
import json
import urllib.parse
from typing import Any

from . import google

VERSION = 1
UPLOAD = "https://storage.googleapis.com/upload/storage/v1/b/{bucket}/o?{query}"


def document(found: "dict[str, Any]", now: datetime.datetime) -> "dict[str, Any]":
    """With when it was found. Pure."""
    return {**found, "version": VERSION, "at": now.strftime("%Y-%m-%dT%H:%M:%SZ")}


def write(place: str, found: "dict[str, Any]") -> "list[str]":
    """Problems; none when gs://BUCKET/NAME holds it."""
    bucket, _, name = place.removeprefix("gs://").partition("/")
    query = urllib.parse.urlencode({"uploadType": "media", "name": name})
    body = json.dumps(document(found, datetime.datetime.now(datetime.timezone.utc)))
    try:
        google.post(UPLOAD.format(bucket=urllib.parse.quote(bucket, safe=""), query=query), body.encode())
    except google.ERRORS as error:
        return [
            f"{place} was not told of this look ({google.words(error)}): operations take that for silence; the job's "
            "account needs roles/storage.objectUser for it (`pulumi up --refresh` gives it; a grant takes some minutes)"
        ]
    return []
