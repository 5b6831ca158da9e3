"""MTAN: one shared encoder, of whose features each task keeps what its attention lets through.

Liu, Johns & Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019,
https://arxiv.org/abs/1803.10704, equations 1 and 2.
"""

from collections.abc import Callable, Iterable, Mapping

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.experts import Rows, StackedLinear
from mtl_cli.arch.refiners import refine_each, refiner
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key
from mtl_cli.basis.rows import take_rows

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: nn.functional.conv1d, 2: nn.functional.conv2d}


class MTAN(Architecture):
    """After every stage, ``h_k = a_k * p``, with ``a_k = sigmoid(U_k relu(W_k [p; f(h_k')]))``.

    p are the shared features of the stage and h_k' those that task k attended to after the stage
    before; after the first stage the mask depends on p alone. W_k and U_k are maps of the channels
    with a bias, the same at every position: 1x1 convolutions on maps, linear maps on vectors. The
    refining layer f, which all tasks share as in the paper, brings h_k' to the shape of p (see
    `refiner`). The last h_k are the features of the heads; there is no f after them.

    Departures: the mask reads p, where the paper's reads the features of the stage's middle, which
    an encoder does not show (the authors' network for Visual Decathlon reads p too); there is no
    batch norm in W, U and f, which could not train on a batch of one; and every stage has masks and
    the same f, where the authors' ResNet has no masks after its stem and residual blocks as f.

    Args:
        make_encoder: makes the encoder, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        reduction: W_k gives the stage's channels divided by this, rounded up; at least 1.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        reduction: int,
    ) -> None:
        super().__init__(inputs, tasks)
        check_integer("arch.reduction", reduction, 1, "arch.reduction=1")
        self.trunk = Trunk(make_encoder, inputs)
        shapes = self.trunk.stage_shapes
        self.at_stages(shapes)
        self.attentions = nn.ModuleList()  # by stage: {input: the attention of its tasks}
        self.refiners = nn.ModuleList()  # by stage but the last: one for each pair of shapes
        self.which: list[dict[str, int]] = []  # by stage but the last: {input: its refiner}
        for s in range(self.trunk.num_stages):
            attentions = nn.ModuleDict()
            for name in inputs:
                channels = shapes[name][s][0]
                hidden = -(-channels // reduction)
                own = Attention(len(self.readers(name)), channels, hidden, first=s == 0)
                attentions[module_key(name)] = own
            self.attentions.append(attentions)
            if s > 0:
                steps = {name: (shapes[name][s - 1], shapes[name][s]) for name in inputs}
                pairs = list(dict.fromkeys(steps.values()))
                self.refiners.append(nn.ModuleList(refiner(*pair) for pair in pairs))
                self.which.append({name: pairs.index(step) for name, step in steps.items()})

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        order = self.readers(input)
        rows = None if tasks == order else [order.index(task) for task in tasks]
        attended: Tensor | None = None  # [K, B, C, ...]
        for s in range(self.trunk.num_stages):
            x = self.trunk.stage(s, x, input)  # [B, C, ...]
            if self.trunk.num_stages == 1:
                x = self.mark_representation(x)
            if attended is not None:
                refine = self.refiners[s - 1][self.which[s - 1][input]]  # type: ignore[index]
                attended = refine_each(refine, attended)
            masks = self.attentions[s][module_key(input)](x, attended, rows)  # type: ignore[index]
            attended = masks * x
            if self.tapping(s, tasks):
                self.tap(s, dict(zip(tasks, attended, strict=True)))
        assert attended is not None
        return dict(zip(tasks, attended, strict=True))

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return self.attentions.parameters()

    def last_shared_layer(self) -> nn.Module:
        return self.trunk


class Attention(nn.Module):
    """The masks of K tasks at one stage: ``sigmoid(U_k relu(W_k [p; q_k]))``.

    Args:
        num_tasks: K.
        channels: C, of p, q and the masks.
        hidden: what W gives.
        first: whether there is no q.
    """

    def __init__(self, num_tasks: int, channels: int, hidden: int, first: bool) -> None:
        super().__init__()

        def stack(in_features: int, out_features: int, bias: bool, shared: bool) -> StackedLinear:
            linears = [nn.Linear(in_features, out_features, bias) for _ in range(num_tasks)]
            return StackedLinear(linears, shared)

        self.of_shared = stack(channels, hidden, True, True)  # W, cut in two: its columns for p
        self.of_refined = None if first else stack(channels, hidden, False, False)  # and for q
        self.out = stack(hidden, channels, True, False)

    def forward(self, shared: Tensor, refined: Tensor | None, rows: Rows) -> Tensor:
        """[B, C, ...], [K, B, C, ...] -> [K, B, C, ...], for the tasks in ``rows`` or all."""
        if shared.dim() > 2:
            return self.on_maps(shared, refined, rows)
        hidden = self.of_shared(shared, rows)  # [K, B, hidden]
        if self.of_refined is not None:
            assert refined is not None
            hidden = hidden + self.of_refined(refined, rows)
        return self.out(hidden.relu(), rows).sigmoid()

    def on_maps(self, shared: Tensor, refined: Tensor | None, rows: Rows) -> Tensor:
        hidden = convolve(shared, self.of_shared, rows)  # [B, K * hidden, ...]
        if self.of_refined is not None:
            assert refined is not None
            hidden = hidden + convolve(refined.transpose(0, 1).flatten(1, 2), self.of_refined, rows)
        masks = convolve(hidden.relu_(), self.out, rows).sigmoid()  # [B, K * C, ...]
        return masks.unflatten(1, (-1, shared.shape[1])).transpose(0, 1)


def convolve(x: Tensor, linears: StackedLinear, rows: Rows) -> Tensor:
    """The linear maps at every position, as a 1x1 convolution: [B, F or K * F, ...] to K * O."""
    weight: Tensor = take_rows(linears.weight, rows)
    bias = None if linears.bias is None else take_rows(linears.bias, rows)
    dims = x.dim() - 2
    kernel = weight.flatten(0, 1)[(...,) + (None,) * dims]
    groups = 1 if linears.shared_input else len(weight)
    return CONVOLVE[dims](x, kernel, None if bias is None else bias.flatten(), groups=groups)
