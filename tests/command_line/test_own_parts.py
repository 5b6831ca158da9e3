"""Parts of others are found by what a command line names, last on the path, or installed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mtl_cli
import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.own_parts import (
    composable,
    find_packages,
    resume_line,
    split_config_dirs,
    target_packages,
)
from mtl_cli.diagnose import diagnose
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.report import read_words, report
from mtl_cli.training.trainer import Trainer

QUICK = ["dataset.num_samples=200", "trainer.max_epochs=2", "encoder=own_mlp"]
CODE = """
from mtl_cli.encoder.mlp import MLP

class OwnMLP(MLP):
    pass
"""
YAML = """# Ours.
_target_: {package}.OwnMLP
_partial_: true
hidden: [4]  # widths
activation: relu
dropout: 0.0
"""


def write_parts(folder: Path, package: str) -> None:
    (folder / "my_conf" / "encoder").mkdir(parents=True)
    (folder / "my_conf" / "encoder" / "own_mlp.yaml").write_text(YAML.format(package=package))
    (folder / f"{package}.py").write_text(CODE)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """A package of the user's own, and YAMLs beside it, in ``parts``; commands are typed above."""
    name = f"own_{abs(hash(request.node.name))}"
    (tmp_path / "parts").mkdir()
    write_parts(tmp_path / "parts", name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield name
    sys.modules.pop(name, None)


def typed(*words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtl-train", *words])
        mtl_cli.train.main()


def stop_the_first_epoch(patch: pytest.MonkeyPatch) -> None:
    train_epoch = Trainer.train_epoch

    def train(self: Trainer) -> None:
        if self.step == 0:
            os.kill(os.getpid(), signal.SIGINT)
        train_epoch(self)

    patch.setattr(Trainer, "train_epoch", train)


def forget(package: str) -> None:
    """As a new process: nothing is imported, and nothing was found."""
    sys.modules.pop(package, None)
    sys.path[:] = [place for place in sys.path if not place.endswith("parts")]
    sys.path_importer_cache.clear()


@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_the_line_that_an_interrupted_run_prints_goes_on_with_own_parts(
    package: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config-dir", "parts/my_conf", *QUICK, f"hydra.{kind}.dir=cut"]
    with pytest.MonkeyPatch.context() as patch:
        stop_the_first_epoch(patch)
        with pytest.raises(SystemExit):
            typed(*words, *(["--multirun", "seed=0,1"] if kind == "sweep" else []))
    said = capsys.readouterr().out.partition("to go on: ")[2].partition("\n")[0]
    line = f"--config-dir parts/my_conf resume=cut 'trust=[{package}]'"
    assert said == f"mtl-train {line}"
    forget(package)
    with pytest.raises(SystemExit):
        typed("resume=cut")
    error = capsys.readouterr().err
    assert f"trust=[{package}]" in error or "--config-dir parts/my_conf" in error
    assert package not in sys.modules
    typed("--config-dir", "parts/my_conf", "resume=cut", f"trust=[{package}]")
    folders = [Path("cut/0"), Path("cut/1")] if kind == "sweep" else [Path("cut")]
    for folder in folders:
        assert '"status": "completed"' in (folder / "summary.json").read_text()


def test_every_command_uses_a_run_with_own_parts(package: str, tmp_path: Path, monkeypatch) -> None:
    own = ["--config-dir", "parts/my_conf"]
    mtl_cli.train([*own, *QUICK, "hydra.run.dir=run"])
    (tmp_path / "new.csv").write_text("x\n0.5\n")
    trust = [*own, f"trust=[{package}]"]

    def use(*trust: str) -> None:
        for command in (
            lambda: mtl_cli.train(["resume=run", "trainer.max_epochs=3", *trust]),
            lambda: evaluate(["run=run", "overwrite=true", *trust]),
            lambda: predict(["run=run", "input=new.csv", "overwrite=true", *trust]),
            lambda: diagnose(["run=run", "diagnostic=gradient_norm", "looks=1", *trust]),
        ):
            forget(package)
            command()

    use(*trust)
    diagnose([*own, *QUICK, "diagnostic=gradient_norm", "looks=1"])
    with pytest.raises(Problem, match=rf"trust=\[{package}\]"):
        use(*own)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "mtl-cli").mkdir(parents=True)
    (tmp_path / "config" / "mtl-cli" / "trust").write_text(f"# mine\n{package}  # since today\n\n")
    use(*own)
    report(*read_words(["run"]))


def test_a_class_that_is_typed_is_found_where_the_command_is(package: str, tmp_path) -> None:
    os.chdir("parts")
    mtl_cli.train(["encoder.hidden=[4]", *QUICK[:2], f"encoder._target_={package}.OwnMLP"])
    assert sys.path[-1] == str(tmp_path / "parts")


def test_what_nobody_named_is_not_found(package: str) -> None:
    os.chdir("parts")
    with pytest.raises(Problem, match="config-dir"):
        mtl_cli.train(["encoder.hidden=[4]", *QUICK[:2], "encoder._target_=not_there.OwnMLP"])
    assert find_packages(["trust=[torch,json]", "loss._target_=torch.nn.MSELoss", "x=y"])
    assert os.getcwd() not in sys.path


def test_packages_beside_the_folder_come_last(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = [*sys.path]
    (tmp_path / "json.py").write_text("raise SystemExit")
    assert find_packages([f"--config-dir={tmp_path / 'conf'}", "a=b"]) == ["a=b"]
    find_packages(["-cd", str(tmp_path / "conf")])
    assert sys.path == [*before, str(tmp_path)]


def test_words_are_taken_apart_as_hydra_takes_them() -> None:
    words = ["a=b", "--config-dir", "x", "-m", "-cd", "y", "--config-dir=z", "--config-dir"]
    folders, others = split_config_dirs(words)
    assert folders == [Path("x"), Path("y"), Path("z")]
    assert others == ["a=b", "-m", "--config-dir"]
    assert composable(["a=b"]) == ["a=b"]
    assert target_packages(["+m={_target_: my.A, x: {'_target_':other.B}}", "t._target_=my.C"]) == [
        "my",
        "other",
    ]
    line = resume_line("a b", ["--config-dir", "my conf"], ["my"])
    assert line == "mtl-train --config-dir 'my conf' 'resume=\"a b\"' 'trust=[my]'"


INSTALLED = """
import contextlib, io, sys
import mtl_cli, mtl_cli.train
from mtl_cli.evaluate import evaluate

def shown(*words):
    sys.argv, out = ["mtl-train", *words], io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        mtl_cli.train.main()
    return out.getvalue()

help = [line for line in shown("--help").splitlines() if line.strip().startswith("encoder ")]
assert "own_mlp" in help[0], help
assert "hidden: [4]" in shown("encoder=own_mlp", "--help")
assert "there" not in sys.modules  # help imports nothing of it
import os
os.environ["COMP_LINE"], os.environ["COMP_POINT"] = "mtl-train encoder=own_", "22"
assert "encoder=own_mlp" in shown("-sc", "query=bash"), shown("-sc", "query=bash")
shown("encoder=own_mlp", "dataset.num_samples=200", "trainer.max_epochs=1", "hydra.run.dir=run")
evaluate(["run=run"])  # it was installed, so it is trusted
assert mtl_cli.train(["resume=run", "trainer.max_epochs=2"])["status"] == "completed"
"""


def test_an_installed_package_brings_parts(tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "there-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: there\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mtl_cli.parts]\nthere = there\ngone = not_there\n")
    (site / "there" / "conf" / "encoder").mkdir(parents=True)
    (site / "there" / "conf" / "encoder" / "own_mlp.yaml").write_text(YAML.format(package="there"))
    (site / "there" / "__init__.py").write_text(CODE)
    paths = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
