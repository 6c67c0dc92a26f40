/** The playground as a person sees it, in a browser. */
import { assert, assertEquals } from "@std/assert";
import { Chromium, chromiumPath } from "../lib/chromium.ts";
import { Server } from "./example.ts";

const path = chromiumPath();
const status = "document.querySelector('[role=status]').textContent";

/** Registers the law of the page at a width. */
export function lawOfPage(width: number): void {
  Deno.test({
    name: `playground is run, watched and cancelled by keyboard at ${width} pixels` +
      (path === undefined ? " (needs chromium)" : ""),
    ignore: path === undefined, // there is no browser
    timeout: 120_000,
    fn: async () => {
      await using server = await Server.start("playground", "--port", "0");
      await using browser = await Chromium.start(path!);
      const page = await browser.newPage();
      const query = "?tab=compare&workload=cpu&engines=generator&tasks=20&policy=rr&quantum=2";
      await page.open(`http://${server.where}/${query}`, width);
      const start = async (): Promise<void> => {
        await page.evaluate("document.getElementById('run').focus()");
        await page.press("Enter", 13, "\r");
        await page.until(`${status}.startsWith('running')`);
      };
      const fits = async (): Promise<void> => {
        assert(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
      };

      await start();
      await page.until("document.querySelectorAll('#picture-lanes svg rect').length > 3");
      const seen = new Set<string>();
      for (let n = 0; n < 20; n++) {
        seen.add(await page.evaluate("document.getElementById('picture-lanes').innerHTML"));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert(seen.size >= 3, `${seen.size} pictures in a second`);
      await page.until(`${status} === 'done'`);
      assertEquals(
        await page.evaluate("document.querySelector('#results table caption').textContent"),
        "Results",
      );
      assertEquals(await page.evaluate("document.querySelectorAll('#results tbody tr').length"), 1);
      await fits();

      await start();
      await page.evaluate("document.getElementById('cancel').click()");
      assertEquals(await page.evaluate(status), "cancelled");
      assert(await page.evaluate("!document.getElementById('run').disabled"));

      await page.evaluate("document.getElementById('tab-compare').focus()");
      await page.press("ArrowRight", 39);
      await page.until("document.querySelectorAll('#averages tbody tr').length === 8");
      assertEquals(
        await page.evaluate("location.search"),
        query.replace("tab=compare", "tab=schedule"),
      );
      await fits();
      await page.press("ArrowRight", 39);
      await start();
      await page.until(`${status} === 'done'`);
      const circle = await page.evaluate<string>(
        "document.getElementById('picture-circle').getAttribute('aria-label')",
      );
      assertEquals(circle.split(" → ").length, 5, circle);
      await fits();
      assertEquals(page.complaints, []);
      assertEquals([...new Set(page.requests.map((url) => new URL(url).host))], [server.where]);
    },
  });
}
