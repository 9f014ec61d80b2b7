import { createHash } from 'node:crypto'
import { DEFAULT_CONTENT_TYPE } from '../../backends/secret.ts'

/** What somebody stored at an address. */
export interface Stored {
  readonly value: Uint8Array
  readonly contentType: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** Stands for value, content type and metadata, so that an expectation holds no value; null: nothing is there. */
export type Content = string | null

export function contentOf({ value, contentType, metadata }: Stored): string {
  const head = JSON.stringify([contentType, Object.entries(metadata).sort()])
  return createHash('sha256').update(head).update('\0').update(value).digest('base64url')
}

/** As HTTP shows it: a secret without a content type comes under the default one. */
export const servedContent = (stored: Stored): string =>
  contentOf({ ...stored, contentType: stored.contentType ?? DEFAULT_CONTENT_TYPE })

/** What an answer over HTTP may stand for: under the default content type, also a secret that has none. */
export function storedContents(served: Stored): readonly string[] {
  const types = served.contentType === DEFAULT_CONTENT_TYPE ? [DEFAULT_CONTENT_TYPE, null] : [served.contentType]
  return types.map((contentType) => contentOf({ ...served, contentType }))
}
