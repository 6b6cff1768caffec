"""Owns the context keys `registry` and `stages`: what may stand in them, and what is said of a mistake.

Pure. Without them everything is one account and one stage.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeGuard, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from infra.settings.aws_shapes import shape
from infra.settings.keys.base_model import StrictModel
from infra.settings.keys.endpoint_settings import ENTITY_NAME
from infra.settings.problem import Problem, field_name, nearest, shown
from infra.stages.accounts import partition_of, url_suffix_of
from infra.stages.promotions import mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from infra.settings.problem import FieldPath

KEYS: Final = ("registry", "stages")

_ACCOUNT: Final = r"^[0-9]{12}$"
_REGION: Final = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$"
_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_LONGEST_STAGE_NAME: Final = 24
_OF_THE_REGISTRY: Final = "registry"
_ARTEFACTS: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?$]+/)?$"
_IMAGE: Final = r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/[a-z0-9._/-]{2,256}$"
_KEY: Final = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"
_ROLE: Final = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/*?-]+$"
_ENTITY: Final = f"^{ENTITY_NAME}$"
_LONGEST_ENTITY: Final[int] = shape("EntityName").metadata["max"]
_LONGEST_SOAK_SECONDS: Final = 30 * 24 * 60 * 60
_MONTH_DAYS: Final = 30

Account = Annotated[str, Field(pattern=_ACCOUNT, description="the 12 digits of an AWS account, as a string")]
Region = Annotated[str, Field(pattern=_REGION, description="an AWS region, such as eu-central-1")]


class Key(StrictModel):
    """A KMS key that a group's artefacts are encrypted with."""

    arn: Annotated[str, Field(pattern=_KEY, description="the ARN of a KMS key; no alias")]
    by: Annotated[
        Literal["key_policy", "grant", "owner"],
        Field(
            description="how stages are let in: key_policy (statements in the key's policy), grant (a grant "
            "for each role), or owner (by the key's owner, by hand)"
        ),
    ] = "key_policy"


class Artefacts(StrictModel):
    """A prefix below which versions' artefacts are; text alone is the prefix."""

    prefix: Annotated[
        str,
        Field(pattern=_ARTEFACTS, description="an S3 prefix that ends in a slash: s3://bucket/prefix/"),
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

    artefacts: Annotated[
        list[Artefacts],
        Field(
            min_length=1,
            description="the S3 prefixes below which the versions' artefacts are, each as text or as a "
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
        list[Key], Field(description="the KMS keys that the artefacts are encrypted with, if any")
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
            "artefacts, images and keys) or both_roles (both to all)"
        ),
    ] = "by_purpose"
    revision: Annotated[
        int,
        Field(
            ge=0,
            description="a number; with another one, a deployment brings every statement in again, and makes "
            "every grant anew; by default 0",
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
            max_length=_LONGEST_ENTITY,
            description="a ModelLifeCycle Stage, such as Production: at most 63 letters, digits and inner "
            "hyphens",
        ),
    ]
    stage_status: Annotated[
        str,
        Field(
            pattern=_ENTITY,
            max_length=_LONGEST_ENTITY,
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
            max_length=_LONGEST_ENTITY,
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
    settings_stacks: Annotated[
        int | None,
        Field(
            ge=1,
            le=25,
            description="over how many stacks this stage's settings are spread, from 1 to 25; by default as "
            "the key of the same name says",
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
_PLAIN_TYPES: Final = frozenset(
    {"string_type", "list_type", "dict_type", "model_type", "model_attributes_type"}
)


def read_accounts(
    context: Mapping[str, Any], place: str
) -> tuple[Registry | None, dict[str, Stage], list[Problem]]:
    """Read the two keys out of the whole CDK context.

    `place` is how problems name the context. Returns what can be used; it is complete only without problems.
    """
    problems: list[Problem] = []

    def refuse(path: FieldPath, got: str, expected: str, fix: str) -> None:
        problems.append(Problem(place, 0, field_name(path), got, expected, fix))

    given = {}
    for key in KEYS:
        if key in context:
            value = _unquoted(context[key])
            if isinstance(value, dict) and value:
                given[key] = value
            else:
                refuse((key,), shown(context[key]), "a mapping", "see docs/accounts.md, or remove it")
    if problems:
        return None, {}, problems
    if len(given) == 1:
        [other] = set(KEYS) - given.keys()
        fix = f"add {other}, or remove {next(iter(given))}"
        refuse((other,), "nothing", "both registry and stages, or neither", fix)
        return None, {}, problems
    registry = _validated(Registry, given["registry"], ("registry",), problems, place) if given else None
    stages = {
        name: stage
        for name, value in given.get("stages", {}).items()
        if (stage := _validated(Stage, value, ("stages", name), problems, place)) is not None
    }
    problems += _names(given, place)
    if not problems and registry is not None:
        problems += _between(registry, stages, place)
    return registry, stages, problems


def _unquoted(value: object) -> object:
    """Read JSON, as a value from the command line is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _validated(
    model: type[BaseModel], value: object, path: FieldPath, problems: list[Problem], place: str
) -> Any:  # noqa: ANN401 - an instance of the model, or None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problem = _problem(model, detail, path, place)
            if problem not in problems:
                problems.append(problem)
        return None


def _problem(model: type[BaseModel], detail: ErrorDetails, path: FieldPath, place: str) -> Problem:
    """Translate one of pydantic's errors into ours."""
    inner = detail["loc"]
    # Of a field that may be of several types, pydantic adds the type's name.
    field, holder = _described(model, inner)
    whole = (*path, *field)
    expected = holder[1] or "a mapping of keys"
    match detail["type"]:
        case "extra_forbidden":
            known = holder[0]
            meant = nearest(str(inner[-1]), known, count=1)
            fix = f"did you mean {meant[0]}?" if meant else "remove it"
            got = f"the unknown key {inner[-1]}"
            return Problem(
                place, 0, field_name((*path, *inner)), got, f"one of {', '.join(sorted(known))}", fix
            )
        case "missing":
            return Problem(place, 0, field_name(whole), "nothing", expected, f"add {field[-1]}")
        case "literal_error":
            fix = f"choose one of {detail.get('ctx', {})['expected']}"
        case "int_type" | "greater_than_equal" | "less_than_equal":
            fix = "write a number within the range, without quotes"
        case kind if kind in _PLAIN_TYPES:
            fix = "write it as docs/accounts.md shows"
        case _:
            fix = "correct the value"
    return Problem(place, 0, field_name(whole), shown(detail["input"]), expected, fix)


def _described(model: type[BaseModel], path: FieldPath) -> tuple[FieldPath, tuple[list[str], str]]:
    """Find the field that a path leads to: its path without names of types, its siblings, its description."""
    field: list[str | int] = []
    current: Any = model
    description = ""
    for part in path:
        inner = _below(current, part)
        if inner is None:
            break
        field.append(part)
        current, description = inner[0], inner[1] or description
    known = list(current.model_fields) if _is_model(current) else []
    return tuple(field), (known, description)


def _below(annotation: Any, part: str | int) -> tuple[Any, str] | None:  # noqa: ANN401 - any type
    """Find what a part of a path is in a type, and what is said of it; None if it is the name of a type."""
    if _is_model(annotation):
        info = annotation.model_fields.get(str(part))
        return (_present(info.annotation), str(info.description)) if info else None
    if get_origin(annotation) is dict and isinstance(part, str):
        return get_args(annotation)[1], ""
    lists = [each for each in (annotation, *get_args(annotation)) if get_origin(each) is list]
    if lists and isinstance(part, int):
        [item] = get_args(lists[0])
        said = next((each.description for each in get_args(item)[1:] if isinstance(each, FieldInfo)), None)
        return item, said or ""
    return None


def _present(annotation: Any) -> Any:  # noqa: ANN401 - any type
    """Leave out that a value may be missing."""
    present = [each for each in get_args(annotation) if each is not type(None)]
    return present[0] if type(None) in get_args(annotation) else annotation


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401 - any type
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _names(given: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for name in given.get("stages", {}):
        if len(name) > _LONGEST_STAGE_NAME or not _STAGE_NAME.fullmatch(name):
            expected = (
                f"a stage's name: at most {_LONGEST_STAGE_NAME} lower-case letters, digits and hyphens, a "
                "letter first and after each hyphen"
            )
            yield Problem(place, 0, f"stages.{name}", shown(name), expected, "rename it")
        if name == _OF_THE_REGISTRY:
            expected = "another name: some disks take its stack's files for those of the registry's stack"
            yield Problem(place, 0, f"stages.{name}", shown(name), expected, "rename it")
    groups = given.get("registry", {}).get("groups", {})
    for name in groups if isinstance(groups, dict) else {}:
        if not re.fullmatch(ENTITY_NAME, name) or len(name) > _LONGEST_ENTITY:
            expected = "the name of a model package group: at most 63 letters, digits and inner hyphens"
            yield Problem(place, 0, f"registry.groups.{name}", shown(name), expected, "name it as it is")


def _between(registry: Registry, stages: Mapping[str, Stage], place: str) -> Iterator[Problem]:
    """Find what is wrong between stages, each of which is right."""
    for name, stage in stages.items():
        at = f"stages.{name}"
        if stage.region not in (None, registry.region):
            expected = (
                f"{registry.region}, the registry's: SageMaker reads models and images of its own region"
            )
            fix = "copy models to a registry of that region, and make its stages an app of their own"
            yield Problem(place, 0, f"{at}.region", shown(stage.region), expected, fix)
        if stage.soak_seconds is not None and stage.promotion is None:
            expected = "a promotion, which is written after it"
            yield Problem(place, 0, f"{at}.soak_seconds", "no promotion beside it", expected, "add promotion")
        for key in ("execution_role_arn", "operators"):
            given = getattr(stage, key)
            for arn in [given] if isinstance(given, str) else given or []:
                if arn.split(":")[4] != stage.account:
                    expected = f"a role of the stage's account {stage.account}: no other's can be passed"
                    yield Problem(
                        place, 0, f"{at}.{key}", shown(arn), expected, "name a role of that account"
                    )
    yield from mistakes(stages, place)
    yield from _one_group_twice(registry, place)
    yield from _elsewhere(registry, place)


def _one_group_twice(registry: Registry, place: str) -> Iterator[Problem]:
    """Find groups that differ by letter case alone: SageMaker has only one of them."""
    first: dict[str, str] = {}
    for name in registry.groups:
        known = first.setdefault(name.lower(), name)
        if known != name:
            got = f"{name}, which is {known}"
            expected = "each group once: letter case does not tell groups apart"
            yield Problem(place, 0, f"registry.groups.{name}", got, expected, f"remove it, or {known}")


def _elsewhere(registry: Registry, place: str) -> Iterator[Problem]:
    """Find images and keys that are not where the registry is.

    An image must be in the endpoint's region (botocore: ContainerDefinition), in whatever account; only the
    registry's own repositories are opened to stages. A key must be in its bucket's region (S3 user guide,
    "UsingKMSEncryption"), and its policy is changed from its own account only (botocore: kms PutKeyPolicy);
    a grant takes that the owner lets the policy editor make it, which is no less work by hand.
    """
    region, partition = registry.region, partition_of(registry.region)
    for name, group in registry.groups.items():
        at = f"registry.groups.{name}"
        for index, image in enumerate(group.images):
            if image.partition("/")[0].partition(".dkr.ecr.")[2] != f"{region}.{url_suffix_of(region)}":
                expected = (
                    f"<account>.dkr.ecr.{region}.{url_suffix_of(region)}/…: SageMaker pulls images from its "
                    "own region"
                )
                fix = f"name it in {region}; AWS's images are in each region, in an account of that region's"
                yield Problem(place, 0, f"{at}.images[{index}]", shown(image), expected, fix)
        for index, key in enumerate(group.keys):
            _, in_partition, _, in_region, account, _ = key.arn.split(":")
            if (in_partition, in_region) != (partition, region):
                expected = f"a key of {region}, where the artefacts are: S3 encrypts with no other region's"
                fix = f"name the key that they are encrypted with in {region}"
                yield Problem(place, 0, f"{at}.keys[{index}].arn", shown(key.arn), expected, fix)
            elif account != registry.account and key.by != "owner":
                expected = f"owner, as the key is of account {account}: only its own account lets others in"
                fix = 'write "by": "owner"; the doctor prints what the key\'s owner has to add'
                yield Problem(place, 0, f"{at}.keys[{index}].by", shown(key.by), expected, fix)


def explained(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key of a model, as `groups.<name>.artefacts`, with what it expects."""
    for name, info in model.model_fields.items():
        here, inner = f"{path}{name}", _present(info.annotation)
        yield here, str(info.description)
        if get_origin(inner) is dict:
            here, inner = f"{here}.<name>", get_args(inner)[1]
        elif get_origin(inner) is list:
            here, inner = f"{here}[]", get_args(inner)[0]
        if _is_model(inner):
            yield from explained(inner, f"{here}.")
