"""A small convolutional network for images.

After LeNet-5 (LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proc. IEEE 86(11), 1998, section II.B), with ReLU and max-pooling as is usual today.
"""

from collections.abc import Sequence

from torch import nn

from mtl_cli.basis.errors import check_integer, check_number, check_widths, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Encoder


class CNN(Encoder):
    """One stage a convolution (convolve, ReLU, halve), then one fully connected stage.

    Without the fully connected stage, features are the last convolution's map ``(C, H, W)``, halved
    as the others are: for dense prediction.

    Args:
        spec: the input, an image ``(C, H, W)``.
        channels: the number of channels of each convolution.
        kernel_size: the side of the kernels, odd, in pixels; the border is padded with zeros.
        out_features: F, the width of the fully connected stage; None: there is none.
        dropout: the share of the fully connected stage's outputs set to zero in training, 0 to 1.

    Raises:
        ValueError: where the input is no image, or too small for so many halvings.
    """

    reads = (Dense,)
    wide_by = ("channels", "out_features")
    maps_by = "encoder.out_features=null"

    def __init__(
        self,
        spec: InputSpec,
        channels: Sequence[int],
        kernel_size: int,
        out_features: int | None,
        dropout: float,
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, Dense)
        check_widths("encoder.channels", channels, "'encoder.channels=[16,32]'")
        check_integer("encoder.kernel_size", kernel_size, 1, "encoder.kernel_size=5")
        if out_features is not None:
            check_integer("encoder.out_features", out_features, 1, "encoder.out_features=128")
        check_number("encoder.dropout", dropout, "encoder.dropout=0.1", 0, 1)
        if kernel_size % 2 == 0:
            raise problem(
                "encoder.kernel_size", "must be odd", kernel_size, "encoder.kernel_size=5"
            )
        if len(spec.shape) != 3:
            raise problem("encoder cnn", "reads images [C, H, W]", str(spec), "encoder=mlp")
        if min(spec.shape[1:]) < 2 ** len(channels):
            rule = f"halves the image {len(channels)} times, so its sides need {2 ** len(channels)}"
            raise problem("encoder cnn", rule, str(spec), "'encoder.channels=[16]'")
        stages: list[nn.Module] = []
        shapes: list[tuple[int, ...]] = []
        depth, height, width = spec.shape
        for out_channels in channels:
            convolution = nn.Conv2d(depth, out_channels, kernel_size, padding=kernel_size // 2)
            stages.append(nn.Sequential(convolution, nn.ReLU(inplace=True), nn.MaxPool2d(2)))
            depth, height, width = out_channels, height // 2, width // 2
            shapes.append((depth, height, width))
        if out_features is not None:
            linear = nn.Linear(depth * height * width, out_features)
            layers = [nn.Flatten(), linear, nn.ReLU(inplace=True)]
            stages.append(nn.Sequential(*layers, *[nn.Dropout(dropout)] * (dropout > 0)))
            shapes.append((out_features,))
        super().__init__(stages, shapes)
