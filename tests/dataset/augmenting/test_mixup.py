"""Pictures mixed in pairs, against the loss as its paper writes it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from mtl_cli.basis.batch import Batch
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.dataset.augmenting.mixup import mixed
from mtl_cli.dataset.memory.own_part import OwnPart
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.run.build import build
from mtl_cli.training.trainer import Trainer

READS = {"kind": "image", "tall": "image"}


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(rows: int, alpha: float) -> tuple[float, torch.Tensor]:
    """The share and the partners that `mixed` draws, of the same generator."""
    own = draw()
    seed = int(torch.randint(2**63 - 1, (), generator=own))
    return np.random.default_rng(seed).beta(alpha, alpha), torch.randperm(rows, generator=own)


def pictures() -> Batch:
    x = torch.randn(6, 3, 4, 5, generator=draw(1))
    tall = torch.tensor([0.1, torch.nan, 0.3, 0.4, torch.nan, 0.6])
    kind = torch.tensor([0, 1, 2, -1, 1, 0])
    weights = {"tall": torch.tensor([1.0, 2.0, 3.0, 1.0, 0.0, 0.5])}
    return Batch({"image": x}, {"kind": kind, "tall": tall}, weights=weights)


def test_every_row_has_its_own_label_and_its_partners():
    batch = pictures()
    found = mixed(batch, 0.4, draw(), READS)
    share, partners = drawn(6, 0.4)
    x, weights = batch.inputs["image"], batch.weights["tall"]
    assert isinstance(x, torch.Tensor)
    assert found.labels_a_row == 2
    for i, j in enumerate(partners.tolist()):
        own = found.inputs["image"]
        assert isinstance(own, torch.Tensor)
        torch.testing.assert_close(own[i], share * x[i] + (1 - share) * x[j])
        assert found.targets["kind"][2 * i : 2 * i + 2].tolist() == [
            batch.targets["kind"][i],
            batch.targets["kind"][j],
        ]
        torch.testing.assert_close(
            found.weights["tall"][2 * i : 2 * i + 2],
            torch.stack([share * weights[i], (1 - share) * weights[j]]),
        )
        assert found.weights["kind"][2 * i].item() == pytest.approx(share)


def test_the_part_of_a_process_has_the_labels_of_its_rows(monkeypatch):
    whole = mixed(pictures(), 0.4, draw(), READS)
    monkeypatch.setattr("mtl_cli.basis.ranks.own_part", lambda rows: slice(2, 4))
    loader = type("Whole", (), {"num_examples": 6})()
    own = OwnPart(loader, READS).own(whole)
    assert len(own.inputs["image"]) == 2
    assert own.targets["kind"].tolist() == whole.targets["kind"][4:8].tolist()
    assert own.weights["tall"].tolist() == whole.weights["tall"][4:8].tolist()
    assert own.labels_a_row == 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with a class, and a height that a third of them lack."""
    root = tmp_path_factory.mktemp("photos")
    chance = np.random.default_rng(0)
    lines = ["path,kind,tall"]
    for i in range(40):
        Image.fromarray(chance.integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(root / f"{i}.png")
        lines.append(f"{i}.png,{'abc'[i % 3]},{'' if i % 3 == 0 else i / 40}")
    (root / "rows.csv").write_text("\n".join(lines))
    return root


@pytest.fixture
def trainer(folder: Path, tmp_path: Path) -> Trainer:
    cfg = compose(
        "train",
        [
            "dataset=images",
            f"dataset.path={folder}/rows.csv",
            "dataset.targets={kind: multiclass, tall: regression}",
            "dataset.augment={mixup: 0.7}",
            "dataset.cache=false",
            "encoder=cnn",
        ],
    )
    cfg = job_config(cfg, cfg.hydra)
    return build(cfg, SilentFolder(tmp_path), torch.device("cpu")).trainer


def test_the_losses_of_a_step_are_those_of_the_paper(trainer):
    model, updates = trainer.model.eval(), trainer.updates
    batch = next(iter(trainer.loaders["train"].batches(1)))
    with torch.no_grad():
        found = updates.forward.losses(batch, list(model.tasks))
        outputs = model(batch.inputs)
    share = batch.weights["kind"][0]
    rest = 1 - share
    kind = batch.targets["kind"].view(-1, 2)
    first, second = (cross_entropy(outputs["kind"], kind[:, i]) for i in (0, 1))
    torch.testing.assert_close(found["kind"], share * first + rest * second)
    tall = trainer.tasks["tall"].to_loss_unit(batch.targets["tall"]).view(-1, 2)
    errors = (outputs["tall"] - tall) ** 2
    there = ~tall.isnan()
    own, partners = (errors[:, i][there[:, i]].mean() for i in (0, 1))
    assert 0 < there.sum() < there.numel()
    torch.testing.assert_close(found["tall"], share * own + rest * partners)


def test_it_trains_and_evaluates_on_pictures_as_they_are(trainer):
    trainer.fit()
    for batch in trainer.loaders["val"].batches(1):
        assert batch.labels_a_row == 1
        assert not batch.weights
