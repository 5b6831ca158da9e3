"""Experiments on public pictures read their usual folders, and say where people get them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.command_line.places import CONF
from mtl_cli.dataset.pictures.lists import read_list, splits_in
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import Run, build

OFFICE = {"amazon": "amazon/images", "dslr": "dslr/images", "webcam": "webcam/images"}
HOME = {"art": "Art", "clipart": "Clipart", "product": "Product", "real_world": "Real World"}
ATTRIBUTES = 40
SMALL = ["encoder=cnn", "'dataset.size=[12,12]'", "dataset.cache=false", "device=cpu"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MTL_DATA", str(tmp_path))
    return tmp_path


def save(file: Path, value: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 14), (value % 256, 0, 0)).save(file)


def office(root: Path, domains: dict[str, str]) -> None:
    for k, path in enumerate(domains.values()):
        for i in range(15 + 5 * k):
            save(root / path / ("back_pack", "bike", "mug")[i % 3] / f"frame_{i:04}.jpg", i)


def celeba(root: Path) -> np.ndarray:
    names = [f"{i + 1:06}.jpg" for i in range(12)]
    labels = np.where(np.random.default_rng(0).random((12, ATTRIBUTES)) < 0.5, 1, -1)
    labels[:3], labels[3] = -1, 1  # each attribute has both values in train
    targets = OmegaConf.load(CONF / "experiment/celeba.yaml").dataset.targets
    columns = ["5_o_Clock_Shadow", *list(targets)[1:]]
    rows = [f"{name}  {' '.join(map(str, own))}" for name, own in zip(names, labels, strict=True)]
    text = "\n".join([str(len(names)), " ".join(columns), *rows])
    for i, name in enumerate(names):
        save(root / "img_align_celeba" / name, i)
    (root / "list_attr_celeba.txt").write_text(text + "\n")
    splits = [f"{name} {[0, 1, 2][(i > 7) + (i > 9)]}" for i, name in enumerate(names)]
    (root / "list_eval_partition.txt").write_text("\n".join(splits) + "\n")
    return labels


def built(folder: Path, *words: str) -> Run:
    given = [f"hydra.run.dir={folder}/run", *words, *(word.strip("'") for word in SMALL)]
    cfg, path = compose_run("train", given)
    return build(cfg, RunFolder(path), torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "root", "domains"),
    [("office_31", "office-31", OFFICE), ("office_home", "OfficeHomeDataset_10072016", HOME)],
)
def test_each_domain_is_a_task_with_pictures_of_its_own(name, root, domains, folder):
    office(folder / root, domains)
    run = built(folder, f"experiment={name}", "encoder=cnn", "dataset.batch_size=4")
    assert run.dataset.tasks == {domain: domain for domain in domains}
    batch = next(iter(run.trainer.loaders["train"].batches(1)))
    assert {len(x) for x in batch.inputs.values()} == {4}
    total = sum(15 + 5 * k for k in range(len(domains)))
    sizes = run.dataset.sizes
    assert sum(sizes.values()) == total
    assert sizes["val"] == sizes["test"] == pytest.approx(total / 5, abs=2)
    longest = 9 + 3 * (len(domains) - 1)
    assert len(run.trainer.loaders["train"]) == -(-longest // 4)  # the shorter ones begin anew


def test_forty_attributes_come_from_a_list_and_splits_from_another(folder):
    labels = celeba(folder / "celeba")
    run = built(folder, "experiment=celeba", "dataset.batch_size=4")
    assert run.dataset.sizes == {"train": 8, "val": 2, "test": 2}
    targets = run.dataset.targets("test")
    assert len(targets) == ATTRIBUTES
    found = np.stack([own.numpy() for own in targets.values()], 1)
    np.testing.assert_array_equal(found, labels[10:] > 0)


def test_a_missing_folder_is_told_with_where_people_get_it(folder):
    with pytest.raises(Problem) as error:
        built(folder, "experiment=office_home", "encoder=cnn")
    assert str(folder) in error.value.found
    assert "hemanthdv" in error.value.fix
    celeba(folder / "celeba")
    (folder / "celeba/img_align_celeba").rename(folder / "elsewhere")
    with pytest.raises(Problem, match="mmlab"):
        built(folder, "experiment=celeba")


def test_lists_that_are_not_whole(tmp_path):
    celeba(tmp_path)
    file = tmp_path / "list_attr_celeba.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]))
    with pytest.raises(Problem, match="must have 12 rows"):
        read_list(file)
    file.write_text("\n".join([*lines[:-1], lines[-1][:-4]]))
    with pytest.raises(Problem, match="row 12 of list_attr_celeba"):
        read_list(file)
    splits = tmp_path / "list_eval_partition.txt"
    splits.write_text(splits.read_text().replace("000003.jpg 0", "000003.jpg 7"))
    with pytest.raises(Problem, match="not of 1: 000003"):
        splits_in(splits, ["000001.jpg", "000003.jpg"], "dataset", None)
