"""How the verbs that draw dress, place and light shapes, and what stands behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from tyro.conf import DisallowNone, arg

from shapecycle.cli.inputs import check_range
from shapecycle.config import TextureKind
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float
    from PIL import Image

    from shapecycle.data.photos import Photo
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model

CLOSE = 0.6
"""Distance, in object units, from which an object that fills the picture is moved away."""
T = TypeVar("T")
Sampled = Annotated[DisallowNone[T | None], arg(help_behavior_hint="(default: sampled)")]
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Appearance:
    """How shapes are dressed, placed and lit; all of it is sampled by default."""

    texture: Annotated[
        DisallowNone[TextureKind | None],
        arg(help_behavior_hint="(default: the first that the model can give)"),
    ] = None
    """A training photograph's texture in the colours of another one (palette), as it was
    (borrowed), or one that is sampled and decoded."""
    texture_from: Sampled[Path] = None
    """Take the texture that is seen in this picture."""
    pose_from: Sampled[Path] = None
    """Take the pose that is seen in this picture."""
    light_from: Sampled[Path] = None
    """Take the light that is seen in this picture."""
    azimuth: Sampled[float] = None
    """From where it is seen, in degrees; 0 is the front and 90 the object's +x side. This and the
    next two also replace their part of --pose-from."""
    elevation: Sampled[float] = None
    """From how far above, in degrees."""
    distance: Sampled[float] = None
    """From how far away, in diagonals of the object's bounding box."""
    framed: bool = False
    """Let the object fill the picture."""
    light: Literal["sampled", "even"] = "sampled"
    """Light from everywhere alike, or sampled."""
    background: Annotated[
        DisallowNone[str | None], arg(help_behavior_hint="(default: transparent)")
    ] = None
    """A colour (white, "#c0d0e0"), a picture, or a folder of pictures, one of which is drawn for
    each."""
    shadow: bool = False
    """Let a soft shadow fall on the ground; it counts as part of the picture."""
    turntable: int = 0
    """Also write an animation (GIF) of so many views around the object."""

    def check(self) -> None:
        """Raise if an option is out of its range, or two decide the same.

        Raises:
            ConfigError: Naming the options.
        """
        if self.azimuth is not None:
            check_range(self.azimuth, -360, 360, "--azimuth")
        if self.elevation is not None:
            check_range(self.elevation, -90, 90, "--elevation")
        if self.distance is not None:
            check_range(self.distance, 1, 100, "--distance")
        check_range(self.turntable, 0, 360, "--turntable")
        for first, second, given in (
            ("--texture", "--texture-from", (self.texture, self.texture_from)),
            ("--framed", "--distance", (self.framed or None, self.distance)),
            ("--framed", "--pose-from", (self.framed or None, self.pose_from)),
            ("--light even", "--light-from", (self.light == "even" or None, self.light_from)),
        ):
            if None not in given:
                raise ConfigError(f"{first} and {second} decide the same", "give one of them")


class AppearanceSampler:
    """Dresses, places and lights codes as the options say.

    Args:
        model: Whose codes they are.
        options: What the user can choose.

    Raises:
        ConfigError: If textures are to be borrowed of a model that remembers no photographs.
        DataError: If a picture that is named cannot be used.
    """

    def __init__(self, model: "Model", options: Appearance) -> None:
        self.model, self.options = model, options
        if options.texture in ("palette", "borrowed") and not model.memory.donors:
            raise ConfigError(
                f"--texture {options.texture} needs a model that remembers photographs, and this "
                "one holds none",
                "leave --texture out, or train without --memory none",
            )
        pictures = (options.texture_from, options.pose_from, options.light_from)
        self._seen = {path: _seen(model, path) for path in pictures if path is not None}
        self.background = Backgrounds(options.background)

    def __call__(self, bare: "GraphicsCode", generator: "torch.Generator") -> "GraphicsCode":
        """Give one code, whose shape and surface count, all the rest.

        Args:
            bare: A batch of one.
            generator: Source of randomness, on the CPU.
        """
        code = self.placed(self.dressed(bare, generator), generator)
        return self.model.in_frame(code) if self.may_be_moved else code

    @property
    def may_be_moved(self) -> bool:
        """Whether objects are moved to where the frame does not cut them."""
        return self.options.pose_from is None and self.options.distance is None

    def dressed(self, bare: "GraphicsCode", generator: "torch.Generator") -> "GraphicsCode":
        """Give codes, whose shapes and surfaces count, textures."""
        options, model = self.options, self.model
        if options.texture_from is not None:
            return model.dressed_as(bare, *self._seen[options.texture_from])
        return model.dressed(bare, generator, texture=options.texture)

    def placed(self, code: "GraphicsCode", generator: "torch.Generator") -> "GraphicsCode":
        """Give codes poses and lights."""
        from shapecycle.camera import Pose
        from shapecycle.image_to_code.heads import SHADING_ONE

        options, count = self.options, len(code)
        pose, light = self.model.sample_view(count, generator)
        if options.pose_from is not None:
            seen = self._seen[options.pose_from][1].pose
            pose = Pose(seen.angles.expand(count, 3), seen.translation.expand(count, 3))
        if options.light_from is not None:
            light = self._seen[options.light_from][1].light.expand(count, 9, 3)
        if options.light == "even":
            light = light.new_zeros(count, 9, 3)
            light[:, 0] = SHADING_ONE
        angles, translation = pose.angles.clone(), pose.translation
        for k, value in enumerate((options.azimuth, options.elevation)):
            if value is not None:
                angles[:, k] = radians(value)
        if options.distance is not None:
            length = translation.norm(dim=1, keepdim=True)
            translation = translation * (options.distance / length)
        if options.framed:
            translation = translation.new_tensor([[0.0, 0.0, -CLOSE]]).expand(count, 3)
        return replace(code, pose=Pose(angles, translation), light=light)


class Backgrounds:
    """What stands behind pictures.

    Args:
        named: A colour, a picture, or a folder of pictures; None for nothing.

    Raises:
        ConfigError, DataError: If it is none of these, or a picture cannot be used.
    """

    def __init__(self, named: str | None) -> None:
        self._found = _backgrounds(named)

    @property
    def files(self) -> list[Path]:
        """The pictures."""
        return [one for one in self._found if isinstance(one, Path)]

    def __call__(
        self, generator: "torch.Generator", size: tuple[int, int]
    ) -> "Float[np.ndarray, 'h w 3'] | None":
        """Return what stands behind one picture, in sRGB; None for nothing."""
        import numpy as np
        import torch
        from PIL import Image, ImageOps

        if not self._found:
            return None
        one = self._found[int(torch.randint(len(self._found), (), generator=generator))]
        if not isinstance(one, Path):
            return np.broadcast_to(np.array(one, dtype=np.float32) / 255, (*size, 3))
        picture = _background(one)
        fitted = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.LANCZOS)
        return np.asarray(fitted, dtype=np.float32) / 255


def _seen(model: "Model", path: Path) -> "tuple[Photo, GraphicsCode]":
    from shapecycle.data.photos import load_photo
    from shapecycle.seen import SeeOptions

    photo = load_photo(path, to_see=True)
    return photo, model.see_photos([photo], SeeOptions())[0].code


def _backgrounds(named: str | None) -> Sequence[Path | tuple[int, int, int]]:
    """Return the pictures, or the colour, that an option names."""
    if named is None or named == "transparent":
        return []
    from PIL import ImageColor

    from shapecycle.data.folders import list_folder

    path = Path(named)
    files = list_folder(path, "backgrounds", PICTURES).files if path.is_dir() else [path]
    if path.exists():
        for file in files:
            _background(file)  # raises before anything is drawn
        return files
    try:
        colour = ImageColor.getrgb(named)
    except ValueError as fault:
        raise ConfigError(
            f"--background {named} is no colour, and there is no file or folder of that name",
            'give a colour such as white or "#c0d0e0", a picture, or a folder of pictures',
        ) from fault
    if len(colour) == 4 and colour[3] < 255:
        raise ConfigError(f"--background {named} is transparent in part", "give a whole colour")
    return [(colour[0], colour[1], colour[2])]


def _background(path: Path) -> "Image.Image":
    """Load a picture that stands behind others.

    Raises:
        DataError: If it cannot be read, or is transparent in part.
    """
    import numpy as np
    from PIL import Image, ImageOps

    from shapecycle.data.photos import DAMAGE, FORMATS

    try:
        with Image.open(path, formats=FORMATS) as file:
            picture = ImageOps.exif_transpose(file)
            picture.load()
    except DAMAGE as fault:
        raise DataError(
            f"{path} cannot be read as a background: {fault}",
            "give whole PNG, JPEG or WebP files, or leave this one out",
        ) from fault
    if picture.has_transparency_data and np.asarray(picture.convert("RGBA"))[..., 3].min() < 255:
        raise DataError(f"{path} is transparent in part", "give whole pictures as backgrounds")
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8))
    return picture.convert("RGB")
