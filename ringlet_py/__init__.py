"""ringlet keeps API keys where the operating system keeps secrets, and lends them to coding agents."""

__version__ = "0.1.0"
