"""The built wheel carries its configs: it works away from the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


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
