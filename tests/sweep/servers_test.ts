/** The echo servers with every engine and signal, and with everything that they refuse. */
import { lawsOfStopping, refusesAll } from "../examples/server_laws.ts";
import { law } from "../lib/law.ts";

const ENGINES = ["sequential", "coroutine", "poll", "worker"];

lawsOfStopping(
  ENGINES.flatMap((engine) => [[engine, "SIGINT"] as const, [engine, "SIGTERM"] as const]),
);

law(
  "Every bad argument of the echo servers and the client is refused in one line",
  () =>
    refusesAll([
      ["echo_tcp", "--engine"],
      ["echo_tcp", "--port", "-1"],
      ["echo_tcp", "--port", "1.5"],
      ["echo_tcp", "--port"],
      ["echo_tcp", "--workers", "two"],
      ["echo_udp", "--engine", "worker", "--workers", "65"],
      ["echo_tcp", "7000"],
      ["echo_udp", "--port", "65536"],
      ["echo_unix", "--engine", "worker"],
      ["fib_server", "--engine", "poll"],
      ["fib_server", "--port", "65536"],
      ["echo_unix", "--path"],
      ["client", "--transport", "unix"],
      ["client", "--transport", "udp"],
      ["client", "--port", "x"],
      ["client", "--port", "70000"],
      ["client", "--port", "1", "--path", "/tmp/x"],
    ]),
  60_000,
);
