"""One training step of each stage: which cycles run, and which networks learn from them."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.config import Settings
from shapecycle.cycles.carried_shapes import CarriedShapes
from shapecycle.cycles.image_cycle import image_cycle
from shapecycle.cycles.photographed_shapes import photographed_shapes
from shapecycle.cycles.random_cycle import random_cycle
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.cycles.shape_autoencoder import shape_autoencoder
from shapecycle.cycles.shape_cycle import shape_cycle
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.losses import Losses
from shapecycle.losses.code import sliced_wasserstein_to_gaussian
from shapecycle.losses.weighting import active_weights, weighted_sum
from shapecycle.model_networks import Networks
from shapecycle.parallel import ALONE, Team
from shapecycle.priors.pose_light_buffer import PoseLightBuffer
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.shape_to_code.refine import refine
from shapecycle.train.critics import Critics, Samples
from shapecycle.train.ema import EMA
from shapecycle.train.optimizers import NetworkOptimizer, NonFiniteGradient
from shapecycle.train.step_graphs import StepGraphs

TEMPLATE_STEPS = 6000
"""Steps of fitting for all training shapes together, with 5 to 30 for each."""
DUE: tuple[Callable[[str, float], bool], ...] = (
    lambda stage, _: stage != "shapes",
    lambda stage, progress: stage == "all cycles" or (stage == "random cycle" and progress >= 0.5),
    lambda stage, _: stage == "all cycles",
)
"""When something is to be made: the templates, then shapes seen in photographs, and those again."""


class Trainer:
    """Networks, critics and data of a training, and one step of each of its stages.

    Args:
        settings: Of the whole training; a batch is shared out among all processes.
        photos: The training photographs.
        shapes: The training shapes, and the source of all randomness.
        seed: Of the networks' first weights.
        device: Where to compute.
        team: The processes that train together.
    """

    def __init__(
        self,
        settings: Settings,
        photos: PhotoSet,
        shapes: ShapeSampler,
        *,
        seed: int,
        device: str,
        team: Team = ALONE,
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.device, self.team = settings, torch.device(device), team
        self.batch = settings.train.batch // team.size
        self.generator = shapes.generator
        photo_sampler = PhotoSampler(photos, generator=self.generator, device=self.device)
        self.networks = networks = Networks(settings.model).to(self.device)
        renderer = networks.renderer
        optimizer = NetworkOptimizer.of_generators
        self.geometry = optimizer(
            settings.train, networks.shape_encoder, renderer.deformation, team=team
        )
        self.appearance = optimizer(
            settings.train, networks.image_encoder, renderer.texture_decoder, team=team
        )
        self.poses = optimizer(settings.train, networks.pose_sampler, team=team)
        self.critics = Critics(settings, self.generator, self.device, team)
        self._agree_on_weights()
        self.ema = EMA(networks, settings.train.ema_images)
        self.scenes = SceneSampler(
            settings, shapes, photo_sampler, generator=self.generator, device=self.device
        )
        # What is read while a step runs cannot be recorded with it.
        is_recordable = team.size == 1 and photo_sampler.stream is None
        self.graphs = StepGraphs(self.device, self.generator, is_wanted=is_recordable)
        self.carried: CarriedShapes | None = None
        self.prepared = 0
        self.steps = 0
        self.last: dict[str, Tensor] = {}

    def begin_with(self, networks: Networks) -> None:
        """Take the weights of a trained model of the same sizes, before the first step."""
        self.networks.load_state_dict(networks.state_dict())
        self.ema = EMA(self.networks, self.settings.train.ema_images)

    # Stages -----------------------------------------------------------------------------------

    def shapes_step(self, lr_scale: float) -> Losses:
        """Shape autoencoder alone: learn what shapes there are."""
        return self._finish_step(self._autoencode(self.batch, lr_scale))

    def random_step(self, lr_scale: float) -> Losses:
        """Random cycle: learn to see from pictures whose truth is known."""
        train = self.settings.train
        losses = self._continue_autoencoder(lr_scale)
        self.appearance.scale_lr(lr_scale)
        # Where poses are drawn from changes what is computed.
        name = ("random cycle", self.scenes.pose_light_buffer.is_full)
        learnt, self.last = self.graphs.run(name, self._learn_random)
        if self.steps % train.autoencoder_every == train.autoencoder_every // 2:
            self._remember(self.graphs.run("photographs", self._look_at_photographs))
        return self._finish_step(losses | learnt)

    def cycles_step(self, lr_scale: float) -> Losses:
        """All cycles together, against the critics."""
        losses = self._continue_autoencoder(lr_scale)
        for part in (self.appearance, self.critics):
            part.scale_lr(lr_scale)
        penalise = self.steps % self.settings.train.r1_every == 0
        seen = self.scenes.pose_light_buffer
        # Until it is full, lights are drawn from among another number each time.
        name = ("all cycles", penalise, None if seen.is_full else seen.count)
        learnt, poses_and_lights, self.last = self.graphs.run(
            name, lambda: self._learn_all(penalise=penalise)
        )
        self._remember(poses_and_lights)
        return self._finish_step(losses | learnt | self._learn_poses(lr_scale))

    # Parts of a step --------------------------------------------------------------------------

    def _learn_random(self) -> tuple[Losses, Samples]:
        """See random scenes; return the losses, and pictures."""
        with self.geometry.frozen():
            cycle = random_cycle(self.networks, self.scenes, self.batch)
            losses = self._learn(cycle.losses, [cycle.texture_codes])
        return _values(losses), {"scene": cycle.render.rgba}

    def _learn_all(self, *, penalise: bool) -> tuple[Losses, Float[Tensor, "b 33"], Samples]:
        """Go round all cycles; return the losses, poses and lights of photographs, and pictures."""
        losses: Losses = {}
        few = int(self.batch * self.settings.train.cycle_share)
        with self.geometry.frozen(), self.critics.frozen():
            random = random_cycle(self.networks, self.scenes, self.batch - 2 * few)
            image = image_cycle(self.networks, self.scenes, few)
            seen = image.best.code
            shape = shape_cycle(self.networks, self.scenes, few, seen)
            labelled = {k: (2 * v + shape.losses[k]) / 3 for k, v in random.losses.items()}
            codes = [random.texture_codes, seen.texture.code, shape.texture_codes]
            fake = {"image": shape.drawing, "texture": shape.albedo, "shape": seen.shape}
            losses |= self._learn(labelled | image.losses, codes, fake)
        real = {"image": premultiplied(image.photos), "texture": image.best.albedo}
        real |= self._real_codes(few)
        losses |= self.critics.step(real, fake, penalise=penalise)
        pictures = {"photo": image.photos, "redrawn": image.best.drawing, "drawn": shape.drawing}
        return _values(losses), _in_rows(seen.pose, seen.light), _values(pictures)

    def _finish_step(self, losses: Losses) -> Losses:
        self.steps += 1
        self.ema.update(self.settings.train.batch)
        values = {name: value.clone() for name, value in losses.items()}
        self.team.average_(list(values.values()))
        return values

    def _learn(
        self,
        losses: Losses,
        texture_codes: list[Float[Tensor, "_ t"]],
        fake: dict[str, Tensor] | None = None,
    ) -> Losses:
        """Add the prior on texture codes and the critics, and teach image encoder and texture."""
        codes = self.team.gathered(torch.cat(texture_codes))
        prior = sliced_wasserstein_to_gaussian(codes, self.generator)
        losses = losses | {"texture_prior": prior}
        if fake is not None:
            losses |= self.critics.generator_losses(fake)
        self._step(self.appearance, losses)
        return losses

    def _step(self, optimizer: NetworkOptimizer, losses: Losses) -> None:
        """Take a step down the weighted sum of losses.

        Raises:
            NonFiniteGradient: Naming the first loss that is not finite.
        """
        try:
            optimizer.step(weighted_sum(losses, self.settings.weights))
        except NonFiniteGradient as fault:
            for name, value in losses.items():
                if not value.isfinite().all():
                    raise NonFiniteGradient(f"the loss '{name}' became {value.item()}") from fault
            raise NonFiniteGradient(
                f"the gradient of {', '.join(losses)} is not finite, though all of them are"
            ) from fault

    def _autoencode(self, count: int, lr_scale: float) -> Losses:
        def learn() -> Losses:
            losses = shape_autoencoder(self.networks, self.scenes, count)
            self._step(self.geometry, losses)
            return _values(losses)

        self.geometry.scale_lr(lr_scale)
        return self.graphs.run(("shapes", count), learn)

    def _continue_autoencoder(self, lr_scale: float) -> Losses:
        """Every few steps, go on with the shape autoencoder more slowly: codes must not drift."""
        train = self.settings.train
        if self.steps % train.autoencoder_every:
            return {}
        return self._autoencode(self.batch // 2, train.autoencoder_lr_scale * lr_scale)

    @torch.no_grad()
    def _look_at_photographs(self) -> Float[Tensor, "b 33"]:
        """See how photographs are posed and lit, as far as that can be seen by now."""
        rgba, window = self.scenes.photos.sample(self.batch // 2)
        encoding = self.networks.encode_image(rgba, window)
        best = encoding.pose.hypotheses(1)[0][:, 0]
        pose = self.networks.pose_of(encoding, best, self.networks.view(window))
        return _in_rows(pose, encoding.light)

    @torch.no_grad()
    def _remember(self, poses_and_lights: Float[Tensor, "b 33"]) -> None:
        """Store poses and lights that were seen in photographs, by all processes."""
        seen = self.team.gathered(poses_and_lights)
        self.scenes.pose_light_buffer.add(
            Pose(seen[:, :3], seen[:, 3:6]), seen[:, 6:].view(-1, 9, 3)
        )

    @torch.no_grad()
    def _real_codes(self, count: int) -> dict[str, Tensor]:
        """Read shapes for the critic of shape codes, if there is one."""
        if "shape" not in self.critics.networks:
            return {}
        shapes = self.scenes.warped_shapes(count, self.settings.scenes.seen_warp)
        return {"shape": self.networks.read(shapes.points)}

    def _learn_poses(self, lr_scale: float) -> Losses:
        """Teach the pose sampler the poses seen in photographs, unless their weight is 0."""
        if "pose_transport" not in active_weights(self.settings.weights):
            return {}
        seen, count = self.scenes.pose_light_buffer, self.settings.train.pose_transport_samples
        place = self.generator.device
        pick = torch.randint(len(seen), (count,), generator=self.generator, device=place)
        loss = self.networks.pose_sampler.transport_loss(seen.poses[pick], self.generator)
        losses = {"pose_transport": loss}
        self.poses.scale_lr(lr_scale)
        self._step(self.poses, losses)
        return _values(losses)

    def _agree_on_weights(self) -> None:
        """Start from one process's weights: other machines may round differently."""
        parts = [self.networks, *self.critics.networks.values()]
        self.team.copy_first_([value for part in parts for value in part.state_dict().values()])

    # Beginnings and ends ----------------------------------------------------------------------

    def is_due(self, stage: str, progress: float) -> bool:
        """Whether `prepare` has something to do."""
        return _due(stage, progress) != self.prepared

    def prepare(self, stage: str, progress: float, *, most: int = 10**9) -> str:
        """Make what is due by now, and return what was made in words, or nothing.

        Once shapes can be read, the template is laid on each of them. Once photographs can be seen,
        and again at the end of the random cycle, it is laid anew, and training shapes are carried
        to what the photographs show. A prolonged training, which goes on with shapes alone, forgets
        both.

        Args:
            stage: The stage in progress.
            progress: Of that stage, in [0, 1].
            most: Shapes that there is time to fit to photographs.
        """
        if not self.is_due(stage, progress):
            return ""
        due = _due(stage, progress)
        self.prepared, shapes = due, self.scenes.shapes
        # What steps were recorded with is replaced.
        self.graphs.forget()
        self.carried = None
        shapes.forget()
        if not due:
            return ""
        deformation = self.networks.renderer.deformation
        with self.ema.applied():
            self.fit_priors()
            # All processes draw and carry the same shapes.
            self.team.copy_first_([self.networks.shape_prior.factor])
            shapes.lay(self._templates(), deformation.mirror)
            count = min(self.settings.scenes.photographed_shapes, most)
            if due == 1 or not count:
                return ""
            codes = photographed_shapes(self.networks, self.scenes.photos, count)
            self.team.copy_first_([codes])
            with torch.no_grad():
                targets = self.networks.renderer.vertices(codes)
        self.carried = CarriedShapes.towards(shapes, deformation.template, targets)
        self.carried.add_to(shapes)
        return f"training shapes are carried to {len(codes)} that photographs show"

    @torch.no_grad()
    def _templates(self) -> Float[Tensor, "s t 3"]:
        """Return where the template lies on each training shape."""
        networks, shapes = self.networks, self.scenes.shapes
        steps = max(5, min(30, TEMPLATE_STEPS // len(shapes)))
        laid = []
        for some in torch.arange(len(shapes), device=self.device).split(32):
            points, normals = shapes.points[some], shapes.normals[some]
            code = networks.read(points[:, :SURFACE_POINTS])
            spread = networks.shape_prior.spread()
            code = refine(networks.renderer, code, points, normals, spread=spread, steps=steps)
            laid.append(networks.renderer.vertices(code))
        templates = torch.cat(laid)
        self.team.copy_first_([templates])
        return templates

    @torch.no_grad()
    def fit_priors(self) -> None:
        """Fit the priors that `generate` and `render` sample from."""
        # Saving must not change what comes next in the training.
        before = self.generator.get_state()
        networks, scenes, warp = self.networks, self.scenes, self.settings.scenes.seen_warp
        codes = [networks.read(scenes.shapes.plain(SURFACE_POINTS))]
        codes += [networks.read(scenes.warped_shapes(64, warp).points) for _ in range(4)]
        networks.shape_prior.fit(torch.cat(codes))
        buffer = scenes.pose_light_buffer
        if len(buffer) > 1:
            networks.light_prior.fit(buffer.lights[: len(buffer)])
        else:
            networks.light_prior.fit(scenes.light(512).flatten(1))
        self.generator.set_state(before)

    def stage(self, name: str) -> Callable[[float], Losses]:
        """Return the step function of a stage; it takes a factor of the learning rate."""
        return {
            "shapes": self.shapes_step,
            "random cycle": self.random_step,
            "all cycles": self.cycles_step,
        }[name]

    def state(self) -> dict[str, Any]:
        """Return everything that a resumed training needs, as plain tensors and numbers."""
        return {
            "networks": self.networks.state_dict(),
            "ema": self.ema.weights,
            "ema_seen": self.ema.seen,
            "critics": self.critics.state(),
            "optimizers": {name: one.state() for name, one in self.optimizers().items()},
            "pose_light_buffer": dict(vars(self.scenes.pose_light_buffer)),
            "templates": self._known_templates(),
            "carried_shapes": None if self.carried is None else self.carried.state(),
            "prepared": self.prepared,
            "generator": self.generator.get_state(),
            "generator_device": self.generator.device.type,
            "torch_generator": torch.get_rng_state(),
            "steps": self.steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.networks.load_state_dict(state["networks"])
        self.ema.load(state["ema"], state["ema_seen"])
        self.critics.load_state(state["critics"])
        for name, optimizer in self.optimizers().items():
            optimizer.load_state(state["optimizers"][name])
        seen = PoseLightBuffer(**state["pose_light_buffer"])
        self.scenes.pose_light_buffer = seen.to(self.device)
        if state["generator_device"] == self.generator.device.type:
            self.generator.set_state(state["generator"])
        else:
            # Another kind of device has other random numbers; go on with some not yet seen.
            self.generator.manual_seed(state["steps"])
        torch.set_rng_state(state["torch_generator"])
        self.steps = state["steps"]
        self.graphs.forget()
        self.prepared = state["prepared"]
        if state["templates"] is not None:
            mirror = self.networks.renderer.deformation.mirror
            self.scenes.shapes.lay(state["templates"].to(self.device), mirror)
        if state["carried_shapes"] is not None:
            self.carried = CarriedShapes.of(state["carried_shapes"], self.device)
            self.carried.add_to(self.scenes.shapes)

    def _known_templates(self) -> Tensor | None:
        """Return where the template lies on the training shapes alone."""
        shapes = self.scenes.shapes
        return None if shapes.templates is None else shapes.templates[: len(shapes)].clone()

    def optimizers(self) -> dict[str, NetworkOptimizer]:
        """Return all optimizers by name."""
        own = {"geometry": self.geometry, "appearance": self.appearance, "poses": self.poses}
        critics = self.critics.optimizer
        return own if critics is None else own | {"critics": critics}


def _due(stage: str, progress: float) -> int:
    """Return how many of the times have come at which something is to be made."""
    return sum(has_come(stage, progress) for has_come in DUE)


def _values(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cut tensors off from what they were computed from."""
    return {name: value.detach() for name, value in tensors.items()}


def _in_rows(pose: Pose, light: Float[Tensor, "b 9 3"]) -> Float[Tensor, "b 33"]:
    """Return angles, translation and light of every item in one row, without gradients."""
    return torch.cat([pose.angles, pose.translation, light.flatten(1)], 1).detach()
