"""Many fits in one call, which survives being killed: `batch`, and what it stands on."""
