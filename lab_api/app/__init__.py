"""The lab put together: its rooms, its web application, and what is done for a terminal."""
