"""Mail that comes back to the site: `reading` takes it apart, `leaving` acts on those that ask to leave."""
