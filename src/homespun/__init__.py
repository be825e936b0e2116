"""homespun makes a small language model your own, on the machine you own."""

__version__ = "0.1.0"
