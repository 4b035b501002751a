"""bayescale: Bayesian fits of neural scaling laws."""
