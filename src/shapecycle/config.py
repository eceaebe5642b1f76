"""Settings: defaults here, presets, and differences in one YAML file."""

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_type_hints

from shapecycle.errors import ConfigError

SurfaceKind = Literal["auto", "carried", "template"]
TextureKind = Literal["palette", "borrowed", "decoded"]
"""Where sampled textures come from: a training photograph's, in the colours of another one; as it
was; or a sampled code, decoded."""
"""Which surface a picture's shape is given."""


@dataclass(frozen=True)
class ModelSettings:
    """How large the networks are and what they assume of pictures and shapes."""

    image_size: int = 64
    """Side of the square crops that the networks see, in pixels."""
    fov_y_degrees: float = 50.0
    """Vertical field of view assumed of the photographs, in degrees."""
    window_margin: float = 0.1
    """Space around the mask in a crop, as a fraction of the mask's half side."""
    subdivisions: int = 16
    """Segments n along each edge of the template's octahedron: 8 n^2 faces."""
    symmetric: bool = True
    """Whether every shape is its own mirror image in x = 0."""
    shape_code_size: int = 64
    """Numbers in a shape code."""
    texture_code_size: int = 64
    """Numbers in a texture code."""
    texture_resolution: int = 64
    """Side of the decoded texture, in texels."""
    shape_width: int = 256
    """Width of the shape encoder and decoder."""
    image_width: int = 32
    """Width of the image encoder's first stage."""
    image_features: int = 256
    """Numbers in the image encoder's feature vector."""
    texture_width: int = 16
    """Width of the texture decoder's last stage."""
    critic_width: int = 24
    """Width of the image and texture critics' first stage."""


FRAMING = ("fov_y_degrees", "window_margin")
"""Settings of models that change no network's size."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; 0 switches a term off.

    The five groups of the objective: distribution matching of shapes and of images, the image
    cycle, the shape cycle (with the random cycle as its anchor), and regularity.
    """

    shape_critic: float = 0.02
    """Distribution of shapes: codes seen in photographs against codes read from shapes."""
    image_critic: float = 0.02
    """Distribution of images: drawings against photographs."""
    texture_critic: float = 0.05
    """Distribution of textures: sampled textures against those seen in photographs."""
    texture_prior: float = 0.05
    """Distribution of texture codes: sliced Wasserstein distance to a normal distribution."""
    pose_transport: float = 1.0
    """Distribution of poses: optimal transport between sampled poses and those in photographs."""
    image_cycle_colour: float = 1.0
    """Image cycle: difference of colours."""
    image_cycle_silhouette: float = 1.0
    """Image cycle: difference of silhouettes, at several scales."""
    image_cycle_structure: float = 0.1
    """Image cycle: structural dissimilarity."""
    shape_cycle_code: float = 0.2
    """Shape and random cycle: the shape code comes back."""
    shape_cycle_vertices: float = 10.0
    """Shape and random cycle: the vertices come back."""
    shape_cycle_surface: float = 20.0
    """Shape and random cycle: the surface comes back, wherever on it the vertices are."""
    shape_cycle_pose: float = 0.7
    """Shape and random cycle: azimuth, elevation, roll and placement come back."""
    shape_cycle_texture: float = 1.0
    """Shape and random cycle: the texture comes back."""
    shape_cycle_light: float = 2.5
    """Shape and random cycle: the light comes back."""
    shape_distance: float = 10.0
    """Shape autoencoder: distance between decoded surface and shape."""
    shape_normals: float = 0.2
    """Shape autoencoder: difference of normals."""
    shape_silhouette: float = 1.0
    """Shape autoencoder: difference of silhouettes from random views."""
    dihedral_penalty: float = 2.5
    """Regularity: dihedral angles."""
    edge_length_variation: float = 0.05
    """Regularity: spread of edge lengths."""
    code_l2: float = 0.001
    """Regularity: squared size of shape codes."""


@dataclass(frozen=True)
class SceneSettings:
    """Poses and warps of the scenes that are drawn before photographs are understood."""

    elevation_degrees: tuple[float, float] = (-5.0, 50.0)
    """Range of the camera's elevation, in degrees."""
    roll_degrees: float = 3.0
    """Standard deviation of the camera's roll, in degrees."""
    distance: tuple[float, float] = (1.0, 3.0)
    """Range of the distance, in object diagonals."""
    warp: float = 1.0
    """Strength of the smooth warps that multiply the training shapes for the autoencoder."""
    seen_warp: float = 0.5
    """Strength of the warps of the shapes that are drawn and seen again."""
    photographed_shapes: int = 160
    """Shapes that are fitted to photographs that look alike; training shapes carried to three
    quarters of them are then half of those that are drawn. 0 for none."""


@dataclass(frozen=True)
class MemorySettings:
    """What a model keeps of the two folders."""

    sources: int = 128
    """Shapes that can be carried to what pictures show; of more, these are spread over all."""
    donors: int = 128
    """Photographs whose texels complete the textures of others."""


@dataclass(frozen=True)
class TrainSettings:
    """How long and in which stages the training runs. Everything is counted in images."""

    total_images: int = 300_000
    """Pictures and shapes seen in all, over all stages."""
    shape_share: float = 0.22
    """Share of the budget (time or images) for the shape autoencoder."""
    random_share: float = 0.55
    """Share of the budget for the random cycle; the rest trains all cycles together."""
    batch: int = 32
    """Items per step."""
    learning_rate: float = 1e-3
    """Peak step size of the generators."""
    critic_learning_rate: float = 5e-4
    """Peak step size of the critics, times the factors of the last stage."""
    ema_images: int = 20_000
    """Images over which the saved weights are averaged."""
    warm_up_images: int = 3_000
    """Images of every stage over which its learning rate rises to its peak."""
    lr_end: float = 0.2
    """Factor of the learning rate at the end of the stages before the last."""
    last_stage_lr: tuple[float, float] = (0.5, 0.05)
    """Factors of the learning rate at the start and at the end of the last stage."""
    adam_betas: tuple[float, float] = (0.9, 0.98)
    """Adam's decay rates of the generators."""
    critic_adam_betas: tuple[float, float] = (0.5, 0.99)
    """Adam's decay rates of the critics."""
    gradient_clip: float = 1.0
    """Largest norm of an optimizer's gradient; longer ones are shortened to it."""
    autoencoder_every: int = 4
    """Steps between two of the shape autoencoder, after its own stage."""
    autoencoder_lr_scale: float = 0.3
    """Factor of the learning rate of those steps."""
    cycle_share: float = 0.25
    """Share of a batch that the image cycle takes, and the shape cycle; random scenes the rest."""
    image_hypotheses: int = 2
    """Poses per photograph that the image cycle draws."""
    pose_light_buffer: int = 2048
    """Poses and lights seen in photographs that random scenes are drawn from, the latest."""
    pose_transport_samples: int = 64
    """Poses per step by which the pose sampler learns."""
    r1_gamma: float = 1.0
    """Weight of the critics' gradient penalty (R1), as gamma / 2."""
    r1_every: int = 16
    """Steps between two gradient penalties, each made up for the steps without."""
    panel_images: int = 40_000
    """Images between two picture panels."""
    checkpoint_minutes: float = 2.0
    """Minutes between two saved states."""


@dataclass(frozen=True)
class Settings:
    """All settings of a training."""

    model: ModelSettings = field(default_factory=ModelSettings)
    weights: LossWeights = field(default_factory=LossWeights)
    scenes: SceneSettings = field(default_factory=SceneSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)


PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "laptop": {},
    "standard": {
        "model": {
            "image_size": 128,
            "subdivisions": 24,
            "texture_resolution": 128,
            "shape_width": 512,
            "image_width": 48,
            "image_features": 512,
            "critic_width": 32,
        },
        "train": {"total_images": 5_000_000, "batch": 64},
    },
    "large": {
        "model": {
            "image_size": 128,
            "subdivisions": 32,
            "texture_resolution": 256,
            "shape_code_size": 128,
            "texture_code_size": 128,
            "shape_width": 1024,
            "image_width": 64,
            "image_features": 1024,
            "texture_width": 24,
            "critic_width": 48,
        },
        "train": {"total_images": 20_000_000, "batch": 128},
    },
    # Aumentado-Armstrong et al. 2020, as far as these parts allow: there to be beaten.
    "paper": {
        "model": {"texture_resolution": 32, "texture_code_size": 128},
        "weights": {
            "shape_cycle_code": 1.0,
            "shape_silhouette": 0.0,
            "shape_cycle_surface": 0.0,
            "shape_cycle_light": 0.0,
            "image_cycle_structure": 0.0,
        },
        "scenes": {
            "elevation_degrees": (0.0, 89.0),
            "roll_degrees": 0.0,
            "warp": 0.0,
            "seen_warp": 0.0,
            "photographed_shapes": 0,
        },
        "memory": {"sources": 0, "donors": 0},
        "train": {
            "total_images": 6_400_000,
            "batch": 64,
            "shape_share": 0.05,
            "random_share": 0.06,
            "learning_rate": 8e-4,
            "critic_learning_rate": 2e-4,
            "ema_images": 64,
            "warm_up_images": 1,
            "lr_end": 0.5,
            "last_stage_lr": (0.5, 0.5),
            "adam_betas": (0.5, 0.99),
            "gradient_clip": 1e6,
            "autoencoder_every": 1,
            "autoencoder_lr_scale": 0.5,
            "image_hypotheses": 4,
        },
    },
}


def merged(settings: Any, changes: Any, *, where: str = "", source: str = "") -> Any:
    """Return settings with some fields replaced; nested dictionaries change nested settings.

    Raises:
        ConfigError: If a name is unknown (with a suggestion) or a value has the wrong type.
    """
    if changes is None:  # all lines are comments
        changes = {}
    if not isinstance(changes, dict):
        raise ConfigError(
            f"{source}: {where or 'the whole'} must hold settings by name, found {changes!r}",
            f"write '{where or 'train'}:' and under it lines like 'name: value'",
        )
    known = {f.name: f for f in fields(settings)}
    types = get_type_hints(type(settings))
    new: dict[str, Any] = {}
    for name, value in changes.items():
        full = f"{where}.{name}" if where else str(name)
        if name not in known:
            raise unknown_setting(full, [f"{where}.{k}" if where else k for k in known], source)
        old = getattr(settings, name)
        if is_dataclass(old):
            new[name] = merged(old, value, where=full, source=source)
        else:
            new[name] = _typed(value, old, types[name], full, source)
    return replace(settings, **new)


def unknown_setting(name: str, known: list[str], source: str) -> ConfigError:
    """Return the error for a setting that does not exist, with the nearest one that does."""
    last = {one.rpartition(".")[2]: one for one in known}
    near = [last[one] for one in get_close_matches(name.rpartition(".")[2], last, n=1)]
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
    return ConfigError(f"{source}: unknown setting '{name}'", hint)


def _typed(value: Any, old: Any, kind: Any, name: str, source: str) -> Any:
    """Accept what YAML and JSON make of numbers and pairs, and nothing else."""
    # YAML 1.1 reads 1e-3 as a word: its numbers need a point.
    hint = "write 1.0e-3 rather than 1e-3" if isinstance(old, float) else ""
    expected = getattr(kind, "__name__", str(kind)) if not isinstance(old, tuple) else str(kind)
    wrong = ConfigError(
        f"{source}: setting '{name}' must be of type {expected}, found {value!r}", hint
    )
    if isinstance(old, bool) or isinstance(value, bool):
        if not (isinstance(old, bool) and isinstance(value, bool)):
            raise wrong
        return value
    if isinstance(old, tuple):
        if not isinstance(value, list | tuple) or len(value) != len(old):
            raise wrong
        return tuple(_typed(v, o, type(o), name, source) for v, o in zip(value, old, strict=True))
    if isinstance(old, float) and isinstance(value, int | float):
        return float(value)
    if isinstance(old, int) and isinstance(value, int):
        return value
    raise wrong


def load_settings(preset: str, config: Path | None = None) -> Settings:
    """Return a preset's settings, changed by a YAML file.

    Raises:
        ConfigError: If the preset or a setting is unknown, or the file cannot be read.
    """
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset '{preset}'", f"choose one of {', '.join(PRESETS)}")
    settings: Settings = merged(Settings(), PRESETS[preset], source=f"preset {preset}")
    if config is None:
        return checked(settings, source=f"preset {preset}")
    return checked(changed_by_file(settings, config), source=str(config))


MAX_CONFIG = 1_000_000
"""Characters of a file of settings; all settings have 2,000."""


def changed_by_file(settings: Settings, config: Path) -> Settings:
    """Return settings with those in a YAML file replaced.

    Raises:
        ConfigError: If a setting is unknown or ill-typed, or the file cannot be read.
    """
    import yaml

    try:
        with config.open(encoding="utf-8") as file:
            text = file.read(MAX_CONFIG + 1)
        if len(text) > MAX_CONFIG:
            raise ValueError(f"it holds more than {MAX_CONFIG:,} characters")
        changes = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as fault:
        reason = (isinstance(fault, OSError) and fault.strerror) or fault
        raise ConfigError(
            f"cannot read settings from {config}: {reason}",
            "write YAML such as 'train: {batch: 16}', indented by spaces",
        ) from fault
    changed: Settings = merged(settings, changes, source=str(config))
    return changed


MAX_COUNTS = {
    "model.shape_code_size": 8192,
    "model.texture_code_size": 8192,
    "model.shape_width": 8192,
    "model.image_features": 8192,
    "model.critic_width": 1024,
    "train.total_images": 10**10,
    "train.ema_images": 10**10,
    "train.warm_up_images": 10**10,
    "train.autoencoder_every": 10**6,
    "train.image_hypotheses": 12,
    "train.pose_light_buffer": 10**7,
    "train.pose_transport_samples": 4096,
    "train.r1_every": 10**6,
    "train.panel_images": 10**10,
}
"""Settings that count something: from 1 to this. More than anything that was ever trained."""
FOV_DEGREES = (5, 120)
"""Least and greatest vertical field of view: beyond, objects stand behind the far plane or before
the near one."""


def checked(settings: Settings, *, source: str) -> Settings:
    """Return the settings if they make sense together.

    Raises:
        ConfigError: Naming the first setting that is out of its range.
    """
    model, train, scenes = settings.model, settings.train, settings.scenes
    weights = asdict(settings.weights)
    low, high = scenes.elevation_degrees
    near, far = scenes.distance
    rules = [
        ("model.image_size", 32 <= model.image_size <= 512, "from 32 to 512"),
        (
            "model.fov_y_degrees",
            FOV_DEGREES[0] <= model.fov_y_degrees <= FOV_DEGREES[1],
            f"in {list(FOV_DEGREES)}",
        ),
        ("model.window_margin", 0 <= model.window_margin <= 1, "in [0, 1]"),
        ("model.subdivisions", 2 <= model.subdivisions <= 64, "in [2, 64]"),
        (
            "model.texture_resolution",
            model.texture_resolution in (32, 64, 128, 256, 512),
            "one of 32, 64, 128, 256, 512",
        ),
        *[
            (f"model.{name}", width % 8 == 0 and 8 <= width <= 1024, "a multiple of 8 up to 1,024")
            for name, width in (
                ("image_width", model.image_width),
                ("texture_width", model.texture_width),
            )
        ],
        *[
            (name, 1 <= _value(settings, name) <= most, f"from 1 to {most:,}")
            for name, most in MAX_COUNTS.items()
        ],
        *[
            (f"weights.{name}", 0 <= value <= 1e6, "from 0 to 1,000,000")
            for name, value in weights.items()
        ],
        (
            "weights.shape_distance",
            weights["shape_distance"] + weights["shape_normals"] + weights["shape_silhouette"] > 0,
            "above 0 where shape_normals and shape_silhouette are 0",
        ),
        (
            "weights.shape_cycle_vertices",
            any(value for name, value in weights.items() if name.startswith("shape_cycle_")),
            "above 0 where all other weights of the shape cycle are 0",
        ),
        ("scenes.roll_degrees", 0 <= scenes.roll_degrees <= 90, "in [0, 90]"),
        ("scenes.warp", 0 <= scenes.warp <= 2, "in [0, 2]"),
        ("scenes.seen_warp", 0 <= scenes.seen_warp <= 2, "in [0, 2]"),
        (
            "scenes.photographed_shapes",
            0 <= scenes.photographed_shapes <= 1024,
            "from 0 to 1,024",
        ),
        ("memory.sources", 0 <= settings.memory.sources <= 1024, "from 0 to 1,024"),
        ("memory.donors", 0 <= settings.memory.donors <= 1024, "from 0 to 1,024"),
        ("scenes.elevation_degrees", -90 < low <= high < 90, "an ascending pair in (-90, 90)"),
        ("scenes.distance", 0.7 <= near <= far <= 1000, "an ascending pair in [0.7, 1000]"),
        ("train.batch", 4 <= train.batch <= 4096, "from 4 to 4,096"),
        (
            "train.cycle_share",
            1 <= int(train.batch * train.cycle_share) < train.batch / 2,
            "less than a half, and at least one item of a batch",
        ),
        ("train.autoencoder_lr_scale", 0 <= train.autoencoder_lr_scale <= 1, "in [0, 1]"),
        ("train.lr_end", 0 <= train.lr_end <= 1, "in [0, 1]"),
        ("train.last_stage_lr", all(0 <= x <= 1 for x in train.last_stage_lr), "a pair in [0, 1]"),
        *[
            (f"train.{name}", all(0 <= beta < 1 for beta in betas), "a pair in [0, 1)")
            for name, betas in (
                ("adam_betas", train.adam_betas),
                ("critic_adam_betas", train.critic_adam_betas),
            )
        ],
        ("train.gradient_clip", 0 < train.gradient_clip <= 1e6, "from above 0 to 1,000,000"),
        ("train.r1_gamma", 0 <= train.r1_gamma <= 1e6, "from 0 to 1,000,000"),
        ("train.shape_share", train.shape_share > 0, "positive"),
        ("train.random_share", train.random_share > 0, "positive"),
        ("train.learning_rate", 0 < train.learning_rate <= 0.1, "in (0, 0.1]"),
        ("train.critic_learning_rate", 0 < train.critic_learning_rate <= 0.1, "in (0, 0.1]"),
        ("train.checkpoint_minutes", 0 < train.checkpoint_minutes <= 1440, "in (0, 1440]"),
        (
            "train.random_share",
            train.shape_share + train.random_share < 1,
            "less than 1 together with train.shape_share",
        ),
    ]
    for name, holds, rule in rules:
        if not holds:
            value = _value(settings, name)
            raise ConfigError(f"{source}: setting '{name}' must be {rule}, found {value!r}")
    return settings


def _value(settings: Settings, name: str) -> Any:
    group, key = name.split(".")
    return getattr(getattr(settings, group), key)


def as_dict(settings: Any) -> dict[str, Any]:
    """Return settings as plain values, tuples as lists, as YAML and JSON hold them."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return list(value) if isinstance(value, tuple) else value

    result: dict[str, Any] = plain(asdict(settings))
    return result
