"""A pretrained encoder of texts: an epoch against a plain loop over the library's own model."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.measure import Row, in_turn, made

NUM_WORDS = 2000
NUM_TEXTS = 640
LONGEST = 128  # tokens
MEDIAN = 24  # words
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def write_model(folder: Path) -> None:
    """4 layers of 128, drawn at random, without dropout, and a tokenizer of whole words."""
    import tokenizers
    import transformers

    vocabulary = {w: i for i, w in enumerate([*SPECIAL, *(f"w{i}" for i in range(NUM_WORDS))])}
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", model_max_length=LONGEST
    ).save_pretrained(folder)
    transformers.utils.logging.set_verbosity(transformers.utils.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=LONGEST,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)


def write_texts(path: Path) -> None:
    """Texts of mixed lengths, half of them below 24 words, with labels of two tasks."""
    draw = np.random.default_rng(0)
    lengths = np.exp(draw.normal(np.log(MEDIAN), 0.9, NUM_TEXTS)).clip(2, LONGEST - 2).astype(int)
    lines = ["text,even,share"]
    for length in lengths:
        words = draw.integers(NUM_WORDS, size=length)
        lines.append(" ".join(f"w{i}" for i in words) + f",{words[0] % 2},{words.mean()}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def batches_of(run: Any, length: int | None) -> list[tuple[Tensor, Tensor, dict[str, Tensor]]]:
    """The batches of a run's first epoch as ids, mask and labels, padded to a length; None: to the
    longest text of each."""
    found = []
    for batch in run.trainer.loaders["train"].batches(1):
        bag = batch.inputs["s"]
        rows = torch.zeros(len(bag), length or int(bag.bounds.diff().max()), dtype=torch.long)
        mask = torch.zeros_like(rows)
        for i, (begin, end) in enumerate(zip(bag.bounds, bag.bounds[1:], strict=False)):
            rows[i, : end - begin], mask[i, : end - begin] = bag.indices[begin:end].long(), 1
        found.append((rows, mask, batch.targets))
    return found


def plain_loop(folder: Path, run: Any, batches: list[Any]) -> dict[str, float]:
    """An epoch of the library's model with two linear heads, and its mean losses."""
    import transformers

    model = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False).train()
    heads = {name: nn.Linear(128, 1) for name in run.model.tasks}
    for name, head in heads.items():
        head.load_state_dict(run.model.heads[name].state_dict())
    targets = run.model.tasks["share"]
    parameters = [*model.parameters(), *(p for h in heads.values() for p in h.parameters())]
    optimizer = torch.optim.AdamW(parameters, lr=0.001, weight_decay=0.01, fused=True)
    sums = dict.fromkeys(heads, 0.0)
    for ids, mask, labels in batches:
        optimizer.zero_grad()
        last = model(input_ids=ids, attention_mask=mask).last_hidden_state
        words = mask.unsqueeze(2)
        features = (last * words).sum(1) / words.sum(1)
        even = heads["even"](features).squeeze(1)
        share = heads["share"](features).squeeze(1)
        wanted = (labels["share"] - targets.mean) / targets.scale
        losses = {
            "even": nn.functional.binary_cross_entropy_with_logits(even, labels["even"]),
            "share": nn.functional.mse_loss(share, wanted.flatten().float()),
        }
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        for name, loss in losses.items():
            sums[name] += loss.item() / len(batches)
    return sums


def hf_text_rows() -> Iterator[Row]:
    """An epoch of 20 steps: 4 layers of 128, batch 32, texts of 4 to 128 tokens."""
    if find_spec("transformers") is None:  # an extra
        return
    folder = Path(tempfile.mkdtemp())
    write_model(folder)
    write_texts(folder / "rows.csv")
    sources = f"{{s: {{path: {folder}/rows.csv, labels: {{even: even, share: share}}}}}}"
    words = ["encoder=hf_text", f"encoder.model={folder}", "dataset=text", "optimizer=adamw"]
    words += ["dataset.read_as=subwords", "dataset.cache=false", "dataset.batch_size=32"]
    words += [f"dataset.sources={sources}", "dataset.targets={even: binary, share: regression}"]
    words += ["dataset.split.val=0", "dataset.split.test=0", "trainer.max_epochs=1"]
    words += ["trainer.patience=null", "dataset.buckets=true", "scheduler=none"]
    words += ["+task@tasks.even=binary", "+task@tasks.share=regression"]
    repeats = 3
    runs = [made(*words) for _ in range(repeats + 2)]
    run: Any = runs.pop()
    short, long = batches_of(run, None), batches_of(run, LONGEST)
    epochs: list[float] = []
    losses: dict[str, dict[str, float]] = {}

    def ours() -> None:
        own = runs.pop()
        own.trainer.fit()
        epochs.extend(own.trainer.epoch_seconds)
        losses["ours"] = own.trainer.train_loss

    def plain() -> None:
        losses["plain"] = plain_loop(folder, run, short)

    def padded() -> None:
        plain_loop(folder, run, long)

    _, same, slow = in_turn([ours, plain, padded], repeats)
    own = statistics.median(epochs[1:])
    for name, loss in losses["plain"].items():
        assert abs(losses["ours"][name] - loss) < 1e-3 * loss, losses
    name = f"hf_text: {len(short)} steps, 4 layers of 128, batch 32"
    yield Row(name, "plain loop, same batches", [own, same], own / same, "at most 1.05")
    yield Row(name, "padded to the longest", [own, slow], slow / own, "at least 1.5")
