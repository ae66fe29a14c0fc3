"""The command tree. Commands take typed arguments, make one call and return its value; nothing else."""
