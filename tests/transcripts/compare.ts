/** Compares what weft said with what is expected of it: the golden lines, but for the listed deviations. */
import type { Deviating } from "./deviations.ts";
import type { GoldenLine } from "./scenario.ts";

/** Where a line stands. */
function placeOf(
  { step, meanwhile }: { readonly step: number; readonly meanwhile?: number },
): string {
  return meanwhile === undefined ? `${step}` : `${step}/${meanwhile}`;
}

/** Lines by their place. */
function byPlace(lines: readonly GoldenLine[]): Map<string, GoldenLine> {
  return new Map(lines.map((line) => [placeOf(line), line]));
}

/** The places at which two transcripts differ. */
export function differences(
  golden: readonly GoldenLine[],
  played: readonly GoldenLine[],
): string[] {
  const [left, right] = [byPlace(golden), byPlace(played)];
  const text = (line: GoldenLine | undefined): string =>
    line === undefined ? "" : JSON.stringify(Object.entries(line).sort());
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((place) => text(left.get(place)) !== text(right.get(place)));
}

/** What weft is expected to say: the golden lines with those of the deviation in their place. */
export function expectedOf(
  golden: readonly GoldenLine[],
  deviating: Deviating | undefined,
): GoldenLine[] {
  const lines = byPlace(golden);
  for (const { silent, ...line } of deviating?.lines ?? []) {
    if (silent) lines.delete(placeOf(line));
    else lines.set(placeOf(line), line);
  }
  const order = ({ step, meanwhile }: GoldenLine): number => step + (meanwhile ?? 500) / 1000;
  return [...lines.values()].sort((a, b) => order(a) - order(b));
}
