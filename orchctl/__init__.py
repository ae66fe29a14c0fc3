"""One command line for Sherpa Orchestrator, ELMA RPA and UiPath Orchestrator."""

__version__ = "0.1.0"
