"""Knows which changes SageMaker makes to an endpoint, and which it refuses. Pure.

One table, with the source of each row. A person must solve a refused change, and no version is to blame. So
the deployer reports it before it makes or asks for anything. It asks for a change of unknown outcome, and
reports a refusal like an expected one.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deployer.model.endpoint_config import Shape


class Answer(Enum):
    """What SageMaker does with a change."""

    MADE = "made"
    REFUSED = "refused"
    UNGUARDED = "made if the update has no DeploymentConfig"
    UNKNOWN = "unknown"


class Mark(Enum):
    """How well an answer is known."""

    DOCUMENTED = "documented"
    SEEN = "seen on AWS"
    OPEN = "not known"


@value
class Change:
    """A kind of change, and what SageMaker does with it.

    Attributes:
        name: What changes: what the endpoint is, and what it is to be.
        applies: Whether a change from one shape to another is of this kind, with or without a deployment
            config.
        answer: What SageMaker does.
        mark: How well the answer is known.
        source: Where it is written.
        words: Words in a refusal that show it is for this change, in lower case. Only for an unknown answer.
    """

    name: str
    applies: Callable[[Shape, Shape, bool], bool]
    answer: Answer
    mark: Mark
    source: str
    words: str = ""


_EXCLUSIONS: Final = 'developer guide, "deployment-guardrails-exclusions"'

CHANGES: Final = (
    Change(
        "the endpoint serves on instances and is to be serverless",
        lambda old, new, _: new.serverless and not old.serverless,
        Answer.REFUSED,
        Mark.DOCUMENTED,
        'developer guide, "serverless-endpoints"',
    ),
    Change(
        "the endpoint is serverless and is to serve on instances",
        lambda old, new, _: old.serverless and not new.serverless,
        Answer.MADE,
        Mark.DOCUMENTED,
        'developer guide, "serverless-endpoints"',
    ),
    Change(
        "the endpoint is asynchronous and is to answer in real time",
        lambda old, new, _: old.asynchronous and not new.asynchronous,
        Answer.REFUSED,
        Mark.SEEN,
        "aws/sagemaker-python-sdk PR #3124",
    ),
    Change(
        "the endpoint answers in real time and is to be asynchronous",
        lambda old, new, _: new.asynchronous and not old.asynchronous,
        Answer.UNKNOWN,
        Mark.OPEN,
        "refused the other way round",
        words="async",
    ),
    Change(
        "variants come, go or have other names",
        lambda old, new, guarded: old.variants != new.variants and not guarded,
        Answer.MADE,
        Mark.SEEN,
        "aws-controllers-k8s/sagemaker-controller test_endpoint.py",
    ),
    Change(
        "variants come, go or have other names",
        lambda old, new, guarded: old.variants != new.variants and guarded,
        Answer.UNGUARDED,
        Mark.DOCUMENTED,
        _EXCLUSIONS,
    ),
    Change(
        "a serverless endpoint's updates are not guarded",
        lambda old, new, guarded: guarded and (old.serverless or new.serverless),
        Answer.UNGUARDED,
        Mark.DOCUMENTED,
        f'{_EXCLUSIONS}, and "deployment-guardrails"',
    ),
    Change(
        "updates from or to Inf1 instances are not guarded",
        lambda old, new, guarded: guarded and (old.on_inf1 or new.on_inf1),
        Answer.UNGUARDED,
        Mark.DOCUMENTED,
        _EXCLUSIONS,
    ),
    Change(
        "a shadow comes or goes",
        lambda old, new, guarded: old.shadowed != new.shadowed and guarded,
        Answer.UNKNOWN,
        Mark.OPEN,
        f"{_EXCLUSIONS}, which says nothing of shadows",
        words="shadow",
    ),
)
"""Models, instance types, counts, weights and data capture may change freely (botocore: `UpdateEndpoint`),
except that a variant which scales keeps its instance type (`variants.py`).
Of the other exclusions ("deployment-guardrails-exclusions"), some are no change of an endpoint: containers of
the Marketplace or of several models, and a rolling update of several variants. `infra/settings` refuses
those. Where a user waives that, SageMaker shifts all traffic at once."""


def changes_between(old: Shape, new: Shape, *, guarded: bool) -> list[Change]:
    """Return the rows that a change of shape falls under.

    Args:
        old: The shape that serves.
        new: The shape that is to serve.
        guarded: Whether the update has a deployment config.
    """
    return [each for each in CHANGES if each.applies(old, new, guarded)]


def refused(changes: list[Change]) -> Change | None:
    """Return the change that SageMaker is known to refuse, if there is one."""
    return next((each for each in changes if each.answer is Answer.REFUSED), None)


def unguardable(changes: list[Change]) -> Change | None:
    """Return the change for which guardrails are left out, if there is one."""
    return next((each for each in changes if each.answer is Answer.UNGUARDED), None)


def refused_after_all(changes: Iterable[str], refusal: str) -> Change | None:
    """Return the change of unknown outcome that SageMaker's refusal is about; None if there is none.

    Args:
        changes: Names of the changes that were asked for.
        refusal: SageMaker's words.
    """
    unknown = [each for each in CHANGES if each.answer is Answer.UNKNOWN and each.name in set(changes)]
    return next((each for each in unknown if each.words in refusal.lower()), None)
