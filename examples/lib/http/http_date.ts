/** Dates of HTTP (RFC 9110 §5.6.7): one form is written, three are read. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
  .concat(["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]);
const TIME = "(\\d\\d):(\\d\\d):(\\d\\d)";
const MONTH = `(${MONTHS.join("|")})`;
/** `Sun, 06 Nov 1994 08:49:37 GMT`, the one to be written. */
const FIXED = new RegExp(`^[A-Z][a-z]{2}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
/** `Sunday, 06-Nov-94 08:49:37 GMT`. */
const RFC_850 = new RegExp(`^[A-Z][a-z]{5,8}, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`);
/** `Sun Nov  6 08:49:37 1994`. */
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** Milliseconds as a date of HTTP, which has whole seconds. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** A date of HTTP in milliseconds; `undefined` if it is none, since such a field is to be ignored. */
export function parseHttpDate(text: string): number | undefined {
  const fixed = FIXED.exec(text);
  if (fixed !== null) {
    const [, day, month, year, ...time] = fixed;
    return utc(Number(year), month!, day!, time);
  }
  const old = RFC_850.exec(text);
  if (old !== null) {
    const [, day, month, year, ...time] = old;
    return utc(fullYear(Number(year)), month!, day!, time);
  }
  const c = ASCTIME.exec(text);
  if (c === null) return undefined;
  const [, month, day, hours, minutes, seconds, year] = c;
  return utc(Number(year), month!, day!, [hours!, minutes!, seconds!]);
}

/** Two digits that seem to be over fifty years ahead are of the century before. */
function fullYear(twoDigits: number): number {
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - thisYear % 100 + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function utc(year: number, month: string, day: string, time: string[]): number | undefined {
  const [hours, minutes, seconds] = time.map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.indexOf(month), Number(day));
  date.setUTCHours(hours!, minutes, seconds);
  // What overflows, a 31 June or a 25 o'clock, is no date.
  return date.getUTCDate() === Number(day) && date.getUTCHours() === hours &&
      date.getUTCMinutes() === minutes
    ? date.getTime()
    : undefined;
}
