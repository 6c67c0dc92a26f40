/** `Deno.serve` with the answer that all HTTP servers of the benchmark give. */
const server = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`listening on 127.0.0.1:${port}`),
  },
  () =>
    new Response("Hello, world!\n", { headers: { "Content-Type": "text/plain; charset=utf-8" } }),
);
await server.finished;
