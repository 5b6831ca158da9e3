"""Residual networks for images, torchvision's, drawn at random or pretrained.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385, table 1; the small stem is after its section 4.2. Dilation is that
of Yu, Koltun & Funkhouser, "Dilated Residual Networks", CVPR 2017,
https://arxiv.org/abs/1705.09914, section 2.
"""

from torch import nn

from mtl_cli.basis.errors import check_boolean, check_choice, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.pretrained import fit_colours, load_weights

LARGEST = {"imagenet": 32, "small": 8}  # how many times a picture shrinks where nothing is dilated
LARGE = 96  # pixels of an image's shorter side, from which on auto is the imagenet stem


class ResNet(Encoder):
    """Five stages: the stem, then four groups of blocks ``relu(x + F(x))``.

    After the stem a map has 64 channels, after the groups 64, 128, 256 and 512 (times 4 at depth
    50). The last three groups halve its sides each, and every halving rounds up.

    With an ``output_stride`` the last groups keep the size instead: where a 3x3 kernel halved, it
    keeps the dilation of the group before, and those after it read twice as far apart. Every
    position of the smaller map is then one of the larger's, with the same value, and pretrained
    weights mean what they meant. At depth 50 it is torchvision's ``replace_stride_with_dilation``,
    which refuses depths 18 and 34.

    Pretrained filters of the stem are for three colours. For C channels, C other than 3, each
    reads the sum of the three divided by C: a grey image gives what it gives as three equal
    colours. The small stem's convolution has no pretrained filters and is drawn at random.
    Pretrained filters are for colours that were normalised by ImageNet's mean and deviation. Where
    a dataset says that it normalised them otherwise (`Dense.pixels`), the filters and the batch
    norm after them are fitted to it, and give what they gave; but for positions at the border,
    which read the dataset's zero beyond it and not ImageNet's.

    Args:
        spec: the input, an image ``(C, H, W)``.
        depth: 18, 34 or 50 layers.
        weights: the name of torchvision's weights for this depth; None: drawn at random.
        stem: ``imagenet`` (7x7 convolution and 3x3 max-pooling, each halving the sides),
            ``small`` (3x3 convolution, which keeps them), or ``auto``: the first for images whose
            sides have 96 pixels or more.
        pool: whether the last stage ends in the mean over all positions, ``(F,)``; else it gives
            the map ``(F, H, W)``.
        output_stride: how many times the last map is smaller than the image, stem included: 32, 16,
            8 or 4 with the imagenet stem, 8, 4, 2 or 1 with the small one; None: the largest.
        offline: never asks the network for weights.

    Raises:
        ValueError: where the input is no image, or one whose last map has a single position (a
            batch of one could not be normalised), and where the weights cannot be had.
    """

    reads = (Dense,)
    first_weights = ("weights",)
    maps_by = "encoder.pool=false"

    def __init__(
        self,
        spec: InputSpec,
        depth: int,
        weights: str | None,
        stem: str,
        pool: bool,
        output_stride: int | None,
        offline: bool,
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, Dense)
        check_choice("encoder.depth", str(depth), ["18", "34", "50"], "encoder.depth=18")
        check_choice("encoder.stem", stem, ["imagenet", "small", "auto"], "encoder.stem=small")
        check_boolean("encoder.pool", pool)
        check_boolean("offline", offline)
        if len(spec.shape) != 3:
            raise problem("encoder resnet", "reads images [C, H, W]", str(spec), "encoder=mlp")
        channels, height, width = spec.shape
        if stem == "auto":
            stem = "imagenet" if min(height, width) >= LARGE else "small"
        dilated = num_dilated(output_stride, stem)
        reduction = LARGEST[stem] >> dilated
        if max(height, width) <= reduction:
            rule = f"shrinks the image {reduction} times, and needs two positions in the last map"
            found = f"{spec}, no side of {reduction + 1} pixels"
            small = "encoder.stem=small" + " encoder.output_stride=null" * (
                output_stride is not None
            )
            fix = small if max(height, width) > 8 else "encoder=cnn"
            raise problem(f"encoder.stem={stem}", rule, found, fix)

        from torchvision.models import get_model, get_model_weights

        known = get_model_weights(f"resnet{depth}").__members__
        if weights is not None:
            check_choice("encoder.weights", weights, list(known), "encoder.weights=IMAGENET1K_V1")
        net = get_model(f"resnet{depth}", weights=None)
        if weights is not None:
            net.load_state_dict(load_weights(known[weights], offline))
            if spec.pixels is not None and stem == "imagenet":
                fit_colours(net.conv1, net.bn1, spec.pixels, known[weights])
        if stem == "small" or channels != 3:
            net.conv1 = fit_filters(net.conv1, channels, stem, weights is not None)
        entry = [net.conv1, net.bn1, net.relu, *[net.maxpool] * (stem == "imagenet")]
        stages = [nn.Sequential(*entry), net.layer1, net.layer2, net.layer3, net.layer4]
        expansion = net.fc.in_features // 512
        shapes: list[tuple[int, ...]] = []
        for k, group in enumerate([net.layer2, net.layer3, net.layer4][3 - dilated :]):
            dilate(group, 2**k)
        halvings = [LARGEST[stem] // 16, 0, *[1] * (3 - dilated), *[0] * dilated]
        for out_channels, times in zip([64, 64, 128, 256, 512], halvings, strict=True):
            for _ in range(times):
                height, width = (height + 1) // 2, (width + 1) // 2
            shapes.append((out_channels * (expansion if shapes else 1), height, width))
        if pool:
            stages[-1] = nn.Sequential(net.layer4, net.avgpool, nn.Flatten())
            shapes[-1] = shapes[-1][:1]
        super().__init__(stages, shapes)


def num_dilated(output_stride: int | None, stem: str) -> int:
    """How many of the last groups keep the size of the map."""
    if output_stride is None:
        return 0
    strides = {name: [largest >> n for n in range(4)] for name, largest in LARGEST.items()}
    known = isinstance(output_stride, int) and not isinstance(output_stride, bool)
    if not known or output_stride not in strides[stem]:
        choices = ", ".join(map(str, strides[stem]))
        rule = f"must be null or, with encoder.stem={stem}, one of {choices}"
        others = [name for name, own in strides.items() if known and output_stride in own]
        fix = f"encoder.stem={others[0]}" if others else "encoder.output_stride=8"
        raise problem("encoder.output_stride", rule, output_stride, fix)
    return strides[stem].index(output_stride)


def dilate(group: nn.Module, dilation: int) -> None:
    """Has a group keep the size of a map, in which neighbours are ``dilation`` positions apart."""
    for layer in group.modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        halves, layer.stride = layer.stride == (2, 2), (1, 1)
        if layer.kernel_size == (3, 3):
            layer.dilation = layer.padding = (dilation, dilation)
            dilation *= 2 if halves else 1


def fit_filters(filters: nn.Conv2d, channels: int, stem: str, pretrained: bool) -> nn.Conv2d:
    """The stem's convolution for another number of channels or the small stem."""
    kernel_size, stride = (3, 1) if stem == "small" else (7, 2)
    fitted = nn.Conv2d(channels, 64, kernel_size, stride, kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(fitted.weight, mode="fan_out", nonlinearity="relu")
    if pretrained and stem == "imagenet":
        grey = filters.weight.detach().sum(1, keepdim=True)  # [64, 1, 7, 7]
        fitted.weight.data.copy_(grey / channels)
    return fitted
