"""CPython's own queues as the referee: plays scripts of calls that never wait, and tells what came of each.

Reads one JSON line, a list of scripts {"kind", "maxsize", "calls": [[verb, argument], …]}, from stdin, and
writes one JSON line: for each script, for each call, a value or the name of the exception.
"""

import json
import queue
import sys

KINDS = {"fifo": queue.Queue, "lifo": queue.LifoQueue, "priority": queue.PriorityQueue}


def call(q, verb, argument):
    if verb == "put_nowait":
        return q.put_nowait(argument)
    return getattr(q, verb)()


def play(script):
    q = KINDS[script["kind"]](script["maxsize"])
    outcomes = []
    for verb, argument in script["calls"]:
        try:
            outcomes.append(["got", call(q, verb, argument)])
        except Exception as error:
            outcomes.append(["raised", type(error).__name__])
    return [*outcomes, ["got", q.unfinished_tasks]]


json.dump([play(script) for script in json.loads(sys.stdin.readline())], sys.stdout)
