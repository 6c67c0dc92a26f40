/**
 * The names under which files may be kept: those that mean the same file on every system, below the folder,
 * and nothing else anywhere. What is refused is refused as it comes; a name is never mended, for then two
 * would become one.
 */

/** The longest name, in bytes of UTF-8. */
const LONGEST = 240;

/** Separators, what Windows gives a meaning, and controls. */
const FORBIDDEN = /[/\\:*?<>|\p{Cc}]/u;

/** Windows has devices of these names in every folder, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;

/** Why a file may not be kept under this name; `null` if it may. */
export function whyNot(name: string): string | null {
  if (name === "") return "the name is empty";
  if (!name.isWellFormed()) return "the name is no text";
  if (new TextEncoder().encode(name).length > LONGEST) {
    return `the name has more than ${LONGEST} bytes`;
  }
  if (FORBIDDEN.test(name)) return "the name has a character that a file's name must not have";
  if (/[. ]$/.test(name)) return "the name ends in a dot or a blank";
  if (/\.part$/i.test(name)) return "the name ends in .part, as unfinished files do";
  if (DEVICE.test(name)) return "the name is that of a device on Windows";
  return null;
}
