"""An embedding before every architecture: its tables are there once, and shared by all tasks."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Joined, Row
from mtl_cli.command_line.cli import CONF, compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.embedding.shared import SharedEmbedding
from mtl_cli.model.embedded import EmbeddedInputs
from mtl_cli.run.build import Run, build

ARCHS = sorted(path.stem for path in Path(CONF, "arch").glob("*.yaml") if path.stem != "module")


def made(folder: Path, *words: str) -> Run:
    """A run on a table of two numbers, two columns of categories, and two targets."""
    draw = np.random.default_rng(0)
    columns = {"u": draw.normal(size=300), "v": draw.normal(size=300)}
    columns |= {name: draw.choice([*"abcdefgh"], 300) for name in ("who", "what")}
    columns |= {"age": draw.normal(size=300), "ill": draw.integers(0, 2, 300)}
    pandas.DataFrame(columns).to_csv(folder / "x.csv", index=False)
    told = ["dataset=table", f"dataset.path={folder / 'x.csv'}"]
    told += ["encoder.hidden=[8,8]"] if "encoder=joined" not in words else []
    told += ["dataset.targets={age: regression, ill: binary}", "trainer.max_epochs=1"]
    cfg, path = compose_run("train", [f"hydra.run.dir={folder / 'run'}", *told, *words])
    (path / "checkpoints").mkdir()
    return build(cfg, RunFolder(path), torch.device("cpu"))


@pytest.mark.parametrize("arch", ARCHS)
def test_every_architecture_reads_the_embedded_row(arch, tmp_path):
    run = made(tmp_path, f"arch={arch}", "embedding.width=4")
    model, spec = run.model, Row(2, (9, 9))
    assert model.inputs == {"row": spec}
    apart = get_class(OmegaConf.load(Path(CONF, "arch", f"{arch}.yaml"))._target_).apart
    tables = [p for p in model.parameters() if p.shape == (18, 4)]
    assert len(tables) == len(model.groups()) == (2 if apart else 1)
    shared = {id(p) for p in model.shared_parameters()}
    assert all((id(table) in shared) != apart for table in tables)
    before = [table.detach().clone() for table in tables]
    run.trainer.fit()
    assert not any(torch.equal(*pair) for pair in zip(before, tables, strict=True))
    x = {"row": spec.example(5)}
    assert_close(model.eval()(x, ["ill"])["ill"], model(x)["ill"])


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("encoder", ["mlp", "joined"])
def test_every_architecture_reads_the_embedded_row_beside_another_part(arch, encoder, tmp_path):
    words = ["dataset.columns={what: {type: text, vectorizer: {analyzer: char}}}"]
    words += [f"arch={arch}", "embedding.width=4", f"encoder={encoder}"]
    if encoder == "joined":
        words += ["encoder.parts={row: mlp, what: mlp}"]
    run = made(tmp_path, *words)
    apart = get_class(OmegaConf.load(Path(CONF, "arch", f"{arch}.yaml"))._target_).apart
    tables = [p for p in run.model.parameters() if p.shape == (9, 4)]
    assert len(tables) == (2 if apart else 1)
    before = [table.detach().clone() for table in tables]
    run.trainer.fit()
    assert not any(torch.equal(*pair) for pair in zip(before, tables, strict=True))


def test_the_row_of_an_input_of_parts_is_embedded_as_it_is_alone():
    row = Row(1, (3,))
    joined = Joined((("a.b", row), ("c", Dense((2,)))))
    torch.manual_seed(0)
    parts = EmbeddedInputs(lambda spec: SharedEmbedding(spec, 2), {"x": joined})
    torch.manual_seed(0)
    alone = EmbeddedInputs(lambda spec: SharedEmbedding(spec, 2), {"x": row})
    assert parts.gives == {"x": Joined((("a.b", Dense((3,))), ("c", Dense((2,)))))}
    x = joined.example(5)
    found = parts({"x": x})["x"]
    assert torch.equal(found.parts["a.b"], alone({"x": x.parts["a.b"]})["x"])
    assert torch.equal(found.parts["c"], x.parts["c"])
    assert torch.equal(found.present, x.present)


def test_without_a_width_the_model_is_the_one_without_an_embedding(tmp_path):
    states = []
    for i, words in enumerate(([], ["~embedding"], ["embedding.width=null"])):
        (tmp_path / str(i)).mkdir()
        run = made(tmp_path / str(i), "arch=mmoe", *words)
        run.trainer.fit()
        states.append(run.model.state_dict())
    for other in states[1:]:
        assert other.keys() == states[0].keys()
        assert all(torch.equal(other[name], own) for name, own in states[0].items())


def test_where_there_is_nothing_to_embed_a_width_is_refused(tmp_path):
    cfg, path = compose_run("train", [f"hydra.run.dir={tmp_path / 'run'}", "embedding.width=4"])
    with pytest.raises(Problem, match=r"rows with categories.*\n.*dense\n.*width=null"):
        build(cfg, RunFolder(path), torch.device("cpu"))


def test_inputs_of_equal_spec_share_tables_and_what_is_no_row_stays():
    specs = {"a": Row(1, (3,)), "b": Row(1, (3,)), "c": Row(0, (3,)), "d.e": Dense((2,))}
    embedded = EmbeddedInputs(lambda spec: SharedEmbedding(spec, 2), specs)
    assert list(embedded.gives) == [*specs]
    assert [spec.shape for spec in embedded.gives.values()] == [(3,), (3,), (2,), (2,)]
    assert len(list(embedded.parameters())) == 2
    x = {name: spec.example(4) for name, spec in specs.items()}
    found = embedded(x)
    assert found["d.e"] is x["d.e"]
    assert torch.equal(embedded({"a": x["b"]})["a"], found["b"])
