"""What every simulated analyser needs: a place to stand, a bad cable, a written morning."""
