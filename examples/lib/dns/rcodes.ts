/** Response codes (RFC 1035 §4.1.1, RFC 6891 §9). */

/** The codes by name; those over 15 need EDNS. */
export const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** A response code. */
export type Rcode = keyof typeof RCODES;
