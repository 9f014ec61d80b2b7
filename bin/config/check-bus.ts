import { Redis } from 'ioredis'
import { readSecretFile } from '../../backends/key-file.ts'
import type { CheckResult } from './check.ts'
import type { CrossfadeConfig } from './schema.ts'

const PATIENCE_MS = 5000

/** The bus answers and lets this user speak and listen; nothing but an empty message is sent. */
export async function busChecks({ bus }: CrossfadeConfig): Promise<readonly CheckResult[]> {
  if (bus === undefined) return []
  const { host } = new URL(bus.url)
  let redis: Redis | undefined
  const told: unknown[] = []
  try {
    redis = new Redis(bus.url, {
      ...(bus.password_file === undefined ? {} : { password: readSecretFile(bus.password_file) }),
      lazyConnect: true,
      connectTimeout: PATIENCE_MS,
      commandTimeout: PATIENCE_MS,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    // Why it was closed is told here; the command itself only says that it was.
    redis.on('error', (error) => told.push(error))
    await redis.connect()
    await redis.publish(`${bus.prefix}:check`, '')
    await redis.subscribe(`${bus.prefix}:check`)
    return [{ level: 'ok', subject: 'bus', message: `${host}: it answers` }]
  } catch (error) {
    return [{ level: 'problem', subject: 'bus', message: `${host}: ${explain(told[0] ?? error)}` }]
  } finally {
    redis?.disconnect()
  }
}

/** A driver's message could quote what it was given: only what kind of failure it was is said. */
function explain(error: unknown): string {
  const text = String((error as Error).message)
  if (/NOAUTH|WRONGPASS|invalid password/i.test(text)) return 'user or password refused: check password_file'
  if (/NOPERM/.test(text)) return 'this user may not publish and subscribe on channels of the prefix'
  const { code = '' } = error as { code?: string }
  if (CERTIFICATE.test(code))
    return `its certificate is not trusted (${code}): name its authority with NODE_EXTRA_CA_CERTS`
  return 'no answer'
}

/** How Node.js names what is wrong with a certificate. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/
