"""What has a time of its own: appeals that run for a while."""
