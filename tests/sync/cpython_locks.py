"""Plays scripts on the primitives of CPython's threading module, one step at a time.

Reads a JSON list of scripts and prints what came of each: for each step the calls that came to an end
by it, by thread, and what can be seen of the primitive. A script is a kind, a number, and steps
[thread, verb, argument]. A step for a thread that is still waiting is passed over.

A step is over when every call under way sits in the primitive's own list of waiters; so nothing here
depends on how fast the machine is. Those lists are private to threading, and have been there since 3.3.
"""

import json
import sys
import threading
import time

THREADS = 4
TIMED = 0.002
NAMES = {"RuntimeError": "Error", "ValueError": "RangeError"}


class Player(threading.Thread):
    """A thread that does what it is told, one call after the other."""

    def __init__(self):
        super().__init__(daemon=True)
        self.told = threading.Semaphore(0)
        self.call = None
        self.done = True
        self.result = None
        self.start()

    def run(self):
        while True:
            self.told.acquire()
            try:
                self.result = self.call()
            except Exception as error:
                name = type(error).__name__
                self.result = NAMES.get(name, name)
            self.done = True

    def tell(self, call):
        self.call, self.done = call, False
        self.told.release()


class LockStage:
    """Releasing somebody else's lock is an error there, as it is for an RLock."""

    def __init__(self, _):
        self.lock, self.owner = threading.Lock(), None
        self.waiters = []

    def try_acquire(self, _):
        if not self.lock.acquire(blocking=False):
            return False
        self.owner = threading.current_thread()
        return True

    def release(self, _):
        if self.lock.locked() and self.owner is not threading.current_thread():
            return "Error"
        self.lock.release()

    def see(self):
        return self.lock.locked()

    def end(self):
        pass


class RLockStage:
    def __init__(self, _):
        self.lock = threading.RLock()
        self.waiters = []

    def try_acquire(self, _):
        return self.lock.acquire(blocking=False)

    def release(self, _):
        self.lock.release()

    def see(self):
        return None

    def end(self):
        pass


class SemaphoreStage:
    make = threading.Semaphore

    def __init__(self, value):
        self.semaphore = self.make(value)
        self.waiters = self.semaphore._cond._waiters

    def acquire(self, _):
        return self.semaphore.acquire()

    def acquire_timed(self, _):
        return self.semaphore.acquire(timeout=TIMED)

    def try_acquire(self, _):
        return self.semaphore.acquire(blocking=False)

    def release(self, n):
        self.semaphore.release(n)

    def see(self):
        return self.semaphore._value

    def end(self):
        with self.semaphore._cond:
            self.semaphore._value += THREADS
            self.semaphore._cond.notify_all()


class BoundedSemaphoreStage(SemaphoreStage):
    make = threading.BoundedSemaphore


class EventStage:
    def __init__(self, _):
        self.event = threading.Event()
        self.waiters = self.event._cond._waiters

    def wait(self, _):
        return self.event.wait()

    def wait_timed(self, _):
        return self.event.wait(TIMED)

    def set(self, _):
        self.event.set()

    def clear(self, _):
        self.event.clear()

    def see(self):
        return self.event.is_set()

    def end(self):
        self.event.set()


class ConditionStage:
    def __init__(self, _):
        self.condition = threading.Condition()
        self.waiters = self.condition._waiters

    def wait(self, _):
        with self.condition:
            return self.condition.wait()

    def wait_timed(self, _):
        with self.condition:
            return self.condition.wait(TIMED)

    def notify(self, n):
        with self.condition:
            self.condition.notify(n)

    def notify_all(self, _):
        with self.condition:
            self.condition.notify_all()

    def wait_unlocked(self, _):
        self.condition.wait()

    def notify_unlocked(self, n):
        self.condition.notify(n)

    def see(self):
        return len(self.waiters)

    def end(self):
        self.notify_all(0)


class PredicateStage:
    def __init__(self, _):
        self.condition, self.count = threading.Condition(), 0
        self.waiters = self.condition._waiters

    def wait_for(self, n):
        with self.condition:
            return self.condition.wait_for(lambda: self.count >= n)

    def wait_for_timed(self, n):
        with self.condition:
            return self.condition.wait_for(lambda: self.count >= n, TIMED)

    def add(self, n):
        with self.condition:
            self.count += n
            self.condition.notify_all()

    def see(self):
        return len(self.waiters)

    def end(self):
        self.add(1000)


class BarrierStage:
    def __init__(self, parties):
        self.acts = 0
        self.barrier = threading.Barrier(parties, self.act)
        self.waiters = self.barrier._cond._waiters

    def act(self):
        self.acts += 1
        if self.acts == 3:
            raise ValueError

    def wait(self, _):
        return self.barrier.wait()

    def wait_timed(self, _):
        return self.barrier.wait(TIMED)

    def reset(self, _):
        self.barrier.reset()

    def abort(self, _):
        self.barrier.abort()

    def see(self):
        return [self.barrier.n_waiting, self.barrier.broken, self.acts]

    def end(self):
        self.barrier.abort()


STAGES = {
    "Lock": LockStage,
    "RLock": RLockStage,
    "Semaphore": SemaphoreStage,
    "BoundedSemaphore": BoundedSemaphoreStage,
    "Event": EventStage,
    "Condition": ConditionStage,
    "Predicate": PredicateStage,
    "Barrier": BarrierStage,
}


def settle(players, stage, timed):
    """Waits until every call under way is parked; one with a time limit must be over."""
    while True:
        under_way = sum(not player.done for player in players)
        if under_way == len(stage.waiters) and (timed is None or timed.done):
            return
        time.sleep(0)


def play(players, script):
    stage = STAGES[script["kind"]](script["number"])
    waiting, said = set(), []

    def ended():
        over = sorted(one for one in waiting if players[one].done)
        waiting.difference_update(over)
        return [[one, players[one].result] for one in over]

    for thread, verb, argument in script["steps"]:
        if thread in waiting:
            continue
        method = getattr(stage, verb)
        players[thread].tell(lambda: method(argument))
        waiting.add(thread)
        settle(players, stage, players[thread] if verb.endswith("_timed") else None)
        said.append([ended(), stage.see()])
    stage.end()
    while not all(player.done for player in players):
        time.sleep(0)
    return said


def main():
    players = [Player() for _ in range(THREADS)]
    said = []
    for script in json.load(sys.stdin):
        if script["kind"] in ("Lock", "RLock"):
            players = [Player() for _ in range(THREADS)]  # what they hold goes with them
        said.append(play(players, script))
    json.dump(said, sys.stdout)


main()
