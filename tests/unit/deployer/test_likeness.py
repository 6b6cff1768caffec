"""A model or config found under our name is used only if it is what we ask for, and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.contract import ENDPOINT_TAG, STACK_TAG
from deployer.gateways.likeness import ENDPOINT_CONFIG, MODEL, FilledIn, Surplus, differences
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.tags import Tags
from deployer.model.attempt import AttemptStatus
from local_cloud.sagemaker.switch_settings import (
    DescribedContainers,
    DescribedEmpties,
    DescribedPackage,
    PackageEnvironment,
)
from local_cloud.sagemaker.switches import Switches
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

    from deployer.gateways.likeness import Members

MEMBERS = {"CreateModel": MODEL, "CreateEndpointConfig": ENDPOINT_CONFIG}

# The table ------------------------------------------------------------------------------------------


def unlike(shape: Any, members: Members | Surplus | FilledIn, path: str) -> Iterator[str]:
    """Name each member that botocore's shape has and the table has not, or the other way round."""
    while shape.type_name == "list":
        shape = shape.member
    is_leaf = isinstance(members, Surplus | FilledIn)
    if is_leaf != (shape.type_name != "structure"):
        yield path
    elif not isinstance(members, Surplus | FilledIn):
        yield from (f"{path}.{name}" for name in shape.members.keys() ^ members.keys())
        for name in shape.members.keys() & members.keys():
            yield from unlike(shape.members[name], members[name], f"{path}.{name}")


@pytest.mark.parametrize("operation", MEMBERS)
def test_each_member_of_the_requests_is_in_exactly_one_class(operation: str) -> None:
    model = Pipeline().sagemaker.meta.service_model
    shape: Shape | None = model.operation_model(operation).input_shape

    assert list(unlike(shape, MEMBERS[operation], operation)) == []


@pytest.mark.parametrize("operation", MEMBERS)
def test_descriptions_have_nothing_else_that_could_count(operation: str) -> None:
    model = Pipeline().sagemaker.meta.service_model
    described: Any = model.operation_model(operation.replace("Create", "Describe")).output_shape
    asked: Any = model.operation_model(operation).input_shape

    assert described.members.keys() - asked.members.keys() <= {
        *("CreationTime", "ModelArn", "EndpointConfigArn"),
        # SageMaker's own finding about the model.
        "DeploymentRecommendation",
    }


def leaves(members: Members | Surplus | FilledIn, path: tuple[str, ...] = ()) -> Iterator[Any]:
    if isinstance(members, Surplus | FilledIn):
        yield path, members
    else:
        for name, each in members.items():
            yield from leaves(each, (*path, name))


PLAIN: dict[str, dict[str, Any]] = {
    "CreateModel": {"ModelName": "m", "Containers": [{"ModelPackageName": "p"}]},
    "CreateEndpointConfig": {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "A"}]},
}
LISTS = {"Containers", "ProductionVariants", "ShadowProductionVariants", "InstancePools", "CaptureOptions"}
LISTS |= {"AdditionalModelDataSources", "MetricsEndpoints"}


def holding(path: tuple[str, ...], value: object, base: Any) -> Any:
    """Return a request with one member more."""
    name, *rest = path
    within = base.get(name, [{}] if name in LISTS else {}) if rest else None
    if not rest:
        return {**base, name: value}
    if isinstance(within, list):
        return {**base, name: [holding(tuple(rest), value, within[0])]}
    return {**base, name: holding(tuple(rest), value, within)}


SURPLUS = [
    (operation, path, class_)
    for operation, members in MEMBERS.items()
    for path, class_ in leaves(members)
    if path[0] not in {"PrimaryContainer", "Tags"} and path[-1] not in {"ModelPackageName", "VariantName"}
    if len(path) > 1 or path[0] not in {"ModelName", "EndpointConfigName"}
]


@pytest.mark.parametrize(("operation", "path", "class_"), SURPLUS, ids=lambda each: str(each)[:80])
def test_each_member_that_counts_is_noticed_where_nobody_asked_for_it(
    operation: str, path: tuple[str, ...], class_: Surplus | FilledIn
) -> None:
    wanted = PLAIN[operation]

    def told(value: object) -> list[str]:
        return differences(holding(path, value, wanted), wanted, MEMBERS[operation])

    # Below a structure that nobody asked for, a harmless member counts too, if it has a neighbour that
    # counts.
    top: Any = MEMBERS[operation][path[0]]
    root = top[path[1]] if path[0] in {"Containers", "ProductionVariants"} else top
    of_something_else = any(each is Surplus.COUNTS for _, each in leaves(root))
    assert bool(told("chosen")) == (class_ is not Surplus.HARMLESS or of_something_else)
    nothing: tuple[object, ...] = (None, False, "", [], {})
    for each in nothing:
        assert told(each) == []
    if isinstance(class_, FilledIn):
        assert bool(told(class_.default)) == (path[0] == "ShadowProductionVariants")


@pytest.mark.parametrize(("operation", "path", "class_"), SURPLUS, ids=lambda each: str(each)[:80])
def test_each_member_that_is_asked_for_has_to_be_there(
    operation: str, path: tuple[str, ...], class_: Surplus | FilledIn
) -> None:
    del class_
    wanted, members = holding(path, "chosen", PLAIN[operation]), MEMBERS[operation]

    assert differences(wanted, wanted, members) == []
    assert differences(PLAIN[operation], wanted, members)
    assert differences(holding(path, "other", PLAIN[operation]), wanted, members)


def test_what_is_asked_to_be_off_must_not_be_on() -> None:
    off = {**PLAIN["CreateEndpointConfig"], "MetricsConfig": {"EnableEnhancedMetrics": False}}
    on = {**off, "MetricsConfig": {"EnableEnhancedMetrics": True}}

    assert differences(off, off, ENDPOINT_CONFIG) == []
    assert differences(on, off, ENDPOINT_CONFIG) == ["MetricsConfig.EnableEnhancedMetrics has another value"]


def test_variants_are_compared_by_name_and_words_in_any_order() -> None:
    wanted = {"ProductionVariants": [{"VariantName": "A", "ModelName": "a"}, {"VariantName": "B"}]}
    shuffled = {"ProductionVariants": wanted["ProductionVariants"][::-1]}
    other = {"ProductionVariants": [{"VariantName": "A", "ModelName": "a"}, {"VariantName": "C"}]}

    assert differences(shuffled, wanted, ENDPOINT_CONFIG) == []
    assert differences(other, wanted, ENDPOINT_CONFIG) == [
        "ProductionVariants[B] is missing",
        "ProductionVariants[C] was not asked for",
    ]
    vpc = {**PLAIN["CreateModel"], "VpcConfig": {"Subnets": ["a", "b"], "SecurityGroupIds": ["x"]}}
    turned = {**vpc, "VpcConfig": {"Subnets": ["b", "a"], "SecurityGroupIds": ["x"]}}
    assert differences(turned, vpc, MODEL) == []
    assert differences({**vpc, "VpcConfig": {"Subnets": ["a", "c"], "SecurityGroupIds": ["x"]}}, vpc, MODEL)


def test_a_package_s_environment_is_shown_wholly_or_not_at_all() -> None:
    package = [{"Image": "i", "Environment": {"A": "1", "B": "2"}}]
    wanted = {"ModelName": "m", "Containers": [{"ModelPackageName": "p", "Environment": {"B": "3"}}]}

    def told(**environment: str) -> list[str]:
        shown = {"ModelName": "m", "Containers": [{"ModelPackageName": "p", "Environment": environment}]}
        return differences(shown, wanted, MODEL, package)

    assert told(B="3") == []
    assert told(A="1", B="3") == []
    assert told(B="2") == ["Containers[0].Environment.B has another value"]
    assert told(A="1") == ["Containers[0].Environment.B is missing"]
    assert told(A="1", B="3", HTTPS_PROXY="x") == ["Containers[0].Environment.HTTPS_PROXY was not asked for"]
    bare = {"ModelName": "m", "Containers": [{"ModelPackageName": "p"}]}
    partly = {"ModelName": "m", "Containers": [{"ModelPackageName": "p", "Environment": {"A": "1"}}]}
    assert differences(partly, bare, MODEL, package) == ["Containers[0].Environment.B is missing"]


def test_a_package_s_containers_are_shown_all_or_as_one() -> None:
    package: list[dict[str, Any]] = [{"Image": "i"}, {"Image": "j", "Environment": {"A": "1"}}]
    wanted = {"ModelName": "m", "Containers": [{"ModelPackageName": "p"}]}
    all_of_them = [{"ModelPackageName": "p", **package[0]}, package[1]]
    other = [all_of_them[0], {**package[1], "Image": "theirs"}]

    def told(*containers: dict[str, Any]) -> list[str]:
        return differences({"ModelName": "m", "Containers": [*containers]}, wanted, MODEL, package)

    assert told({"ModelPackageName": "p"}) == []
    assert told(*all_of_them) == []
    assert told(*other) == ["Containers[1].Image has another value"]
    assert told(*all_of_them, {"Image": "theirs"}) == ["Containers[2] was not asked for"]


# The pipeline ---------------------------------------------------------------------------------------

PLACE = "s3://elsewhere/calls"
VPC = {"SecurityGroupIds": ["sg-12345678"], "Subnets": ["subnet-12345678"]}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": PLACE,
    "CaptureOptions": [{"CaptureMode": "Input"}],
}

FOREIGN_MODELS: dict[str, dict[str, Any]] = {
    "Containers[0].Environment.SAGEMAKER_PROGRAM": {"Environment": {"SAGEMAKER_PROGRAM": "evil.py"}},
    "Containers[0].Environment.HTTPS_PROXY": {"Environment": {"HTTPS_PROXY": "http://10.0.0.9"}},
    "Containers[0].Mode": {"Mode": "MultiModel"},
    "VpcConfig.Subnets": {"VpcConfig": VPC},
    "EnableNetworkIsolation": {"EnableNetworkIsolation": True},
}

FOREIGN_CONFIGS: dict[str, dict[str, Any]] = {
    "DataCaptureConfig.DestinationS3Uri": {"DataCaptureConfig": CAPTURE},
    "AsyncInferenceConfig.OutputConfig.S3OutputPath": {
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": PLACE}}
    },
    "KmsKeyId": {"KmsKeyId": "alias/theirs"},
    "ProductionVariants[AllTraffic].CoreDumpConfig": {"CoreDumpConfig": {"DestinationS3Uri": PLACE}},
    "ProductionVariants[AllTraffic].EnableSSMAccess": {"EnableSSMAccess": True},
    "ProductionVariants[AllTraffic].RoutingConfig": {
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    },
    "ShadowProductionVariants[Copy]": {},
}
_OF_PARTS = {"Environment", "Mode", "CoreDumpConfig", "EnableSSMAccess", "RoutingConfig"}


def merged(request: Mapping[str, Any], parts: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with more members, of its first container or variant where they belong there."""
    [part] = request[parts]
    within = {name: value for name, value in more.items() if name in _OF_PARTS}
    if "Environment" in within:
        within["Environment"] = {**part["Environment"], **within["Environment"]}
    return {
        **request,
        **{name: value for name, value in more.items() if name not in _OF_PARTS},
        parts: [{**part, **within}],
    }


def scene(switches: Switches | None = None) -> tuple[Pipeline, str]:
    """Return a pipeline on which version 1 serves, and version 2 waits for its approval."""
    pipeline = Pipeline(switches)
    pipeline.manage()
    pipeline.approve(pipeline.register())
    pipeline.run()
    return pipeline, pipeline.register()


def make_foreign(pipeline: Pipeline, arn: str, difference: str) -> dict[str, Any]:
    """Make the model or the config of a version first, with more than the deployer asks for."""
    release = pipeline.release(arn)
    # An attacker copies the deployer's tags, too.
    pipeline.approve(arn)
    pipeline.undelivered()
    if difference in FOREIGN_MODELS:
        request = merged(release.create_models[0], "Containers", FOREIGN_MODELS[difference])
        pipeline.sagemaker.create_model(**request)
        return {"delete_model": {"ModelName": request["ModelName"]}}
    pipeline.sagemaker.create_model(**release.create_models[0])
    request = merged(release.create_endpoint_config, "ProductionVariants", FOREIGN_CONFIGS[difference])
    if difference.startswith("Shadow"):
        [variant] = request["ProductionVariants"]
        request["ShadowProductionVariants"] = [{**variant, "VariantName": "Copy"}]
    pipeline.sagemaker.create_endpoint_config(**request)
    return {"delete_endpoint_config": {"EndpointConfigName": request["EndpointConfigName"]}}


def blocked(pipeline: Pipeline, arn: str, difference: str) -> str:
    """Sweep twice over the obstacle; return people's one message."""
    pipeline.sweep()
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == []
    assert pipeline.serving() == "v1"
    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len(told) == 1
    assert difference in told[0]
    withdrawn = [each for each in pipeline.attempts if each.status is AttemptStatus.WITHDRAWN]
    assert len(withdrawn) == 1
    assert not any(each.unsettled for each in pipeline.attempts)
    return str(told[0])


def mended(pipeline: Pipeline, arn: str, deletion: dict[str, Any]) -> None:
    [(operation, request)] = deletion.items()
    getattr(pipeline.sagemaker, operation)(**request)
    pipeline.sweep()
    pipeline.run()
    pipeline.sweep()
    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.history.last_observed.reported == ()


@pytest.mark.parametrize("difference", [*FOREIGN_MODELS, *FOREIGN_CONFIGS])
def test_what_somebody_made_first_with_more_in_it_is_told_once_and_waited_for(difference: str) -> None:
    pipeline, arn = scene()
    deletion = make_foreign(pipeline, arn, difference)

    told = blocked(pipeline, arn, difference)

    [(_, request)] = deletion.items()
    [name] = request.values()
    assert f"{name} exists already, and not as this deployer makes it" in told
    assert "Delete it: the next sweep makes it again" in told
    mended(pipeline, arn, deletion)


@pytest.mark.parametrize("kind", ["model", "config"])
@pytest.mark.parametrize("lacking", [STACK_TAG, ENDPOINT_TAG])
@pytest.mark.parametrize("other", [[], "another"])
def test_what_does_not_carry_our_tags_is_not_used(kind: str, lacking: str, other: Any) -> None:
    pipeline, arn = scene()
    release = pipeline.release(arn)
    pipeline.approve(arn)
    pipeline.undelivered()

    def retagged(request: dict[str, Any]) -> dict[str, Any]:
        tags = [each for each in request["Tags"] if each["Key"] != lacking]
        return {**request, "Tags": [*tags, *([{"Key": lacking, "Value": other}] if other else [])]}

    [model], config = release.create_models, release.create_endpoint_config
    pipeline.sagemaker.create_model(**(retagged(model) if kind == "model" else model))
    deletion = {"delete_model": {"ModelName": model["ModelName"]}}
    if kind == "config":
        pipeline.sagemaker.create_endpoint_config(**retagged(config))
        deletion = {"delete_endpoint_config": {"EndpointConfigName": config["EndpointConfigName"]}}

    blocked(pipeline, arn, f"tag {lacking}=")
    mended(pipeline, arn, deletion)


def test_many_differences_are_told_shortly() -> None:
    pipeline, arn = scene()
    [model] = pipeline.release(arn).create_models
    more = {"Environment": {f"KEY_{number}": "x" * 100 for number in range(60)}}
    pipeline.approve(arn)
    pipeline.undelivered()
    pipeline.sagemaker.create_model(**merged(model, "Containers", more))

    assert "and more" in blocked(pipeline, arn, "KEY_0 was not asked for")


def test_a_model_of_something_else_is_not_used_for_a_first_deployment() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    arn = pipeline.register()
    name = pipeline.release(arn).model_name
    pipeline.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=pipeline.role_arn,
        PrimaryContainer={"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1"},
    )
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn) == []
    assert "Containers[0].ModelPackageName is missing" in pipeline.outcomes[-1]["Message"]
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"
    pipeline.sagemaker.delete_model(ModelName=name)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v1"


@pytest.mark.parametrize(
    ("code", "message"),
    [("ValidationException", "ModelPackage does not exist"), ("AccessDeniedException", "")],
)
def test_a_version_that_the_registry_hides_explains_nothing(code: str, message: str) -> None:
    pipeline = Pipeline()
    [model] = pipeline.release(pipeline.register("Approved")).create_models
    pipeline.sagemaker.create_model(**merged(model, "Containers", {"Environment": {"A": "b"}}))
    client: Any = pipeline.cloud.client("sagemaker")

    def hide(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "DescribeModelPackage")

    client.meta.events.register("before-call.sagemaker.DescribeModelPackage", hide)

    with pytest.raises(UpkeepRefusedError, match=r"Environment\.A was not asked for"):
        ModelsAndConfigs(client, ModelRegistry(client), Tags(client)).create_model(model)


# Its own work, as SageMaker may show it --------------------------------------------------------------

SHAPES = [
    Switches(
        described_containers=containers,
        described_package=package,
        described_empties=empties,
        package_environment=environment,
    )
    for containers in DescribedContainers
    for package in DescribedPackage
    for empties in DescribedEmpties
    for environment in PackageEnvironment
]


def name_of(switches: Switches) -> str:
    shown = (switches.described_containers, switches.described_package, switches.described_empties)
    return "-".join([*shown, switches.package_environment])


@pytest.mark.parametrize("switches", SHAPES, ids=name_of)
def test_a_crash_retry_and_a_rollback_recognise_their_own_work(switches: Switches) -> None:
    pipeline = Pipeline(switches)
    (variant,) = pipeline.release(pipeline.register()).create_endpoint_config["ProductionVariants"]
    del variant["ModelName"]
    settings = {
        "CreateModel": {
            "Containers": [{"Environment": {"LOG_LEVEL": "info", "EMPTY": ""}}],
            "EnableNetworkIsolation": False,
        },
        "CreateEndpointConfig": {"ProductionVariants": [{**variant, "EnableSSMAccess": False}]},
    }
    pipeline.manage(**settings)
    first, second = pipeline.register(), pipeline.register()
    for arn in (first, second):
        package = pipeline.sagemaker.describe_model_package(ModelPackageName=arn)
        specification = package["InferenceSpecification"]
        environment = {"LOG_LEVEL": "debug", "SAGEMAKER_PROGRAM": "serve.py", "NONE": ""}
        [container] = specification["Containers"]
        containers = [
            {
                "Image": container["Image"],
                "ModelDataUrl": container["ModelDataUrl"],
                "Environment": environment,
            }
        ]
        pipeline.sagemaker.update_model_package(
            ModelPackageArn=arn, InferenceSpecification={**specification, "Containers": containers}
        )
    release = pipeline.release(first, **settings)
    # An invocation made both, and died.
    pipeline.approve(first)
    pipeline.sagemaker.create_model(**release.create_models[0])
    pipeline.sagemaker.create_endpoint_config(**release.create_endpoint_config)
    pipeline.run()
    pipeline.approve(second)
    pipeline.run()
    assert pipeline.serving() == "v3"
    assert pipeline.told(first) == ["started", "succeeded"]
    pipeline.reject(second)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.endpoint["EndpointConfigName"] == release.endpoint_config_name
    assert not [each for each in pipeline.outcomes if each["Outcome"] in {"failed", "needs_attention"}]
