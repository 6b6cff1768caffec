"""Serve the fitted estimator. The scikit-learn container calls `model_fn` once, `predict_fn` per request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import joblib

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray
    from sklearn.base import RegressorMixin


def model_fn(model_dir: str) -> RegressorMixin:
    """Load the model."""
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows: NDArray[float64], model: RegressorMixin) -> list[float]:
    """Predict one number a row."""
    predictions: list[float] = model.predict(rows).tolist()
    return predictions
