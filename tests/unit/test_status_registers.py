"""What status says of the three registers of who may write: two decide, silence and contradiction are told, and the
documents are those that the guest writes."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from operations.amazon import Refused
from operations.azure import Blobs
from operations.google import GoogleError
from operations.subjects import registers
from operations.unanswered import CouldNotAsk
from tests.azure_http import azure_server
from tests.clouds_world import Clouds
from twinsite.guest.writer.registers import packed
from twinsite.guest.writer.registers import said as guests
from twinsite.guest.writer.rule import Said

from .test_status_clouds import seen

S3, GS, BLOB = "s3://crm-writer/writer.json", "gs://crm-writer-gcp/writer.json", "azblob://crmthird/writer/writer.json"
ONES = (S3, GS, BLOB)
GOOGLE = "storage/storage/v1/b/crm-writer-gcp/o/writer.json"
AWS = Said(3, "aws", True)
NEXT = Said(4, "gcp", False)


class Third:
    """Blob Storage with one document."""

    def __init__(self, content: bytes | Exception | None) -> None:
        self._content = content

    def get(self, place: object) -> tuple[bytes, str] | None:
        if isinstance(self._content, Exception):
            raise self._content
        return None if self._content is None else (self._content, "tag")


def world(s3: Any, gs: Any, third: Any, active: str = "aws") -> Clouds:
    """`None` is a register that holds nothing, an exception one that does not answer."""
    clouds = Clouds()
    content = [packed(one) if isinstance(one, Said) else one for one in (s3, gs, third)]
    clouds.s3["s3:GetObject"] = (
        content[0]
        if isinstance(content[0], Exception)
        else Refused("NoSuchKey", "s3:GetObject: NoSuchKey: gone")
        if content[0] is None
        else lambda given: {"Body": io.BytesIO(content[0])}
    )
    if content[1] is not None:
        clouds.google[GOOGLE] = content[1] if isinstance(content[1], Exception) else json.loads(content[1])
    clouds.azure = Third(content[2])
    clouds.inventory = replace(clouds.inventory, registers=ONES, active_site=active)
    return clouds


def problems(*given: Any, active: str = "aws") -> list[str]:
    s3, gs, third = given
    found = seen(world(s3, gs, third, active), active)
    assert found.shown()["healthy"] is (found.problems() == [])
    return [one for one in found.problems() if "pool serving" not in one]


def test_three_that_agree_are_shown_with_their_epoch() -> None:
    found = seen(world(AWS, AWS, AWS))
    assert found.problems() == []
    assert found.shown()["writer"] == {
        "site": "aws", "epoch": 3, "clear": True,
        "registers": [{"place": one, "site": "aws", "epoch": 3} for one in ONES],
    }  # fmt: skip
    assert "  writer   aws              epoch 3, 3 of 3 registers" in found.text()


def test_a_document_is_read_as_the_guest_reads_it() -> None:
    for one in (AWS, NEXT, Said(0, "aws", False)):
        read, theirs = registers.parse(json.loads(packed(one))), guests(packed(one))
        assert (read.site, read.epoch, read.clear) == (theirs.site, theirs.epoch, theirs.clear)


def test_without_registers_nobody_is_asked_and_no_writer_is_named() -> None:
    assert "writer" not in seen(Clouds()).shown()


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_one_that_does_not_answer_is_told_and_two_still_decide(gone: int) -> None:
    errors = [CouldNotAsk("AWS does not answer"), GoogleError("no answer"), CouldNotAsk("no answer of Azure's")]
    given: list[Any] = [AWS, AWS, AWS]
    given[gone] = errors[gone]
    (said,) = problems(*given)
    assert said.startswith(f"register {ONES[gone]} cannot be read (") and "no" in said
    found = seen(world(given[0], given[1], given[2]))
    assert found.shown()["writer"]["site"] == "aws" and "epoch 3, 2 of 3 registers" in found.text()


def test_with_two_gone_nobody_knows_and_no_writer_is_named() -> None:
    dead = CouldNotAsk("no answer")
    said = problems(dead, AWS, dead)
    assert said[-1].startswith("who may write is not known: 2 of 3 registers say nothing, and 2 decide")
    assert seen(world(dead, AWS, dead)).shown()["writer"]["site"] is None
    (empty,) = problems(None, None, None)
    assert empty.startswith("who may write is not known: 3 of 3 registers say nothing")


def test_one_that_holds_nothing_and_one_that_lags_are_told() -> None:
    (said,) = problems(AWS, None, AWS)
    assert said.startswith(f"register {GS} holds nothing, so that one more that is lost stops every writer: the agent")
    (said,) = problems(AWS, AWS, Said(2, "gcp", True))
    assert said.startswith(f"register {BLOB} is at epoch 2, and two are at 3: the agent of the site that writes")


def test_a_failover_that_stopped_after_one_swap_is_told_and_nobody_called_the_writer() -> None:
    (said,) = problems(AWS, NEXT, AWS)
    assert said.startswith("one register names gcp in epoch 4 and no second one does") and "run it again" in said
    assert seen(world(AWS, NEXT, AWS)).shown()["writer"]["site"] is None


def test_two_sites_in_one_epoch_are_told() -> None:
    (said,) = problems(AWS, Said(3, "gcp", True), AWS)
    assert said.startswith("registers name aws and gcp in epoch 3, and an epoch is one site's")


def test_after_a_failover_the_stack_has_to_be_told_and_an_opening_is_waited_for() -> None:
    said = problems(NEXT, NEXT, AWS)
    assert said[0].startswith(f"register {BLOB} is at epoch 3, and two are at 4")
    assert said[1].startswith("gcp may write by the registers (epoch 4), and the stack was told that aws is active: ")
    assert "`pulumi config set active_site gcp`" in said[1]
    assert problems(NEXT, NEXT, NEXT, active="gcp") == []
    text = seen(world(NEXT, NEXT, NEXT, active="gcp"), "gcp").text()
    assert "epoch 4, 3 of 3 registers, the other site may still be closing" in text


def test_another_stacks_registers_are_told() -> None:
    other = Said(3, "azure", True)
    (said,) = problems(other, other, other)
    assert said.startswith("the registers name azure (epoch 3), which this stack has not")


@pytest.mark.parametrize(
    "content",
    [b"[]", b"7", b'"aws"', b"{}", b'{"site": "", "epoch": 3}', b'{"site": "aws", "epoch": -1}',
     b'{"site": "aws", "epoch": true}', b'{"site": "aws", "epoch": "3"}', b'{"site": ["aws"], "epoch": 3}'],
)  # fmt: skip
def test_what_is_no_document_of_ours_says_nothing(content: bytes) -> None:
    (said,) = problems(AWS, AWS, content)
    assert said.startswith(f"register {BLOB} cannot be read ({BLOB} holds no document of a writer's (")
    assert "somebody wrote it by hand" in said


def test_what_is_no_json_and_a_place_of_a_kind_that_is_not_known_are_unknown() -> None:
    (said,) = problems(b"<html>", AWS, AWS)
    assert said.startswith(f"register {S3} cannot be read (the answer cannot be read (JSONDecodeError")
    clouds = world(AWS, AWS, AWS)
    clouds.inventory = replace(clouds.inventory, registers=(S3, GS, "consul://crm/writer"))
    assert "is neither gs://, s3:// nor azblob://" in seen(clouds).problems()[0]


def test_a_bucket_that_is_gone_is_no_empty_register() -> None:
    gone = Refused("NoSuchBucket", "s3:GetObject: NoSuchBucket: The specified bucket does not exist")
    assert "NoSuchBucket" in problems(gone, AWS, AWS)[0] and "is never deleted" in problems(gone, AWS, AWS)[0]
    lost = GoogleError("says 404 notFound: The specified bucket does not exist.", "", 404)
    (said,) = problems(AWS, lost, AWS)
    assert "the bucket of gs://crm-writer-gcp/writer.json is gone, not only empty; the bucket of a register" in said
    assert "`pulumi up`" not in said, "which does not make it"


def test_a_third_place_at_azure_is_asked_as_its_store_answers() -> None:
    with azure_server() as there:
        clouds = world(AWS, AWS, AWS)
        clouds.azure = Blobs(there.identity())
        assert f"register {BLOB} holds nothing" in seen(clouds).problems()[0]
        there.blobs["crmthird", "writer", "writer.json"] = packed(AWS)
        assert seen(clouds).problems() == []


def test_each_at_aws_is_asked_in_its_own_region() -> None:
    clouds = world(AWS, AWS, AWS)
    there = replace(clouds.inventory, registers=(S3, GS, "s3://third/writer.json"))
    asked: list[str] = []
    known = clouds.world()
    telling = replace(known, amazon=lambda region: asked.append(region) or known.amazon(region))  # type: ignore[func-returns-value]
    for regions in ((), ("", "", "us-west-2")):
        for ask in registers.asks(replace(there, register_regions=regions), telling).values():
            ask()
    assert asked == ["ap-northeast-2", "ap-northeast-2", "ap-northeast-2", "us-west-2"]
