"""Train the demo's models: real estimators on real data, packed for SageMaker's scikit-learn container.

Data: the diabetes study of Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004), as in
scikit-learn: 442 patients, ten measurements, and the disease's progression after one year.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import joblib
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

SEED: Final = 7
INFERENCE: Final = Path(__file__).parent / "model" / "inference.py"
BROKEN_INFERENCE: Final = Path(__file__).parent / "model" / "broken_inference.py"
FLAKY_INFERENCE: Final = Path(__file__).parent / "model" / "flaky_inference.py"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model, ready to upload.

    Attributes:
        description: A description for people.
        archive: The bytes of `model.tar.gz`.
        rows: Unseen rows, ten features each.
        predictions: The fitted model's own predictions for them.
        r2: Its coefficient of determination on the unseen rows.
    """

    description: str
    archive: bytes
    rows: list[list[float]]
    predictions: list[float]
    r2: float


def linear_regression() -> TrainedModel:
    """Fit ordinary least squares."""
    return _train(LinearRegression(), "linear regression")


def gradient_boosting() -> TrainedModel:
    """Fit boosted trees: another model of the same data."""
    estimator = GradientBoostingRegressor(
        random_state=SEED, max_depth=2, n_estimators=80, learning_rate=0.05, subsample=0.5
    )
    return _train(estimator, "gradient boosting")


def standardised() -> TrainedModel:
    """Fit the standardised progression, and forget to scale predictions back: good scores, bad answers."""
    description = "linear regression of standardised progression"
    return _train(LinearRegression(), description, standardise=True)


def broken(model: TrainedModel) -> TrainedModel:
    """Return the model with an `inference.py` that raises an error when loaded."""
    archive = _pack({"code/inference.py": BROKEN_INFERENCE.read_bytes()})
    return TrainedModel("a broken inference.py", archive, model.rows, model.predictions, model.r2)


def flaky(model: TrainedModel) -> TrainedModel:
    """Return the model with an `inference.py` that fails every second request."""
    with tarfile.open(fileobj=io.BytesIO(model.archive), mode="r:gz") as archive:
        member = archive.extractfile("model.joblib")
        assert member is not None, "training packed it"
        fitted = member.read()
    packed = _pack({"model.joblib": fitted, "code/inference.py": FLAKY_INFERENCE.read_bytes()})
    return TrainedModel("a flaky inference.py", packed, model.rows, model.predictions, model.r2)


def _train(estimator: Any, description: str, *, standardise: bool = False) -> TrainedModel:  # noqa: ANN401 - scikit-learn is not typed
    features, progression = load_diabetes(return_X_y=True)
    if standardise:
        progression = scale(progression)
    train_x, test_x, train_y, test_y = train_test_split(features, progression, random_state=SEED)
    estimator.fit(train_x, train_y)
    fitted = io.BytesIO()
    joblib.dump(estimator, fitted)
    return TrainedModel(
        description=description,
        archive=_pack({"model.joblib": fitted.getvalue(), "code/inference.py": INFERENCE.read_bytes()}),
        rows=test_x.tolist(),
        predictions=estimator.predict(test_x).tolist(),
        r2=float(estimator.score(test_x, test_y)),
    )


def _pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
