"""Holds the services that a pass calls, and connects them to their clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from deployer.gateways.alarms import Alarms
from deployer.gateways.container_logs import ContainerLogs
from deployer.gateways.endpoints import Endpoints
from deployer.gateways.invocations import Invocations
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs
from deployer.gateways.s3 import S3
from deployer.gateways.scalable_targets import ScalableTargets
from deployer.gateways.tags import Tags
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_sagemaker import SageMakerClient

    from deployer.gateways.journal import Journal
    from deployer.gateways.reporter import Reporter


@value
class Gateways:
    """The services that a pass calls, and the clock.

    Attributes:
        pause: Pauses for a random part of so many seconds.
        sleep: Pauses for so many seconds.
    """

    endpoints: Endpoints
    models_and_configs: ModelsAndConfigs
    registry: ModelRegistry
    tags: Tags
    alarms: Alarms
    scalable_targets: ScalableTargets
    invocations: Invocations
    s3: S3
    container_logs: ContainerLogs
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    sleep: Callable[[float], None]

    @classmethod
    def connect(
        cls,
        client_of: Callable[[str], Any],
        journal: Journal,
        reporter: Reporter,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Gateways:
        """Connect every service to its client.

        Args:
            client_of: Makes a service's client, by botocore's name of the service. SageMaker's client is made
                now. The others are made on first use, as most invocations never use them. Further calls
                return the same client.
            journal: The journal.
            reporter: Where outcomes go.
            now: The clock.
            pause: Pauses for a random part of so many seconds.
            seconds: A clock that never goes back, for the times that endpoints take to answer.
            sleep: Pauses for so many seconds.
        """
        sagemaker: SageMakerClient = client_of("sagemaker")
        registry, tags = ModelRegistry(sagemaker), Tags(sagemaker)
        return cls(
            endpoints=Endpoints(sagemaker),
            models_and_configs=ModelsAndConfigs(sagemaker, registry, tags),
            registry=registry,
            tags=tags,
            alarms=Alarms(lambda: client_of("cloudwatch")),
            scalable_targets=ScalableTargets(lambda: client_of("application-autoscaling")),
            invocations=Invocations(lambda: client_of("sagemaker-runtime"), seconds),
            s3=S3(lambda: client_of("s3")),
            container_logs=ContainerLogs(lambda: client_of("logs")),
            journal=journal,
            reporter=reporter,
            now=now,
            pause=pause,
            sleep=sleep,
        )
