"""Distributions to sample from when nothing is given: poses, lights, shape codes, colours."""
