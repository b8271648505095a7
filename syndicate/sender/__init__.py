"""The running outbox: claims what is due, hands it to the relay, and records what became of it."""
