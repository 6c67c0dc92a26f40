/** The transcripts of CPython's `select.poll` that `task test` leaves out. */
import { lawsOfTranscripts } from "../transcripts/laws.ts";
import { readTranscripts } from "../transcripts/read.ts";

const transcripts = await readTranscripts();
lawsOfTranscripts(transcripts.filter((_, index) => index % 3 !== 0));
