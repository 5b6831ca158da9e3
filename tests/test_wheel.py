"""What is built: it works away from the checkout, whole, with all that it imports declared."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_the_wheel_works_away_from_the_checkout(tmp_path: Path) -> None:
    def run(*words: str | Path, **options: object) -> str:
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, **options)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    run(*pip, "wheel", *options, "--wheel-dir", tmp_path / "dist", ROOT)
    [wheel] = (tmp_path / "dist").glob("mtl_cli-*.whl")
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    # It sees the packages of this environment, but not the checkout, which is there by a .pth file.
    inner = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    (inner / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(*pip, f"--python={python}", "install", "--no-deps", "--no-index", wheel)
    away = tmp_path / "away"
    away.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    found = run(python, "-c", "import mtl_cli; print(mtl_cli.__file__)", cwd=away, env=environment)
    assert found.startswith(str(inner))
    command = tmp_path / "env" / "bin" / "mtl-train"
    output = run(command, "trainer=smoke", "arch=mmoe", cwd=away, env=environment)
    assert "results" in output
    assert len(list(away.glob("runs/*/*/summary.json"))) == 1
    run(command.with_name("mtl-report"), "runs", cwd=away, env=environment)
    assert "window.vegaEmbed" in (away / "runs/report/report.html").read_text(encoding="utf-8")


def built(source: Path, place: Path, target: str) -> Path:
    """A wheel or an sdist of a source tree, by its own build system."""
    words = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", place]
    done = subprocess.run([*map(str, words)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = place.glob("mtl_cli-*.whl" if target == "wheel" else "mtl_cli-*.tar.gz")
    return found


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_sdist_gives_the_same_wheel(tmp_path: Path) -> None:
    sdist = built(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    wheel = contents(built(source, tmp_path / "again", "wheel"))
    assert wheel == contents(built(ROOT, tmp_path / "wheel", "wheel"))
    for folder, inside in (("mtl_cli", "mtl_cli"), ("conf", "mtl_cli/conf")):
        files = (ROOT / folder).rglob("*.py" if folder == "mtl_cli" else "*.yaml")
        named = {f"{inside}/{file.relative_to(ROOT / folder).as_posix()}" for file in files}
        assert named <= set(wheel)


def plain(requirement: str) -> str:
    """The name of a distribution, in one spelling."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~;, ]", requirement)[0]).lower()


def test_what_is_imported_is_declared() -> None:
    """A package that comes with another one today need not come with it tomorrow."""
    nodes = [
        node
        for path in (ROOT / "mtl_cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    imported = {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, "mtl_cli"}
    assert len(imported) >= 15
    everything = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    declared = {plain(requirement) for requirement in everything}
    known = packages_distributions()
    lacking = {
        name for name in imported if not declared & {plain(own) for own in known.get(name, [name])}
    }
    assert lacking == set()


def test_the_extra_all_has_every_other_but_those_of_developers() -> None:
    [requirement] = EXTRAS["all"]
    assert set(requirement.removeprefix("mtl-cli[").removesuffix("]").split(",")) == (
        set(EXTRAS) - {"all", "dev", "docs"}
    )


def test_forks_run_every_check_on_the_oldest_and_the_newest_python() -> None:
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    [job] = yaml.safe_load(text)["jobs"].values()
    oldest, beyond = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert job["strategy"]["matrix"]["python"] == [f"3.{oldest}", f"3.{int(beyond) - 1}"]
    assert job["steps"][-1] == {"run": "scripts/test"}
    assert os.access(ROOT / "scripts" / "test", os.X_OK)


def test_forks_build_the_docs_with_their_pictures() -> None:
    text = (ROOT / ".github" / "workflows" / "docs.yml").read_text(encoding="utf-8")
    [job] = yaml.safe_load(text)["jobs"].values()
    _, beyond = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    uses = {step["uses"].partition("@")[0]: step for step in job["steps"] if "uses" in step}
    assert uses["actions/setup-python"]["with"]["python-version"] == f"3.{int(beyond) - 1}"
    assert {"run": "scripts/docs --gallery"} in job["steps"]
    assert uses["actions/upload-artifact"]["with"]["path"] == "build/docs/html"
    assert os.access(ROOT / "scripts" / "docs", os.X_OK)
