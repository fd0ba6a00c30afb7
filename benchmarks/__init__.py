"""What a launch costs, in time and in instructions."""
