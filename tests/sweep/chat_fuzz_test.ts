/** A hundred thousand malformed datagrams for the chat. */
import { harmNobody } from "../examples/chat_room.ts";
import { law } from "../lib/law.ts";

law("100 000 malformed datagrams harm nobody", () => harmNobody(100_000), 60_000);
