/**
 * The name of a customer's key at the server. A name there is a path segment of letters, digits, `_`, `-` and `.`, with
 * a letter, a digit or `_` at both ends. So every other byte of the customer becomes `_` and its two hex digits, and `_`
 * itself does, too: no two customers share a name, and the name says whose it is.
 */
const PLACE = '{customer}'

export const isKeyTemplate = (text: string): boolean =>
  text.split(PLACE).length === 2 &&
  /^[A-Za-z0-9_][\w.-]*$/.test(text.replace(PLACE, '_')) &&
  /\w$/.test(text.replace(PLACE, '_'))

export const keyNameOf = (template: string, customer: string): string =>
  template.replace(PLACE, () => escapeCustomer(customer))

/** `_` alone for the empty one: escapes are three characters, so nothing else gives it. */
function escapeCustomer(customer: string): string {
  if (customer === '') return '_'
  const bytes = [...Buffer.from(customer, 'utf8')]
  return bytes.map((byte, at) => escapeByte(byte, at === 0 || at === bytes.length - 1)).join('')
}

function escapeByte(byte: number, isEnd: boolean): string {
  const character = String.fromCharCode(byte)
  const stays = isEnd ? /[A-Za-z0-9]/ : /[A-Za-z0-9.-]/
  return stays.test(character) ? character : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
