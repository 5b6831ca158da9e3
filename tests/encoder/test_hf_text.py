"""Pretrained encoders of texts against the library's own forward pass, each with random weights."""

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Subwords, Tokens
from mtl_cli.basis.layered import layers_above
from mtl_cli.encoder.hf_families import FAMILIES
from mtl_cli.encoder.hf_text import HFText
from mtl_cli.training.rates import parameter_groups

transformers = pytest.importorskip("transformers")

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
}
DISTIL = {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24}
DEBERTA = {
    "relative_attention": True,
    "position_buckets": 4,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
    "conv_kernel_size": 3,
    "conv_act": "gelu",
}
IDS = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 2)
MODERN = {"local_attention": 6, "global_attn_every_n_layers": 2, "pad_token_id": 0} | IDS
CONFIGS = {
    "bert": SMALL,
    "roberta": SMALL | {"type_vocab_size": 1},
    "xlm-roberta": SMALL | {"type_vocab_size": 1},
    "distilbert": {k: SMALL[k] for k in ("vocab_size", "max_position_embeddings")} | DISTIL,
    "deberta-v2": SMALL | DEBERTA,
    "modernbert": SMALL | MODERN,
}
OPTIONS = {
    "num_groups": 2,
    "pool": "mean",
    "freeze": 0,
    "cache": False,
    "checkpointing": False,
    "offline": True,
}
LENGTHS = torch.tensor([5, 12, 1, 9])
SPEC = Subwords(38, 20)


def encoder(model: Path | None, spec: Subwords = SPEC, config=None, **own) -> HFText:
    return HFText(spec, None if model is None else str(model), config, **OPTIONS | own)


@pytest.fixture(scope="module", params=list(CONFIGS))
def saved(request, tmp_path_factory):
    """A model of a family, and the folder where the library saved it."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(request.param, **CONFIGS[request.param])
    model = transformers.AutoModel.from_config(config).eval()
    folder = tmp_path_factory.mktemp(request.param)
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    return model, folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    transformers.utils.logging.disable_progress_bar()
    transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(folder)
    return folder


def texts(segments: int = 1) -> Bag:
    draw = torch.Generator().manual_seed(1)
    codes = torch.randint(5, 38 * segments, (int(LENGTHS.sum()),), generator=draw)
    return Bag(codes, torch.nn.functional.pad(LENGTHS.cumsum(0), (1, 0)), torch.ones(len(codes)))


def padded(bag: Bag, padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The texts one by one, as the library reads them."""
    ids = torch.full((len(bag), int(LENGTHS.max())), padding)
    mask = torch.zeros_like(ids)
    for i in range(len(bag)):
        own = bag.indices[bag.offsets[i] : bag.offsets[i + 1]]
        ids[i, : len(own)], mask[i, : len(own)] = own, 1
    return ids, mask


def test_every_family_is_tried() -> None:
    assert set(CONFIGS) == set(FAMILIES)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_features_are_the_librarys_stage_by_stage(saved, pool):
    model, folder = saved
    own = encoder(folder, pool=pool).eval()
    ids, mask = padded(texts(), model.config.pad_token_id or 0)
    with torch.no_grad():
        found = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        given, x = [], texts()
        for stage in own.stages:
            x = stage(x)
            given.append(x)
    words = mask.unsqueeze(2)
    for ours, theirs in zip(given, found.hidden_states[::2], strict=False):
        torch.testing.assert_close(ours.transpose(1, 2), theirs * words, rtol=0, atol=1e-5)
    last = found.last_hidden_state
    pooled = (last * words).sum(1) / words.sum(1) if pool == "mean" else last[:, 0]
    torch.testing.assert_close(given[2], pooled, rtol=0, atol=1e-5)
    assert [tuple(x.shape[1:]) for x in given] == [(16, 12), (16, 12), (16,)]
    assert own.shapes == [(16, 20), (16, 20), (16,)]


def test_gradients_are_the_librarys_also_when_layers_are_computed_anew(saved):
    model, folder = saved
    ids, mask = padded(texts(), model.config.pad_token_id or 0)
    last = model(input_ids=ids, attention_mask=mask).last_hidden_state
    words = mask.unsqueeze(2)
    ((last * words).sum(1) / words.sum(1)).square().sum().backward()
    theirs = sorted(
        float(p.grad.norm()) for p in model.parameters() if p.grad is not None and p.grad.any()
    )
    model.zero_grad()
    for again in (False, True):
        own = encoder(folder, checkpointing=again)
        for module in own.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            elif hasattr(module, "dropout_prob"):
                module.dropout_prob = 0.0
        own(texts()).square().sum().backward()
        ours = sorted(
            float(p.grad.norm()) for p in own.parameters() if p.grad is not None and p.grad.any()
        )
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-5)


def test_padding_changes_no_features(saved):
    _, folder = saved
    own = encoder(folder).eval()
    bag = texts()
    with torch.no_grad():
        alone = torch.cat([own(bag[i : i + 1]) for i in range(len(bag))])
        torch.testing.assert_close(own(bag), alone, rtol=0, atol=1e-5)
    empty = Bag(bag.indices[:3], torch.tensor([0, 3, 3]), torch.ones(3))
    assert own(empty).isfinite().all()


def test_segments_of_pairs_are_the_librarys_token_types(bert):
    model = transformers.BertModel.from_pretrained(bert).eval()
    own = encoder(bert, Subwords(19, 20, segments=2)).eval()
    codes, mask = padded(texts(), 0)
    with torch.no_grad():
        types = (codes // 19) * mask
        ids = (codes % 19) * mask
        last = model(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        words = mask.unsqueeze(2)
        pooled = (last * words).sum(1) / words.sum(1)
        torch.testing.assert_close(own(texts()), pooled, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("freeze", "moving"), [(0, 4), (1, 2), (3, 0), ("all", 0)])
def test_what_is_frozen_does_not_move(bert, freeze, moving):
    own = encoder(bert, num_groups=None, freeze=freeze)
    before = [p.clone() for p in own.parameters()]
    head = torch.nn.Linear(16, 1)
    optimizer = torch.optim.AdamW([*own.parameters(), *head.parameters()], lr=0.1)
    head(own(texts())).sum().backward()
    optimizer.step()
    moved = {
        stage
        for (name, p), old in zip(own.named_parameters(), before, strict=True)
        if not torch.equal(p, old) and (stage := name.split(".")[1])
    }
    assert len(moved) == moving


@pytest.mark.parametrize("num_groups", [2, None])
def test_learning_rates_fall_from_layer_to_layer(saved, num_groups):
    _, folder = saved
    own = encoder(folder, num_groups=num_groups)
    named = [(f"arch.{name}", p) for name, p in own.named_parameters()]
    factors = {"encoder": "decay 0.5", "arch": 3.0}
    groups, rates = parameter_groups(named, [], factors, layers_above(own))
    rate_of = {
        id(p): rate for group, rate in zip(groups, rates, strict=True) for p in group["params"]
    }
    assert {rate_of[id(p)] for p in own.stages[0].parameters()} == {3 * 0.5**3}
    layers = [layer for stage in list(own.stages)[1:-1] for layer in stage.layers]
    layers += list(own.stages[-1][0].layers)
    found = [{rate_of[id(p)] for p in layer.parameters()} for layer in layers]
    assert found == [{3 * 0.5**2}, {3 * 0.5}, {3.0}]
    assert len(rate_of) == len(named)


def test_copies_start_from_the_same_weights_and_the_checkpoint_needs_no_folder(bert, tmp_path):
    folder = tmp_path / "there"
    shutil.copytree(bert, folder)
    first, second = encoder(folder), encoder(folder)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    kept = HFText.kept({"model": str(folder), "config": None, "offline": True})
    shutil.rmtree(folder)
    again = encoder(None, config=kept["config"])
    again.load_state_dict(first.state_dict())
    assert torch.equal(again.eval()(texts()), first.eval()(texts()))


def test_a_model_of_another_use_is_read_without_its_head(tmp_path):
    config = transformers.BertConfig(**SMALL)
    whole = transformers.BertForMaskedLM(config).eval()
    whole.save_pretrained(tmp_path)
    ids, mask = padded(texts(), 0)
    own = encoder(tmp_path, pool="cls").eval()
    with torch.no_grad():
        last = whole.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(own(texts()), last[:, 0], rtol=0, atol=1e-5)


class Surprise:
    def __reduce__(self):
        return print, ("executed",)


def test_weights_of_tensors_alone_are_read_and_any_other_pickle_is_refused(bert, tmp_path, capsys):
    model = transformers.BertModel.from_pretrained(bert)
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    expected = encoder(bert).eval()(texts())
    assert torch.equal(encoder(tmp_path).eval()(texts()), expected)
    with (tmp_path / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"embeddings": Surprise()}, file)
    with pytest.raises(Problem, match="no other pickle"):
        encoder(tmp_path)
    torch.save({"embeddings": Surprise()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(Problem, match="no other pickle"):
        encoder(tmp_path)
    assert "executed" not in capsys.readouterr().out


def test_what_is_no_model_is_refused_with_what_to_do(bert, tmp_path):
    with pytest.raises(Problem, match=r"no config.json in .*\n.*hf download"):
        encoder(tmp_path)
    with pytest.raises(Problem, match=r"offline=true\)\n.*--local-dir models/none"):
        encoder(Path("somebody/none"))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(Problem, match=r"bert, roberta, xlm-roberta.*\n  found: gpt2"):
        encoder(tmp_path)
    transformers.BertConfig(**SMALL).save_pretrained(tmp_path)
    with pytest.raises(Problem, match="must be a folder with config"):
        encoder(tmp_path)
    with pytest.raises(Problem, match="ids below 40"):
        encoder(bert, Subwords(41, 20))
    with pytest.raises(Problem, match=r"dataset.max_length=32"):
        encoder(bert, Subwords(40, 33))
    with pytest.raises(Problem, match="at most the layers of the model: 3"):
        encoder(bert, freeze=4)
    with pytest.raises(Problem, match=r"try: .*dataset.read_as=subwords"):
        encoder(bert, Tokens(40, 20))  # type: ignore[arg-type]
    with pytest.raises(Problem, match="must name a model"):
        encoder(None)
    with pytest.raises(Problem, match="must be options of bert"):
        encoder(None, config={"model_type": "bert", "hidden_size": 7})
