"""Every form of an S3 place that SageMaker accepts is parsed; everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.excerpts import LONGEST, excerpt, media_type
from deployer.model.s3_uris import NoS3UriError, place


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://models/a/b.tar.gz", "models", "a/b.tar.gz"),
        ("s3://models/a%20b?c#d", "models", "a%20b?c#d"),
        ("s3://models", "models", ""),
        ("https://models.s3.amazonaws.com/a%20b", "models", "a b"),
        ("https://models.s3.eu-central-1.amazonaws.com/a/b", "models", "a/b"),
        ("https://my.models.s3.eu-central-1.amazonaws.com/a", "my.models", "a"),
        ("https://models.s3-eu-west-1.amazonaws.com/a", "models", "a"),
        ("https://models.s3.dualstack.us-east-1.amazonaws.com/a", "models", "a"),
        ("https://models.s3-fips.dualstack.us-gov-west-1.amazonaws.com/a", "models", "a"),
        ("https://models.s3-accelerate.amazonaws.com/a", "models", "a"),
        ("https://models.s3-accelerate.dualstack.amazonaws.com/a", "models", "a"),
        ("https://models.s3.cn-north-1.amazonaws.com.cn/a", "models", "a"),
        ("https://s3.amazonaws.com/models/a/b", "models", "a/b"),
        ("https://s3-eu-west-1.amazonaws.com/models/a", "models", "a"),
        ("https://s3.dualstack.eu-central-1.amazonaws.com/models/a", "models", "a"),
        ("https://S3.EU-Central-1.amazonaws.com:443/models/A", "models", "A"),
    ],
)
def test_a_place_in_s3_is_read_in_every_form(uri: str, bucket: str, key: str) -> None:
    assert place(uri) == (bucket, key)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "models/a",
        "s3://",
        "s3:///a",
        "s3://arn:aws:s3:eu-central-1:111122223333:accesspoint/x/a",
        "http://models.s3.eu-central-1.amazonaws.com/a",
        "https://example.org/a",
        "https://models.s3.eu-central-1.example.org/a",
        "https://amazonaws.com/models/a",
        "https://s3.eu-central-1.amazonaws.com/",
        "https://[models/a",
        "https://models.s3.amazonaws.com/a?versionId=1",
        "https://models.s3.amazonaws.com/a#b",
    ],
)
def test_what_names_no_place_in_s3_is_refused(uri: str) -> None:
    with pytest.raises(NoS3UriError):
        place(uri)


@given(st.text() | st.text().map("s3://{}".format) | st.text().map("https://{}".format))
def test_whatever_is_registered_is_read_or_refused(uri: str) -> None:
    try:
        bucket, _ = place(uri)
    except NoS3UriError:
        return
    assert bucket


@given(st.text(min_size=LONGEST - 2, max_size=LONGEST + 2))
def test_what_others_wrote_is_cut_to_what_anybody_reads(text: str) -> None:
    cut = excerpt(text)

    assert len(cut) <= LONGEST
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


def test_a_header_that_is_no_media_type_is_not_told() -> None:
    assert media_type("") == ""
    assert media_type("application/json; charset=utf-8") == "application/json; charset=utf-8"
    assert media_type("a person, and a number") == "no media type"
    assert media_type("text/csv; person=somebody") == "no media type"
