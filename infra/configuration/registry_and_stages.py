"""Owns what may stand in the context keys `registry` and `stages`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from infra.settings.aws_shapes import shape
from infra.settings.keys.base_model import StrictModel
from infra.settings.keys.endpoint_settings import ENTITY_NAME

_ACCOUNT: Final = r"^[0-9]{12}$"
_REGION: Final = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$"
_ARTIFACTS: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?$]+/)?$"
_IMAGE: Final = r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/[a-z0-9._/-]{2,256}$"
_KEY: Final = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"
_ROLE: Final = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/*?-]+$"
_ENTITY: Final = f"^{ENTITY_NAME}$"
LONGEST_ENTITY: Final[int] = shape("EntityName").metadata["max"]
_LONGEST_SOAK_SECONDS: Final = 30 * 24 * 60 * 60
_MONTH_DAYS: Final = 30

Account = Annotated[str, Field(pattern=_ACCOUNT, description="the 12 digits of an AWS account, as a string")]
Region = Annotated[str, Field(pattern=_REGION, description="an AWS region, such as eu-central-1")]


class Key(StrictModel):
    """A KMS key that a group's artifacts are encrypted with."""

    arn: Annotated[str, Field(pattern=_KEY, description="the ARN of a KMS key; no alias")]
    by: Annotated[
        Literal["key_policy", "grant", "owner"],
        Field(
            description="how stages are let in: key_policy (statements in the key's policy), grant (a grant "
            "for each role), or owner (by the key's owner, by hand)"
        ),
    ] = "key_policy"


class Artifacts(StrictModel):
    """A prefix below which versions' artifacts are; text alone is the prefix."""

    prefix: Annotated[
        str,
        Field(pattern=_ARTIFACTS, description="an S3 prefix that ends in a slash: s3://bucket/prefix/"),
    ]
    by: Annotated[
        Literal["bucket_policy", "owner"],
        Field(
            description="how stages are let in: bucket_policy (statements in the bucket's policy), or owner "
            "(by the bucket's owner, by hand)"
        ),
    ] = "bucket_policy"

    @model_validator(mode="before")
    @classmethod
    def _prefix_alone(cls, value: object) -> object:
        return {"prefix": value} if isinstance(value, str) else value


class Group(StrictModel):
    """What the versions of a model package group are made of, and stages must be able to read."""

    artifacts: Annotated[
        list[Artifacts],
        Field(
            min_length=1,
            description="the S3 prefixes below which the versions' artifacts are, each as text or as a "
            "mapping",
        ),
    ]
    images: Annotated[
        list[
            Annotated[
                str,
                Field(
                    pattern=_IMAGE,
                    description="an ECR repository, as it stands in images: "
                    "<account>.dkr.ecr.<region>.amazonaws.com/<name>, without a tag or digest",
                ),
            ]
        ],
        Field(min_length=1, description="the ECR repositories of the versions' images"),
    ]
    keys: Annotated[
        list[Key], Field(description="the KMS keys that the artifacts are encrypted with, if any")
    ] = []


class Registry(StrictModel):
    """The account whose model package groups the stages deploy from."""

    account: Account
    region: Region
    organization: Annotated[
        str | None,
        Field(
            pattern=r"^o-[a-z0-9]{10,32}$",
            description="the organisation that the registry account must be in when it puts events on "
            "stages' buses, such as o-a1b2c3d4e5; by default none",
        ),
    ] = None
    resource_names: Annotated[
        Literal["both", "as_named", "lower_case"],
        Field(
            description="how a group's name is spelled in ARNs: as_named, lower_case, or both; AWS documents "
            "both spellings"
        ),
    ] = "both"
    admit: Annotated[
        Literal["by_purpose", "both_roles"],
        Field(
            description="who is let in: by_purpose (the deployer to the registry, the models' role to "
            "artifacts, images and keys) or both_roles (both to all)"
        ),
    ] = "by_purpose"
    revision: Annotated[
        int,
        Field(
            ge=0,
            description="a number; change it to let the next deployment restore every statement and replace "
            "every grant; by default 0",
        ),
    ] = 0
    groups: Annotated[
        dict[str, Group], Field(description="by the name of a model package group, what its versions need")
    ]


class LifeCycle(StrictModel):
    """A state of the registry's own ModelLifeCycle; both words are free."""

    stage: Annotated[
        str,
        Field(
            pattern=_ENTITY,
            max_length=LONGEST_ENTITY,
            description="a ModelLifeCycle Stage, such as Production: at most 63 letters, digits and inner "
            "hyphens",
        ),
    ]
    stage_status: Annotated[
        str,
        Field(
            pattern=_ENTITY,
            max_length=LONGEST_ENTITY,
            description="a ModelLifeCycle StageStatus, such as Approved: at most 63 letters, digits and "
            "inner hyphens",
        ),
    ]


class Promotion(StrictModel):
    """What a stage writes to the registry once a version has proven itself in it."""

    stage: Annotated[
        str,
        Field(
            pattern=_ENTITY,
            max_length=LONGEST_ENTITY,
            description="the ModelLifeCycle Stage of the next stage's gate, such as Production",
        ),
    ]
    stage_status: Annotated[
        Literal["PendingApproval", "Approved"],
        Field(description="PendingApproval, for a person to approve, or Approved, to promote automatically"),
    ]


def _without_slashes(folder: str | list[str]) -> str | list[str]:
    names = [folder] if isinstance(folder, str) else folder
    if not names or any(not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name) or ".." in name for name in names):
        raise ValueError("not names below the directory of endpoint settings")
    return folder


class Stage(StrictModel):
    """An account that serves some endpoints, and which versions it takes."""

    account: Account
    region: Annotated[
        str | None,
        Field(pattern=_REGION, description="the stage's region, which must be the registry's; its default"),
    ] = None
    endpoints: Annotated[
        str | list[str],
        AfterValidator(_without_slashes),
        Field(
            description="a folder below the directory of endpoint settings, or a list of the files there, "
            "without .yaml"
        ),
    ]
    gate: Annotated[
        LifeCycle | None,
        Field(
            description="the ModelLifeCycle that a version must have, as well as being Approved; by default "
            "Approved is enough"
        ),
    ] = None
    soak_seconds: Annotated[
        int | None,
        Field(
            ge=0,
            le=_LONGEST_SOAK_SECONDS,
            description=f"how long a version serves before it is promoted: seconds, at most {_MONTH_DAYS} "
            "days; by default 3600",
        ),
    ] = None
    promotion: Annotated[
        Promotion | None,
        Field(
            description="stage and stage_status that are written to the registry after the soak; by default "
            "none"
        ),
    ] = None
    execution_role_arn: Annotated[
        str | None,
        Field(
            pattern=shape("RoleArn").metadata["pattern"],
            description="the ARN of the role that models run with in this stage; by default one is made",
        ),
    ] = None
    operators: Annotated[
        list[
            Annotated[
                str,
                Field(pattern=_ROLE, description="the ARN of an IAM role, with * and ? as wildcards"),
            ]
        ],
        Field(
            description="roles of the stage's account that may look at the registry's versions, for the "
            "doctor"
        ),
    ] = []


DEFAULT_SOAK_SECONDS: Final = 3600
