"""The ledger of every mail that leaves: deliveries in batches, letters, slots and leases. No network here."""
