"""What the Python peers share: the clock, memory, and the one line each prints.

A peer is called with WORK and N, does the work N times, and prints one JSON line. A server is called
with its name and a port (0: any), prints `listening PORT`, and runs until its stdin closes.
"""

import gc
import json
import os
import socket
import sys
import time

HOST = "127.0.0.1"
# How many tasks share the rounds of the "crowd" works, and how long the list of waiting connections is.
CROWD = 100
# How many of a crowd the semaphore lets in, who sends into a channel, and how many places that has (of two kinds).
PERMITS = 10
PRODUCERS = 1000
PLACES = 1
ROOMY = 64
BACKLOG = 4096


def nap(i):
    """How many seconds sleeper i sleeps: 0 to 99.9 ms, in an order that is not the order of starting."""
    return (i * 7919) % 1000 / 10_000


def resident():
    """How many bytes of memory this process has now."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def timed(work, n, run):
    """Runs `run(n)` once to warm up and once with the clock on it, and prints what a round took."""
    run(max(1, n // 5))
    began = time.perf_counter_ns()
    run(n)
    print(json.dumps({"work": work, "n": n, "ns_per_op": (time.perf_counter_ns() - began) / n}))


def parked(work, n, before):
    """Prints by how much the memory has grown for each of n tasks that are parked now, and ends."""
    print(json.dumps({"work": work, "n": n, "bytes_per_task": (resident() - before) / n}))
    sys.stdout.flush()
    os._exit(0)  # taking them apart is not what is measured


def listening(sock):
    """Says where the server is to be found."""
    print("listening", sock.getsockname()[1], flush=True)


def tcp_listener(port):
    """A listening socket on the loopback interface."""
    listener = socket.create_server((HOST, port), backlog=BACKLOG)
    listening(listener)
    return listener


def udp_socket(port):
    """A bound datagram socket on the loopback interface."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, port))
    listening(sock)
    return sock


def main(speeds, parks, servers):
    """Does what the command line asks for; exit code 2 if this peer does not know it."""
    work, n = sys.argv[1], int(sys.argv[2])
    if work in speeds:
        timed(work, n, speeds[work])
    elif work in parks:
        parks[work](n)
    elif work in servers:
        servers[work](n)
    else:
        known = " ".join([*speeds, *parks, *servers])
        print(f'Unknown work "{work}"; known are {known}', file=sys.stderr)
        sys.exit(2)
