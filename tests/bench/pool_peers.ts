/**
 * The pools that weft's is compared with. Those of Node are installed for the run, at fixed versions,
 * into a folder of their own, beside copies of the programs that use them: that is where Node looks.
 */
import { once, output, type Peer, python, script, workshop } from "./children.ts";
import { Absent } from "./harness.ts";

const LIBRARIES = ["poolifier@5.3.2", "piscina@5.3.2", "tinypool@2.2.0"];

const here = `${import.meta.dirname!}/peers`;

/** Installs Node's pools. */
const install = once(async (): Promise<string> => {
  await output(["node", "--version"]);
  const folder = await workshop();
  const flags = ["--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"];
  try {
    await output(["npm", "install", ...flags, ...LIBRARIES]);
  } catch (error) {
    if (error instanceof Absent) throw error;
    throw new Absent(`npm could not install ${LIBRARIES.join(", ")}`);
  }
  for await (const { name } of Deno.readDir(here)) {
    if (/^pool_.*\.mjs$/.test(name)) await Deno.copyFile(`${here}/${name}`, `${folder}/${name}`);
  }
  return folder;
});

function node(file: string): Peer {
  return once(async () => ["node", `${await install()}/${file}`]);
}

/** A peer that has to do with the first processor alone. */
export function pinned(peer: Peer): Peer {
  return once(async () => ["taskset", "-c", "0", ...await peer()]);
}

/** The pools by name. */
export const pools = {
  weft: script("pool_weft_peer.ts"),
  raw: script("peers/pool_raw_peer.ts"),
  comlink: script("peers/pool_comlink_peer.ts"),
  poolifierWeb: script("peers/pool_poolifier_web_peer.ts"),
  poolifier: node("pool_poolifier_peer.mjs"),
  piscina: node("pool_piscina_peer.mjs"),
  tinypool: node("pool_tinypool_peer.mjs"),
  python: python("multiprocessing", "pool_peer.py"),
} satisfies Record<string, Peer>;
