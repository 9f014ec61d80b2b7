const RANDOM_BYTES = 10

/**
 * UUIDs of version 7: milliseconds first, so that ids made one after the other lie side by side in their index, then 74
 * random bits. The random bits of a batch are drawn at once: a call of the generator costs more than the rest of an id.
 */
export function versionIds(count: number, wallMs: number, random: (bytes: number) => Uint8Array): readonly string[] {
  const drawn = random(RANDOM_BYTES * count)
  return Array.from({ length: count }, (_, at) =>
    versionId(wallMs, drawn.subarray(RANDOM_BYTES * at, RANDOM_BYTES * (at + 1))),
  )
}

function versionId(wallMs: number, random: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.alloc(6), random])
  bytes.writeUIntBE(Math.floor(wallMs), 0, 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
