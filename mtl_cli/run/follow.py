"""What all processes of a run but the first do: the same training, of which they write nothing."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig
from torch import device

from mtl_cli.basis import ranks
from mtl_cli.basis.device import find_device, in_precision, keep_freed_memory
from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.basis.seed import set_deterministic
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.processes.alarm import Alarm
from mtl_cli.processes.meeting import Meeting
from mtl_cli.processes.options import device_name, seconds_to_wait
from mtl_cli.processes.together import BRIEF, LINGER, InVain, linger, together
from mtl_cli.run.build import Run, build, precision_of
from mtl_cli.run.first_weights import first_weights
from mtl_cli.run.objective import check_figures
from mtl_cli.run.role import Role
from mtl_cli.training.signals import Interrupted


def make_live(cfg: DictConfig, folder: RunFolder, resumed: bool) -> tuple[Run, device]:
    """The live objects of a run, and their device."""
    check_integer("seed", cfg.seed, 0, "seed=0")
    check_boolean("deterministic", cfg.deterministic)
    own = find_device(device_name(str(cfg.device)))
    set_deterministic(cfg.deterministic)
    keep_freed_memory()
    folder.check_files()
    live = build(cfg, folder, own, first_weights(cfg, folder, resumed))
    check_figures(cfg, live)
    return live, own


def follow(meeting: Meeting, cfg: DictConfig, path: Path, resumed: bool, role: Role) -> None:
    """Trains along.

    Args:
        meeting: of the run.
        cfg: its whole config.
        path: of its folder.
        resumed: whether that holds a run that goes on.
        role: of the run in a study.

    Raises:
        ValueError: where this process or another one fails.
        Interrupted: on a signal to any of them.
    """
    with Alarm() as alarm, in_precision(precision_of(cfg)):
        try:
            with together(meeting, seconds_to_wait(cfg), alarm):
                live = make_live(cfg, SilentFolder(path), resumed)[0]
                if ranks.of_first(None):  # whether there is something to go on with
                    live.trainer.resume()
                live.trainer.judge = role.judge
                live.trainer.fit()
                if role.reads_test:
                    live.trainer.test()
        except BaseException as error:
            if not isinstance(error, InVain) or 0 in meeting.heard(0):
                linger(meeting, alarm, LINGER if isinstance(error, Interrupted) else BRIEF)
            raise
