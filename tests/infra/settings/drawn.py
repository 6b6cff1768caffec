"""Draw endpoints' settings of every kind: keys, overrides and combinations, most of them borderline.

They follow the keys' structure, so a person could have written each. Compiler and local cloud decide whether
AWS accepts it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from infra.settings.aws_shapes import instance_types

Keys = dict[str, Any]

_BUCKET = "s3://bucket/prefix"
_TOPIC = "arn:aws:sns:eu-west-1:111122223333:topic"
_KEY = "alias/key"
_MODEL = ("environment", "inference_specification", "network_isolation", "vpc", "execution_role_arn")

_TYPES = st.one_of(
    st.sampled_from(
        ("ml.m5.large", "ml.m5.large", "ml.c5.large", "ml.g5.xlarge", "ml.t2.medium", "ml.inf1.xlarge")
    ),
    st.sampled_from(instance_types()),
    st.sampled_from(("ml.m9.large", "ml.g9.xlarge")),
)


def _maybe(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Keys]:
    """Draw a mapping of some of these keys, the more often fewer of them."""
    return st.lists(st.sampled_from(sorted(keys)), unique=True, max_size=3).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keys[name] for name in chosen})
    )


def _both(*parts: st.SearchStrategy[Keys]) -> st.SearchStrategy[Keys]:
    def merged(found: tuple[Keys, ...]) -> Keys:
        return {key: value for part in found for key, value in part.items()}

    return st.tuples(*parts).map(merged)


def _around(low: int, high: int) -> st.SearchStrategy[int]:
    """Draw whole numbers in a range, mostly its borders and their neighbours outside."""
    return st.one_of(st.sampled_from((low - 1, low, high, high + 1)), st.integers(low, high))


_HOSTING = {
    "volume_size_in_gb": _around(1, 512),
    "model_data_download_timeout_in_seconds": _around(60, 3600),
    "container_startup_health_check_timeout_in_seconds": _around(60, 3600),
    "routing": st.sampled_from(("random", "least_outstanding_requests")),
    "inference_ami_version": st.sampled_from(("al2-ami-sagemaker-inference-gpu-2", "al9-ami")),
}

_COUNT = st.sampled_from((1, 1, 2, 3, 4, 10, 30, 0))
_CAPACITY = st.sampled_from((0, 1, 1, 2, 3, 5, 200, 201))

_TRACKED = _both(
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(
                (
                    "invocations_per_instance",
                    "concurrent_requests_per_model",
                    "backlog_per_instance",
                    "provisioned_concurrency_utilization",
                )
            ),
            "target": st.sampled_from((0.5, 0.7, 1, 5, 100.5)),
        }
    ),
    _maybe(
        scale_in_cooldown_seconds=st.integers(0, 900),
        scale_out_cooldown_seconds=st.integers(0, 900),
        disable_scale_in=st.booleans(),
    ),
)
_SCHEDULED = _both(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(("night", "day", "a:b", "a|b", "x" * 256)),
            "schedule": st.sampled_from(
                (
                    "cron(0 22 * * ? *)",
                    "cron(0 22 * * ?)",
                    "rate(12 hours)",
                    "rate(1 hours)",
                    "rate(0 days)",
                    "at(2027-01-31T08:00:00)",
                    "at(2027-01-31)",
                )
            ),
        }
    ),
    _maybe(
        min=_CAPACITY,
        max=_CAPACITY,
        timezone=st.sampled_from(("Europe/Berlin", "Mars/Base")),
        start=st.just("2027-01-01T00:00:00Z"),
        end=st.just("2028-01-01T00:00:00Z"),
    ),
    st.fixed_dictionaries({"max": st.sampled_from((1, 2, 5))}),
)


def _scaling() -> st.SearchStrategy[Keys]:
    return _both(
        st.fixed_dictionaries(
            {"min": _CAPACITY, "max": st.sampled_from((1, 2, 3, 5, 200, 201)), "target_tracking": st.just([])}
        ),
        st.fixed_dictionaries({"target_tracking": st.lists(_TRACKED, min_size=1, max_size=2)}),
        _maybe(scheduled=st.lists(_SCHEDULED, min_size=1, max_size=2)),
    )


_ROLLOUT = _both(
    st.sampled_from(("all_at_once", "canary", "linear", "rolling")).flatmap(
        lambda kind: _both(
            st.fixed_dictionaries({"kind": st.just(kind)}),
            {
                "all_at_once": _maybe(termination_wait_seconds=_around(0, 3600)),
                "rolling": _both(
                    st.sampled_from(("size_percent", "size_instances")).flatmap(
                        lambda key: st.fixed_dictionaries({key: _around(2, 49)})
                    ),
                    _maybe(rollback_size_percent=_around(2, 99), wait_seconds=_around(0, 3600)),
                ),
            }.get(
                kind,
                _both(
                    st.sampled_from(("size_percent", "size_instances")).flatmap(
                        lambda key: st.fixed_dictionaries({key: _around(2, 49)})
                    ),
                    _maybe(termination_wait_seconds=_around(0, 3600), wait_seconds=_around(0, 3600)),
                ),
            ),
        )
    ),
    _maybe(time_limit_seconds=_around(600, 28800)),
    _maybe(
        alarms=_maybe(
            error_ratio_percent=st.sampled_from((0.5, 1, 4)),
            model_latency_p90_ms=st.just(900),
            invocations_floor=st.just(5),
            existing=st.lists(st.sampled_from(("alarm-1", "alarm-2", "a" * 255)), unique=True),
        )
    ),
)

_CAPTURE = _both(
    st.fixed_dictionaries(
        {"destination": st.sampled_from((_BUCKET, _BUCKET, "bucket", "s3://" + "b" * 512))}
    ),
    _maybe(
        sampling_percent=_around(0, 100),
        capture=st.sampled_from((["input"], ["output"], ["input", "output"])),
        kms_key_id=st.sampled_from((_KEY, "a b")),
        csv_content_types=st.lists(st.sampled_from(("text/csv", "text")), min_size=1, max_size=11),
    ),
)
_ASYNCHRONOUS = _both(
    st.fixed_dictionaries({"output_path": st.just(_BUCKET)}),
    _maybe(
        failure_path=st.just(_BUCKET),
        kms_key_id=st.just(_KEY),
        success_topic_arn=st.sampled_from((_TOPIC, "topic")),
        error_topic_arn=st.just(_TOPIC),
        include_response_in=st.sampled_from((["success"], ["error"])),
        max_concurrent_invocations_per_instance=_around(1, 1000),
    ),
)
_EXPLAINER = st.fixed_dictionaries(
    {
        "shap": _both(
            st.fixed_dictionaries({"baseline": st.just("0,1")}),
            _maybe(
                number_of_samples=_around(1, 99),
                seed=st.integers(0, 9),
                use_logit=st.booleans(),
                text_language=st.sampled_from(("en", "zz")),
                text_granularity=st.sampled_from(("token", "letter")),
            ),
        )
    }
).flatmap(
    lambda keys: _both(
        st.just(keys),
        _maybe(
            enable_explanations=st.sampled_from(("`true`", "x" * 65)),
            input=_maybe(
                max_record_count=_around(1, 99),
                max_payload_in_mb=_around(1, 25),
                probability_index=_around(0, 9),
                feature_types=st.lists(st.sampled_from(("numerical", "colour")), min_size=1, max_size=2),
                label_headers=st.lists(st.sampled_from(("a", "b" * 65)), min_size=1, max_size=2),
            ),
        ),
    )
)
_VPC = st.fixed_dictionaries(
    {
        "subnets": st.lists(st.sampled_from(("subnet-1", "subnet 1")), min_size=1, max_size=17),
        "security_groups": st.lists(st.just("sg-1"), min_size=1, max_size=6),
    }
)

_OF_ALL = {
    "kms_key_id": st.sampled_from((_KEY, "a b")),
    "data_capture": _CAPTURE,
    "asynchronous": _ASYNCHRONOUS,
    "explainer": _EXPLAINER,
    "rollout": _ROLLOUT,
    "vpc": _VPC,
    "network_isolation": st.booleans(),
    "environment": st.sampled_from(({}, {"A": "b"}, {"A-B": "c"}, {"A": "x" * 1025})),
    "execution_role_arn": st.sampled_from(("arn:aws:iam::111122223333:role/own", "role")),
    "tags": st.sampled_from(({"team": "a"}, {"aws:team": "a"}, {"t" * 129: "a"})),
    "keep": st.integers(0, 3),
}

_VARIANT_OVERRIDES = _maybe(
    EnableSSMAccess=st.booleans(),
    InitialVariantWeight=st.sampled_from((0, 1, 2.5, -1, 1e39)),
    InstanceType=st.one_of(st.none(), _TYPES),
    InitialInstanceCount=st.sampled_from((None, 1, 3)),
    VariantInstanceProvisionTimeoutInSeconds=_around(300, 3600),
    InstancePools=st.lists(
        st.fixed_dictionaries({"InstanceType": _TYPES, "Priority": _around(1, 5)}), min_size=1, max_size=6
    ),
    RoutingConfig=_both(
        st.fixed_dictionaries({"RoutingStrategy": st.sampled_from(("RANDOM", "PREFIX_AWARE", "KV_AWARE"))}),
        _maybe(
            PrefixAwareRoutingConfig=_maybe(
                PrefixLength=st.sampled_from((1023, 1024, 4096)),
                ConcurrencyThreshold=st.sampled_from((0, 1, 9)),
            )
        ),
    ),
    AcceleratorType=st.just("ml.eia1.medium"),
    ManagedInstanceScaling=st.just({"Status": "ENABLED"}),
    CoreDumpConfig=st.fixed_dictionaries({"DestinationS3Uri": st.sampled_from((_BUCKET, "bucket"))}),
    CapacityReservationConfig=st.just({"CapacityReservationPreference": "capacity-reservations-only"}),
    ServerlessConfig=st.just({"MemorySizeInMB": 1024, "MaxConcurrency": 1}),
    Newer=st.just(1),
)
_OVERRIDES = _maybe(
    endpoint_config=_maybe(
        ProductionVariants=st.lists(_VARIANT_OVERRIDES, min_size=1, max_size=2),
        MetricsConfig=_maybe(
            EnableEnhancedMetrics=st.booleans(),
            EnableDetailedObservability=st.booleans(),
            MetricPublishFrequencyInSeconds=st.sampled_from((10, 20, 60, 300)),
        ),
        VpcConfig=st.just({"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
        EnableNetworkIsolation=st.booleans(),
        CrossRegionTrafficConfig=st.just({"MaxCrossRegionPercentPerEndpoint": 5}),
    ),
    model=_maybe(
        Containers=st.lists(
            _maybe(
                Mode=st.sampled_from(("SingleModel", "MultiModel", "SomeModels")),
                ContainerHostname=st.sampled_from(("host", "host_name")),
                ImageConfig=st.sampled_from(
                    ({"RepositoryAccessMode": "Vpc"}, {"RepositoryAccessMode": "Platform"})
                ),
                MultiModelConfig=st.just({"ModelCacheSetting": "Enabled"}),
            ),
            min_size=1,
            max_size=1,
        ),
        InferenceExecutionConfig=st.sampled_from(({"Mode": "Serial"}, {"Mode": "Parallel"})),
    ),
)
_DEPLOYMENT = st.fixed_dictionaries(
    {
        "overrides": st.fixed_dictionaries(
            {
                "deployment_config": _maybe(
                    BlueGreenUpdatePolicy=_both(
                        st.fixed_dictionaries(
                            {
                                "TrafficRoutingConfiguration": _both(
                                    st.fixed_dictionaries(
                                        {
                                            "Type": st.sampled_from(
                                                ("ALL_AT_ONCE", "CANARY", "LINEAR", "OTHER")
                                            ),
                                            "WaitIntervalInSeconds": _around(0, 3600),
                                        }
                                    ),
                                    _maybe(
                                        CanarySize=st.just({"Type": "CAPACITY_PERCENT", "Value": 10}),
                                        LinearStepSize=st.just({"Type": "INSTANCE_COUNT", "Value": 1}),
                                    ),
                                )
                            }
                        ),
                        _maybe(TerminationWaitInSeconds=_around(0, 3600)),
                    ),
                    RollingUpdatePolicy=st.fixed_dictionaries(
                        {
                            "MaximumBatchSize": st.just({"Type": "CAPACITY_PERCENT", "Value": 20}),
                            "WaitIntervalInSeconds": _around(0, 3600),
                        }
                    ),
                    AutoRollbackConfiguration=st.fixed_dictionaries(
                        {"Alarms": st.lists(st.just({"AlarmName": "alarm-1"}), min_size=1, max_size=11)}
                    ),
                )
            }
        )
    }
)

_INSTANCES = _both(
    st.fixed_dictionaries({"instance_type": _TYPES}),
    st.one_of(st.just({}), st.fixed_dictionaries({"instance_count": _COUNT})),
    _maybe(**_HOSTING),
)
_SCALED = _both(
    st.fixed_dictionaries({"instance_type": _TYPES, "autoscaling": _scaling()}), _maybe(**_HOSTING)
)
_SERVERLESS = _both(
    st.fixed_dictionaries(
        {
            "serverless": _both(
                st.fixed_dictionaries(
                    {
                        "memory_size_in_mb": st.sampled_from((1024, 2048, 6144, 1000, 1500, 7168)),
                        "max_concurrency": _around(1, 200),
                    }
                ),
                _maybe(provisioned_concurrency=_around(1, 200)),
            )
        }
    ),
    _maybe(autoscaling=_scaling(), **_HOSTING),
)
_VARIANTS = st.lists(
    _both(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(("A", "B", "C", "D", "E_1")),
                "weight": st.sampled_from((1, 2.5, 0)),
                "instance_type": _TYPES,
            }
        ),
        _maybe(version=st.integers(1, 3), instance_count=_COUNT, autoscaling=_scaling(), **_HOSTING),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda keys: keys["name"],
).map(lambda variants: {"variants": [*variants, {"name": "Z", "weight": 1, "instance_type": "ml.m5.large"}]})
_SHADOWED = _both(
    _INSTANCES,
    st.fixed_dictionaries(
        {
            "four_eyes": st.sampled_from([True]),
            "shadow": _both(
                st.fixed_dictionaries({"instance_type": _TYPES}),
                _maybe(instance_count=_COUNT, sampling_percent=st.integers(1, 100), **_HOSTING),
            ),
        }
    ),
)
_SMOKE_TEST = st.just(
    {"smoke_test": {"requests": [{"body": "1,2", "content_type": "text/csv", "status": 200}]}}
)


def settings() -> st.SearchStrategy[Keys]:
    """Draw the content of one file, less `unchecked`."""
    return _both(
        st.just({"model_package_group": "churn"}),
        st.one_of(_INSTANCES, _INSTANCES, _SCALED, _SERVERLESS, _VARIANTS, _SHADOWED),
        _maybe(**_OF_ALL),
        st.one_of(
            st.just({}),
            st.just({}),
            _SMOKE_TEST,
            st.fixed_dictionaries({"overrides": _OVERRIDES}),
            _DEPLOYMENT,
        ),
    )
