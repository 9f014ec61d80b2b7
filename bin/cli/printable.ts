/**
 * A name as a person may see it on a terminal: others chose it, and a control character in it could move the cursor, or do
 * more. `--json` has names as they are.
 */
export const printable = (name: string): string =>
  name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
