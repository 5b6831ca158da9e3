"""A pretrained encoder of texts, of Hugging Face's library, cut into stages.

BERT: Devlin, Chang, Lee & Toutanova, NAACL 2019, https://arxiv.org/abs/1810.04805. RoBERTa: Liu et
al., 2019, https://arxiv.org/abs/1907.11692. XLM-R: Conneau et al., ACL 2020,
https://arxiv.org/abs/1911.02116. DistilBERT: Sanh et al., 2019, https://arxiv.org/abs/1910.01108.
DeBERTa: He, Gao & Chen, ICLR 2023, https://arxiv.org/abs/2111.09543. ModernBERT: Warner et al.,
2024, https://arxiv.org/abs/2412.13663.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, problem
from mtl_cli.basis.inputs import InputSpec, Subwords
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.hf_families import FAMILIES
from mtl_cli.encoder.hf_models import at, draw, load, read_config
from mtl_cli.encoder.hf_stages import Embed, Group, Pool

POOLS = ["mean", "cls"]
ALL = "all"


class HFText(Encoder):
    """The embeddings, then groups of layers, a stage each; the last one ends in a vector (D,).

    Between stages a text is a map [D, L], with zeros where it is padding: so each stage knows what
    is padding, whatever stands between them. What is no padding is what the library gives.

    Args:
        spec: the input, of a tokenizer's subwords.
        model: a folder, or a name on the hub; None: drawn at random by ``config``.
        config: the model's configuration; None: the one beside the weights of ``model``.
        num_groups: the stages after the embeddings, each of as many layers as the others or one
            more; at most as many as there are layers. None: each layer is one.
        pool: what the last stage makes of all tokens: their ``mean``, or ``cls``, the first one.
        freeze: ``all``; or of how many layers, from the first one, the weights stay as they are,
            and those of the embeddings with them; 0 or None: of none.
            With ``all`` nothing is dropped out, either.
        cache: whether its features are computed once and kept, which needs ``freeze=all``.
        checkpointing: whether the backward pass computes a layer anew, instead of keeping what is
            in it.
        offline: never asks the network.

    Raises:
        ValueError: where the model cannot be had or cut, or the texts do not fit it.
    """

    reads = (Subwords,)
    first_weights = ("model",)
    needs = "transformers"

    def __init__(
        self,
        spec: InputSpec,
        model: str | None,
        config: Mapping[str, Any] | None,
        num_groups: int | None,
        pool: str,
        freeze: int | str | None,
        cache: bool,
        checkpointing: bool,
        offline: bool,
    ) -> None:
        if not isinstance(spec, Subwords):
            rule, fix = f"reads {Subwords.kind}, of texts", "dataset=text dataset.read_as=subwords"
            raise problem("encoder hf_text", rule, str(spec), fix)
        check_choice("encoder.pool", pool, POOLS, "encoder.pool=mean")
        check_boolean("encoder.cache", cache)
        check_boolean("encoder.checkpointing", checkpointing)
        check_boolean("offline", offline)
        if num_groups is not None:
            check_integer("encoder.num_groups", num_groups, 1, "encoder.num_groups=4")
        if config is None:
            config = self.kept({"model": model, "config": None, "offline": offline})["config"]
        on_meta = torch.empty(0).is_meta  # without memory, to see whether it fits
        where, drops = None if on_meta else model, freeze != ALL
        whole = draw(config, drops) if where is None else load(where, config, drops, offline)
        whole.train()
        family = FAMILIES[config["model_type"]]
        found, embeddings = at(whole, family.layers), whole.embeddings
        context = family.context(whole)  # which may put something beside a layer
        layers = list(found)
        check_fits_texts(spec, whole.config, family.first_position)
        freeze_layers([embeddings, context], layers, at(whole, family.norm), freeze)
        width = whole.config.hidden_size
        stages: list[nn.Module] = [Embed(embeddings, spec, whole.config)]
        groups = in_groups(len(layers), num_groups)
        stages += [Group(layers, own, context, checkpointing) for own in groups]
        stages[-1] = nn.Sequential(stages[-1], Pool(at(whole, family.norm), pool))
        super().__init__(stages, [*[(width, spec.length)] * len(groups), (width,)])

    @classmethod
    def kept(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        if options["config"] is not None:
            return {}
        if not isinstance(options["model"], str):
            rule = "must name a model: a folder, or a name on huggingface.co"
            fix = "encoder.model=<folder or name>; or, drawn at random: "
            fix += "'encoder.config={model_type: bert, hidden_size: 128, num_attention_heads: 4}'"
            raise problem("encoder.model", rule, options["model"], fix)
        return {"config": read_config(options["model"], options["offline"])}


def check_fits_texts(spec: Subwords, config: Any, first_position: Any) -> None:
    """Refuses texts of a tokenizer that is not the model's, or longer than it reads."""
    if spec.vocabulary_size > config.vocab_size:
        rule = f"must be of the model's tokenizer: ids below {config.vocab_size:,}"
        found = f"ids up to {spec.vocabulary_size - 1:,}"
        raise problem("the texts of encoder=hf_text", rule, found, "dataset.tokenizer=null")
    longest = config.max_position_embeddings - first_position(config.pad_token_id or 0)
    if spec.length > longest:
        rule = f"must be of at most {longest:,} tokens, which the model has positions for"
        fix = f"dataset.max_length={longest}"
        raise problem("the texts of encoder=hf_text", rule, f"{spec.length:,}", fix)


def freeze_layers(
    before: Sequence[nn.Module], layers: Sequence[nn.Module], norm: nn.Module | None, freeze: Any
) -> None:
    """Takes the weights of the first layers, and of what is before them, from training."""
    fix = f"encoder.freeze=all, or at most {len(layers)}"
    freeze = 0 if freeze is None else freeze
    if freeze != ALL:
        check_integer("encoder.freeze", freeze, 0, fix)
        if freeze > len(layers):
            rule = f"must be {ALL}, or at most the layers of the model: {len(layers)}"
            raise problem("encoder.freeze", rule, freeze, fix)
    frozen = [*layers, *([norm] if norm is not None else [])] if freeze == ALL else layers[:freeze]
    for module in [*before, *frozen] if frozen else []:
        module.requires_grad_(False)


def in_groups(num_layers: int, num_groups: int | None) -> list[range]:
    """The layers in groups, of which the first have one more where they do not come out even."""
    number = min(num_groups or num_layers, num_layers)
    size, more = divmod(num_layers, number)
    ends = [(i + 1) * size + min(i + 1, more) for i in range(number)]
    return [range(begin, end) for begin, end in pairwise([0, *ends])]
