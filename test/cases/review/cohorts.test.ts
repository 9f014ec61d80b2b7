import assert from 'node:assert/strict'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { caseOf } from '../support/case.ts'
import { enrolledHome } from '../support/enrolled.ts'

const REST = { name: 'general', rest: true } as const
const named =
  (...cohorts: readonly object[]) =>
  (config: ConfigInput): ConfigInput => ({
    ...config,
    cohorts: [...cohorts, REST] as ConfigInput['cohorts'],
  })

caseOf(
  ['review', '9'],
  'rules that would take customers out of a cap are refused, at a reload and at a start',
  {},
  async (t) => {
    const pilot = { name: 'pilot', customers: ['acme', 'beta'] }
    const { home, first } = await enrolledHome(t, null, named(pilot))
    const rolled = await first.cli('rollback', 'aws', '--cohort', 'pilot', '--reason', 'a case')
    assert.equal(rolled.exit, 0, rolled.stderr)
    const why = async (): Promise<string> => {
      const told = await first.reload()
      return told.kind === 'refused' ? told.why : told.kind
    }

    home.rewrite(named({ ...pilot, name: 'early' }))
    assert.match(
      await why(),
      /^cohort-capped: the rollback of aws caps cohort pilot at \w+, which there would not be: crossfade lift aws --cohort pilot$/,
    )
    home.rewrite(named({ ...pilot, customers: ['acme'] }))
    assert.match(
      await why(),
      /^cohort-capped: .* customers of it would be in general: crossfade lift aws --cohort pilot$/,
    )
    home.rewrite(named({ name: 'early', pattern: 'be*' }, pilot))
    assert.match(await why(), /would be in early/)
    home.rewrite(named({ ...pilot, customers: ['acme', 'beta', 'gamma'] }))
    assert.equal(await why(), 'reloaded', 'more customers under a cap widen nothing')

    home.rewrite(named(pilot))
    await first.stop()
    await assert.rejects(home.serve(), { code: 'cohort-capped' }, 'gamma would leave')
    home.rewrite(named({ ...pilot, customers: ['acme', 'beta', 'gamma'] }))
    const again = await home.serve()
    const lifted = await again.cli('lift', 'aws', '--cohort', 'pilot', '--force', '--reason', 'over')
    assert.equal(lifted.exit, 0, lifted.stderr)
    home.rewrite(named({ ...pilot, name: 'early' }))
    assert.equal((await again.reload()).kind, 'reloaded')
  },
)
