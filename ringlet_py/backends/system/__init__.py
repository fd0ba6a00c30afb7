"""The operating system's own keychain, one module for each system."""
