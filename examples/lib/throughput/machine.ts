/** The machine that the figures come from: without it they mean nothing to anybody else. */

/** What is said about the machine. */
export interface Machine {
  /** Operating system and its release. */
  os: string;
  /** Processor architecture. */
  arch: string;
  /** Processor model, where the system tells. */
  cpu: string;
  /** Processors that this program may use. */
  cores: number;
  /** Memory of the machine. */
  memoryBytes: number;
  /** Average load of the last minute as the measurement began: other work on the machine. */
  loadAverage: number;
  /** Version of Deno. */
  deno: string;
  /** Version of V8. */
  v8: string;
}

/** Describes this machine. */
export function describeMachine(): Machine {
  return {
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    arch: Deno.build.arch,
    cpu: processor(),
    cores: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
    loadAverage: Deno.loadavg()[0]!,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

/** The machine in one line. */
export function machineLine(machine: Machine): string {
  const gib = (machine.memoryBytes / 2 ** 30).toFixed(1);
  return `Deno ${machine.deno} (V8 ${machine.v8}) on ${machine.os} ${machine.arch}, ${machine.cores} × ${machine.cpu}, ` +
    `${gib} GiB, load ${machine.loadAverage.toFixed(1)} at the start`;
}

function processor(): string {
  try {
    return /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ??
      "processor";
  } catch {
    return "processor";
  }
}
