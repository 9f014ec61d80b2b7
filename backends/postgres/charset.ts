/**
 * Which text a database that is not in UTF-8 can hold. Known for the encodings of one byte a character; of another the server
 * has the last word. So a write that it would refuse is refused before anything is begun.
 */
export type Charset = (text: string) => boolean

const ANY: Charset = () => true

/** PostgreSQL's names of encodings, as the platform calls them. */
const LABELS: Readonly<Record<string, string>> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_7: 'iso-8859-7',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1252: 'windows-1252',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
}

export function charsetOf(encoding: string): Charset {
  // The platform's `latin1` is windows-1252, which has the euro sign.
  if (encoding === 'LATIN1') return (text) => [...text].every((char) => (char.codePointAt(0) as number) < 0x100)
  const label = LABELS[encoding]
  if (label === undefined) return ANY
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const known = new Set(new TextDecoder(label).decode(bytes))
  known.delete('\ufffd')
  return (text) => [...text].every((char) => known.has(char))
}
