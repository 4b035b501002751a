"""Draw the README's figures from the embedded Pile runs: python docs/make_figures.py"""

from pathlib import Path

import bayescale as bs


def main() -> None:
    """Write one PNG a figure beside this file."""
    posterior = bs.fit(bs.datasets.load("dey2023_pile"))
    for draw in (bs.plots.loss_along_compute, bs.plots.isoflop, bs.plots.pair):
        draw(posterior).savefig(Path(__file__).with_name(f"{draw.__name__}.png"), dpi=110)


if __name__ == "__main__":
    main()
