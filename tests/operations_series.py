"""Ten made-up series of operations, with what a person on duty would flag.

Each function returns values (None where missing), seconds between records, and the windows
(first, last record) in which an alarm is due; outside of them there is nothing to flag.
"""

import numpy as np

MINUTES = 60.0


def _days(n, a_day):
    """Time of day of each record, in hours."""
    return np.arange(n) % a_day * 24.0 / a_day


def deploy(rng):
    """Latency of a service; a deploy at record 3000 makes it slower for good."""
    n = 4000
    x = 120 + 15 * np.sin(_days(n, 288) / 24 * 2 * np.pi) + 6 * rng.normal(size=n)
    x[3000:] += 60
    return x, 5 * MINUTES, [(3000, 3010)]


def nightly_job(rng):
    """A CPU with a backup at two each night; once it runs at two in the afternoon as well."""
    n = 14 * 288
    hour = _days(n, 288)
    x = 12 + 2 * rng.normal(size=n) + 60 * ((hour >= 2) & (hour < 3))
    x[11 * 288 + 14 * 12 : 11 * 288 + 15 * 12] += 60
    return x, 5 * MINUTES, [(11 * 288 + 14 * 12, 11 * 288 + 15 * 12)]


def holiday(rng):
    """Calls to a help desk, none at the weekend; a Thursday is a holiday."""
    n = 10 * 7 * 24
    day, hour = np.arange(n) // 24, _days(n, 24)
    busy = (day % 7 < 5) & (hour >= 8) & (hour < 18)
    thursday = 8 * 7 + 3
    busy &= day != thursday
    x = rng.poisson(np.where(busy, 60 - (hour - 13) ** 2, 1.0)).astype(float)
    return x, 60 * MINUTES, [(thursday * 24 + 8, thursday * 24 + 24)]


def counter(rng):
    """Bytes sent since the start of a process, which starts again at record 2500."""
    x = np.cumsum(rng.poisson(1000, size=4000)).astype(float)
    x[2500:] -= x[2500]
    return x, MINUTES, [(2500, 2510)]


def stuck(rng):
    """A sensor that repeats its last reading for 120 records."""
    n = 4000
    x = np.round(21 + 3 * np.sin(_days(n, 288) / 24 * 2 * np.pi) + 0.3 * rng.normal(size=n), 2)
    x[2800:2920] = x[2800]
    return x, 5 * MINUTES, [(2800, 2930)]


def missing(rng):
    """A link is down for a day and a half; what comes afterwards is as before."""
    n = 4000
    x = 50 + 10 * np.sin(_days(n, 288) / 24 * 2 * np.pi) + 2 * rng.normal(size=n)
    values = x.tolist()
    values[2000:2432] = [None] * 432
    return values, 5 * MINUTES, []


def surge(rng):
    """Requests a minute; for twenty minutes three times as many."""
    n = 6000
    rate = np.exp(4 + 0.5 * np.sin(_days(n, 1440) / 24 * 2 * np.pi))
    rate[4600:4620] *= 3
    return rng.poisson(rate).astype(float), MINUTES, [(4600, 4625)]


def leak(rng):
    """Memory that a restart frees every 400 records; once the restart does not happen."""
    n = 5000
    age = np.arange(n) % 400
    age[4000:4300] += 400
    return 2e9 + 4e6 * age + 2e7 * rng.normal(size=n), MINUTES, [(4000, 4030)]


def errors(rng):
    """Failed logins, mostly none; an attack."""
    x = rng.poisson(0.15, size=5000).astype(float)
    x[3700:3710] = rng.poisson(12, size=10)
    return x, MINUTES, [(3700, 3712)]


def vibration(rng):
    """A bearing that begins to shake four times as much, about the same level."""
    x = 0.5 * rng.normal(size=5000)
    x[4000:4200] *= 4
    return x, MINUTES, [(4000, 4030)]


SERIES = (deploy, nightly_job, holiday, counter, stuck, missing, surge, leak, errors, vibration)
