"""What a training says of its length: before each stage, once its speed is known, at the end."""

from shapecycle.train.schedule import MEASURED_STEPS, Schedule, Stage, is_short

LITTLE = 0.25
"""A training that sees a smaller part of its images is warned of."""


def before_stage(schedule: Schedule, stage: Stage) -> str:
    """Say how many images a stage will see and how long the training goes on, where known."""
    outlook = schedule.outlook(stage)
    if outlook is None:
        images = f"{stage.images - stage.seen:,} images; " if stage.images else ""
        return f"{stage.name}: {images}the speed is known after {MEASURED_STEPS} steps"
    images = f"{_two_digits(outlook.stage_images - stage.seen):,}"
    left = time_in_words(outlook.seconds - schedule.elapsed)
    return (
        f"{stage.name}: by the speed so far about {images} images, "
        f"and {left} to the end of the training"
    )


def after_measuring(schedule: Schedule, stage: Stage, total_images: int) -> str:
    """Say what the speed of a stage means for the whole training.

    Args:
        schedule: The training.
        stage: The stage that was just measured.
        total_images: Images of a training that no time ends.
    """
    outlook = schedule.outlook(stage)
    if outlook is None:
        return ""
    at_this = f"{stage.name}: {speed_in_words(schedule.speed(stage))}; at this speed "
    if schedule.counts_images and not is_short(outlook.images, total_images):
        words = f"all {total_images:,} images take about {time_in_words(outlook.seconds)}"
        if schedule.seconds is not None:
            words += f", and the time is {time_in_words(schedule.seconds)}"
        return at_this + words
    # From here on there is a time: nothing else makes a training short.
    seconds = schedule.seconds or outlook.seconds
    time = time_in_words(seconds)
    reached = f"about {_two_digits(outlook.images):,}"
    if schedule.counts_images:
        words = (
            f"the {time} that the limit leaves for training reach {reached} of "
            f"{total_images:,} images; all stages are shortened alike"
        )
    else:
        words = f"{time} reach {reached} images, {part_in_words(outlook.images, total_images)}"
    lines = [at_this + words, *_warning(outlook.images, total_images)]
    if outlook.seconds > 1.1 * seconds:
        lines.append(
            f"warning: a time of {time} is too short: every stage takes {MEASURED_STEPS} steps at "
            f"least, in all about {time_in_words(outlook.seconds)}"
        )
    return "\n".join(lines)


def at_end(schedule: Schedule, total_images: int) -> str:
    """Say what was seen, in what time, and whether that is all of it."""
    seen, seconds = schedule.seen, schedule.elapsed
    rate = f"in {time_in_words(seconds)}, {speed_in_words(seen / max(seconds, 1e-6))}"
    if not is_short(seen, total_images):
        return f"saw {seen:,} images {rate}"
    if schedule.counts_images:
        line = (
            f"saw {seen:,} of {total_images:,} images {rate}: the limit of time shortened the "
            "training; --resume with --minutes that count those before goes on with the rest"
        )
    else:
        line = f"saw {seen:,} images {rate}: {part_in_words(seen, total_images)}"
    return "\n".join([line, *_warning(seen, total_images)])


def _warning(images: int, total_images: int) -> list[str]:
    if images >= LITTLE * total_images:
        return []
    return [
        "warning: that is less than a quarter: expect vague shapes and wrong viewpoints; more "
        "time or a faster machine gives a better model"
    ]


def _two_digits(images: int) -> int:
    """Round an estimate."""
    return int(float(f"{images:.2g}"))


def part_in_words(images: int, total_images: int) -> str:
    """Return which part of the settings' images some are, rounded down.

    >>> part_in_words(140_000, 300_000)
    "46 % of the settings' 300,000"
    """
    percent = 100 * images // total_images
    return f"{percent or 'under 1'} % of the settings' {total_images:,}"


def speed_in_words(speed: float) -> str:
    """Return images per second in words.

    >>> speed_in_words(1234.5), speed_in_words(3.21)
    ('1,234 images/s', '3.2 images/s')
    """
    return f"{speed:,.{0 if speed >= 10 else 1}f} images/s"


def time_in_words(seconds: float) -> str:
    """Return a time as people say it.

    >>> time_in_words(42), time_in_words(1800), time_in_words(9000)
    ('42 s', '30 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " minutes"
    return f"{seconds / 3600:,.1f} hours"
