/** Outside clients of the echo servers on coroutines; of the other engines and of CPython in the sweep. */
import { lawsOfClients } from "./echo_clients.ts";

lawsOfClients(["coroutine"]);
