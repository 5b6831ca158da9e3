"""``runtime.*`` changes how a model is computed, and no result beyond rounding."""

from pathlib import Path

import joblib
import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Row
from mtl_cli.comparison.setting import setting_of
from mtl_cli.disk.older_runs import as_of_today
from mtl_cli.encoder.resnet import ResNet
from mtl_cli.training import runtime
from mtl_cli.training.runtime import Runtime

FEW = ["dataset=parity_mnist", "dataset.source=digits", "encoder=cnn", "trainer=smoke"]


def losses(folder: Path, *words: str) -> list[float]:
    mtl_cli.train([f"hydra.run.dir={folder}", "device=cpu", *FEW, *words])
    lines = (folder / "metrics.csv").read_text().splitlines()[1:]
    return [float(line.rpartition(",")[2]) for line in lines]


def test_images_with_their_channels_last_train_alike(tmp_path: Path):
    plain = losses(tmp_path / "plain")
    words = ["runtime.channels_last=true", "runtime.matmul=high", "runtime.threads=1"]
    assert losses(tmp_path / "last", *words) == pytest.approx(plain, rel=1e-4)
    assert torch.get_float32_matmul_precision() == "high"
    losses(tmp_path / "again")
    assert torch.get_float32_matmul_precision() == "highest"


def test_convolutions_and_images_have_their_channels_last():
    model = ResNet(Dense((3, 16, 16)), 18, None, "small", True, None, True)
    runtime = Runtime("auto", False, True, "highest", 1, 600)
    call = runtime.prepared(model)
    convolution = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    inputs = runtime.laid_out({"image": torch.rand(2, 3, 16, 16), "row": torch.rand(2, 3)})
    assert inputs["image"].is_contiguous(memory_format=torch.channels_last)
    assert call(inputs["image"]).isfinite().all()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("runtime.threads=0", "must be an integer of at least 1"),
        ("runtime.compile=fast", "must be false, true, reduce-overhead or max-autotune"),
        ("runtime.channels_last=maybe", "must be true or false"),
        ("runtime.matmul=medium", "must be one of highest, high"),
        ("trainer.compile=true", "runtime.compile=true"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, word: str, message: str):
    with pytest.raises(Problem, match=message):
        losses(tmp_path / "run", word)


def test_a_compiled_run_of_before_is_one_of_today_and_a_peer_of_plain_ones():
    old = as_of_today({"trainer": {"compile": True, "max_epochs": 3}})
    assert old["trainer"] == {"max_epochs": 3}
    assert old["runtime"]["compile"] is True
    kept = as_of_today({"trainer": {}, "runtime": {"threads": 4}})["runtime"]
    new = {"processes": 1, "wait": 600}
    assert (
        kept == {"threads": 4, "compile": False, "channels_last": False, "matmul": "highest"} | new
    )

    class Saved:
        config = {"runtime.compile": True, "arch.num_experts": 2}  # noqa: RUF012

    assert setting_of(Saved()) == {"arch.num_experts": 2}  # type: ignore


@pytest.mark.parametrize(
    ("spec", "examples", "said", "threads"),
    [
        (Dense((4,)), 10, "auto", 1),
        (Row(3, (2,)), 10, "auto", 1),
        (Dense((4,)), 10**9, "auto", 3),  # a long step
        (Dense((1, 2, 2)), 10, "auto", 3),  # a picture, whose weights work at many places
        (Dense((4,)), 10, 2, 2),
    ],
)
def test_a_small_model_on_rows_takes_one_thread(spec, examples, said, threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(runtime, "ALL_THREADS", 3)
    before = torch.get_num_threads()
    try:
        found = Runtime(said, False, False, "highest", 1, 600)
        found.set_up()
        found.set_threads(spec.linear(5), [spec], examples)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_jobs_that_run_at_once_share_the_cores_out(monkeypatch):
    """As ``hydra/launcher=joblib`` begins them: joblib says how many each takes, torch heeds it."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def threads() -> int:
        Runtime("auto", False, False, "highest", 1, 600).set_up()
        return torch.get_num_threads()

    found = joblib.Parallel(n_jobs=2)(joblib.delayed(threads)() for _ in range(2))
    assert found == [max(1, joblib.cpu_count() // 2)] * 2
