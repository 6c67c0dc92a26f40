"""Python's side of the pool rows: multiprocessing.Pool.

    python3 tests/bench/peers/pool_peer.py WORK N
"""

import json
import multiprocessing
import os
import sys
import time

WORKERS = 2
MIB = 1 << 20
# After so many nanoseconds a work is not repeated again.
ENOUGH = 1_500_000_000
# What the workers meet at; they inherit it.
MEETING = multiprocessing.Barrier(WORKERS)


def same(n):
    """Gives back what it got."""
    return n


def length_of(data):
    """Looks at bytes that came over."""
    return len(data) + data[0] + data[-1]


def meet(_):
    """Blocks until every worker is here: nobody can answer for another."""
    MEETING.wait(10)
    return MEETING.parties


def clocked(run):
    """How many nanoseconds a run takes."""
    began = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - began


def repeated(times, run):
    """The median of several runs within one process; of fewer, if they are slow."""
    samples = []
    while len(samples) < times and sum(samples) < ENOUGH:
        samples.append(clocked(run))
    return sorted(samples)[len(samples) // 2]


def expect(found, wanted):
    """Asserts, also where assertions are off."""
    if found != wanted:
        raise AssertionError(f"a pool gave {found} instead of {wanted}")


def submits(pool, n):
    """One call after another, all at once; nanoseconds each."""

    def run(count):
        calls = [pool.apply_async(same, (i,)) for i in range(count)]
        expect([call.get() for call in calls], list(range(count)))

    run(n // 5)
    return repeated(5, lambda: run(n)) / n


def mapped(pool, n):
    """Pool.map, which chooses the chunks; nanoseconds each."""

    def run():
        expect(pool.map(same, range(n)), list(range(n)))

    run()
    return repeated(5, run) / n


def stream(chunk):
    """Pool.imap_unordered with chunks of a size; nanoseconds each."""

    def work(pool, n):
        def run():
            expect(sum(pool.imap_unordered(same, range(n), chunk)), n * (n - 1) // 2)

        return repeated(5, run) / n

    return work


def clone(pool, n):
    """Sends n times a MiB; milliseconds for all."""
    pieces = [b"\1" * MIB for _ in range(n)]

    def run():
        expect(pool.map(length_of, pieces, 1), [MIB + 2] * n)

    run()
    return repeated(3, run) / 1e6


def start():
    """From nothing until all workers have answered; milliseconds."""

    def run():
        pool = multiprocessing.Pool(WORKERS)
        expect(pool.map(meet, range(WORKERS), 1), [WORKERS] * WORKERS)

    return clocked(run) / 1e6


WORKS = {
    "submits": submits,
    "map": mapped,
    "clone": clone,
    "stream-1": stream(1),
    "stream-64": stream(64),
}


def main():
    """Does what the command line asks for; exit code 2 if this peer does not know it."""
    work, n = sys.argv[1], int(sys.argv[2])
    if work == "start":
        value = start()
    elif work in WORKS:
        with multiprocessing.Pool(WORKERS) as pool:
            value = WORKS[work](pool, n)
    else:
        print(f'Unknown work "{work}"', file=sys.stderr)
        sys.exit(2)
    print(json.dumps({"work": work, "n": n, "value": value}))
    sys.stdout.flush()
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)  # taking a pool apart is not what is measured


if __name__ == "__main__":
    main()
