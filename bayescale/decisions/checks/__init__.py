"""Checks: how well a fit predicts held-out runs, and what it hangs on."""
