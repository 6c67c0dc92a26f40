/**
 * Names: of clusters, submitters, jobs and nodes, and the subjects, streams and objects called after them.
 *
 * No subject is ever taken from a message. A subject that came is taken apart here, each part is
 * checked, and the subject to answer on is built anew; so nobody can have a node publish, or a
 * submitter delete, somewhere else. A name is short and of letters that mean nothing to NATS: no dot,
 * no space, no wildcard.
 */
import { show } from "../../kernel/printable.ts";

/** What a name may be. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The classes of jobs, the most urgent first. */
export const CLASSES = ["high", "normal", "low"] as const;

/** How urgent a job is: strict order only within what a node has taken. */
export type JobClass = typeof CLASSES[number];

/** The name of the one durable consumer that each job stream has. */
export const DURABLE = "nodes";

/** Whether a text can be part of a subject. */
export function isName(text: unknown): text is string {
  return typeof text === "string" && NAME.test(text);
}

/**
 * Checks a name and returns it.
 *
 * @throws {TypeError} If it could not be part of a subject.
 */
export function checkName(name: string, what: string): string {
  if (isName(name)) return name;
  throw new TypeError(
    `Cannot use ${show(name)} as ${what}: it must be 1 to 64 letters of A-Z a-z 0-9 _ -`,
  );
}

/** A fresh name that nobody else has. */
export function freshName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => (byte % 36).toString(36) + (byte >> 6).toString(36)).join("");
}

/** A job, by the names of who submitted it and of itself. */
export interface JobKey {
  /** Who submitted it. */
  readonly submitter: string;
  /** Its name among the jobs of that submitter. */
  readonly id: string;
}

/** A key as text, which is also the message id: `<submitter>.<id>`. */
export function keyText({ submitter, id }: JobKey): string {
  return `${submitter}.${id}`;
}

/** Takes a text apart; `null` if it is no key. */
export function parseKey(text: unknown): JobKey | null {
  if (typeof text !== "string") return null;
  const parts = text.split(".");
  if (parts.length !== 2 || !parts.every(isName)) return null;
  return { submitter: parts[0]!, id: parts[1]! };
}

/** The class of a priority: above zero, zero, below. */
export function classOf(priority: number): JobClass {
  return priority > 0 ? "high" : priority < 0 ? "low" : "normal";
}

/** What one cluster calls everything. */
export class Names {
  /** The name of the cluster. */
  readonly cluster: string;
  /** The stream of results. */
  readonly results: string;
  /** The stream of records: starts, the keeper's lease. */
  readonly state: string;
  /** The bucket of large payloads. */
  readonly bucket: string;
  /** Where the keeper's lease is. */
  readonly lease: string;
  /** Where nodes are asked for their health. */
  readonly ask: string;

  /**
   * The names of a cluster.
   *
   * @throws {TypeError} If its own name cannot be used.
   */
  constructor(cluster: string) {
    this.cluster = checkName(cluster, "the name of a cluster");
    this.results = `WEFT_${cluster}_results`;
    this.state = `WEFT_${cluster}_state`;
    this.bucket = `weft_${cluster}`;
    this.lease = `${cluster}.k.lease`;
    this.ask = `${cluster}.a`;
  }

  /** The stream of the jobs of a class. */
  jobs(jobClass: JobClass): string {
    return `WEFT_${this.cluster}_${jobClass}`;
  }

  /** The subject of a job. */
  job(jobClass: JobClass, { submitter, id }: JobKey): string {
    return `${this.cluster}.q.${jobClass}.${submitter}.${id}`;
  }

  /** The subject of its result. */
  result({ submitter, id }: JobKey): string {
    return `${this.cluster}.r.${submitter}.${id}`;
  }

  /** The subject of the record of its starts. */
  starts({ submitter, id }: JobKey): string {
    return `${this.cluster}.s.${submitter}.${id}`;
  }

  /** The subject on which it is cancelled. */
  cancel({ submitter, id }: JobKey): string {
    return `${this.cluster}.x.${submitter}.${id}`;
  }

  /** The subject on which it is asked who has it. */
  question({ submitter, id }: JobKey): string {
    return `${this.cluster}.w.${submitter}.${id}`;
  }

  /** The subject on which the node that has it says so. */
  claim({ submitter, id }: JobKey): string {
    return `${this.cluster}.h.${submitter}.${id}`;
  }

  /** The subject of its reports. */
  progress({ submitter, id }: JobKey): string {
    return `${this.cluster}.p.${submitter}.${id}`;
  }

  /** The subject on which a node tells its health. */
  health(node: string): string {
    return `${this.cluster}.n.${node}`;
  }

  /** The name of the object that holds its arguments. */
  argumentsObject(key: JobKey): string {
    return `${keyText(key)}.a`;
  }

  /** A name for an object that holds a result of it: each run has its own, since two may differ. */
  resultObject(key: JobKey): string {
    return `${keyText(key)}.r.${freshName()}`;
  }

  /** Takes the subject of a job apart; `null` if it is none of this cluster. */
  parseJob(subject: string): { readonly jobClass: JobClass; readonly key: JobKey } | null {
    const [cluster, q, jobClass, submitter, id, ...rest] = subject.split(".");
    if (cluster !== this.cluster || q !== "q" || rest.length > 0) return null;
    const known = CLASSES.find((one) => one === jobClass);
    if (known === undefined || !isName(submitter) || !isName(id)) return null;
    return { jobClass: known, key: { submitter, id } };
  }

  /** Takes the subject of a result (`"r"`), a start, a cancel, a report, a question or a claim apart, or `null`. */
  parseAbout(kind: "r" | "s" | "x" | "p" | "w" | "h", subject: string): JobKey | null {
    const [cluster, letter, submitter, id, ...rest] = subject.split(".");
    if (cluster !== this.cluster || letter !== kind || rest.length > 0) return null;
    return isName(submitter) && isName(id) ? { submitter, id } : null;
  }

  /** Takes the subject of a node's health apart; `null` if it is none. */
  parseHealth(subject: string): string | null {
    const [cluster, letter, node, ...rest] = subject.split(".");
    return cluster === this.cluster && letter === "n" && rest.length === 0 && isName(node)
      ? node
      : null;
  }

  /** Whether a text names an object of this job: nobody may have it read, or deleted, another's. */
  isObjectOf(key: JobKey, name: string): boolean {
    const start = `${keyText(key)}.`;
    if (!name.startsWith(start)) return false;
    const [letter, run, ...rest] = name.slice(start.length).split(".");
    if (rest.length > 0) return false;
    return letter === "a" ? run === undefined : letter === "r" && isName(run);
  }
}
