import assert from 'node:assert/strict'
import { SecretValue } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import { vaultKvSubject } from '../../backends/subjects.ts'
import { useBao } from '../../support/bao.ts'
import { caseOf } from '../support/case.ts'

const bao = useBao()

caseOf(
  ['own', '2'],
  'a page that ends at a name with a slash at its end is not listed twice',
  { skip: bao.skip },
  async (t) => {
    const store = await vaultKvSubject(bao, { version: 2 })(t)
    t.after(() => store.close())
    const call = () => ({ deadline: performance.now() + 20_000 })
    const secret = { value: SecretValue.of(Buffer.from('v')), contentType: null, metadata: {} }
    const names = [' ', '/', '//', 'a/', 'b']
    for (const name of names)
      assert.equal((await store.put({ integration: 'aws', customer: 'c', name }, secret, ANY, call())).kind, 'done')
    const found: string[] = []
    for (let after: { customer: string; name: string } | null = null; ; ) {
      const page = await store.scan('aws', { after, limit: 1 }, call())
      assert.equal(page.kind, 'page')
      found.push(...page.entries.map(({ name }) => name))
      if (page.next === null) break
      after = page.next
    }
    assert.deepEqual(found, names)
  },
)
