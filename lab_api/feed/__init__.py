"""Live fan-out: every open screen is told what its public is told."""
