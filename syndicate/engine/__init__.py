"""What keeps a sender running: threads of this process (embedded)."""
