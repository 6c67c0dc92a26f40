/** Every class of shared primitive, for a thread that has to unpack any of them. */
import "../../tasks/run.ts"; // so that their operations can be awaited outside of tasks
import "./shared_barrier.ts";
import "./shared_condition.ts";
import "./shared_event.ts";
import "./shared_lock.ts";
import "./shared_rlock.ts";
import "./shared_semaphore.ts";
import "./pipe.ts";
import "./shared_array.ts";
import "./shared_queue.ts";
import "./shared_value.ts";
import "./simple_queue.ts";
