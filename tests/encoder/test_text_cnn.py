"""The convolutional encoder of texts against a loop over the words, windows and filters."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.arch.cross_stitch import CrossStitch
from mtl_cli.arch.experts import stack
from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.text_cnn import TextCNN

VALID = {"embedding_dim": 6, "widths": [2, 3], "channels": 4, "dropout": 0.0}
SPEC = Tokens(11, 8)
TEXTS = torch.tensor(
    [
        [3, 1, 4, 1, 5, 9, 2, 6],
        [5, 3, 5, 8, 0, 0, 0, 0],
        [7, 9, 0, 0, 0, 0, 0, 0],
        [10, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]
)


def make(seed=0, spec=SPEC, **changes) -> TextCNN:
    torch.manual_seed(seed)
    return TextCNN(spec, **VALID | changes)


def plain_loop(encoder: TextCNN, x: torch.Tensor) -> torch.Tensor:
    """The best match of every filter, from the encoder's matrices."""
    vectors, *kernels = encoder.parameters()
    rows = []
    for text in x:
        words = vectors[text[text != 0]]  # [n, D]
        row = []
        for kernel, bias in zip(kernels[::2], kernels[1::2], strict=True):  # [C, D, h], [C]
            width = kernel.shape[2]
            zeros = torch.zeros(width - 1, words.shape[1])
            padded = torch.cat([zeros, words, zeros])
            best = torch.zeros(len(kernel))
            for start in range(len(words) + width - 1 if len(words) else 0):
                window = padded[start : start + width]
                match = torch.stack([(k.T * window).sum() for k in kernel]) + bias
                best = best.maximum(match)  # ReLU, as the best so far starts at 0
            row.append(best)
        rows.append(torch.cat(row))
    return torch.stack(rows)


@pytest.mark.parametrize("widths", [[1], [2, 3], [3, 4, 5], [8, 1], [20]])
def test_features_are_those_of_a_plain_loop(widths):
    encoder = make(widths=widths)
    expected = plain_loop(encoder, TEXTS)
    assert encoder.out_shape == (4 * len(widths),)
    assert_close(encoder(TEXTS), expected)
    assert (encoder(TEXTS)[:-1] > 0).any(1).all()
    found, right = (
        torch.autograd.grad(out.square().sum(), list(encoder.parameters()))
        for out in (encoder(TEXTS), expected)
    )
    assert_close(found, right)


@pytest.mark.parametrize(
    "spec", [Tokens(5, 1), Tokens(9, 4), Tokens(100, 33)], ids=lambda s: f"{s.length}"
)
@pytest.mark.parametrize("widths", [[3, 4, 5], [1]])
def test_stages_give_the_shapes_that_they_declare(spec, widths):
    encoder, x = make(spec=spec, widths=widths), spec.example(3)
    assert encoder.shapes == [(6, spec.length), (4 * len(widths),)]
    for stage, shape in zip(encoder.stages, encoder.shapes, strict=True):
        x = stage(x)
        assert x.shape == (3, *shape)


def test_padding_changes_nothing_wherever_it_is():
    encoder = make(widths=[1, 3, 5])
    expected = encoder(TEXTS)
    for left, right in ((0, 1), (0, 9), (4, 0), (2, 3)):
        assert_close(encoder(torch.nn.functional.pad(TEXTS, (left, right))), expected)
    for text, features in zip(TEXTS[:-1], expected, strict=False):
        assert_close(encoder(text[text != 0].unsqueeze(0))[0], features)


def test_padding_never_wins_the_maximum():
    """Filters to which every word is worse than nothing."""
    encoder = make(widths=[1, 4])
    with torch.no_grad():
        encoder.stages[0].vectors.weight[1:] = 1.0
        for convolution in encoder.stages[1][0].convolutions:
            convolution.weight.fill_(-0.1)  # -0.6 for each word in the window
            convolution.bias.fill_(5.0)
    features = encoder(TEXTS[:4])
    assert_close(features, torch.full((4, 8), 5 - 0.6))
    assert not encoder(TEXTS[4:]).any()


def test_paddings_vector_stays_zero_in_training():
    encoder = make()
    optimizer = torch.optim.SGD(encoder.parameters(), 0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        encoder(TEXTS).square().sum().backward()
        optimizer.step()
    vectors = encoder.stages[0].vectors.weight
    assert not vectors[0].any()
    assert vectors[1:].any(1).all()


@pytest.mark.parametrize("batch_size", [1, 5])
def test_gradients_reach_every_parameter(batch_size):
    encoder = make(channels=60, dropout=0.1)  # so many that each word is in a best match
    encoder(TEXTS[:batch_size]).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name
    used = encoder.stages[0].vectors.weight.grad.any(1)
    assert used.nonzero().flatten().tolist() == sorted(
        set(TEXTS[:batch_size].flatten().tolist()) - {0}
    )


def test_word_vectors_are_drawn_evenly_up_to_a_quarter():
    vectors = make(spec=Tokens(500, 4), embedding_dim=40).stages[0].vectors.weight[1:]
    assert 0.249 < vectors.abs().max() <= 0.25
    assert vectors.std().item() == pytest.approx(0.5 / 12**0.5, rel=0.05)


def test_dropout_is_on_the_features_and_only_in_training():
    encoder = make(channels=500, dropout=0.25)
    present = plain_loop(encoder, TEXTS[:1]) > 0
    kept = encoder(TEXTS[:1])[present] > 0
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.05)
    assert_close(encoder.eval()(TEXTS[:1]), plain_loop(encoder, TEXTS[:1]))


def test_one_seed_gives_one_network():
    first, second, other = (list(make(seed).parameters()) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[0], other[0])


def test_copies_in_a_stack_give_what_each_gives_alone():
    copies = [make(seed) for seed in range(3)]
    first, second = zip(*(copy.stages for copy in copies), strict=True)
    x = stack(second, shared_input=False)(stack(first, shared_input=True)(TEXTS))
    assert_close(x, torch.stack([copy(TEXTS) for copy in copies]))


def test_texts_of_other_vocabularies_share_the_filters():
    specs = {"movie": Tokens(9, 8), "yelp": Tokens(12, 8)}
    trunk = Trunk(lambda spec: make(spec=spec), specs)
    assert [len(stage) for stage in trunk.stages] == [2, 1]
    assert trunk(specs["yelp"].example(2), "yelp").shape == (2, 8)


def test_padding_changes_nothing_where_the_stages_of_several_are_mixed():
    arch = CrossStitch(lambda spec: make(spec=spec), {"x": SPEC}, {"a": "x", "b": "x"}, 0.6)
    expected = arch({"x": TEXTS})
    for longer in ((0, 3), (2, 1)):
        assert_close(arch({"x": torch.nn.functional.pad(TEXTS, longer)}), expected)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("embedding_dim", wrong) for wrong in (0, 1.5, "6", None)),
        *(("widths", wrong) for wrong in ([], 3, "3", [0], [3, 4.0], None)),
        *(("channels", wrong) for wrong in (0, -1, 2.5, [4], None)),
        *(("dropout", wrong) for wrong in (-0.1, 2, "abc", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"encoder\.{option} must be"):
        make(**{option: wrong})


@pytest.mark.parametrize("spec", [Dense((4,)), Dense((3, 8, 8)), BagOfWords(5)], ids=str)
def test_what_is_no_text_is_refused(spec):
    with pytest.raises(
        Problem, match=r"(?i)^encoder textcnn reads token ids.\n  found: .*\n  try: "
    ):
        make(spec=spec)
