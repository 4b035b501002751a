"""`bayescale devices`: what there is, and what runs where."""


def test_devices_says_what_there_is_and_what_runs_where(bayescale):
    import jax

    shown = bayescale("devices").stdout
    assert f"JAX {jax.__version__}" in shown
    assert "Everything runs on this device." in shown or "are shared out among all" in shown


def test_the_page_of_an_accelerator_says_what_stays_on_the_host(capsys):
    from bayescale.terminal.devices import print_devices

    card = {"id": 0, "kind": "NVIDIA H100", "platform": "gpu", "process": 0, "memory": 80 * 2**30}
    print_devices("0.10", [card])
    shown = " ".join(capsys.readouterr().out.split())
    assert "On the CPU of this machine: samplers" in shown
    assert "On this device: grids" in shown
    assert 'device="gpu"' in shown


def test_the_page_of_a_tpu_says_that_it_has_no_doubles(capsys):
    from bayescale.terminal.devices import print_devices

    print_devices("0.10", [{"id": 0, "kind": "v5e", "platform": "tpu", "process": 0, "memory": 0}])
    assert "no double precision" in " ".join(capsys.readouterr().out.split())
