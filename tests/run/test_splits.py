"""The classes of each split are counted where a target has a few."""

from types import SimpleNamespace

import torch

from mtl_cli.run.splits import splits_of

NAN = float("nan")


def test_labels_are_counted_by_class_and_split() -> None:
    targets = {
        "train": {"kind": torch.tensor([2, 0, 2, -1]), "ill": torch.tensor([1.0, NAN, 0.0, 1.0])},
        "test": {"kind": torch.tensor([1]), "ill": torch.tensor([NAN])},
    }
    for own in targets.values():  # of which nothing is counted
        own["many"], own["soft"] = own["kind"], torch.full((len(own["kind"]),), 0.3)
        own["age"], own["flags"] = own["ill"], own["ill"][:, None].expand(-1, 2)
    names = {"kind": ["a", "b", "c"], "ill": ["no", "yes"], "soft": ["x", "y"], "flags": ["p", "q"]}
    names["many"] = [str(k) for k in range(21)]
    dataset = SimpleNamespace(
        sizes={"train": 4, "test": 1},
        targets=targets.__getitem__,
        class_names=names,
        dealt={"by": "fraction"},
    )
    assert splits_of(dataset) == {
        "by": "fraction",
        "classes": {
            "kind": {"train": {"a": 1, "b": 0, "c": 2}, "test": {"a": 0, "b": 1, "c": 0}},
            "ill": {"train": {"no": 1, "yes": 2}, "test": {"no": 0, "yes": 0}},
        },
    }
    dataset.class_names = {}
    assert splits_of(dataset) == {"by": "fraction"}
