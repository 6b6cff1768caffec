"""A registry's account and a stage's on one local cloud, with the real CDK CLI and the doctor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from demo.cdk import bootstrap, cdk, deploy_stack
from tests.e2e.clients.account import REGION, SCALING_MODEL, Account, archive
from tests.e2e.command import Done, greenlight
from tests.infra.stages.conftest import synthesise_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local_cloud.child_process import LocalCloud

GROUP = "churn"
THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::*",
}


@dataclass
class Team:
    """A registry's account with a model in it, and a stage's; the app for both is synthesised once."""

    cloud: LocalCloud
    directory: Path
    registry_id: str
    stage_id: str
    context: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.registry = Account(self.cloud, self.registry_id)
        self.bucket = f"models-{self.registry_id}"
        self.stage = Account(self.cloud, self.stage_id)
        self.repository = "team/churn"

    def prepare(self) -> None:
        """Register a version of a model whose artifact, image and key are the registry account's."""
        s3 = self.registry.client("s3")
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        policy = {"Version": "2012-10-17", "Statement": [THEIRS]}
        s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))
        self.registry.client("ecr").create_repository(repositoryName=self.repository)
        kms = self.registry.client("kms")
        self.key, self.granted_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        self.upload()
        self.registry.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        image = f"{self.registry_id}.dkr.ecr.{REGION}.amazonaws.com/{self.repository}"
        self.version = self.registry.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [
                    {"Image": f"{image}:1", "ModelDataUrl": f"s3://{self.bucket}/churn/1/model.tar.gz"}
                ],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]
        endpoints = self.directory / "endpoints"
        (endpoints / "staging").mkdir(parents=True)
        (endpoints / "staging" / "churn.yaml").write_text(
            f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\n"
        )
        self.context = {
            "endpoints_dir": str(endpoints),
            "registry": json.dumps(
                {
                    "account": self.registry_id,
                    "region": REGION,
                    "groups": {
                        GROUP: {
                            "artifacts": [f"s3://{self.bucket}/churn/"],
                            "images": [image],
                            "keys": [{"arn": self.key}, {"arn": self.granted_key, "by": "grant"}],
                        }
                    },
                }
            ),
            "stages": json.dumps({"staging": {"account": self.stage_id, "endpoints": "staging"}}),
        }
        self.assembly = synthesise_accounts(self.directory, self.context, lambda _: endpoints).directory
        for account in (self.registry_id, self.stage_id):
            bootstrap(account, REGION, environ=self._environ(account), directory=self.directory)

    def upload(self, **encryption: str) -> None:
        """Put the artifact where it belongs; encrypted with the registry's key, or as given."""
        given = encryption or {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key}
        self.registry.client("s3").put_object(
            Bucket=self.bucket, Key="churn/1/model.tar.gz", Body=archive(SCALING_MODEL), **given
        )

    def deploy(self, stack: str, account: str) -> None:
        """Deploy one stack, with its account's credentials."""
        deploy_stack(stack, assembly=self.assembly, environ=self._environ(account))

    def destroy(self, stack: str, account: str) -> None:
        """Destroy one stack, with its account's credentials."""
        options = ("--exclusively", "--force", "--app", str(self.assembly))
        cdk("destroy", stack, *options, environ=self._environ(account))

    def _environ(self, account: str) -> dict[str, str]:
        return self.cloud.environ(account, REGION)

    def doctor(
        self, *options: str, registry: bool = True, environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run the doctor as its users do, with the stage's credentials and a profile of the registry's.

        `options` come after those of the team, and `environment` over its variables.
        """
        words = ["doctor", "--stage", "staging"]
        words += ["--registry-profile", "registry"] if registry else []
        words += [part for key, value in self.context.items() for part in ("-c", f"{key}={value}")]
        return self._run([*words, *options], environment or {})

    def command(self, *words: str) -> Done:
        """Run `greenlight` with profiles for both accounts."""
        return self._run(words, {})

    def _run(self, words: Sequence[str], environment: Mapping[str, str]) -> Done:
        credentials = self.directory / "credentials"
        accounts = {"registry": self.registry_id, "staging": self.stage_id}
        credentials.write_text(
            "".join(
                f"[{name}]\naws_access_key_id={account}\naws_secret_access_key={self.cloud.secret}\n"
                for name, account in accounts.items()
            )
        )
        environ = self._environ(self.stage_id) | {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        return greenlight(*words, environ={**environ, **environment})

    def findings(self, status: str, *options: str, **more: Any) -> list[dict[str, Any]]:
        """Return the doctor's findings with one status."""
        code, shown, said = self.doctor("--json", *options, **more)
        assert code in {0, 1, 3}, said
        parts: list[dict[str, Any]] = json.loads(shown)["parts"]
        return [each for part in parts for each in part["findings"] if each["status"] == status]

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """The statements of the registry's policies as they stand."""
        s3, ecr, kms = (self.registry.client(service) for service in ("s3", "ecr", "kms"))
        sagemaker = self.registry.sagemaker

        def of_group() -> str:
            found = sagemaker.get_model_package_group_policy(ModelPackageGroupName=GROUP)
            return str(found["ResourcePolicy"])

        texts: dict[str, Callable[[], str]] = {
            "bucket": lambda: s3.get_bucket_policy(Bucket=self.bucket)["Policy"],
            "group": of_group,
            "key": lambda: kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"],
            "repository": lambda: ecr.get_repository_policy(repositoryName=self.repository)["policyText"],
        }
        found = {}
        for name, read in texts.items():
            try:
                found[name] = json.loads(read())["Statement"]
            except ClientError:
                found[name] = []
        return found

    def grants(self) -> set[tuple[str, str, tuple[str, ...]]]:
        """The grants for the key whose policy nobody edits: their names, grantees and operations."""
        found = self.registry.client("kms").list_grants(KeyId=self.granted_key)["Grants"]
        return {(each["Name"], each["GranteePrincipal"], tuple(each["Operations"])) for each in found}
