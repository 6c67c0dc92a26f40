/** Records, answers and walks as text, as `dig` shows them. */
import { Buffer } from "node:buffer";
import type { DnsRecord, Response } from "./message.ts";
import { labelsOf, shown } from "./names.ts";
import type { Step } from "./resolver.ts";
import type { SoaData } from "./zone.ts";

/** A record in one line. */
export function recordText({ name, type, ttl, data }: DnsRecord): string {
  return `${absolute(name)} ${ttl} IN ${type} ${dataText(type, data)}`;
}

function dataText(type: string, data: unknown): string {
  switch (type) {
    case "NS":
    case "CNAME":
    case "PTR":
      return absolute(data as string);
    case "MX": {
      const { preference, exchange } = data as { preference: number; exchange: string };
      return `${preference} ${absolute(exchange)}`;
    }
    case "SOA": {
      const { mname, rname, serial, refresh, retry, expire, minimum } = data as SoaData;
      const numbers = [serial, refresh, retry, expire, minimum].join(" ");
      return `${absolute(mname)} ${absolute(rname)} ${numbers}`;
    }
    case "SRV": {
      const { priority, weight, port, target } = data as Record<string, number | string>;
      return `${priority} ${weight} ${port} ${absolute(String(target))}`;
    }
    case "TXT":
      return (data as (string | Uint8Array)[]).map((text) =>
        JSON.stringify(typeof text === "string" ? text : Buffer.from(text).toString())
      ).join(" ");
    default:
      return String(data);
  }
}

/** A step of a walk: who was asked, and what he said. */
export function stepText({ zone, server, question, response }: Step): string {
  const who = `${levelOf(zone)} ${absolute(server)} is asked for ${
    absolute(question.name)
  } ${question.type}`;
  return [who, ...responseLines(response).map((line) => `  ${line}`)].join("\n");
}

function levelOf(zone: string): string {
  return ["root", "top level"][labelsOf(zone).length] ?? "authoritative";
}

function responseLines(response: Response | null): string[] {
  if (response === null) return ["no answer"];
  const { rcode, answers, authorities, additionals } = response;
  if (answers.length > 0) return ["answer:", ...answers.map(recordText)];
  const isReferral = rcode === "NOERROR" && !authorities.some(({ type }) => type === "SOA");
  if (isReferral) return ["referral:", ...[...authorities, ...additionals].map(recordText)];
  return [`${rcode === "NOERROR" ? "no data" : rcode}:`, ...authorities.map(recordText)];
}

function absolute(name: string): string {
  return name === "" ? shown(name) : `${name}.`;
}
