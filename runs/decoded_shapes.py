"""How clean and how near are shapes that a model reads and decodes: no picture takes part.

    python runs/decoded_shapes.py RUN SHAPES [--every 1] [--most 20] [--refine-steps 30]

Prints the share of faces that cross others, the mean angle between neighbouring faces, and the
distance to the true shape, of every so many-th shape of a folder. For the template's fineness:

    train --config FINE --total-images 20000     with FINE:
    model: {subdivisions: 24}
    train: {shape_share: 0.9, random_share: 0.05}
"""

import argparse
from pathlib import Path

import numpy as np

from shapecycle import load
from shapecycle.data.mesh_files import load_mesh
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.self_intersections import dihedral_deviation, self_intersecting_faces
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh


def main() -> None:
    """Read, decode and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--refine-steps", type=int, default=30)
    arguments = parser.parse_args()
    model = load(arguments.run)
    renderer, rows = model.networks.renderer, []
    faces = renderer.deformation.template.faces.numpy()
    for file in sorted(arguments.shapes.iterdir())[:: arguments.every][: arguments.most]:
        truth = normalise(load_mesh(file))[0]
        code = model.read(truth, refine_steps=arguments.refine_steps)
        vertices = renderer.vertices(code)[0].detach().numpy()
        score = compare(Mesh(vertices, faces), truth)
        crossing = self_intersecting_faces(vertices, faces).mean()
        angle = np.degrees(dihedral_deviation(vertices, faces))
        rows.append((crossing, angle, score.chamfer, score.f_score))
    crossing, angle, chamfer, f_score = np.array(rows).T
    print(
        f"{len(rows)} shapes: crossing faces {crossing.mean():.4f} (median "
        f"{np.median(crossing):.4f}), dihedral angle {angle.mean():.2f} degrees, "
        f"Chamfer {chamfer.mean():.4f}, F-score {f_score.mean():.3f}"
    )


if __name__ == "__main__":
    main()
