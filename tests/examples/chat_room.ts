/** A chat room without sockets, and nonsense for it. */
import { assert, assertEquals } from "@std/assert";
import { pack, Room } from "../../examples/lib/chat/room.ts";
import { seeded } from "../lib/sockets.ts";

const text = new TextEncoder();

/** What a room of members called by single letters sends for `message`: to whom, and what. */
export function say(room: Room<string>, from: string, message: unknown, now = 0) {
  const data = message instanceof Uint8Array ? message : pack(message);
  return room.receive(data, from, now).map(({ to, data }) =>
    [to, JSON.parse(new TextDecoder().decode(data))] as const
  );
}

/** A room in which these are. */
export function roomOf(...names: string[]): Room<string> {
  const room = new Room<string>((at) => at);
  for (const name of names) say(room, `@${name}`, { type: "join", name });
  return room;
}

/** Sends a room so many malformed datagrams; it must answer within the limits, and serve its members after. */
export function harmNobody(count: number): void {
  const room = roomOf("a", "b");
  const below = seeded(7);
  const seeds = [
    '{"type":"join","name":"a"}',
    '{"type":"say","text":"hi"}',
    '{"type":"who"}',
    '{"type":"to","name":"a","text":""}',
  ];
  for (let i = 0; i < count; i++) {
    const bytes = text.encode(seeds[below(seeds.length)]!);
    for (let n = 1 + below(3); n > 0; n--) bytes[below(bytes.length)] = below(256);
    for (
      const { data } of room.receive(
        bytes.subarray(0, below(10) ? bytes.length : below(30)),
        `@${below(50)}`,
        0,
      )
    ) {
      assert(data.length <= 1200);
    }
  }
  assertEquals(say(room, "@a", { type: "to", name: "b", text: "x" }).length, 1);
}
