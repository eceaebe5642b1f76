"""By how much do the scores of two evaluations differ, and how sure is that?

    python runs/compare_scores.py A.json B.json

Takes the pictures that both files hold, and prints the means of every score that all of these have
in both, the mean difference B - A, and the 95 % interval of that over objects: the same objects
are drawn for both, with all their pictures. An interval with 0 in it says that the two files do
not tell which is better.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from shapecycle.evaluate.bootstrap import interval_of_mean
from shapecycle.evaluate.scores import columns_of, object_of


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs=2, type=Path, metavar="METRICS.json")
    first, second = (rows_of(path) for path in parser.parse_args().files)
    common = [name for name in first if name in second]
    if not common:
        parser.error("the two files have no picture in common")
    objects = [object_of(name) for name in common]
    ours, theirs = (columns_of([rows[name] for name in common]) for rows in (first, second))
    print(
        f"{len(common)} pictures of {len(set(objects))} objects; "
        f"only in one file: {len(first) + len(second) - 2 * len(common)}"
    )
    print(f"{'':<28}{'A':>9} {'B':>9} {'B - A':>9}   95 % interval")
    for name in ours:
        if name in theirs:
            difference = theirs[name] - ours[name]
            ends = interval_of_mean(difference, objects) or ()
            means = " ".join(f"{x.mean():9.4f}" for x in (ours[name], theirs[name], difference))
            print(f"{name:<28}{means}   " + " to ".join(f"{end:+.4f}" for end in ends))


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    """Read the scores of every picture by its name."""
    return {row["image"]: row for row in json.loads(path.read_text())["pictures"]}


if __name__ == "__main__":
    main()
