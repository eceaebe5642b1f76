"""DRAW: a graphics code becomes a mesh and a picture."""
