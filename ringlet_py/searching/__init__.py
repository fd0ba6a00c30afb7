"""Finds the exact values of stored keys, and their usual encodings, in files, git, histories and transcripts."""
