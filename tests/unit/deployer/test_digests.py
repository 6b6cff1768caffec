"""A digest covers a fixed list of members, so that it stays what it was under another botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.model import ListShape, StructureShape

from deployer.decisions.eligibility import ineligible
from deployer.model.artifacts import FORMAT, MEMBERS, digest_of
from tests.unit.deployer.builders import approval, facts, model_version, release, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape

CONTAINER: dict[str, Any] = {
    "Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1",
    "Environment": {"ANY": "thing"},
    "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/k/", "S3DataType": "S3Prefix"}},
    "AdditionalModelDataSources": [{"ChannelName": "c", "S3DataSource": {"S3Uri": "s3://b/c"}}],
}


def test_what_a_newer_botocore_shows_besides_changes_no_digest() -> None:
    source = CONTAINER["ModelDataSource"]["S3DataSource"]
    newer = {
        **CONTAINER,
        "SomethingNew": "x",
        "ModelDataSource": {"S3DataSource": {**source, "AlsoNew": True}, "Other": {}},
        "AdditionalModelDataSources": [{**CONTAINER["AdditionalModelDataSources"][0], "New": 1}],
    }

    assert digest_of([newer], []) == digest_of([CONTAINER], [])


def test_what_the_list_has_changes_the_digest() -> None:
    known = digest_of([CONTAINER], [])
    changed = [
        {**CONTAINER, "Environment": {"ANY": "other"}},
        {**CONTAINER, "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/other/"}}},
        {**CONTAINER, "AdditionalModelDataSources": []},
        {**CONTAINER, "ModelDataETag": "0a1b"},
    ]

    assert known not in {digest_of([each], []) for each in changed}
    assert digest_of([CONTAINER, CONTAINER], []) != known != digest_of([CONTAINER], [["s3://b/k/", {}]])


def test_a_digest_is_what_it_was_when_its_format_was_made() -> None:
    # If this fails, the format has changed: give it another name.
    assert FORMAT == "1"
    assert digest_of([CONTAINER], []) == "1.6c6fee071acead43321e0b7cf2fdd6b3dbd8b2e5c0a9539c034e82ec70573050"


def members_of(shape: Shape) -> Mapping[str, Any] | None:
    if isinstance(shape, ListShape):
        return members_of(shape.member)
    if isinstance(shape, StructureShape):
        return {name: members_of(member) for name, member in shape.members.items()}
    return None


def test_the_list_has_every_member_that_the_pinned_botocore_knows() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")

    assert members_of(model.shape_for("ModelPackageContainerDefinition")) == MEMBERS


def test_a_stage_says_so_if_another_one_notes_digests_in_a_format_that_it_does_not_know() -> None:
    version = model_version(2, metadata={"greenlight:production:digest": "9.0a1b"})
    known = facts([approval(2)], under=settings(StageName="staging"), versions=[version])

    found = ineligible(known, approval(2), release(2))

    assert found is not None
    assert found.reason.startswith("Stage production noted what it deployed in a format that")
    assert found.remedy == "Let both stages run the same release of Greenlight."
