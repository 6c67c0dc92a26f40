/** The page of a timeline in a browser: on a phone, on a desk, in the dark and on paper. */
import { assert, assertEquals } from "@std/assert";
import { Queue, run, sleep, spawn, Timeline, timelineHtml } from "@weft/weft";
import { Chromium, chromiumPath } from "../lib/chromium.ts";

const path = chromiumPath();

/** Gives texts that stand out too little from what is behind them, by the contrast ratio of WCAG. */
const PALE = `(() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };
  const light = (color) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const part = color[i] / 255;
    return sum + weight * (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0.05);
  const behind = (element) => {
    for (let e = element; e !== null; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("main *")].filter((element) => {
    const isShown = element.checkVisibility() && !["style", "script", "desc", "title"]
      .includes(element.tagName.toLowerCase());
    if (!isShown || ![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) return false;
    const { color, fill } = getComputedStyle(element);
    const pair = [light(rgba(element instanceof SVGElement ? fill : color)), light(behind(element))];
    return Math.max(...pair) / Math.min(...pair) < 4.5;
  }).map((element) => element.outerHTML.slice(0, 80));
})()`;

async function recorded(): Promise<string> {
  const timeline = new Timeline();
  await run(function* () {
    const queue = new Queue<number>(1);
    spawn(function* producer() {
      for (let n = 0; n < 9; n++) yield* queue.put(n);
    });
    spawn(function* consumer() {
      for (let n = 0; n < 9; n++) {
        yield* queue.get();
        yield* sleep(1);
      }
    });
  }, { instruments: [timeline] });
  return timelineHtml(timeline, "A <run> & its tasks");
}

Deno.test({
  name: "timelineHtml() fits, complains of nothing and can be read on each screen and on paper" +
    (path === undefined ? " (needs chromium)" : ""),
  ignore: path === undefined,
  timeout: 120_000,
  fn: async () => {
    const html = await recorded();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(html, { headers: { "Content-Type": "text/html" } }),
    );
    await using browser = await Chromium.start(path!);
    for (const width of [390, 1280]) {
      for (const [media, scheme] of [["", "light"], ["", "dark"], ["print", "dark"]] as const) {
        const page = await browser.newPage();
        const features = [{ name: "prefers-color-scheme", value: scheme }];
        await page.send("Emulation.setEmulatedMedia", { media, features });
        const url = `http://127.0.0.1:${server.addr.port}/`;
        await page.open(url, width);
        await page.until("document.querySelectorAll('#picture svg rect').length > 3");
        const where = `${width} ${media} ${scheme}`;
        assert(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where);
        assertEquals(await page.evaluate(PALE), [], where);
        const controls = "getComputedStyle(document.getElementById('controls')).display";
        assertEquals(await page.evaluate(`${controls} === 'none'`), media === "print", where);
        assertEquals([page.complaints, page.requests], [[], [url]], where);
      }
    }
  },
});
