/** The self-test: asks for the page, and listens to a deadlock from its start to its circle. */
import { wait } from "@weft/weft";

/** Runs it against a server at `where`. */
export async function* tryIt(where: string) {
  const page = yield* wait(fetch(`http://${where}/`));
  const text = yield* wait(page.text());
  console.log(`the page has ${text.length} characters`);
  const started = yield* wait(fetch(`http://${where}/runs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ kind: "deadlock" }),
  }));
  const { id } = (yield* wait(started.json())) as { id: string };
  const stream = yield* wait(fetch(`http://${where}/runs/${id}/events`));
  const told = yield* wait(stream.text());
  const events = [...told.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!));
  console.log(`a run told ${events.length} things`);
  for (const { kind, name, text: words, status } of events) {
    if (name === "circle") console.log(words);
    if (kind === "end") console.log(status);
  }
  if (events.at(-1)?.status !== "done") throw new Error("The run did not reach its end");
}
