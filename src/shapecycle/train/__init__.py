"""The training: players, schedule, checkpoints and journal."""
