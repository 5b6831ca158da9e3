"""The reference: gradient-boosted trees, which many would use on a table in a network's place.

scikit-learn's HistGradientBoostingRegressor and HistGradientBoostingClassifier as they come, one
for each target; categories as categories, missing values as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Encoded, Examples
from mtl_cli.dataset.tables.plain import PlainTable
from mtl_cli.task.base import Task
from mtl_cli.training.stand_in import StandIn

NAME = "HistGradientBoosting (scikit-learn)"
LEAST_LABELS = 2000  # for which trees take as long as for fewer
MOST_CATEGORIES = 255  # that these trees can tell apart; a column of more counts as a number

Counts = np.ndarray | None  # how much each row counts; None: all the same
Predict = Callable[[np.ndarray], np.ndarray]  # rows [B, F] to predictions [B, O]


class Reference(StandIn):
    """Trees for each target of each task, fitted to the train rows. Draws nothing.

    Args:
        tasks: ``{name: task}``.
        table: the rows.
        device: where the outputs are to be.
    """

    def __init__(self, tasks: Mapping[str, Task], table: PlainTable, device: torch.device) -> None:
        super().__init__(tasks, device)
        self.table = table
        x = table.features(table.rows)
        self.learned = {name: self.learn(task, x) for name, task in tasks.items()}

    @property
    def called(self) -> str:
        """What the trees are, and what they do not read."""
        unread = self.table.unread
        more = f" and {len(unread) - 3} more" if len(unread) > 3 else ""
        return f"{NAME} without {', '.join(unread[:3])}{more}" if unread else NAME

    def learn(self, task: Task, x: np.ndarray) -> list[Predict]:
        """What predicts each target of a task."""
        labels = self.table.targets[task.name].cpu()
        weights = self.table.weights.get(task.name)
        counts = None if weights is None else weights.cpu().double().numpy()
        learned = []
        for target in labels.reshape(len(x), -1).unbind(1):
            there = task.is_labelled(target).numpy()
            if counts is not None:
                there &= counts > 0
            y = target.double().numpy()[there]
            # Weights that are all alike would only make it six times as slow.
            weighed = None if counts is None else counts[there]
            own = x[there], y, weighed, self.table.are_categories(MOST_CATEGORIES)
            if not task.of_classes:
                learned.append(regress(*own, loss=task.trees_minimise))
            elif target.is_floating_point():  # the share of ones
                learned.append(last_of(classify(*own, num_classes=2)))
            else:
                learned.append(classify(*own, num_classes=task.num_classes))
        return learned

    def predict(self, task: Task, x: Examples) -> Tensor:
        assert not isinstance(x, Bag | Encoded)
        features = self.table.features(x)
        return torch.from_numpy(np.hstack([own(features) for own in self.learned[task.name]]))


def size(tasks: Mapping[str, Task], table: PlainTable) -> int:
    """How much there is to learn: labels times the trees that each round needs for them."""
    total = 0
    for name, task in tasks.items():
        labels = table.targets[name]
        trees = 1 if labels.is_floating_point() else task.num_classes
        for target in labels.reshape(len(labels), -1).unbind(1):
            total += trees * max(LEAST_LABELS, int(task.is_labelled(target).sum()))
    return total


def regress(
    x: np.ndarray, y: np.ndarray, counts: Counts, categories: list[bool], loss: str
) -> Predict:
    """Trees for real values, which minimise a loss; 0 where there is none to learn from."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    if not y.any():
        return lambda rows: np.zeros((len(rows), 1))
    trees = HistGradientBoostingRegressor(
        loss=loss, categorical_features=categories, random_state=0
    )
    trees.fit(x, y, counts)
    return lambda rows: trees.predict(rows)[:, None]


def classify(
    x: np.ndarray, y: np.ndarray, counts: Counts, categories: list[bool], num_classes: int
) -> Predict:
    """Trees for the probability of each class [B, C]; the only class has all of it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    classes, sizes = np.unique(y.astype(int), return_counts=True)
    if len(classes) < 2:
        sure = np.full(num_classes, 0.0 if len(classes) else 1 / num_classes)
        sure[classes] = 1
        return lambda rows: np.tile(sure, (len(rows), 1))
    trees = HistGradientBoostingClassifier(
        categorical_features=categories,
        # From 10 000 rows on they stop early, by a tenth of the rows that has all classes.
        early_stopping="auto" if min(sizes) > 1 and len(y) >= 10 * len(classes) else False,
        random_state=0,
    )
    trees.fit(x, y.astype(int), counts)

    def predict(rows: np.ndarray) -> np.ndarray:
        shares = np.zeros((len(rows), num_classes))
        shares[:, trees.classes_] = trees.predict_proba(rows)
        return shares

    return predict


def last_of(predict: Predict) -> Predict:
    """The last column alone of what is predicted."""
    return lambda rows: predict(rows)[:, -1:]
