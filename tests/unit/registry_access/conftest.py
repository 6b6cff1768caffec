"""Lets the handler be imported: it reads its environment at module scope, as Lambda wants it."""

from __future__ import annotations

import os

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
os.environ.setdefault("OWNER", "Greenlight0123456789")
os.environ.setdefault("STAGE_ACCOUNTS", "444455556666")
