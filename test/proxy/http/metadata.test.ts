import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMeta, encodeMeta } from '../../../proxy/http/metadata.ts'

test('every text survives the header, which stays printable ASCII without blanks at its ends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const header = encodeMeta(text)
      assert.match(header, /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/)
      assert.equal(decodeMeta(header), text)
    }),
  )
})
