/** The playground on a phone; on a desk in the sweep. */
import { lawOfPage } from "./playground_page.ts";

lawOfPage(390);
