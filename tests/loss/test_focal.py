"""Focal loss against its formula, and its special case, cross-entropy."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.loss.focal import FocalLoss

GAMMAS = [0.0, 0.5, 1.0, 2.0, 5]


def binary(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    return 3 * torch.randn(shape, dtype=torch.float64), torch.randint(2, shape).double()


def multiclass(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch_size, _, *rest = shape
    output = 3 * torch.randn(shape, dtype=torch.float64)
    return output, torch.randint(shape[1], (batch_size, *rest))


def by_hand(output: torch.Tensor, target: torch.Tensor, gamma: float, alpha=None) -> torch.Tensor:
    """Equation 5 as it stands in the paper, from the probability of the true class."""
    if target.is_floating_point():
        p = torch.where(target == 1, output.sigmoid(), 1 - output.sigmoid())
    else:
        one_hot = F.one_hot(target, output.shape[1]).movedim(-1, 1)
        p = (output.softmax(1) * one_hot).sum(1)
    weight = 1.0 if alpha is None else alpha[target.long()]
    return (-weight * (1 - p) ** gamma * p.log()).mean()


CASES = [binary(8), binary(8, 3), binary(4, 2, 3), multiclass(8, 2), multiclass(8, 5)]
CASES += [multiclass(2, 3, 2, 3)]
each_case = pytest.mark.parametrize(("output", "target"), CASES)


@each_case
def test_at_gamma_0_it_is_cross_entropy(output, target):
    floats = target.is_floating_point()
    plain = F.binary_cross_entropy_with_logits if floats else F.cross_entropy
    assert_close(FocalLoss(0.0, None)(output, target), plain(output, target))


@each_case
@pytest.mark.parametrize("gamma", GAMMAS)
def test_it_is_the_papers_formula(gamma, output, target):
    assert_close(FocalLoss(gamma, None)(output, target), by_hand(output, target, gamma))


@each_case
def test_alpha_weighs_the_classes(output, target):
    alpha = torch.rand(5, dtype=torch.float64)
    assert_close(FocalLoss(2.0, alpha)(output, target), by_hand(output, target, 2.0, alpha))


def test_two_logits_are_one_logit_of_their_difference():
    output, target = multiclass(16, 2)
    alpha = torch.tensor([0.25, 0.75], dtype=torch.float64)
    loss = FocalLoss(2.0, alpha)
    single = loss(output[:, 1] - output[:, 0], target.double())
    assert_close(loss(output, target), single)


@each_case
@pytest.mark.parametrize("gamma", GAMMAS)
def test_its_gradient_is_that_of_finite_differences(gamma, output, target):
    loss = FocalLoss(gamma, None)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), output.clone().requires_grad_())


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-1e4, -100.0, -30.0, 0.0, 30.0, 100.0, 1e4])
def test_loss_and_gradient_are_finite_for_any_certainty(logit, dtype, gamma):
    one = torch.full((2,), logit, dtype=dtype, requires_grad=True)
    two = torch.tensor([[0.0, logit], [logit, 0.0]], dtype=dtype, requires_grad=True)
    for output, target in ((one, torch.tensor([0, 1], dtype=dtype)), (two, torch.tensor([1, 1]))):
        loss = FocalLoss(gamma, None)(output, target)
        loss.backward()
        assert loss.isfinite()
        assert output.grad.isfinite().all()


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_a_nearly_certain_example_keeps_its_digits_in_single_precision(gamma):
    """1 - p would round to 0, or to a multiple of the precision."""
    logits = torch.tensor([8.0, 12.0, 16.0, 18.0])
    found = torch.stack([FocalLoss(gamma, None)(z, torch.ones(())) for z in logits])
    miss = (-logits.double()).sigmoid()
    expected = -(miss**gamma) * torch.log1p(-miss)
    assert_close(found.double(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_certain_examples_count_less_than_in_cross_entropy(gamma):
    output, target = multiclass(32, 4)
    each = [FocalLoss(gamma, None)(output[[i]], target[[i]]) for i in range(32)]
    plain = F.cross_entropy(output, target, reduction="none")
    share = torch.stack(each) / plain
    assert (share < 1).all()
    assert (share.argsort() == plain.argsort()).all()  # the more certain, the less


@pytest.mark.parametrize("gamma", [-1, "2", None, torch.nan, torch.inf])
def test_a_wrong_gamma_is_refused(gamma):
    with pytest.raises(Problem, match=r"^loss\.gamma must be a number of at least 0"):
        FocalLoss(gamma, None)


def test_alpha_moves_with_the_loss_but_is_no_part_of_its_state():
    loss = FocalLoss(2.0, torch.tensor([0.25, 0.75]))
    assert not loss.state_dict()
    assert loss.to("meta").alpha.device.type == "meta"
