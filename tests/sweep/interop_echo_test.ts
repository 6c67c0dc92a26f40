/** Outside clients of the echo servers in every engine, and of CPython's own servers. */
import { lawsOfClients, lawsOfDeafPeers } from "../interop/echo_clients.ts";

lawsOfClients(["poll", "sequential", "cpython"]);
lawsOfDeafPeers();
