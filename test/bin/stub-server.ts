import type { TestContext } from 'node:test'
import fastify, { type FastifyInstance } from 'fastify'

/** A real Fastify on a free port of 127.0.0.1, closed after the test. */
export const serveStub = async (
  t: TestContext,
  routes: (app: FastifyInstance) => void,
): Promise<{ readonly url: string }> => {
  const app = fastify({ forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  routes(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  return { url }
}
