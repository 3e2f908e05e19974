"""What a machine said of itself, told where a gate failed; a former machine's words are not believed."""

import json

import pytest

from twinsite.machine import status

PLACE = {"host": "aws-gateway", "bucket": "b", "region": "ap-northeast-2", "machine": "i-2"}
SAID = {"machine": "i-2", "outcome": "failed", "detail": "E: no space left", "time": "2026-11-29T03:00:00Z"}


def test_its_last_words_are_told_with_their_time() -> None:
    found = status.words(PLACE, json.dumps(SAID))
    assert found == "aws-gateway says (failed, 2026-11-29T03:00:00Z): E: no space left"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (json.dumps({**SAID, "machine": "i-1"}), "its status is of i-1, a former machine"),
        ("", "its status is unreadable"),
        ("[]", "its status is unreadable"),
        ('{"outcome": "applied"}', "its status is unreadable"),
    ],
)
def test_what_does_not_count_is_called_so_with_where_to_look(text: str, why: str) -> None:
    found = status.words(PLACE, text)
    assert why in found
    assert "no space left" not in found
    assert "get-console-output --region ap-northeast-2 --output text --instance-id i-2`" in found
