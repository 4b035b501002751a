"""The posterior: draws with their provenance, and diagnostics of them."""
