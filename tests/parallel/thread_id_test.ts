/** The table of threads: who is alive, and that a number never comes to mean another thread. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  enrolThread,
  removeThread,
  stopThread,
  thisThread,
  ThreadId,
  threadIn,
  ThreadTable,
  type ThreadTicket,
} from "../../src/parallel/thread/table.ts";
import { law } from "../lib/law.ts";

law("A thread is alive from when it is enrolled until it is struck off, under its name", () => {
  const me = thisThread();
  assertEquals([me.name, me.isAlive(me.number)], ["main", true]);
  const ticket = enrolThread("helper");
  assertEquals([me.isAlive(ticket.number), me.nameOf(ticket.number)], [true, "helper"]);
  removeThread(ticket);
  removeThread(ticket);
  assertEquals([me.isAlive(ticket.number), me.nameOf(ticket.number)], [false, "helper"]);
});

law("A number never comes to mean another thread, however many come and go", () => {
  const me = thisThread();
  const numbers = new Set<number>();
  const first = enrolThread("first");
  removeThread(first);
  for (let i = 0; i < 5000; i++) {
    const ticket = enrolThread(`thread ${i}`);
    assert(!numbers.has(ticket.number) && ticket.number > 0 && ticket.number < 2 ** 29);
    numbers.add(ticket.number);
    removeThread(ticket);
  }
  assertEquals(me.isAlive(first.number), false);
  assertEquals(me.nameOf(first.number), "a thread that ended long ago");
});

law("A table that is full says so, and takes others once some are gone", () => {
  const tickets: ThreadTicket[] = [];
  assertThrows(
    () => {
      for (let i = 0; i < 2000; i++) tickets.push(enrolThread("crowd"));
    },
    RangeError,
    "1024 are alive",
  );
  removeThread(tickets.pop()!);
  tickets.push(enrolThread("one more"));
  tickets.forEach(removeThread);
});

law("The numbers of threads whose starter has ended are given to others", () => {
  const table = ThreadTable.make();
  const main = table.enter("main", 0);
  for (let round = 0; round < 5; round++) {
    const parent = table.enter("parent", main);
    const children = Array.from({ length: 1000 }, () => table.enter("child", parent));
    const grandchild = table.enter("grandchild", children[0]!);
    assert(table.isAlive(grandchild));
    table.remove(parent);
    assertEquals([...children, grandchild].filter((child) => table.isAlive(child)), []);
  }
});

law("A long name is cut, and one of many bytes stays readable", () => {
  const ticket = enrolThread("ž".repeat(100));
  assertEquals(thisThread().nameOf(ticket.number), "ž".repeat(31));
  removeThread(ticket);
});

law("A thread that was started in a thread dies with it", () => {
  const me = thisThread();
  const parent = enrolThread("parent");
  // As if the parent enrolled one itself.
  const child = asThread(parent.table, parent.number).enrol("child");
  assertEquals(me.isAlive(child.number), true);
  removeThread(parent);
  assertEquals(me.isAlive(child.number), false);
  removeThread(child);
});

function asThread(table: SharedArrayBuffer, number: number): ThreadId {
  return new ThreadId(new ThreadTable(table), number);
}

law("A thread is told to stop by its ticket, and a clone of the table is the same table", () => {
  const me = thisThread();
  assertEquals(threadIn(structuredClone(me.table)), me);
  const ticket = enrolThread("helper");
  const helper = asThread(ticket.table, ticket.number);
  assertEquals(helper.stopped, false);
  stopThread(structuredClone(ticket));
  assertEquals([helper.stopped, me.stopped], [true, false]);
  removeThread(ticket);
});

law("A thread that was struck off is to stop, whoever has its line now", () => {
  const ticket = enrolThread("gone");
  const gone = asThread(ticket.table, ticket.number);
  assertEquals(gone.stopped, false);
  removeThread(ticket);
  assertEquals(gone.stopped, true);
});

law("A table that was overwritten is never a hang", () => {
  const table = ThreadTable.make();
  const numbers = [1, 2, 3].map((n) => table.enter(`thread ${n}`, 0));
  table.words.fill(numbers[0]!, 4);
  for (const number of [...numbers, -1, 2 ** 31 - 1]) {
    assert(typeof table.isAlive(number) === "boolean");
    assert(typeof table.nameOf(number) === "string");
  }
});
