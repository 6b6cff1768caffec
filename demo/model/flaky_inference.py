"""Loads and passes every health check, and then fails every second request: a canary is for this."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import joblib

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray
    from sklearn.base import RegressorMixin

_requests = itertools.count()


def model_fn(model_dir: str) -> RegressorMixin:
    """Load what training packed."""
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows: NDArray[float64], model: RegressorMixin) -> list[float]:
    """Predict one number a row, every other time."""
    if next(_requests) % 2:
        raise ValueError("a feature that nobody scaled")
    predictions: list[float] = model.predict(rows).tolist()
    return predictions
