"""Run MiniStack inside this process; no other folder of the project knows MiniStack's internals.

MiniStack keeps its state in modules and reads its settings from the environment on import. So there is one
per process, and `enter_environment` comes first. The other modules of this folder change it, each with a
table of changes and reasons. Changes here:

`router._is_aws_service_name` always agrees
    To name unimplemented services, MiniStack loads every service model of botocore: seconds, and 400 MB.

Everything else in `RELIED_ON` is only read or called.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.ministack import (
    bus_policies,
    cloudwatch_metrics,
    code_urls,
    enforcement,
    event_buses,
    iam,
    identities,
    lambda_functions,
    log_groups,
    objects_and_topics,
    parameter_changes,
    policy_grammar,
    resource_policies,
    role_permissions,
    rule_targets,
    s3_keys,
    service_actions,
    signatures,
)
from local_cloud.ministack.bus_policies import BusPolicies
from local_cloud.ministack.cloudwatch_metrics import CloudWatchMetrics
from local_cloud.ministack.enforcement import Enforcement
from local_cloud.ministack.event_buses import EventBuses
from local_cloud.ministack.iam import MiniStackIam
from local_cloud.ministack.lambda_functions import LambdaFunctions
from local_cloud.ministack.log_groups import LogGroups
from local_cloud.ministack.objects_and_topics import ObjectsAndTopics
from local_cloud.ministack.parameter_changes import ParameterChanges
from local_cloud.ministack.policy_grammar import PolicyGrammar
from local_cloud.ministack.role_permissions import ExecutionRoles
from local_cloud.ministack.rule_targets import RuleTargets
from local_cloud.ministack.s3_keys import Encryption
from local_cloud.ministack.service_actions import ServiceActions
from local_cloud.ministack.signatures import Signatures

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.front_door.http import AsgiApp


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "SERVICE_HANDLERS"),
    ("ministack.app", "app"),
    ("ministack.core.iam_evaluator", "resolve_caller_identity"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.core.responses", "set_request_account_id"),
    ("ministack.core.router", "_is_aws_service_name"),
    ("ministack.core.router", "detect_service"),
    *bus_policies.RELIED_ON,
    *cloudwatch_metrics.RELIED_ON,
    *code_urls.RELIED_ON,
    *enforcement.RELIED_ON,
    *event_buses.RELIED_ON,
    *role_permissions.RELIED_ON,
    *iam.RELIED_ON,
    *identities.RELIED_ON,
    *lambda_functions.RELIED_ON,
    *log_groups.RELIED_ON,
    *objects_and_topics.RELIED_ON,
    *parameter_changes.RELIED_ON,
    *policy_grammar.RELIED_ON,
    *resource_policies.RELIED_ON,
    *rule_targets.RELIED_ON,
    *s3_keys.RELIED_ON,
    *service_actions.RELIED_ON,
    *signatures.RELIED_ON,
)

# The host's variables that a process of the local cloud keeps: none that selects an AWS account, a Python
# environment or a MiniStack setting.
_KEPT_FROM_HOST = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT")


class IncompatibleMiniStackError(Exception):
    """The installed MiniStack lacks something that the local cloud relies on."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """The owner of an access key."""

    account_id: str
    principal_arn: str


def missing_internals() -> list[str]:
    """Return the names in `RELIED_ON` that the installed MiniStack does not have."""
    return [
        f"{module}.{name}" for module, name in RELIED_ON if not hasattr(importlib.import_module(module), name)
    ]


def settings(port: int, *, enforce_iam: bool = True) -> dict[str, str]:
    """Return the environment that makes MiniStack listen nowhere, start no container and keep no file."""
    return {
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "AUTH": str(enforce_iam).lower(),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # A missing socket: MiniStack neither imports the Docker SDK nor sweeps for containers.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "LOG_LEVEL": "INFO",
    }


def enter_environment(port: int, state_dir: Path, *, secret: str, enforce_iam: bool = True) -> None:
    """Replace this process's environment with the one for MiniStack and its child processes.

    `secret` is the secret access key of every account's root user. Temporary files go below `state_dir`, so
    that its owner can remove them all at once.
    """
    kept = {name: os.environ[name] for name in _KEPT_FROM_HOST if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | settings(port, enforce_iam=enforce_iam) | {"AWS_SECRET_ACCESS_KEY": secret})
    temporary = state_dir / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = str(temporary)


class MiniStack:
    """The one MiniStack of this process, after `enter_environment`."""

    def __init__(
        self,
        *,
        port: int,
        state_dir: Path,
        secret: str,
        enforce_iam: bool = True,
        retry_base_seconds: float = 1.0,
    ) -> None:
        """Import MiniStack and change it by the modules' tables.

        `parameter_changes.announce_to` makes the changes that need an event bus.

        Raises `IncompatibleMiniStackError` if the installed version lacks something in `RELIED_ON`.
        """
        if missing := missing_internals():
            raise IncompatibleMiniStackError(
                "The installed MiniStack is not the one the local cloud was written for: it has no "
                + ", ".join(missing)
                + ". Install the pinned version (make setup), or adapt local_cloud/ministack/emulator.py."
            )
        self.app: AsgiApp = importlib.import_module("ministack.app").app
        self._router: Any = importlib.import_module("ministack.core.router")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._take_every_name_for_a_service()
        self.enforces_iam = enforce_iam
        self.iam = MiniStackIam()
        self.execution_roles = ExecutionRoles(self.iam)
        self.objects_and_topics = ObjectsAndTopics(self.execution_roles)
        self.signatures = Signatures(secret, enforce_iam=enforce_iam)
        self.signatures.install()
        if enforce_iam:
            Enforcement(self.iam).install()
        RuleTargets(self.iam, enforce_iam=enforce_iam).install()
        BusPolicies().install()
        if enforce_iam:
            ServiceActions(self.iam).install()
        Encryption().install()
        PolicyGrammar().install()
        self.functions = LambdaFunctions(state_dir, hidden=sorted(settings(port)))
        self.functions.install(retry_base_seconds)
        self.metrics = CloudWatchMetrics()
        self.metrics.install()
        self.log_groups = LogGroups()
        self.log_groups.install()
        self.parameter_changes = ParameterChanges()
        self.event_buses = EventBuses()
        self.event_buses.install()

    def _take_every_name_for_a_service(self) -> None:
        self._router._is_aws_service_name = lambda _name: True

    def identify(self, access_key_id: str) -> CallerIdentity:
        """Return the account and principal of an access key: a 12-digit key is an account's root."""
        with self._responses.request_scope("", ""):
            self._responses.set_request_account_id(access_key_id)
            account_id: str = self._responses.get_account_id()
            identity = self._evaluator.resolve_caller_identity(access_key_id)
        arn = identity["userArn"] if identity and identity["userArn"] else f"arn:aws:iam::{account_id}:root"
        return CallerIdentity(account_id=account_id, principal_arn=arn)

    def serves(self, scope_service: str) -> bool:
        """Tell whether MiniStack implements the service that a request's credential scope names."""
        authorization = f"AWS4-HMAC-SHA256 Credential=x/20000101/us-east-1/{scope_service}/aws4_request"
        service = self._router.detect_service("POST", "/", {"authorization": authorization}, {})
        served: bool = service in importlib.import_module("ministack.app").SERVICE_HANDLERS
        return served

    def stop(self) -> None:
        """End the processes that run Lambda functions."""
        self.functions.stop()
