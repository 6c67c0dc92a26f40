/** The playground on a desk. */
import { lawOfPage } from "../examples/playground_page.ts";

lawOfPage(1280);
