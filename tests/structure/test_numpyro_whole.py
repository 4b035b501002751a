"""ArviZ leaves a lazy stand-in for NumPyro behind, and importing a submodule through it gives half
a module.
"""

import subprocess
import sys

import pytest

_FIRST = (
    "import arviz_base",
    "import bayescale.posterior.posterior",
    "import bayescale.laws.base",
    "import bayescale.noise.base",
)
_THEN = "import bayescale; bayescale.fit; import numpyro; numpyro.distributions.distribution"


@pytest.mark.parametrize("first", _FIRST)
def test_numpyro_is_whole_whatever_is_imported_first(first):
    script = f"{first}\n{_THEN}"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
