"""The interactive table of keys: what it shows, what it asks for, and the terminal it needs."""
