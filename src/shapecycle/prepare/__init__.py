"""One's own folders: masks, checks and copies, before anything is trained."""
