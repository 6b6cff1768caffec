"""Check which documents are valid policies of which type; AWS refuses others with MalformedPolicyDocument.

Owns the grammar; `policies.py` reads valid documents, and `evaluation.py` interprets them. Source of each
rule, unless named beside it: IAM user guide, "Grammar of the IAM JSON policy language" and the pages of the
single elements ("IAM JSON policy elements: Sid", "Principal", "NotPrincipal", "Resource"). Messages are AWS's
where somebody saw them, otherwise ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.operators import parse_operator

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION_WITH_VARIABLES: Final = "2012-10-17"
_VERSIONS: Final = frozenset({VERSION_WITH_VARIABLES, "2008-10-17"})
_POLICY_ELEMENTS: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT_ELEMENTS: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
PRINCIPAL_KINDS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_SID: Final = re.compile(r"[0-9A-Za-z]*")
_VENDOR: Final = re.compile(r"[0-9A-Za-z-]+")
_WILDCARD: Final = re.compile(r"[*?]")


class MalformedPolicyError(ValueError):
    """A document is not a valid policy; the message says why."""


class PolicyType(Enum):
    """What a policy is attached to, which decides its grammar."""

    IDENTITY = "identity-based policy"
    TRUST = "trust policy"
    BUCKET = "bucket policy"
    TOPIC = "topic policy"
    QUEUE = "queue policy"
    KEY = "key policy"
    REPOSITORY = "repository policy"
    EVENT_BUS = "event bus policy"
    MODEL_PACKAGE_GROUP = "model package group policy"


class _Need(Enum):
    """Whether a statement must have an element."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    PROHIBITED = "prohibited"


@dataclass(frozen=True, slots=True)
class _Rules:
    """The grammar of one type of policies.

    Attributes:
        principal: Whether its statements name principals.
        resource: Whether they name resources.
        is_iams: Whether IAM itself stores it: then Sids are unique, and only letters and digits. Other
            services have their own rules ("IAM JSON policy elements: Sid").
    """

    principal: _Need
    resource: _Need
    is_iams: bool = False


_RULES: Final = {
    PolicyType.IDENTITY: _Rules(_Need.PROHIBITED, _Need.REQUIRED, is_iams=True),
    # A trust policy is about its own role: a resource is refused (seen, aws/aws-cdk #7615).
    PolicyType.TRUST: _Rules(_Need.REQUIRED, _Need.PROHIBITED, is_iams=True),
    PolicyType.BUCKET: _Rules(_Need.REQUIRED, _Need.REQUIRED),
    PolicyType.TOPIC: _Rules(_Need.REQUIRED, _Need.REQUIRED),
    PolicyType.QUEUE: _Rules(_Need.REQUIRED, _Need.REQUIRED),
    # KMS accepts a statement without Resource or Action, which "has no effect" (botocore: KMS, PutKeyPolicy).
    PolicyType.KEY: _Rules(_Need.REQUIRED, _Need.OPTIONAL),
    # AWS's examples have none (ECR user guide, "repository-policy-examples").
    PolicyType.REPOSITORY: _Rules(_Need.REQUIRED, _Need.OPTIONAL),
    PolicyType.EVENT_BUS: _Rules(_Need.REQUIRED, _Need.REQUIRED),
    PolicyType.MODEL_PACKAGE_GROUP: _Rules(_Need.REQUIRED, _Need.REQUIRED),
}


def statements_of(text: str, policy_type: PolicyType | None = None) -> tuple[str, list[dict[str, Any]]]:
    """Return the version and the statements of a valid policy.

    Args:
        text: The document.
        policy_type: Its type; None for a policy that AWS already stores, of any type: then only the rules for
            all types are checked.

    Raises:
        MalformedPolicyError: The document is not a policy of this type.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_doubles)
    except MalformedPolicyError:
        raise
    except ValueError as error:
        raise MalformedPolicyError(f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise MalformedPolicyError("it is no JSON object")
    if unknown := document.keys() - _POLICY_ELEMENTS:
        raise MalformedPolicyError(f"it has {', '.join(sorted(unknown))}, which IAM does not know")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise MalformedPolicyError(f"Version cannot be {version!r}; it is {' or '.join(sorted(_VERSIONS))}")
    if not isinstance(document.get("Id", ""), str):
        raise MalformedPolicyError(f"Id cannot be {document['Id']!r}; it is a text")
    statements = listed(document.get("Statement"))
    if not statements:
        raise MalformedPolicyError("it has no Statement")
    for statement in statements:
        _check(statement, policy_type)
    if policy_type is not None and _RULES[policy_type].is_iams:
        _check_sids(statements)
    return str(version), statements


def violation(document: str | Mapping[str, Any], policy_type: PolicyType) -> str | None:
    """Return why AWS would refuse a document as a policy of a type; None if it would accept it."""
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        statements_of(text, policy_type)
    except MalformedPolicyError as error:
        return str(error)
    return None


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy's "one or several"
    """Return a single item or a list as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object from pairs; "no duplicate keys are allowed" ("Policy grammar notes")."""
    found = dict(pairs)
    if len(found) < len(pairs):
        doubled = sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
        raise MalformedPolicyError(f"it says {', '.join(doubled)} twice in one object")
    return found


def _check(statement: object, policy_type: PolicyType | None) -> None:
    """Check one statement."""
    if not isinstance(statement, dict):
        raise MalformedPolicyError("a statement is no object")
    if unknown := statement.keys() - _STATEMENT_ELEMENTS:
        raise MalformedPolicyError(f"a statement has {', '.join(sorted(unknown))}, which IAM does not know")
    if not isinstance(statement.get("Sid", ""), str):
        raise MalformedPolicyError(f"Sid cannot be {statement['Sid']!r}; it is a text")
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedPolicyError(f"Effect cannot be {statement.get('Effect')!r}; it is Allow or Deny")
    for name in ("Action", "Resource", "Principal"):
        if name in statement and f"Not{name}" in statement:
            raise MalformedPolicyError(f"a statement has both {name} and Not{name}")
    if policy_type is not None:
        _check_elements(statement, _RULES[policy_type])
    if "Action" not in statement and "NotAction" not in statement and policy_type is not PolicyType.KEY:
        raise MalformedPolicyError("a statement has neither Action nor NotAction")
    _check_values(statement, is_new=policy_type is not None)


def _check_values(statement: Mapping[str, Any], *, is_new: bool) -> None:
    """Check the elements; for a policy that AWS already stores, skip the spelling of ARNs and keys."""
    for action in (*_texts(statement, "Action"), *_texts(statement, "NotAction")):
        _check_action(action)
    for resource in (*_texts(statement, "Resource"), *_texts(statement, "NotResource")):
        if is_new:
            _check_resource(resource)
    for name in ("Principal", "NotPrincipal"):
        if name in statement:
            _check_principal(name, statement[name])
    conditions = statement.get("Condition", {})
    _check_conditions(conditions)
    if not is_new:
        return
    for key in (key for keys in conditions.values() for key in keys):
        if ":" not in key:
            raise MalformedPolicyError(
                f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {key!r} is not."
            )


def _check_elements(statement: Mapping[str, Any], rules: _Rules) -> None:
    """Check which elements a statement must have, and must not have."""
    names_principal = "Principal" in statement or "NotPrincipal" in statement
    names_resource = "Resource" in statement or "NotResource" in statement
    if rules.principal is _Need.PROHIBITED and names_principal:
        raise MalformedPolicyError("Policy document should not specify a principal.")
    if rules.principal is _Need.REQUIRED and not names_principal:
        raise MalformedPolicyError("Missing required field Principal: a statement lacks Principal.")
    if rules.resource is _Need.PROHIBITED and names_resource:
        raise MalformedPolicyError("Has prohibited field Resource")
    if rules.resource is _Need.REQUIRED and not names_resource:
        raise MalformedPolicyError("Policy statement must contain resources: a statement lacks Resource.")
    if "NotPrincipal" in statement:
        if rules.is_iams:
            raise MalformedPolicyError("AssumeRole policy must not contain NotPrincipal field.")
        if statement["Effect"] == "Allow":
            raise MalformedPolicyError("NotPrincipal goes with Deny only: it would allow everybody else.")


def _check_sids(statements: list[dict[str, Any]]) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    for sid in sids:
        if not _SID.fullmatch(sid):
            raise MalformedPolicyError(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
                f"expression [0-9A-Za-z]*: {sid!r} does not."
            )
    if len(sids) > len(set(sids)):
        doubled = sorted({sid for sid in sids if sids.count(sid) > 1})
        raise MalformedPolicyError(
            f"Statement IDs (SID) in a single policy must be unique: {', '.join(doubled)} is not."
        )


def _texts(statement: Mapping[str, Any], name: str) -> list[str]:
    """Return an element's texts; none if it is absent."""
    if name not in statement:
        return []
    texts = listed(statement[name])
    if not texts or not all(isinstance(text, str) for text in texts):
        raise MalformedPolicyError(f"{name} cannot be {statement[name]!r}; it is a text or several")
    return texts


def _check_action(action: str) -> None:
    if action == "*":
        return
    vendor, *names = action.split(":")
    if not names:
        raise MalformedPolicyError(
            f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {action!r} is not."
        )
    if len(names) > 1:
        raise MalformedPolicyError(f"Actions/Condition can contain only one colon: {action!r} has more.")
    if not _VENDOR.fullmatch(vendor):
        raise MalformedPolicyError(f"Vendor {vendor} is not valid: {action!r} has to begin with a service.")
    if not names[0]:
        raise MalformedPolicyError(f"{action!r} names a service and none of its actions")


def _check_resource(resource: str) -> None:
    """Check that a resource is an ARN, perhaps with its end missing, or `*`."""
    if resource == "*":
        return
    prefix, *fields = resource.split(":")
    if prefix != "arn" or not fields or not fields[0]:
        raise MalformedPolicyError(f'Resource {resource} must be in ARN format or "*".')
    if len(fields) > 1 and (not fields[1] or _WILDCARD.search(fields[1])):
        raise MalformedPolicyError(
            f"Resource vendor must be fully qualified and cannot contain regexes: {resource} has no service."
        )


def _check_principal(name: str, value: object) -> None:
    if value == "*":
        return
    if not isinstance(value, dict) or not value or value.keys() - PRINCIPAL_KINDS:
        kinds = ", ".join(sorted(PRINCIPAL_KINDS))
        raise MalformedPolicyError(f"{name} cannot be {value!r}; it is * or an object of {kinds}")
    for kind, names in value.items():
        several = listed(names)
        if not several or not all(isinstance(each, str) for each in several):
            raise MalformedPolicyError(f"{name} cannot be {value!r}; {kind} is a text or several")


def _check_conditions(value: object) -> None:
    if not isinstance(value, dict) or not all(isinstance(keys, dict) for keys in value.values()):
        raise MalformedPolicyError(
            f"Condition cannot be {value!r}; it is an object of operators, each an object of keys"
        )
    for operator, keys in value.items():
        if parse_operator(operator) is None:
            raise MalformedPolicyError(f"{operator!r} is no condition operator")
        for key, values in keys.items():
            if not listed(values) or not all(_is_value(each) for each in listed(values)):
                raise MalformedPolicyError(f"{operator} {key} cannot be {values!r}; it is a text or several")


def _is_value(value: object) -> bool:
    """Tell whether a condition may have this value: JSON's numbers and booleans are allowed too."""
    return isinstance(value, str | bool | int | float)
