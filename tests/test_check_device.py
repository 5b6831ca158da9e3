"""A part of `scripts/check_device.py`, the CPU against itself; the whole takes minutes."""

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_the_cpu_is_as_the_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import check_device

    words = ["check_device.py", "cpu", "weighting famo"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        check_device.main()
    assert ended.value.code == 0
    assert "cpu: 1 parts" in capsys.readouterr().out
