/**
 * The command line of a subprocess: no permission that this process does not have, and the
 * configuration that resolves the same names.
 *
 * Permissions can be asked for, but not listed. So what is granted in full is passed on in full; of
 * what is granted in part (`--allow-net=HOST`) only reading is, for the folders that the code is loaded
 * from; the caller can pass more by hand. The configuration is looked for where Deno looked for that of
 * this program: from its main module upwards. Left to itself the child would find that of this library.
 */
import { printable } from "../../kernel/printable.ts";
import type { BeginMessage } from "./wire.ts";

const entry = new URL("./entry.ts", import.meta.url);

const permissions = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

const configFlag = /^(-c|--config|--no-config)(=|$)/;

/**
 * The arguments for Deno.
 *
 * @throws {Error} If this process may not start one; the message names the flags.
 */
export function subprocessFlags(begin: BeginMessage, flags: readonly string[]): string[] {
  checkMayStart(begin.name);
  const config = flags.some((flag) => configFlag.test(flag)) ? null : findConfig(begin);
  return [
    "run",
    "--quiet",
    "--no-prompt",
    ...(config === null ? [] : [`--config=${pathOf(config)}`]),
    ...permissionFlags(begin, config),
    ...flags,
    entry.protocol === "file:" ? pathOf(entry) : entry.href,
  ];
}

/**
 * Makes sure that the code of a process can be loaded.
 *
 * @throws {Error} If a file of it may not be read; the message names the flag.
 */
export function checkMayRead(
  { name, backend, target, type }: Pick<BeginMessage, "name" | "backend" | "target" | "type">,
): void {
  if (isGranted({ name: "read" })) return;
  const files = [backend === "worker" ? entry.href : null, target?.url, type?.url];
  for (const file of files) {
    if (file === null || file === undefined || !isFile(file)) continue;
    const path = pathOf(new URL(file));
    if (Deno.permissions.requestSync({ name: "read", path }).state === "granted") continue;
    throw new Error(
      `Cannot start "${name}": this program lacks --allow-read for ${path}, which a process loads its code from`,
    );
  }
}

/** Asks for what the host cannot start a process without: it would only tell later, and elsewhere. */
function checkMayStart(name: string): void {
  const needed = [{ name: "run", command: Deno.execPath() }, { name: "env" }] as const;
  const missing = needed
    .filter((descriptor) => Deno.permissions.requestSync(descriptor).state !== "granted")
    .map((descriptor) => `--allow-${descriptor.name}`);
  if (missing.length === 0) return;
  throw new Error(
    `Cannot start "${name}" as a subprocess: this program lacks ${missing.join(" and ")}, ` +
      `which starting ${Deno.execPath()} takes; the backend "worker" needs neither`,
  );
}

function permissionFlags(begin: BeginMessage, config: URL | null): string[] {
  const whole = permissions.filter((name) => isGranted({ name } as Deno.PermissionDescriptor));
  const granted = whole.map((name) => `--allow-${name}`);
  if (whole.includes("read")) return granted;
  const places = [config, begin.target?.url, begin.type?.url, new URL("../../../mod.ts", entry)];
  const folders = new Set<string>();
  for (const place of places) {
    if (place === null || place === undefined || !isFile(String(place))) continue;
    const folder = pathOf(new URL(".", place));
    if (isGranted({ name: "read", path: folder })) folders.add(folder);
  }
  if (folders.size > 0) granted.push(`--allow-read=${listOf(folders, begin.name)}`);
  return granted;
}

/** Deno splits the list at every comma, and knows no way to write one (measured on 2.9). */
function listOf(folders: ReadonlySet<string>, name: string): string {
  for (const folder of folders) {
    if (!folder.includes(",")) continue;
    throw new Error(
      `Cannot start "${printable(name)}" as a subprocess: its code lies in ${
        printable(folder)
      }, and ` +
        `--allow-read cannot name a folder with a comma; grant this program --allow-read in full, or ` +
        `use the backend "worker"`,
    );
  }
  return [...folders].join(",");
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  const { state, partial } = Deno.permissions.querySync(descriptor) as Deno.PermissionStatus & {
    partial?: boolean;
  };
  return state === "granted" && partial !== true;
}

/** The nearest configuration above the main module, or above the code to run where that is unknown. */
function findConfig({ mainModule, target, type }: BeginMessage): URL | null {
  const from = [mainModule, type?.url, target?.url].find((url) => isFile(url));
  if (from === undefined || from === null) return null;
  let folder = new URL(".", from);
  for (;;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const config = new URL(name, folder);
      if (isGranted({ name: "read", path: config }) && exists(config)) return config;
    }
    const above = new URL("..", folder);
    if (above.href === folder.href) return null;
    folder = above;
  }
}

function exists(file: URL): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

function isFile(url: string | null | undefined): boolean {
  return url !== null && url !== undefined && url.startsWith("file:");
}

/** A file's path; on Windows without the slash before the drive. */
function pathOf(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
