"""Owns how much IAM lets a role have of policies (IAM user guide, "reference_iam-quotas")."""

from __future__ import annotations

from typing import Final

LARGEST_INLINE: Final = 10_240
"""Characters of all inline policies of a role together (IAM quota, "reference_iam-quotas")."""

LARGEST_MANAGED: Final = 6_144
"""Characters of a managed policy (IAM quota)."""

MANAGED_POLICIES: Final = 10
"""Managed policies of a role (IAM quota, which AWS raises on request)."""

MOST_MANAGED_POLICIES: Final = 20
"""What AWS raises that quota to at most."""
