"""TensorBoard: ``tensorboard --logdir runs`` shows all runs while they train."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import check_integer
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger, curve_of


class TensorBoard(Logger):
    """Writes ``tensorboard/`` in the run folder, a curve ``<task>/<metric>/<split>`` by the step,
    the configuration as a text, and pictures (not those of ``pictures.format=pdf``).

    A run that goes on is written anew from ``metrics.csv``.

    Args:
        folder: the run's folder.
        flush_seconds: how often what was noted is written to disk.
    """

    def __init__(self, folder: Path, flush_seconds: int) -> None:
        super().__init__(folder)
        thing = "logger.tensorboard.flush_seconds"
        check_integer(thing, flush_seconds, 1, f"{thing}=30")
        self.flush_seconds = flush_seconds
        self.writer: Any = None  # from the start on

    def start(self, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        path = self.folder / "tensorboard"
        if path.exists():
            shutil.rmtree(path)
        self.writer = SummaryWriter(str(path), flush_secs=self.flush_seconds)
        if (config := RunFolder(self.folder).config).exists():
            lines = config.read_text(encoding="utf-8").splitlines()
            self.writer.add_text("configuration", "\n".join(f"    {line}" for line in lines))
        for _, at, curve, value in self.written():
            self.writer.add_scalar(curve, value, at)

    def log(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        for task, values in figures.items():
            for metric, value in values.items():
                self.writer.add_scalar(curve_of(task, metric, split), value, step)

    def show(self, pictures: Sequence[Path]) -> None:
        import numpy as np
        from PIL import Image

        for path in pictures:
            if path.suffix == ".png":
                name = path.relative_to(self.folder).with_suffix("").as_posix()
                with Image.open(path) as picture:
                    pixels = np.asarray(picture.convert("RGB"))  # [H, W, 3]
                self.writer.add_image(name, pixels, dataformats="HWC")

    def close(self, status: str) -> None:
        if self.writer is not None:
            self.writer.close()
