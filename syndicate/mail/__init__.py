"""Mail as bytes: rendered once, composed once, filled per person, signed, and handed to a relay."""
