"""A profile, agent or provider document, checked and turned into values; pure."""
