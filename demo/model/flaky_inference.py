"""Load and pass every health check, then fail every second request, which a canary should catch."""

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
    """Load the model."""
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows: NDArray[float64], model: RegressorMixin) -> list[float]:
    """Predict one number a row, or fail, in turns."""
    if next(_requests) % 2:
        raise ValueError("a feature that nobody scaled")
    predictions: list[float] = model.predict(rows).tolist()
    return predictions
