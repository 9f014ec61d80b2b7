import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import pg from 'pg'
import { parseTarget } from '../proxy/http/path.ts'

/*
 * What Crossfade is measured beside: the same Fastify, node-postgres, table, pool and paths, with nothing between. It
 * takes the URL of the legacy database and the file of its password, prints its address as JSON, and ends on SIGTERM.
 */

const [url = '', passwordFile = '', max = '10'] = process.argv.slice(2)

const READ = {
  name: 'read',
  text: `select secret, content_type from app.credentials where provider = $1 and org_id = $2 and key = $3`,
}
const WRITE = {
  name: 'write',
  text: `insert into app.credentials (provider, org_id, key, secret, content_type, attributes, modified)
    values ($1, $2, $3, $4, $5, '{}', now())
    on conflict (provider, org_id, key) do update
      set secret = excluded.secret, content_type = excluded.content_type, modified = excluded.modified`,
}

const address = (target: string): readonly [string, string, string] => {
  const parsed = parseTarget(target)
  if (parsed.kind !== 'secret') throw new Error('not a secret')
  return [parsed.address.integration, parsed.address.customer, parsed.address.name]
}

const password = readFileSync(passwordFile, 'utf8').trim()
const target = new URL(url)
target.password = password
const pool = new pg.Pool({ connectionString: target.href, max: Number(max) })

const app = fastify({ logger: false })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.get('/api/v1/secrets/*', async (request, reply) => {
  const { rows } = await pool.query<{ secret: Buffer; content_type: string | null }>({
    ...READ,
    values: [...address(request.raw.url ?? '')],
  })
  const [row] = rows
  if (row === undefined) return reply.code(404).send()
  return reply.header('content-type', row.content_type ?? 'application/octet-stream').send(row.secret)
})
app.put('/api/v1/secrets/*', async (request, reply) => {
  const values = [...address(request.raw.url ?? ''), request.body, request.headers['content-type'] ?? null]
  await pool.query({ ...WRITE, values })
  return reply.code(204).send()
})

process.once('SIGTERM', () => {
  app.server.closeAllConnections()
  void app.close().then(() => pool.end())
})
console.log(JSON.stringify({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }))
