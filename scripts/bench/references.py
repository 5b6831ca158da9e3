"""What scikit-learn makes of a table or of texts: a linear model and a network, by their defaults.

Numbers are scaled, categories one-hot, and texts are tf-idf; regressions are standardised
(``TransformedTargetRegressor``); the linear models choose their penalty by cross-validation.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

FAR = np.logspace(-2, 4, 13)  # penalties of RidgeCV, whose own three are too few for wide tables


def errors(
    train: pd.DataFrame, test: pd.DataFrame, target: str, kind: str, inputs: Any, seed: int
) -> dict[str, float]:
    """``{model: test error}``, the root of the mean squared one: of values, or of probabilities.

    ``floor`` is the mean or the prior's; ``inputs`` makes numbers of the rows (not fitted yet).
    """
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    train, test = (part[part[target].notna()] for part in (train, test))
    regression = kind == "regression"
    models: dict[str, Any] = {
        "floor": DummyRegressor() if regression else DummyClassifier(),
        "linear": RidgeCV(FAR) if regression else logistic(LogisticRegressionCV),
        "mlp": (MLPRegressor if regression else MLPClassifier)(random_state=seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 200 epochs are the default, converged or not
        return {
            name: error(model, train, test, target, regression, inputs)
            for name, model in models.items()
        }


def logistic(make: Any) -> Any:
    """Its penalty by log loss, and not by accuracy: probabilities are compared."""
    return make(scoring="neg_log_loss", max_iter=1000, use_legacy_attributes=False, l1_ratios=(0,))


def error_of(said: pd.DataFrame, task: str, kind: str, labels: pd.Series) -> float:
    """The error of ``mtl-predict``'s columns for the same rows; labels hold every class."""
    from sklearn.metrics import root_mean_squared_error

    if kind == "regression":
        return float(root_mean_squared_error(labels, said[task]))
    classes = sorted(labels.unique())
    columns = [said.get(f"p({task}={value})") for value in classes]
    known = sum(column for column in columns if column is not None)
    filled = [1 - known if column is None else column for column in columns]
    return brier(np.stack(filled, 1), labels, classes)


def brier(probabilities: np.ndarray, labels: pd.Series, classes: list[Any]) -> float:
    """The root of Brier's score: ``sqrt(mean_b sum_c (p_bc - [label_b = c])^2)``."""
    there = labels.to_numpy()[:, None] == np.array(classes)
    return float(np.sqrt(np.square(probabilities - there).sum(1).mean()))


def of_table(rows: pd.DataFrame) -> Any:
    """What makes inputs of a table's columns."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [c for c in rows if pd.api.types.is_numeric_dtype(rows[c])]
    others = [c for c in rows if c not in numbers]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2), others),
    )


def of_texts() -> Any:
    """What makes inputs of the column ``text``."""
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    return make_column_transformer((TfidfVectorizer(), "text"))


def error(
    model: Any, train: pd.DataFrame, test: pd.DataFrame, target: str, regression: bool, inputs: Any
) -> float:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.metrics import root_mean_squared_error
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if regression:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    model = make_pipeline(inputs, model).fit(train, train[target])
    if regression:
        return float(root_mean_squared_error(test[target], model.predict(test)))
    return brier(model.predict_proba(test), test[target], list(model.classes_))
