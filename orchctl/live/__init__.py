"""What stays on the screen and changes: lists that are watched, and top."""
