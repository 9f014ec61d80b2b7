import type { Command } from 'commander'
import type { KeyChangeName } from '../../../backends/key-care.ts'
import { httpFault } from '../../../proxy/http/faults.ts'
import type { KeysShown } from '../../../proxy/ops/keys.ts'
import { columns } from '../columns.ts'
import { REASON_OPTION } from '../execute.ts'
import type { Exit } from '../exit-codes.ts'
import { rewrapAll } from '../rewrap.ts'
import type { Args, Runner, Session } from '../session.ts'

interface Options {
  readonly customer?: string
  readonly all?: boolean
  readonly destroy?: boolean
  readonly after?: string
  readonly execute?: boolean
  readonly reason?: string
}

const EXECUTE = ['--execute', 'do it; without it, only say what would happen'] as const
const CUSTOMER = ['--customer <customer>', 'whose key'] as const
const STORE = ['<store>', 'a store of kind sealed, as the configuration names it'] as const

export const addKeys = (program: Command, runner: Runner): void => {
  const keys = program.command('keys').description("The customers' keys of a store of kind sealed.")
  const show = keys.command('show').description('How many keys there are, in which state, and what they seal.')
  runner.bind<Options>(show.argument(...STORE).option(...CUSTOMER), async (session, args, options) => {
    const shown = await survey(session, args, options)
    session.report.data(keysTable(shown))
    session.report.object(shown)
    return 'ok'
  })

  const rotate = change(keys, 'rotate', 'Make the next version of a key; what older ones sealed stays readable.')
    .option('--all', 'of every customer')
    .option('--after <next>', 'with --all: go on after an interrupted rotation')
  runner.bind<Options>(rotate, (session, args, options) =>
    options.all === true ? rotateAll(session, args, options) : changeOne('rotate', session, args, options),
  )

  const rewrap = keys
    .command('rewrap')
    .description('Carry keys and sealed versions over to the newest keys. Run it again to go on.')
    .argument(...STORE)
    .option(...CUSTOMER)
    .option(...EXECUTE)
    .option(...REASON_OPTION)
  runner.bind<Options>(rewrap, async (session, args, options) => {
    if (options.execute === true)
      return rewrapAll(session, args['store'] ?? '', { ...options, reason: reasonOf('rewrap', options) })
    const shown = await survey(session, args, options)
    session.report.data(keysTable(shown))
    return dryRun(session, shown)
  })

  const revoke = change(keys, 'revoke', 'Refuse every read and write of a customer at once, in every replica.').option(
    '--destroy',
    'for good: the key is destroyed, and with it everything that it seals',
  )
  runner.bind<Options>(revoke, (session, args, options) =>
    changeOne(options.destroy === true ? 'destroy' : 'revoke', session, args, options),
  )
  const restore = change(keys, 'restore', 'Take a revocation back.')
  runner.bind<Options>(restore, (session, args, options) => changeOne('restore', session, args, options))
}

const change = (keys: Command, name: string, what: string): Command =>
  keys
    .command(name)
    .description(`${what} A dry run until --execute.`)
    .argument(...STORE)
    .option(...CUSTOMER)
    .option(...EXECUTE)
    .option(...REASON_OPTION)

const survey = ({ io, ops }: Session, { store = '' }: Args, { customer }: Options): Promise<KeysShown> =>
  ops().call('keys', { params: { store }, query: customer === undefined ? {} : { customer } }, io.signal)

const reasonOf = (verb: string, { reason }: Options): string => {
  if (reason === undefined) throw httpFault('reason-required', `keys ${verb} --execute`)
  return reason
}

const dryRun = ({ report }: Session, answer: object): Exit => {
  report.note('nothing was done: add --execute --reason "why" to do it')
  report.object({ executed: false, ...answer })
  return 'ok'
}

async function changeOne(name: KeyChangeName, session: Session, args: Args, options: Options): Promise<Exit> {
  const { io, ops, report } = session
  const { store = '' } = args
  const { customer, execute = false } = options
  if (customer === undefined) throw httpFault('parameter-refused', '--customer: whose key')
  if (!execute) {
    const shown = await survey(session, args, options)
    report.data(keysTable(shown))
    return dryRun(session, shown)
  }
  const body = { change: name, customer, execute, reason: reasonOf(name, options) }
  const answer = await ops().call('changeKeys', { params: { store }, body }, io.signal)
  report.note(`${customer}: ${DONE[name]}`)
  report.object(answer)
  return 'ok'
}

const DONE = {
  rotate: 'has a new key version; crossfade keys rewrap carries what is there over to it',
  revoke: 'is refused from now on; crossfade keys restore takes it back',
  restore: 'is served again',
  destroy: 'is refused for good: nothing opens what the key sealed',
} as const satisfies Record<KeyChangeName, string>

/** Page by page; where it ends, the next command says how to go on. */
async function rotateAll(session: Session, args: Args, options: Options): Promise<Exit> {
  const { io, ops, report } = session
  const { store = '' } = args
  if (options.execute !== true) {
    const shown = await survey(session, args, {})
    report.data(keysTable(shown))
    return dryRun(session, shown)
  }
  const reason = reasonOf('rotate', options)
  const client = ops()
  const total = { rotated: 0, refused: 0 }
  let after = options.after
  try {
    for (;;) {
      const body = { change: 'rotate' as const, execute: true, reason, ...(after === undefined ? {} : { after }) }
      const page = await client.call('changeKeys', { params: { store }, body }, io.signal)
      total.rotated += page.customers.length
      total.refused += page.refused
      report.note(`rotated ${total.rotated} of ${page.total ?? '?'} keys`)
      if (page.next === null) break
      after = page.next
    }
  } catch (error) {
    if (after !== undefined)
      report.note(`to go on: crossfade keys rotate ${store} --all --after '${after}' --execute --reason "go on"`)
    throw error
  }
  report.object({ executed: true, store, ...total })
  return 'ok'
}

const keysTable = ({ store, customer, active, revoked, destroyed, rows }: KeysShown): string =>
  columns(
    ['STORE', 'CUSTOMER', 'ACTIVE', 'REVOKED', 'DESTROYED', 'SEALED VERSIONS'],
    [
      [
        store,
        customer ?? 'all',
        String(active),
        String(revoked),
        String(destroyed),
        rows === null ? 'many' : String(rows),
      ],
    ],
  )
