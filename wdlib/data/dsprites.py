"""dSprites as facts, and the reader of the original file."""
