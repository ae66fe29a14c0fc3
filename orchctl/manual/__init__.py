"""What is made of the command tree: completions for four shells, and man pages. Nothing of it runs a command."""
