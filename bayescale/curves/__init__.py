"""Training curves: what a run logs, its schedule of learning rates, and their law."""
