"""Hardware: the price and the speed of FLOPs, from the price of a device's hour and how much of its
peak is used.
"""

from dataclasses import dataclass

from bayescale.errors import InputError

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Hardware:
    """A number of like devices.

    Parameters
    ----------
    peak_flops : float
        Of one device, FLOP/s at the precision of the work: 989e12 for an H100 in bfloat16 without
        sparsity.
    utilisation : float
        Share of the peak that the model's own FLOPs make up (MFU), between 0 and 1: some 0.4 in
        training, less in serving.
    devices : int
    price_per_hour : float
        Of one device, in any currency; 0 where money is of no matter.

    Raises
    ------
    InputError
        Where a number is not positive, or the utilisation above one.

    Examples
    --------
    >>> import bayescale as bs
    >>> h100s = bs.Hardware(peak_flops=989e12, utilisation=0.4, devices=1024, price_per_hour=2.5)
    >>> price, a_day = h100s.price_per_flop * 1e21, h100s.flops_per_second * 86400
    >>> f"{price:.0f} for 1e21 FLOPs, {a_day:.2g} FLOPs a day"
    '1755 for 1e21 FLOPs, 3.5e+22 FLOPs a day'
    """

    peak_flops: float
    utilisation: float
    devices: int = 1
    price_per_hour: float = 0.0

    def __post_init__(self) -> None:
        for name in ("peak_flops", "utilisation", "devices"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(
                    f"Hardware: {name}={getattr(self, name):g} must be a positive number."
                )
        if self.utilisation > 1:
            raise InputError(
                f"Hardware: utilisation={self.utilisation:g} is a share of the peak, such as 0.4."
            )
        if not 0 <= self.price_per_hour < float("inf"):
            raise InputError(
                f"Hardware: price_per_hour={self.price_per_hour:g} must not be negative."
            )

    @property
    def flops_per_second(self) -> float:
        """FLOP/s of all devices together."""
        return self.peak_flops * self.utilisation * self.devices

    @property
    def price_per_flop(self) -> float:
        """Whatever the number of devices."""
        return self.price_per_hour / _SECONDS_PER_HOUR / (self.peak_flops * self.utilisation)
