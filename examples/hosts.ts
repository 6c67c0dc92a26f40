/**
 * Names and what stands behind them: this machine's name, the addresses of a name, the ports of services, and
 * addresses as text and as the bytes that go over the wire. Watch that one name has addresses of two families, and
 * that `connect()` finds a server on either of them. Nothing here asks another machine.
 *
 *     deno run --allow-net --allow-sys=hostname --allow-read=/etc/services examples/hosts.ts
 */
import { connect, hostName, listen, lookup, run, serviceByName } from "@weft/weft";
import { addressToBytes, addressToText } from "./lib/addresses.ts";
import { mustHave, readArgs } from "./lib/cli.ts";

readArgs(`Names of hosts and services, and addresses as text and as bytes.

  deno run --allow-net --allow-sys=hostname --allow-read=/etc/services examples/hosts.ts`);
mustHave("This example", "net", "sys=hostname");

await run(async function* () {
  console.log(`this machine is called ${hostName()}`);

  const addresses = yield* lookup("localhost");
  console.log(`localhost is ${addresses.join(" and ")}`);

  for (const name of ["daytime", "domain", "http", "https"]) {
    console.log(`${name} has port ${serviceByName(name)}`);
  }
  try {
    serviceByName("nonesuch");
  } catch (error) {
    console.log((error as Error).message);
  }

  for (const text of ["127.0.0.1", "192.0.2.1", "::1", "2001:db8::8:0:1", "::ffff:192.0.2.1"]) {
    const bytes = addressToBytes(text)!;
    console.log(
      `${text} is ${bytes.toHex()}, ${bytes.length} bytes, and back ${addressToText(bytes)}`,
    );
  }

  for (const hostname of addresses) {
    using listener = listen({ hostname, port: 0 });
    using socket = yield* connect({ hostname: "localhost", port: listener.localAddr.port });
    console.log(`a server on ${hostname} only: connected to ${socket.remoteAddr.hostname}`);
  }
});
