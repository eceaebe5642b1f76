"""How far predictions are from the truth: surfaces, crossings and poses of single objects."""
