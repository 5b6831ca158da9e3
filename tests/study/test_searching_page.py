"""The commands of the page on searching plan what it says."""

import re
import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mtl_cli.command_line.cli import FreshFolders, compose
from mtl_cli.command_line.launchers import with_launcher
from mtl_cli.command_line.words import for_hydra
from mtl_cli.study.plan import make_plan

PAGE = (Path(__file__).parents[2] / "docs/searching.md").read_text(encoding="utf-8")
LINES = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


def test_there_are_as_many_as_lines() -> None:
    assert len(LINES) == 6


@pytest.mark.parametrize("line", LINES)
def test_a_command_plans_a_search(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "mtl-train"
    words = with_launcher(words)
    swept = ("arch=hps,", "weighting=fixed,", "weighting=uw,")
    config = compose("train", [word for word in words if not word.startswith(swept)])
    FreshFolders.words = words
    task = [word for word in for_hydra(words) if not word.startswith("hydra")]
    plan = make_plan(config, task, OmegaConf.to_container(config.hydra.sweeper.params))
    assert plan.settings[0].name == "arch=single_task"
    assert all(own.space for own in plan.settings[1:])
    if "weighting=fixed,famo" in words:
        assert len(plan.settings) == 5
        assert plan.draws.trials == 20
