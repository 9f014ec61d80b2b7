import type { FastifyInstance } from 'fastify'

/** One file of the live page, as it is sent. */
export interface PageFile {
  /** As it stands in the URL. */
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

/**
 * Only what this port serves is loaded and asked, nothing runs that stands in the page itself, and no other page may frame
 * it: what a name or a reason of somebody says can never be run.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
} as const

/** The page needs no token: it holds nothing until its user brings one. */
export function addPage(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const { path, type, body } of files)
    app.get(path, async (_request, reply) => reply.headers({ ...HEADERS, 'content-type': type }).send(body))
}
