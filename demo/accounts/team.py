"""Three accounts on one local cloud: what each has before Greenlight, and who owns which key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3

from demo.cdk import ROOT, bootstrap, deploy_stack, synthesise
from demo.registry import Registry
from demo.scene import ENDPOINT, GROUP, REGION, NotAsItShouldBeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_cloud.child_process import LocalCloud

REPOSITORY: Final = "research/scikit-learn"
TAG: Final = "1.2-1-cpu-py3"
SOAK_SECONDS: Final = 5
INSTANCE_TYPE: Final = "ml.m5.large"
INSTANCE_QUOTA: Final = 4

STAGES: Final = ("staging", "production")
PROMOTION: Final = {"stage": "Production", "stage_status": "PendingApproval"}
"""The status that staging writes to the registry after the soak."""
GATE: Final = {"stage": "Production", "stage_status": "Approved"}
"""The status that production waits for."""

_DOCTOR_SECONDS: Final = 120


def settings(row: list[float]) -> str:
    """Return the endpoint's YAML, the same for every stage, with a smoke test on a patient's row.

    The test runs in service. In a bake it would find the broken version earlier, but the demo has no time to
    wait for the old instances.
    """
    return f"""\
model_package_group: {GROUP}
instance_type: {INSTANCE_TYPE}
rollout:
  kind: all_at_once
  termination_wait_seconds: 0
smoke_test:
  requests:
  - name: one patient
    body: "{[row]}"
    content_type: application/json
    expect: "[0] > `0`"
tags:
  team: research
"""


@dataclass(frozen=True, slots=True)
class Examination:
    """The doctor's result: its exit code, and its findings as JSON."""

    exit_code: int
    findings: list[dict[str, Any]]

    def of(self, status: str) -> list[dict[str, Any]]:
        """Return the findings of one status: `ok`, `gap`, `unknown` or `note`."""
        return [finding for finding in self.findings if finding["status"] == status]


@dataclass
class Team:
    """An account for the registry, and one for each stage.

    Attributes:
        cloud: The cloud with the accounts.
        directory: For settings and assembly.
        accounts: The account of `registry` and of each stage.
        context: The app's context, once `own` has created its resources.
        assembly: The synthesised app.
    """

    cloud: LocalCloud
    directory: Path
    accounts: Mapping[str, str]
    context: dict[str, Any] = field(default_factory=dict)
    assembly: Path | None = None

    def client(self, account: str, service: str) -> Any:  # noqa: ANN401 - one factory for several typed clients
        """Return a client with the credentials of an account's owner."""
        variables = self.cloud.variables(self.accounts[account], REGION)
        return self._client(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], service)

    def _client(self, key_id: str, secret: str, service: str) -> Any:  # noqa: ANN401 - likewise
        session = boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=REGION)
        return session.client(service, endpoint_url=self.cloud.endpoint_url)  # type: ignore[call-overload] # likewise

    # Before Greenlight

    def own(self) -> Registry:
        """Create the data scientists' key, image repository, bucket and group.

        They exist before any deployment, and no other account may use them yet.
        """
        account_id = self.accounts["registry"]
        key_arn = self.client("registry", "kms").create_key(Description="Models")["KeyMetadata"]["Arn"]
        ecr = self.client("registry", "ecr")
        ecr.create_repository(repositoryName=REPOSITORY)
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=TAG)
        image = f"{account_id}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
        bucket = f"research-models-{account_id}"
        scientist = self._person("data-scientist", _scientist(account_id, bucket, key_arn))
        registry = Registry(
            scientist("sagemaker"),
            scientist("s3"),
            group_name=GROUP,
            bucket=bucket,
            image=f"{image}:{TAG}",
            key_arn=key_arn,
        )
        registry.create(REGION)
        self.context = {
            "endpoints_dir": str(self.directory / "endpoints"),
            "sweep_minutes": 1,
            "registry": {
                "account": account_id,
                "region": REGION,
                "groups": {
                    GROUP: {
                        "artifacts": [f"s3://{bucket}/{GROUP}/"],
                        "images": [image],
                        "keys": [{"arn": key_arn}],
                    }
                },
            },
            "stages": {
                "staging": {
                    "account": self.accounts["staging"],
                    "endpoints": [ENDPOINT],
                    "soak_seconds": SOAK_SECONDS,
                    "promotion": PROMOTION,
                },
                "production": {
                    "account": self.accounts["production"],
                    "endpoints": [ENDPOINT],
                    "gate": GATE,
                },
            },
        }
        return registry

    def release_manager(self) -> Any:  # noqa: ANN401 - a client of SageMaker
        """Return the SageMaker client of the release manager, who may do nothing else."""
        account_id = self.accounts["registry"]
        versions = f"arn:aws:sagemaker:{REGION}:{account_id}:model-package/{GROUP}/*"
        statements = [
            _allow(["sagemaker:DescribeModelPackage"], versions),
            _allow(["sagemaker:UpdateModelPackage"], versions, untouched="sagemaker:ModelApprovalStatus"),
        ]
        return self._person("release-manager", statements)("sagemaker")

    def _person(self, name: str, statements: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - makes clients
        """Create an IAM user in the registry's account; return the factory of its clients."""
        iam = self.client("registry", "iam")
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: self._client(key["AccessKeyId"], key["SecretAccessKey"], service)

    # The platform team

    def prepare(self, row: list[float]) -> None:
        """Write the endpoint's settings, synthesise the app, and bootstrap every account."""
        endpoints = self.directory / "endpoints"
        endpoints.mkdir()
        (endpoints / f"{ENDPOINT}.yaml").write_text(settings(row))
        for name in STAGES:
            quota = {"quota": INSTANCE_QUOTA}
            self.cloud.limit_instances(self.accounts[name], REGION, INSTANCE_TYPE, **quota)
        self.assembly = synthesise(
            environ=self._environ("registry"), directory=self.directory, context=self._given()
        )
        with ThreadPoolExecutor() as pool:
            done = [
                pool.submit(
                    bootstrap, account_id, REGION, environ=self._environ(name), directory=self.directory
                )
                for name, account_id in self.accounts.items()
            ]
        for each in done:
            each.result()

    def deploy_stages(self) -> dict[str, dict[str, str]]:
        """Deploy every stage into its account; return the stacks' outputs by stage."""
        with ThreadPoolExecutor() as pool:
            done = {name: pool.submit(self._deploy, name, f"Greenlight-{name}") for name in STAGES}
        return {name: each.result() for name, each in done.items()}

    def deploy_registry(self) -> None:
        """Deploy the stack that admits the stages, into the registry's account."""
        self._deploy("registry", "Greenlight-Registry")

    def _deploy(self, account: str, stack: str) -> dict[str, str]:
        assert self.assembly is not None, "the app is synthesised first"
        return deploy_stack(stack, assembly=self.assembly, environ=self._environ(account))

    def ask_doctor(self, stage: str) -> Examination:
        """Run the doctor as a stage's operator, with a profile for the registry's account.

        Raises:
            NotAsItShouldBeError: The doctor could not begin.
        """
        credentials = self.directory / "credentials"
        account_id = self.accounts["registry"]
        credentials.write_text(
            f"[registry]\naws_access_key_id={account_id}\naws_secret_access_key={self.cloud.secret}\n"
        )
        environ = self._environ(stage) | {
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lambdas")]),
        }
        command = [sys.executable, "-m", "greenlight", "doctor", "--json"]
        command += ["--stage", stage, "--registry-profile", "registry"]
        command += [part for key, value in self._given().items() for part in ("-c", f"{key}={value}")]
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOCTOR_SECONDS,
        )
        if not done.stdout:
            raise NotAsItShouldBeError(f"The doctor could not begin: {done.stderr}")
        parts = json.loads(done.stdout)["parts"]
        return Examination(done.returncode, [each for part in parts for each in part["findings"]])

    def promotions(self, version_arn: str) -> int:
        """Count how often a version was promoted, and so waited for a person to release it to production."""
        details = [event["event"]["detail"] for event in self.cloud.events()]
        return sum(
            detail.get("ModelPackageArn") == version_arn
            and "ModelLifeCycle" in (detail.get("UpdatedModelPackageFields") or ())
            and detail["ModelLifeCycle"]["StageStatus"] == PROMOTION["stage_status"]
            for detail in details
        )

    def sweeps(self, stage: str) -> int:
        """Count a stage's sweeps: only they list endpoints."""
        return sum(call["operation"] == "ListEndpoints" for call in self._deployers_calls(stage))

    def made_of(self, stage: str, number: int) -> list[str]:
        """Return each call of a stage's deployer to SageMaker about a version's model or config."""
        name = f"{ENDPOINT}-v{number}-"
        return [
            call["operation"]
            for call in self._deployers_calls(stage)
            if name in json.dumps(call["request_summary"])
        ]

    def _deployers_calls(self, stage: str) -> list[dict[str, Any]]:
        account_id = self.accounts[stage]
        return [
            call
            for call in self.cloud.calls()
            if call["account"] == account_id and "greenlight/" in call["user_agent"]
        ]

    def _environ(self, account: str) -> dict[str, str]:
        return self.cloud.environ(self.accounts[account], REGION)

    def _given(self) -> dict[str, str]:
        """Return the context as command-line arguments."""
        return {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in self.context.items()
        }


def _allow(actions: list[str], *resources: str, untouched: str | None = None) -> dict[str, Any]:
    """Write a statement; `untouched` is a condition key that a request must not set."""
    condition = {"Condition": {"Null": {untouched: "true"}}} if untouched else {}
    return {"Effect": "Allow", "Action": actions, "Resource": [*resources], **condition}


def _scientist(account_id: str, bucket: str, key_arn: str) -> list[dict[str, Any]]:
    """Return the permissions to train, register and approve, but not to release to production."""
    sagemaker = f"arn:aws:sagemaker:{REGION}:{account_id}"
    versions = f"{sagemaker}:model-package/{GROUP}/*"
    return [
        _allow(["s3:CreateBucket", "s3:PutObject"], f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
        _allow(["sagemaker:CreateModelPackageGroup"], f"{sagemaker}:model-package-group/{GROUP}"),
        _allow(["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"], versions),
        _allow(["sagemaker:UpdateModelPackage"], versions, untouched="sagemaker:ModelLifeCycle:stage"),
    ]
