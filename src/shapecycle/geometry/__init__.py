"""Geometry that several rooms share: points on surfaces, nearest neighbours, boxes."""
