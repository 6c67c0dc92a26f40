/** Every class of shared primitive, for a thread that has to unpack any of them. */
import "../../tasks/run.ts"; // so that their operations can be awaited outside of tasks
import "./barrier.ts";
import "./condition.ts";
import "./event.ts";
import "./list.ts";
import "./lock.ts";
import "./map.ts";
import "./semaphore.ts";
import "./pipe.ts";
import "./queue.ts";
import "./value.ts";
import "./simple_queue.ts";
