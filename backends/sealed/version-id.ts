/**
 * A UUID of version 7: milliseconds first, so that ids made one after the other lie side by side in their index, then 74
 * random bits.
 */
export function versionId(wallMs: number, random: (bytes: number) => Uint8Array): string {
  const bytes = Buffer.concat([Buffer.alloc(6), random(10)])
  bytes.writeUIntBE(Math.floor(wallMs), 0, 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
