import type { TestContext } from 'node:test'
import { secretFile } from '../../backends/subjects.ts'
import type { Bao } from '../../support/bao.ts'

/** An AppRole with a policy of its own, as the section `auth` of a configuration. */
export async function approle(t: TestContext, bao: Bao, policy: string, role: object = {}): Promise<object> {
  const mount = await bao.enableAuth('approle')
  await bao.ask('POST', `sys/policies/acl/${mount}`, { policy })
  await bao.ask('POST', `auth/${mount}/role/app`, { token_policies: [mount], token_ttl: '1h', ...role })
  const { role_id } = await bao.ask('GET', `auth/${mount}/role/app/role-id`)
  const { secret_id } = await bao.ask('POST', `auth/${mount}/role/app/secret-id`, {})
  return { kind: 'approle', mount, role_id, secret_id_file: await secretFile(t, secret_id as string) }
}
