"""``shapecycle doctor``."""

import platform
from importlib.metadata import PackageNotFoundError, version


def run() -> None:
    """Print what is installed and which renderer runs."""
    import torch

    from shapecycle.rasterize import backend_report

    print(
        f"shapecycle {version('shapecycle')}, Python {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}"
    )
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none that PyTorch sees"
    print(f"GPU: {gpu}")
    report = backend_report()
    for line in report.splitlines() if isinstance(report, str) else report:
        print(line)
    for package, purpose in OPTIONAL.items():
        try:
            print(f"{package} {version(package)}: {purpose}")
        except PackageNotFoundError:
            print(f"{package} is not installed: {purpose}")


OPTIONAL = {
    "warp-lang": "compiled rasteriser kernels; pip install 'shapecycle[fast]'",
    "mitsuba": "path-traced pictures of the demo's world; pip install 'shapecycle[pictures]'",
}
