"""The smooth step and the weights of codes against the paper's formulas, number by number."""

import pytest
import torch

from mtl_cli.arch.selectors import select, smooth_step

pytestmark = pytest.mark.usefixtures("double_precision")


def plain_step(t: float, gamma: float) -> float:
    if t <= -gamma / 2:
        return 0.0
    if t >= gamma / 2:
        return 1.0
    return -2 * t**3 / gamma**3 + 3 * t / (2 * gamma) + 0.5


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_the_smooth_step_is_the_papers_cubic_between_flat_ends(gamma):
    z = torch.linspace(-gamma, gamma, 101).requires_grad_()
    steps = smooth_step(z, gamma)
    expected = torch.tensor([plain_step(t, gamma) for t in z.tolist()])
    torch.testing.assert_close(steps, expected, rtol=0, atol=1e-12)
    outside = z.detach().abs() >= gamma / 2
    assert set(steps[outside].tolist()) == {0.0, 1.0}
    (slope,) = torch.autograd.grad(steps.sum(), z)
    inside = -6 * z.detach() ** 2 / gamma**3 + 3 / (2 * gamma)
    torch.testing.assert_close(slope, torch.where(outside, 0, inside), rtol=0, atol=1e-12)


def test_the_smooth_step_passes_gradcheck():
    z = torch.linspace(-0.7, 0.7, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: smooth_step(z, 1.0), z)


def test_the_weights_of_four_experts_are_the_products_of_two_bits():
    low, high = 0.2, 0.7
    r = select(torch.tensor([[low], [high]]), 4).squeeze(1)
    expected = [(1 - low) * (1 - high), low * (1 - high), (1 - low) * high, low * high]
    torch.testing.assert_close(r, torch.tensor(expected))


@pytest.mark.parametrize("num_bits", [1, 2, 5])
def test_the_weights_of_all_codes_are_a_distribution(num_bits):
    r = select(torch.rand(3, 2, num_bits, 7), 2**num_bits)
    assert r.shape == (3, 2, 2**num_bits, 7)
    assert (r >= 0).all()
    torch.testing.assert_close(r.sum(2), torch.ones(3, 2, 7))


@pytest.mark.parametrize("number", range(6))
def test_bits_of_a_number_select_the_expert_of_that_number(number):
    steps = torch.tensor([[float(number >> bit & 1)] for bit in range(3)])
    assert select(steps, 6).squeeze(1).tolist() == [float(j == number) for j in range(6)]
