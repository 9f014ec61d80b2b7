import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { startRedis } from '../../chaos/redis.ts'
import { type Bao, startBao } from '../../support/bao.ts'

/** What a system has besides its PostgreSQL, so that no panel about it is empty: Redis, and OpenBao behind a login of its own. */
export interface Around {
  readonly bus: NonNullable<ConfigInput['bus']>
  readonly store: ConfigInput['stores'][string]
  stop(): Promise<void>
}

export async function startAround(folder: string, redisProgram: string): Promise<Around> {
  const redis = await startRedis(redisProgram)
  const running = await startBao().catch(async (error: unknown) => {
    await redis.stop()
    throw error
  })
  const stop = async (): Promise<void> => {
    await running.stop()
    await redis.stop()
  }
  try {
    const store = await openStore(running.bao, folder)
    return { bus: { url: `redis://127.0.0.1:${redis.port}` }, store, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Version 2 of the secrets engine, for who has a role: tokens so short that they are renewed while one looks. */
async function openStore(bao: Bao, folder: string): Promise<ConfigInput['stores'][string]> {
  const [mount, kv] = [await bao.enableAuth('approle'), await bao.mount('kv', { version: '2' })]
  await bao.ask('POST', `sys/policies/acl/${mount}`, {
    policy: `path "${kv}/*" { capabilities = ["create", "read", "update", "delete", "list"] }`,
  })
  await bao.ask('POST', `auth/${mount}/role/app`, { token_policies: [mount], token_ttl: '10s' })
  const { role_id } = await bao.ask('GET', `auth/${mount}/role/app/role-id`)
  const { secret_id } = await bao.ask('POST', `auth/${mount}/role/app/secret-id`, {})
  const file = (name: string, text: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, String(text), { mode: 0o600 })
    return path
  }
  const [role_id_file, secret_id_file] = [file('role-id', role_id), file('secret-id', secret_id)]
  const auth = { kind: 'approle', mount, role_id_file, secret_id_file } as const
  return { kind: 'vault-kv', address: bao.url, auth, mount: kv, version: 2 }
}
