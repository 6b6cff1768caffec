"""Owns the one error of building an asset."""

from __future__ import annotations


class BundlingError(Exception):
    """Say why the asset could not be built, and what to do."""
