"""Refuse documents that AWS would refuse as policies: MiniStack accepts nearly everything.

Owns where each service takes a policy, and its error for a bad one; `iam_evaluator/grammar.py` has the rules.
Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`iam_evaluator.validate_policy_document` becomes the grammar of identity-based policies
    MiniStack calls it for each inline and managed policy, also CloudFormation's.
`iam._trust_policy_not_principal_error` becomes the grammar of trust policies
    MiniStack looks only for NotPrincipal.
`sts.validate_policy_document` likewise, for session policies `kms._create_key`, `kms._put_key_policy`,
`s3._put_bucket_policy`, `sns._create_topic`, `sns._set_topic_attributes`, `sqs._HANDLERS` and
`ecr._set_repository_policy` check the policy first
    MiniStack accepts any document.
`provisioners._RESOURCE_HANDLERS` likewise, for resources whose policies bypass those functions
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from xml.sax.saxutils import escape

from iam_evaluator.grammar import PolicyType, listed, violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.iam_evaluator", "validate_policy_document"),
    ("ministack.core.responses", "error_response_json"),
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    ("ministack.services.ecr", "_set_repository_policy"),
    ("ministack.services.iam", "_trust_policy_not_principal_error"),
    ("ministack.services.kms", "_create_key"),
    ("ministack.services.kms", "_put_key_policy"),
    ("ministack.services.s3", "_error"),
    ("ministack.services.s3", "_put_bucket_policy"),
    ("ministack.services.sns", "_create_topic"),
    ("ministack.services.sns", "_error"),
    ("ministack.services.sns", "_set_topic_attributes"),
    ("ministack.services.sqs", "_Err"),
    ("ministack.services.sqs", "_HANDLERS"),
    ("ministack.services.sts", "validate_policy_document"),
)

_IN_TEMPLATES: Final = {
    "AWS::IAM::ManagedPolicy": ("PolicyDocument", PolicyType.IDENTITY),
    "AWS::KMS::Key": ("KeyPolicy", PolicyType.KEY),
    "AWS::S3::BucketPolicy": ("PolicyDocument", PolicyType.BUCKET),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", PolicyType.TOPIC),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", PolicyType.QUEUE),
}
"""The property with a policy, for resources whose policies bypass the service's own function."""

_Answer: TypeAlias = Any
"""MiniStack's answer."""


class PolicyGrammar:
    """Checks policies where MiniStack takes them."""

    def __init__(self) -> None:
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
        self._ecr: Any = importlib.import_module("ministack.services.ecr")
        self._iam: Any = importlib.import_module("ministack.services.iam")
        self._kms: Any = importlib.import_module("ministack.services.kms")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._sns: Any = importlib.import_module("ministack.services.sns")
        self._sqs: Any = importlib.import_module("ministack.services.sqs")
        self._sts: Any = importlib.import_module("ministack.services.sts")

    def install(self) -> None:
        """Refuse from now on."""
        # IAM's answers are XML, which MiniStack does not escape.
        self._evaluator.validate_policy_document = lambda document: _in_xml(document, PolicyType.IDENTITY)
        self._iam._trust_policy_not_principal_error = lambda document: _in_xml(document, PolicyType.TRUST)
        self._sts.validate_policy_document = lambda document: violation(document, PolicyType.IDENTITY)
        self._kms._create_key = self._before(self._kms._create_key, self._in_kms)
        self._kms._put_key_policy = self._before(self._kms._put_key_policy, self._in_kms)
        self._s3._put_bucket_policy = self._before(self._s3._put_bucket_policy, self._in_s3)
        self._sns._create_topic = self._before(self._sns._create_topic, self._in_sns)
        self._sns._set_topic_attributes = self._before(self._sns._set_topic_attributes, self._in_sns)
        for action in ("CreateQueue", "SetQueueAttributes"):
            self._sqs._HANDLERS[action] = self._before(self._sqs._HANDLERS[action], self._in_sqs)
        self._ecr._set_repository_policy = self._before(self._ecr._set_repository_policy, self._in_ecr)
        for kind, (member, policy_type) in _IN_TEMPLATES.items():
            self._check_in_templates(kind, partial(_of, member=member, policy_type=policy_type))
        self._check_in_templates("AWS::IAM::Role", _inline)

    @staticmethod
    def _before(do: Callable[..., _Answer], refusal: Callable[..., _Answer | None]) -> Callable[..., _Answer]:
        def checked(*given: Any) -> _Answer:  # noqa: ANN401 - as MiniStack calls it
            refused = refusal(*given)
            return do(*given) if refused is None else refused

        return checked

    def _in_kms(self, data: Mapping[str, Any]) -> _Answer | None:
        if not data.get("Policy") or not (why := violation(data["Policy"], PolicyType.KEY)):
            return None
        return self._responses.error_response_json("MalformedPolicyDocumentException", why, 400)

    def _in_s3(self, _bucket: str, body: bytes) -> _Answer | None:
        why = violation(body.decode("utf-8", errors="replace"), PolicyType.BUCKET)
        return self._s3._error("MalformedPolicy", why, 400) if why else None

    def _in_sns(self, params: Mapping[str, Any]) -> _Answer | None:
        policies = [value for name, value in _attributes(params) if name == "Policy"]
        for policy in policies:
            if policy and (why := violation(policy, PolicyType.TOPIC)):
                # "Invalid parameter: Policy Error: …" is seen; what follows is ours.
                return self._sns._error("InvalidParameter", f"Invalid parameter: Policy Error: {why}", 400)
        return None

    def _in_sqs(self, data: Mapping[str, Any], _url: str) -> None:
        policy = (data.get("Attributes") or {}).get("Policy")
        if policy and (why := violation(policy, PolicyType.QUEUE)):
            raise self._sqs._Err(
                "InvalidAttributeValue", f"Invalid value for the parameter Policy. Reason: {why}", 400
            )

    def _in_ecr(self, data: Mapping[str, Any]) -> _Answer | None:
        if not (why := violation(data.get("policyText") or "", PolicyType.REPOSITORY)):
            return None
        # The sentence is seen; the cause in brackets is ours.
        text = (
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy "
            f"provided' ({why})"
        )
        return self._responses.error_response_json("InvalidParameterException", text, 400)

    def _check_in_templates(
        self, kind: str, policies: Callable[[Mapping[str, Any]], Iterator[tuple[Any, PolicyType]]]
    ) -> None:
        handlers = self._provisioners._RESOURCE_HANDLERS[kind]

        def refusal(*given: Any) -> None:  # noqa: ANN401 - as MiniStack calls it
            # The properties are the last but one argument on creation, and the third on a change.
            properties = given[1] if len(given) == len(("logical_id", "properties", "stack")) else given[2]
            for document, policy_type in policies(properties):
                if why := violation(document, policy_type):
                    raise ValueError(f"{why} (MalformedPolicyDocument)")

        for step in ("create", "update"):
            if step in handlers:
                handlers[step] = self._before(handlers[step], refusal)


def _in_xml(document: str | Mapping[str, Any], policy_type: PolicyType) -> str | None:
    why = violation(document, policy_type)
    return None if why is None else escape(why)


def _of(
    properties: Mapping[str, Any], member: str, policy_type: PolicyType
) -> Iterator[tuple[Any, PolicyType]]:
    if properties.get(member):
        yield properties[member], policy_type


def _inline(properties: Mapping[str, Any]) -> Iterator[tuple[Any, PolicyType]]:
    """Yield a role's policies in a template; MiniStack checks the trust policy by itself."""
    for policy in listed(properties.get("Policies")):
        yield policy.get("PolicyDocument"), PolicyType.IDENTITY


def _attributes(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a topic that a request sets, by name."""

    def text(name: str) -> str:
        value = params.get(name, "")
        return str(value[0] if isinstance(value, list) else value)

    if name := text("AttributeName"):
        yield name, text("AttributeValue")
    for given in params:
        if given.startswith("Attributes.entry.") and given.endswith(".key"):
            yield text(given), text(f"{given.removesuffix('key')}value")
