"""``shapecycle doctor``."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

OPTIONAL = {
    "warp-lang": "compiled rasteriser kernels; pip install 'shapecycle[fast]'",
    "mitsuba": "path-traced pictures of the demo's world; pip install 'shapecycle[pictures]'",
}


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, which renderer runs and why, and what is missing."""

    def run(self) -> None:
        """Print what is installed and which renderer runs."""
        import torch

        from shapecycle.devices import has_native_bfloat16
        from shapecycle.rasterize import backend_report

        print(
            f"shapecycle {version('shapecycle')}, Python {platform.python_version()} on "
            f"{platform.system()} {platform.machine()}"
        )
        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)")
        has_gpu = torch.cuda.is_available()
        print(f"GPU: {torch.cuda.get_device_name() if has_gpu else 'none that PyTorch sees'}")
        for device in ("cpu", "cuda") if has_gpu else ("cpu",):
            chosen = "bfloat16" if has_native_bfloat16(device) else "float32: no native bfloat16"
            print(f"networks on {device} compute in {chosen}")
        for line in backend_report():
            print(line)
        for package, purpose in OPTIONAL.items():
            try:
                print(f"{package} {version(package)}: {purpose}")
            except PackageNotFoundError:
                print(f"{package} is not installed: {purpose}")
