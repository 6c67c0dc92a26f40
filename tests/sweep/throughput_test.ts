/** The comparison with both kinds of work. */
import { lawOfJson } from "../examples/throughput_json.ts";

lawOfJson("cpu", "io");
