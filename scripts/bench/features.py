"""A frozen encoder's features, kept, against the encoder in every step."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bench.hf_text import write_model, write_texts
from bench.measure import Row, made

EPOCHS = 3  # beyond the first one, in which features are computed


def features_rows() -> Iterator[Row]:
    """An epoch of heads on a frozen encoder of 4 layers of 128, batch 32."""
    if find_spec("transformers") is None:  # an extra
        return
    folder = Path(tempfile.mkdtemp())
    write_model(folder)
    write_texts(folder / "rows.csv")
    sources = f"{{s: {{path: {folder}/rows.csv, labels: {{even: even, share: share}}}}}}"
    words = ["encoder=hf_text", f"encoder.model={folder}", "encoder.freeze=all", "dataset=text"]
    words += ["dataset.read_as=subwords", "dataset.cache=false", "dataset.batch_size=32"]
    words += [f"dataset.sources={sources}", "dataset.targets={even: binary, share: regression}"]
    words += ["dataset.split.val=0", "dataset.split.test=0", f"trainer.max_epochs={EPOCHS + 1}"]
    words += ["trainer.patience=null", "dataset.buckets=true"]
    words += ["+task@tasks.even=binary", "+task@tasks.share=regression"]
    seconds: dict[str, list[float]] = {"true": [], "false": []}
    losses = {}
    for _ in range(2):
        for cache, own in seconds.items():
            run = made(*words, f"encoder.cache={cache}")
            run.trainer.fit()
            own += run.trainer.epoch_seconds[1:]
            losses[cache] = run.trainer.train_loss
    for task, loss in losses["false"].items():
        assert abs(losses["true"][task] - loss) < 1e-4 * abs(loss), losses
    kept, anew = (statistics.median(own) for own in seconds.values())
    name = "features: an epoch of heads, 4 layers of 128, batch 32"
    yield Row(name, "the encoder in every step", [kept, anew], anew / kept, "at least 10")
