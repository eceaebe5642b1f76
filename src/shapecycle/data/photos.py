"""Masked photographs, one at a time.

A picture is RGBA with straight alpha, sRGB colours in [0, 1], row 0 on top. The *frame* of a
picture has its centre at 0, x to the right, y up, and a vertical half-extent of 1; its
horizontal half-extent is the aspect w / h. A *window* is a square in that frame.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage  # type: ignore[import-untyped]

from shapecycle.data.backgrounds import on_background
from shapecycle.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")
EXIF_IFD, FOCAL_LENGTH_35MM = 0x8769, 0xA405
"""Where cameras write their lens's focal length: Exif 2.32, FocalLengthIn35mmFilm."""
MIN_FOCAL_LENGTH, MAX_FOCAL_LENGTH = 5.0, 2000.0
MAX_SIDE = 16_384
"""Longest side of a picture that is read or drawn, in pixels: drawn at this size it takes 4 GB."""
MAX_PIXELS = 50_000_000
"""Larger pictures are refused: as float32 RGBA one would take 800 MB."""

MAX_SPAN = 32
"""Width of an object, in heights of its picture, from which nothing can be seen."""
ROWS_OF_PIXELS = 2**20

# What Pillow's decoders raise on damaged files (SyntaxError: "broken PNG file").
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)

MASK_HINT = (
    "save it as RGBA with the object's mask as alpha, or put NAME.png, white on the object, "
    "into a folder masks/ beside or inside the folder of pictures"
)
SEEING_HINT = (
    "; or give the mask alone: a single channel, white on the object and black around it, "
    "with greys on its rim only; or lay the object on a background of one colour"
)

MASK_FOLDERS = ("masks", "mask", "Masks", "Mask", "segmentation", "alpha")
MASK_ENDINGS = ("_mask", "-mask", ".mask", "_alpha", "_seg")
"""What masks are called elsewhere: they are named where a mask is missing, and not taken."""

PREPARE_HINT = "; `shapecycle prepare` makes masks where it can without guessing"

EXTREME = 16 / 255
"""How far from 0 or 1 the black and the white of a bare mask may lie."""
RIM = 5
"""Side of the squares, in pixels, in which a grey of a bare mask meets both black and white."""
MAX_OTHER_GREYS = 0.125
"""Their greatest area where they do not, compared with the white: masks of thin parts that were
shrunk, or saved as JPEG, have up to .11; overexposed grey photographs before black from .26."""
GREY = 0.5
"""sRGB of an object of which there is a bare mask: the image encoder's own zero."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One masked picture, as loaded.

    Attributes:
        path: Its file.
        rgba: Straight alpha, sRGB, in [0, 1], row 0 on top.
        is_bare_mask: Whether there was a mask alone, so that the colours are a neutral grey.
        is_on_background: Whether the mask is what has not the background's one colour.
    """

    path: Path
    rgba: Float32[np.ndarray, "4 h w"]
    is_bare_mask: bool = False
    is_on_background: bool = False


@dataclass(frozen=True, eq=False)
class PackedPhoto:
    """A picture that lies in no file of its own.

    Attributes:
        path: What it is called: the file that it lies in, and its name there.
        picture: PNG, JPEG or WebP.
        mask: Likewise, of the same size; None where the picture has its own.
    """

    path: Path
    picture: bytes
    mask: bytes | None = None


@dataclass(frozen=True)
class PhotoFile:
    """A picture that was found usable; its pixels are read again when they are needed.

    Attributes:
        path: Its file.
        pixels: How many it has.
        to_see: As `load_photo` takes it.
    """

    path: Path
    pixels: int
    to_see: bool

    @staticmethod
    def checked(path: Path, *, to_see: bool = False) -> "PhotoFile":
        """Read a picture as `load_photo` does, and let go of its pixels.

        Raises:
            DataError: As `load_photo` does.
        """
        height, width = load_photo(path, to_see=to_see).rgba.shape[1:]
        return PhotoFile(path, height * width, to_see)

    def load(self) -> Photo:
        """Read the pixels.

        Raises:
            DataError: If the file is no longer usable.
        """
        try:
            return load_photo(self.path, to_see=self.to_see)
        except DataError as error:
            raise DataError(
                f"{error.what}; it was usable when this began",
                "leave the pictures as they are until all are done, and begin anew",
            ) from error


@dataclass(frozen=True)
class Window:
    """A square in a picture's frame (vertical half-extent 1, centre 0, x right, y up).

    Attributes:
        centre_x: Centre, in units of half the frame's height; the frame ends at +- w / h.
        centre_y: Centre, likewise; the frame ends at -1 (bottom) and +1 (top).
        half: Half the square's side, > 0.
    """

    centre_x: float
    centre_y: float
    half: float

    def __post_init__(self) -> None:
        if not np.isfinite([self.centre_x, self.centre_y, self.half]).all() or self.half <= 0:
            raise ValueError(f"a window must be finite with half > 0, not {self}")


def load_photo(source: Path | PackedPhoto, *, to_see: bool = False) -> Photo:
    """Load one picture with its mask.

    The mask is the picture's own alpha unless that is opaque everywhere; then it is the twin
    ``masks/STEM.png`` (its alpha, else its brightness) inside the picture's folder or beside it.
    EXIF orientation is applied to both. 16-bit colours keep their 8 high bits.

    Args:
        source: A PNG, JPEG or WebP file of any size up to ``MAX_PIXELS``, or what is packed with
            its twin.
        to_see: Take what need not be trained on, too: a picture of one channel without alpha and
            twin for the mask itself, if it looks like one (see ``picture_of_mask``), and a picture
            in colours on a background of one (see ``backgrounds.on_background``).

    Returns:
        The picture as RGBA.

    Raises:
        DataError: If the file cannot be read as a picture, or has no mask or an unusable one.
    """
    packed = source if isinstance(source, PackedPhoto) else None
    path = source.path if isinstance(source, PackedPhoto) else source
    rgba, has_one_channel = _read(path, contents=None if packed is None else packed.picture)
    if rgba[3].min() == 1:
        twin = twin_of(path)
        twins_contents = None if packed is None else packed.mask
        if twins_contents is not None:
            twin = path.with_suffix(".mask.png")
        if to_see and has_one_channel and twin is None:
            silhouette = picture_of_mask(rgba[0])
            if silhouette is not None:
                _check_span(path, silhouette[3])
                return Photo(path, silhouette, is_bare_mask=True)
        # Of one channel, it may be meant as a mask.
        is_cut_out = to_see and twin is None and not has_one_channel
        alpha = on_background(rgba[:3]) if is_cut_out else None
        if alpha is not None:
            rgba[3] = alpha
            _check_span(path, alpha)
            return Photo(path, rgba, is_on_background=True)
        if twin is None and packed is not None:
            raise DataError(
                f"{path}: no mask: no pixel is transparent and there is no "
                f"{path.stem}.mask.png right beside it",
                "save it as RGBA with the object's mask as alpha, or put KEY.mask.png, white on "
                "the object, next to the picture in the shard",
            )
        if twin is None:
            miss = near_miss(path)
            other = "" if miss is None else f" (there is {miss.parent.name}/{miss.name})"
            raise DataError(
                f"{path}: no mask: no pixel is transparent and there is no "
                f"masks/{path.stem}.png{other}",
                MASK_HINT + (SEEING_HINT if to_see else PREPARE_HINT),
            )
        rgba[3] = _twin_mask(path, twin, rgba.shape[2], rgba.shape[1], twins_contents)
    elif rgba[3].max() <= 0.5:
        raise DataError(
            f"{path}: its mask is empty: alpha reaches {rgba[3].max() * 255:.0f} of 255, "
            "and nothing is inside below 128",
            "remove it, or mask its object with full alpha",
        )
    _check_span(path, rgba[3])
    return Photo(path, rgba)


def _check_span(path: Path, mask: Float[np.ndarray, "h w"]) -> None:
    """Refuse objects that no camera sees: the field of view is that of the picture's height.

    Raises:
        DataError: If one is far wider than the picture is high.
    """
    left, right = _extent(mask > 0.5, axis=0)
    if right - left > MAX_SPAN * mask.shape[0]:
        raise DataError(
            f"{path}: its object is {right - left:,} pixels wide in a picture of {mask.shape[0]:,} "
            f"pixels' height, more than {MAX_SPAN} times as much",
            "give the object as a camera sees it, with room above and below",
        )


def picture_of_mask(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "4 h w"] | None:
    """Return a mask as the picture of a grey object, or None if it does not look like a mask.

    A mask is black and white, mostly black along the frame's edge, and grey only where black and
    white meet; of a grey photograph's shades most have neither near them.

    Args:
        grey: Brightness in [0, 1]; 8-bit masks of 0 and 1, divided by 255, count as well.

    Returns:
        Straight alpha, with neutral grey colours.
    """
    mask = grey * 255 if 0 < grey.max() <= 1 / 255 else grey
    black, white = mask <= EXTREME, mask >= 1 - EXTREME
    edge = np.concatenate([black[0], black[-1], black[:, 0], black[:, -1]])
    if not white.any() or edge.mean() < 0.5:
        return None
    rim = ndimage.maximum_filter(black, RIM) & ndimage.maximum_filter(white, RIM)
    other = ~(black | white | rim)
    if other.sum() > MAX_OTHER_GREYS * white.sum():
        return None
    colours = np.full((3, *mask.shape), GREY, dtype=np.float32)
    return np.concatenate([colours, mask[None].astype(np.float32)])


def pixels_of(picture: Image.Image) -> Float32[np.ndarray, "..."]:
    """Return a Pillow image as numbers in [0, 1]: h w 4, or h w if it has one channel alone."""
    upright = ImageOps.exif_transpose(picture)
    rgba = _as_rgba(upright)
    return rgba[0] if _has_one_channel(upright) else rgba.transpose(1, 2, 0)


def pixels_of_file(path: Path, *, side: int | None = None) -> Float32[np.ndarray, "4 h w"]:
    """Read a picture's file as RGBA in [0, 1], upright, whatever its mask.

    Args:
        path: A PNG, JPEG or WebP file.
        side: Pixels along the longer side to which pictures without alpha are shrunk.

    Raises:
        DataError: If it cannot be read as a picture.
    """
    return _read(path, side)[0]


def focal_length_of(path: Path) -> float | None:
    """Return the focal length that a camera wrote into its picture, in mm of 35 mm film.

    None if it wrote none that can be.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            focal = float(picture.getexif().get_ifd(EXIF_IFD)[FOCAL_LENGTH_35MM])
    except (*DAMAGE, KeyError, TypeError, ZeroDivisionError):
        return None
    return focal if MIN_FOCAL_LENGTH <= focal <= MAX_FOCAL_LENGTH else None


def window_of(mask: Float[np.ndarray, "h w"], margin: float = 0.1) -> Window:
    """Find the smallest square around a mask, and enlarge it.

    Args:
        mask: Coverage in [0, 1]; above 0.5 is inside. Pixels count with their whole area.
        margin: What is added on each side, as a fraction of the tight square's half side, >= 0.

    Returns:
        The square, centred on the mask's bounding box; it may reach outside the frame.

    Raises:
        ValueError: If no pixel is inside, or the margin is negative.
    """
    if margin < 0:
        raise ValueError(f"`margin` (={margin}) must not be negative")
    inside = mask > 0.5
    if not inside.any():
        raise ValueError("the mask is empty: no pixel is above 0.5")
    left, right = _extent(inside, axis=0)
    top, bottom = _extent(inside, axis=1)
    height, width = mask.shape
    side = max(right - left, bottom - top)
    return Window(
        centre_x=(left + right - width) / height,
        centre_y=(height - top - bottom) / height,
        half=side / height * (1 + margin),
    )


def crop(
    rgba: Float32[np.ndarray, "4 h w"], window: Window, size: int
) -> Float32[np.ndarray, "4 size size"]:
    """Resample the pixels under a window; what lies outside the frame is transparent.

    When shrinking, every output pixel is the exact mean over its area; when enlarging, pixels
    are joined linearly; at scale 1 the two agree. Colours are weighted by alpha, so nothing
    from outside the mask bleeds in.

    Args:
        rgba: Straight alpha, sRGB, in [0, 1].
        window: The square to cut out, in the picture's frame.
        size: Side of the result, in pixels.

    Returns:
        Straight alpha, sRGB, in [0, 1]; colour is 0 where alpha is 0.
    """
    height, width = rgba.shape[1:]
    half_height = height / 2
    step = 2 * window.half * half_height / size
    left = (window.centre_x - window.half) * half_height + width / 2
    top = (1 - window.centre_y - window.half) * half_height
    columns, from_columns = _resampling(left, step, size, width)
    rows, from_rows = _resampling(top, step, size, height)
    part = rgba[:, rows, columns]
    premultiplied = np.concatenate([part[:3] * part[3:], part[3:]])
    resampled = from_rows @ premultiplied @ from_columns.T
    alpha = resampled[3:]
    # Rounding leaves traces of alpha whose colours would be noise.
    seen = alpha > 1e-5
    colour = np.where(seen, resampled[:3] / np.where(seen, alpha, 1), 0)
    return np.concatenate([colour, np.where(seen, alpha, 0)]).clip(0, 1).astype(np.float32)


def cropped(
    photo: Photo, *, size: int, margin: float
) -> tuple[UInt8[np.ndarray, "4 size size"], Window]:
    """Cut the square around a picture's object out, as a training keeps it.

    Args:
        photo: The picture.
        size: Side of the crop, in pixels.
        margin: What it leaves around the object (see ``window_of``).

    Returns:
        Straight alpha, sRGB, 0 to 255, with colour 0 where alpha is 0; and the square.
    """
    window = window_of(photo.rgba[3], margin)
    pixels = np.round(crop(photo.rgba, window, size) * 255).astype(np.uint8)
    pixels[:3, pixels[3] == 0] = 0
    return pixels, window


def _read(
    path: Path,
    side: int | None = None,
    contents: bytes | None = None,
    size: tuple[int, int] | None = None,
) -> tuple[Float32[np.ndarray, "4 h w"], bool]:
    """Read any supported file as RGBA in [0, 1], upright, and say if it had one channel alone.

    What is packed elsewhere is given as contents, and has its path as a name only.

    Raises:
        DataError: If it cannot be read.
        _OtherSize: If it has not a given size, upright or turned; it is not decoded.
    """
    try:
        if (path.stat().st_size if contents is None else len(contents)) == 0:
            raise DataError(f"{path}: the file is empty", "remove it or save the picture again")
        with QUIET:
            opened = path if contents is None else io.BytesIO(contents)
            with Image.open(opened, formats=FORMATS) as file:
                width, height = file.size
                if width * height > MAX_PIXELS:
                    raise _too_large(path, f"{width:,} x {height:,} pixels, more")
                if max(width, height) > MAX_SIDE:
                    raise DataError(
                        f"{path}: {width:,} x {height:,} pixels, and no more than {MAX_SIDE:,} "
                        "along a side are read",
                        "cut out the object; a few hundred pixels across it are plenty",
                    )
                if size is not None and sorted(size) != sorted((width, height)):
                    raise _OtherSize(width, height)
                has_one_channel = _has_one_channel(file)
                ImageOps.exif_transpose(file, in_place=True)
                upright: Image.Image = file
                if side is not None and not upright.has_transparency_data:
                    upright = _shrunk(upright, side)
                return _as_rgba(upright), has_one_channel
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path}: this is not a picture in PNG, JPEG or WebP format",
            "remove it, or save the picture again in one of these formats",
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path, "far more pixels") from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file", "check its name") from error
    except IsADirectoryError as error:
        raise DataError(
            f"{path}: this is a folder, not a picture", "give a picture file"
        ) from error
    except DAMAGE as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise DataError(
            f"{path}: the picture cannot be read ({reason})",
            "remove it or copy it again from its source",
        ) from error


class _OtherSize(Exception):
    """A picture is not of the size that it must have."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width} x {height} pixels")
        self.width, self.height = width, height


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    """Shrink a picture in 8 bits a channel; others stay as they are."""
    scale = side / max(picture.size)
    if scale >= 1 or picture.mode not in ("RGB", "L"):
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _too_large(path: Path, found: str) -> DataError:
    return DataError(
        f"{path}: {found} than the {MAX_PIXELS // 1_000_000} million that are read",
        "shrink it; a few hundred pixels across the object are plenty",
    )


def _as_rgba(picture: Image.Image) -> Float32[np.ndarray, "4 h w"]:
    # Pillow clips 16-bit grey at 255 when it converts; the other 16-bit modes arrive as 8 bits.
    if picture.mode.startswith("I"):
        grey = np.asarray(picture, dtype=np.float32) / 65535
        return np.stack([grey, grey, grey, np.ones_like(grey)])
    rgba = np.empty((4, picture.height, picture.width), np.float32)
    # Some rows at a time: of 50 million pixels these numbers alone take 800 MB.
    step = max(1, ROWS_OF_PIXELS // picture.width)
    for top in range(0, picture.height, step):
        bottom = min(top + step, picture.height)
        is_all = bottom - top == picture.height
        some = picture if is_all else picture.crop((0, top, picture.width, bottom))
        rows = np.asarray(some if some.mode == "RGBA" else some.convert("RGBA"))
        np.divide(rows.transpose(2, 0, 1), np.float32(255), out=rgba[:, top:bottom])
    return rgba


def _has_one_channel(picture: Image.Image) -> bool:
    return picture.mode in ("1", "L") and not picture.has_transparency_data


class _Quiet:
    """Keeps from warnings while any thread is inside; Python's own way is not made for threads.

    Pillow has an alarm of its own at 89 million pixels, where ours is an error, and tells of damage
    in what cameras write beside the pixels.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


QUIET = _Quiet()


def twin_of(path: Path) -> Path | None:
    """Return the file of the mask that belongs to an opaque picture, if there is one."""
    name = f"{path.stem}.png"
    twins = (path.parent / "masks" / name, path.absolute().parent.parent / "masks" / name)
    # A folder of pictures may itself be called masks/; nothing is its own twin.
    return next((t for t in twins if t.is_file() and t.absolute() != path.absolute()), None)


def near_miss(path: Path) -> Path | None:
    """Return a file that may be meant as an opaque picture's mask, but is named otherwise."""
    folders = [path.parent, path.absolute().parent.parent]
    for folder in folders:
        for place in (folder, *(folder / name for name in MASK_FOLDERS)):
            for name in (path.stem, *(f"{path.stem}{end}" for end in MASK_ENDINGS)):
                for suffix in SUFFIXES:
                    file = place / f"{name}{suffix}"
                    if file.is_file() and file.absolute() != path.absolute():
                        return file
    return None


def _twin_mask(
    path: Path, twin: Path, width: int, height: int, contents: bytes | None = None
) -> Float32[np.ndarray, "h w"]:
    """Read the mask that belongs to an opaque picture.

    Raises:
        DataError: If it is unreadable, of another size, empty or full.
    """
    try:
        read, _ = _read(twin, contents=contents, size=(width, height))
        mask: Float32[np.ndarray, "h w"] = read[3] if read[3].min() < 1 else read[:3].mean(0)
        if mask.shape != (height, width):
            raise _OtherSize(mask.shape[1], mask.shape[0])
    except DataError as error:
        raise DataError(f"{path}: its mask is unusable: {error.what}", error.hint) from error
    except _OtherSize as other:
        raise DataError(
            f"{path}: the picture is {width} x {height} pixels but its mask {twin} is "
            f"{other.width} x {other.height}",
            "masks must have their pictures' size (after EXIF rotation)",
        ) from other
    if mask.max() <= 0.5:
        raise DataError(
            f"{path}: its mask {twin} is empty: it reaches {mask.max() * 255:.0f} of 255, "
            "and nothing is inside below 128",
            "write masks with 255 on the object and 0 around it",
        )
    if mask.min() > 0.5:
        raise DataError(
            f"{path}: its mask {twin} covers the whole picture",
            "write masks with 255 on the object and 0 around it",
        )
    return mask


def _extent(inside: Bool[np.ndarray, "h w"], axis: int) -> tuple[int, int]:
    """First line with anything inside and one past the last, once ``axis`` is summed away."""
    where = np.flatnonzero(inside.any(axis))
    return int(where[0]), int(where[-1]) + 1


def _resampling(
    start: float, step: float, size: int, count: int
) -> tuple[slice, Float32[np.ndarray, "size part"]]:
    """Weigh the pixels of one axis for each output pixel.

    Args:
        start: Where output pixel 0 begins, in input pixels from the frame's first edge.
        step: Width of an output pixel, in input pixels.
        size: Number of output pixels.
        count: Number of input pixels.

    Returns:
        The input pixels that matter, and their weights; rows sum to 1 inside the frame, and to
        less where the output pixel reaches out of it.
    """
    first = int(np.clip(np.floor(start) - 1, 0, count - 1))
    last = int(np.clip(np.ceil(start + size * step) + 1, first + 1, count))
    pixels = np.arange(first, last)
    # An output pixel narrower than an input pixel is widened to it about its centre: the
    # overlap with the pixel grid is then exactly linear interpolation.
    width = max(step, 1.0)
    centre = start + (np.arange(size) + 0.5) * step
    low, high = centre - width / 2, centre + width / 2
    overlap = np.minimum(high[:, None], pixels + 1) - np.maximum(low[:, None], pixels)
    return slice(first, last), (np.maximum(overlap, 0) / width).astype(np.float32)
