"""One training step of each stage: which cycles run, and who learns from them."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.config import Settings
from shapecycle.cycles.image_cycle import Redrawn, image_terms
from shapecycle.cycles.known_scene import KnownScene, come_back_terms
from shapecycle.cycles.random_cycle import random_scene
from shapecycle.cycles.random_scenes import ShapePool, WarpedShapes, jittered_window
from shapecycle.cycles.shape_autoencoder import shape_terms, silhouette_terms
from shapecycle.cycles.shape_cycle import draw_dressed
from shapecycle.data.photos import PhotoSet
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.losses.code import distance_to_normal
from shapecycle.networks import Networks
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import pose_from_vector, sample_pose
from shapecycle.priors.solid_texture import SolidTexture
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.train.critics import PENALTY_EVERY, Jury, Samples
from shapecycle.train.ema import Average
from shapecycle.train.optimizers import Player
from shapecycle.train.photo_sampler import PhotoPool
from shapecycle.train.pose_light_buffer import LOOKS_KEPT, Looks

Terms = dict[str, Float[Tensor, ""]]


class Trainer:
    """Networks, critics and data of a training, and one step of each of its stages."""

    def __init__(
        self, settings: Settings, photos: PhotoSet, pool: ShapePool, *, seed: int, device: str
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.device = settings, torch.device(device)
        self.pool = pool
        self.generator = pool.generator
        self.photos = PhotoPool(photos, generator=self.generator, device=self.device)
        self.networks = Networks(settings.model).to(self.device)
        model = self.networks.translator
        self.model = model
        rate, smooth = settings.train.learning_rate, (0.9, 0.98)
        self.geometry = Player(model.reader, model.drawer.deformation, rate=rate, betas=smooth)
        self.looks_player = Player(
            model.seer, model.drawer.texture_decoder, rate=rate, betas=smooth
        )
        self.poses = Player(self.networks.pose_sampler, rate=rate, betas=smooth)
        self.jury = Jury(settings, self.generator, self.device)
        self.average = Average(self.networks, settings.train.average_images)
        self.looks = Looks(
            torch.zeros(LOOKS_KEPT, 7, device=self.device),
            torch.zeros(LOOKS_KEPT, 27, device=self.device),
        )
        self.steps = 0
        self.last: dict[str, Tensor] = {}

    # Stages -----------------------------------------------------------------------------------

    def shapes_step(self, pace: float) -> Terms:
        """Shape autoencoder alone: learn what shapes there are."""
        terms = self._learn_shapes(self.settings.train.batch, pace)
        return self._done(terms)

    def random_step(self, pace: float) -> Terms:
        """Random cycle: learn to see from pictures whose truth is known."""
        terms: Terms = {}
        if self.steps % 4 == 0:
            terms |= self._learn_shapes(self.settings.train.batch // 2, 0.3 * pace)
        with self.geometry.watching():
            scene = self._random_scene(self.settings.train.batch)
            come_back, codes = come_back_terms(self.model, scene, self.generator)
            come_back["texture_prior"] = distance_to_normal(codes, self.generator)
            self.looks_player.descend(self._weighted(come_back), pace=pace)
        if self.steps % 4 == 2:
            self._look_around(self.settings.train.batch // 2)
        self.last = {"scene": scene.rgba}
        return self._done(terms | come_back)

    def cycles_step(self, pace: float) -> Terms:
        """All cycles together, against the critics."""
        terms: Terms = {}
        batch = self.settings.train.batch
        if self.steps % 4 == 0:
            terms |= self._learn_shapes(batch // 2, 0.3 * pace)
        rgba, window = self.photos.sample(batch // 4)
        with self.geometry.watching(), self.jury.watching():
            random = self._random_scene(batch // 2)
            come_back, codes = come_back_terms(self.model, random, self.generator)
            seen_again, redrawn = image_terms(self.model, rgba, window)
            scene, drawing, albedo = self._dressed(batch // 4, redrawn)
            shape_cycle, sampled_codes = come_back_terms(self.model, scene, self.generator)
            losses = {k: (2 * v + shape_cycle[k]) / 3 for k, v in come_back.items()}
            losses |= seen_again
            losses["texture_prior"] = distance_to_normal(
                torch.cat([codes, redrawn.code.texture.code, sampled_codes]), self.generator
            )
            fake = {"image": drawing, "texture": albedo, "shape": redrawn.code.shape}
            losses |= self.jury.persuasion(fake)
            self.looks_player.descend(self._weighted(losses), pace=pace)
        terms |= losses
        real = self._real(rgba, redrawn, len(drawing))
        penalise = self.steps % PENALTY_EVERY == 0
        terms |= self.jury.learn(real, fake, pace=pace, penalise=penalise)
        self.looks.add(redrawn.code.pose, redrawn.code.light)
        if self.settings.weights.pose_transport:
            terms["pose_transport"] = self._learn_poses(pace)
        self.last = {"photo": rgba, "redrawn": redrawn.drawing, "drawn": drawing}
        return self._done(terms)

    # Parts of a step --------------------------------------------------------------------------

    def _done(self, terms: Terms) -> Terms:
        self.steps += 1
        self.average.update(self.settings.train.batch)
        return {name: value.detach() for name, value in terms.items()}

    def _weighted(self, terms: Terms) -> Float[Tensor, ""]:
        weights = self.settings.weights
        parts = [getattr(weights, name) * value for name, value in terms.items()]
        return torch.stack(parts).sum()

    def _warped(self, count: int) -> WarpedShapes:
        return self.pool.sample(count, SURFACE_POINTS, self.settings.scenes.seen_warp)

    def _learn_shapes(self, count: int, pace: float) -> Terms:
        shapes = self.pool.sample(count, SURFACE_POINTS, self.settings.scenes.warp)
        terms, vertices = shape_terms(self.model, shapes, self.generator)
        # Silhouettes of half the batch: they cost as much as all the rest.
        few = slice(0, len(vertices) // 2)
        pose = self._pose(len(vertices[few]))
        part = shapes[few]
        window = self._window(pose, part)
        view = self.model.view(window)
        terms |= silhouette_terms(self.model, vertices[few], part, pose, view)
        self.geometry.descend(self._weighted(terms), pace=pace)
        return terms

    def _pose(self, count: int) -> Pose:
        return sample_pose(count, self.settings.scenes, self.generator, self.device)

    def _window(self, pose: Pose, shapes: WarpedShapes) -> Float[Tensor, "b 3"]:
        return jittered_window(pose.place(shapes.vertices), self.settings.model, self.generator)

    def _random_scene(self, count: int) -> KnownScene:
        shapes, pose = self._warped(count), self._pose(count)
        if self.looks.filled == LOOKS_KEPT:
            # Half from the wide prior, half as photographs are: seldom wrong, mostly to the point.
            pick = torch.randint(LOOKS_KEPT, (count,), generator=self.generator)
            pose = _mixed(pose, pose_from_vector(self.looks.poses[pick]), count // 2)
        solid = SolidTexture.sample(count, self.generator, self.photos.palette)
        light = sample_light(count, self.generator, self.device)
        view = self.model.view(self._window(pose, shapes))
        return random_scene(self.model, shapes, solid.to(self.device), pose, light, view)

    @torch.no_grad()
    def _look_around(self, count: int) -> None:
        """Remember how photographs are posed and lit, as far as that can be seen by now."""
        rgba, window = self.photos.sample(count)
        glance = self.model.glance(rgba, window)
        best = glance.belief.hypotheses(1)[0][:, 0]
        self.looks.add(self.model.pose_of(glance, best, self.model.view(window)), glance.light)

    @torch.no_grad()
    def _sampled_pose(self, count: int) -> Pose:
        return self.networks.pose_sampler.sample(count, self.generator)

    def _dressed(
        self, count: int, redrawn: Redrawn
    ) -> tuple[KnownScene, Float[Tensor, "b 4 h w"], Float[Tensor, "b 3 s s"]]:
        """Draw training shapes, half in sampled textures and half in what a photograph wore."""
        shapes = self._warped(count)
        with torch.no_grad():
            shape = self.model.read(shapes.points)
            pose = self._sampled_pose(count)
            side = self.settings.model.texture_resolution
            size = self.settings.model.texture_code_size
            code = torch.randn(count, size, generator=self.generator).to(self.device)
            texels = torch.zeros(count, 4, side, side, device=self.device)
            half, borrowed = count // 2, redrawn.code.texture
            assert borrowed.texels is not None
            code[:half], texels[:half] = borrowed.code[:half], borrowed.texels[:half]
            pick = torch.randint(self.looks.filled or 1, (count,), generator=self.generator)
            light = self.looks.lights[pick].view(-1, 9, 3)
            if not self.looks.filled:
                light = redrawn.code.light[:count]
            vertices = self.model.drawer.vertices(shape)
            window = jittered_window(pose.place(vertices), self.settings.model, self.generator)
        dressed = GraphicsCode(shape, Texture(code, texels), pose, light)
        return draw_dressed(self.model, dressed, shapes, self.model.view(window))

    def _real(self, rgba: Float[Tensor, "b 4 h w"], redrawn: Redrawn, count: int) -> Samples:
        """Gather what the critics take for real, ``count`` of the pictures and textures."""
        real = {"image": premultiplied(rgba)[:count], "texture": redrawn.albedo[:count]}
        if "shape" in self.jury.critics:
            with torch.no_grad():
                real["shape"] = self.model.read(self._warped(len(rgba)).points)
        return real

    def _learn_poses(self, pace: float) -> Float[Tensor, ""]:
        pick = torch.randint(self.looks.filled, (64,), generator=self.generator)
        loss = self.networks.pose_sampler.transport_loss(self.looks.poses[pick], self.generator)
        self.poses.descend(self.settings.weights.pose_transport * loss, pace=pace)
        return loss

    # Ends -------------------------------------------------------------------------------------

    @torch.no_grad()
    def fit_priors(self) -> None:
        """Fit the priors that `generate` and `render` sample from."""
        # Saving must not change what comes next in the training.
        before = self.generator.get_state()
        codes = [self.model.read(self.pool.plain(SURFACE_POINTS))]
        codes += [self.model.read(self._warped(64).points) for _ in range(4)]
        self.networks.shape_prior.fit(torch.cat(codes))
        if self.looks.filled > 1:
            self.networks.light_prior.fit(self.looks.lights[: self.looks.filled])
        else:
            lights = sample_light(512, self.generator, self.device)
            self.networks.light_prior.fit(lights.flatten(1))
        self.generator.set_state(before)

    def stage(self, name: str) -> Callable[[float], Terms]:
        """Return the step function of a stage."""
        return {
            "shapes": self.shapes_step,
            "random cycle": self.random_step,
            "all cycles": self.cycles_step,
        }[name]

    def state(self) -> dict[str, Any]:
        """Return everything that a resumed training needs, as plain tensors and numbers."""
        return {
            "networks": self.networks.state_dict(),
            "average": self.average.weights,
            "average_seen": self.average.seen,
            "critics": self.jury.state(),
            "players": {name: player.state() for name, player in self._players().items()},
            "looks": {
                "poses": self.looks.poses,
                "lights": self.looks.lights,
                "count": self.looks.count,
            },
            "generator": self.generator.get_state(),
            "torch_generator": torch.get_rng_state(),
            "steps": self.steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.networks.load_state_dict(state["networks"])
        self.average.weights, self.average.seen = state["average"], state["average_seen"]
        self.jury.load_state(state["critics"])
        for name, player in self._players().items():
            player.load_state(state["players"][name])
        self.looks = Looks(**state["looks"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_generator"])
        self.steps = state["steps"]

    def _players(self) -> dict[str, Player]:
        players = {"geometry": self.geometry, "looks": self.looks_player, "poses": self.poses}
        return players | ({"critics": self.jury.player} if self.jury.player else {})


def _mixed(first: Pose, second: Pose, count: int) -> Pose:
    """Take the first ``count`` poses of the one and the rest of the other."""
    return Pose(
        torch.cat([first.angles[:count], second.angles[count:]]),
        torch.cat([first.translation[:count], second.translation[count:]]),
    )
