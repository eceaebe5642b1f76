"""What a model remembers of the two folders it was trained on."""
