/** What the pages of the examples share: elements, and a style for dark, light, print and phones. */

/** Text for HTML. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** An element; the content is HTML, the attributes are texts. */
export function element(
  name: string,
  content: string,
  attributes: Record<string, string> = {},
): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
  return `<${name}${list.join("")}>${content}</${name}>`;
}

/** Contrast of text at least 4.5 and of bars at least 3 to the ground, in both schemes. */
export const PAGE_STYLE: string = `
:root { color-scheme: light dark; --ground: #fff; --word: #1b1f24; --rule: #8c959f; --mark: #0550ae;
  --bar1: #0969da; --bar2: #bc4c00; --bar3: #1a7f37; --bar4: #8250df; --bar5: #57606a; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ground: #0d1117; --word: #e6edf3; --rule: #6e7681; --mark: #79c0ff;
    --bar1: #58a6ff; --bar2: #f0883e; --bar3: #3fb950; --bar4: #bc8cff; --bar5: #8b949e; }
}
@media print { :root { color-scheme: light; } .wide { overflow: visible; } h2, .chart { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--word); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.chart { max-width: 100%; } .chart svg { display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; overflow-wrap: normal; }
caption { text-align: left; padding: 0.2rem 0; }
th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; }
th:first-child { text-align: left; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
`;
