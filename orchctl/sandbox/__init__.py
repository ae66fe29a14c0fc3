"""The embedded orchestrator: a real one, small. It must not share a mapping with the dialects."""
