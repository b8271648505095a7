"""Mail that did not arrive: `policy` decides when an address has refused too often."""
