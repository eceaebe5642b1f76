"""Pages for the browser: an object to share, a model to play with, a training to watch."""
