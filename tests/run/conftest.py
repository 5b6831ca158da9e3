"""What several tests of runs begin from."""

from pathlib import Path

import pytest
import torch


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    """The words of a run on a pretrained encoder of texts, a tiny one drawn at random."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh"]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.utils.logging.disable_progress_bar()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(tmp_path / "model")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
    config = transformers.BertConfig(vocab_size=12, intermediate_size=24, **sizes)
    transformers.BertModel(config).save_pretrained(tmp_path / "model")
    lines = [f"{' '.join('abcdefgh'[i % 7 : 3 + i % 6])} a,{i % 2}" for i in range(120)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,y", *lines]) + "\n")
    own = ["encoder=hf_text", f"encoder.model={tmp_path / 'model'}"]
    own += ["dataset=text", "dataset.read_as=subwords", "dataset.cache=false"]
    own += [f"dataset.sources={{s: {{path: {tmp_path}/rows.csv, labels: {{y: y}}}}}}"]
    own += ["dataset.targets={y: binary}", "pictures.curves=false"]
    own += ["dataset.buckets=true", "dataset.batch_size=16", "device=cpu", "offline=true"]
    return own
