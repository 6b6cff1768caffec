"""Lets the handler be imported: it builds its session at module scope, as Lambda wants it."""

from __future__ import annotations

import os

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
