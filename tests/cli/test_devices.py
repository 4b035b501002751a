"""`bayescale devices`: what there is, and what runs where."""


def test_devices_says_what_there_is_and_what_runs_where(bayescale):
    import jax

    shown = bayescale("devices").stdout
    assert f"JAX {jax.__version__}" in shown
    assert "Everything runs on this device." in shown or "are shared out among all" in shown
