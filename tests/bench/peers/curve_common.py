"""What the Python peers of the curves share; see curve_common.ts for what is measured."""

import json
import os
import sys
import time

HOST = "127.0.0.1"
STEPS = 400_000
WAITS = 200_000
OPENING = 32
GREETING = b"hello"
BACKLOG = 4096

WARM_S = 0.3
WARM_N = 1000
ENOUGH_S = 0.3
LIMIT_S = 2


def turns(n, total):
    """How often each of n does it, so that all together do it `total` times, and each at least twice."""
    return max(2, -(-total // n))


def nap(i):
    """How many seconds sleeper i sleeps: 0 to 99.9 ms, in an order that is not the order of starting."""
    return (i * 7919) % 1000 / 10_000


class Meter:
    """Measures from when n have come until n have gone."""

    def __init__(self, n):
        self.n = n
        self.here = self.gone = self.begun = self.ns = 0

    def come(self):
        self.here += 1
        if self.here == self.n:
            self.begun = time.process_time_ns()

    def go(self):
        self.gone += 1
        if self.gone == self.n:
            self.ns = time.process_time_ns() - self.begun


def whole(n, work):
    """What a whole work cost, for one of n."""
    begun = time.process_time_ns()
    work()
    return (time.process_time_ns() - begun) / n


def main(curves):
    """Does what the command line asks for; exit code 2 if this peer does not know it."""
    work, n = sys.argv[1], int(sys.argv[2])
    if work not in curves:
        print(f'Unknown work "{work}"; known are {" ".join(curves)}', file=sys.stderr)
        sys.exit(2)

    def until(seconds, count):
        samples = []
        spent, end = time.process_time() + seconds, time.monotonic() + LIMIT_S
        while not samples or (time.process_time() < spent and time.monotonic() < end):
            samples.append(curves[work](count))
        return sorted(samples)

    until(WARM_S, min(n, WARM_N))
    samples = until(ENOUGH_S, n)
    print(json.dumps({"work": work, "n": n, "ns_per_op": samples[len(samples) // 2]}))
    sys.stdout.flush()
    os._exit(0)  # taking a million tasks apart is not what is measured
