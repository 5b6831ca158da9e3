"""Config-driven training for multi-task learning in PyTorch."""

__version__ = "0.1.0"
