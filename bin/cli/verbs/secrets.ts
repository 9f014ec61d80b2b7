import type { Command } from 'commander'
import { wholeNumber } from '../numbers.ts'
import { printable } from '../printable.ts'
import type { ServedBy } from '../secrets-client.ts'
import type { Args, Runner } from '../session.ts'
import { collectMeta, readValue, writeValue } from '../values.ts'

const address = ({ integration = '', customer = '', name = '' }: Args) => ({ integration, customer, name })

const addressed = (program: Command, verb: string, description: string): Command =>
  program
    .command(verb)
    .description(description)
    .argument('<integration>', 'the third party that the secret opens')
    .argument('<customer>', 'the tenant that owns it')

const named = (program: Command, verb: string, description: string): Command =>
  addressed(program, verb, description).argument('<name>', 'one or more segments, joined by /')

const served = ({ served_by, phase, fallback }: ServedBy): string =>
  `served by ${served_by ?? 'nobody'}, phase ${phase ?? 'unknown'}${fallback ? `, fallback: ${fallback}` : ''}`

export const addSecrets = (program: Command, runner: Runner): void => {
  addGet(program, runner)
  addPut(program, runner)
  addDelete(program, runner)
  addList(program, runner)
}

const addGet = (program: Command, runner: Runner): void => {
  const get = named(program, 'get', 'Print the value of a secret, byte for byte.').option(
    '-o, --output <file>',
    'write the value to a new file that only you may read',
  )
  runner.bind<{ output?: string }>(get, async ({ io, report, secrets }, args, { output }) => {
    const { value, contentType, ...found } = await secrets().get(address(args), io.signal)
    if (output !== undefined) await writeValue(output, value)
    else report.data(value)
    report.note(`${value.length} bytes, ${contentType ?? 'no content type'}, ETag ${found.etag}; ${served(found)}`)
    const shown = output === undefined ? { value_base64: Buffer.from(value).toString('base64') } : { output }
    report.object({ ...address(args), ...shown, bytes: value.length, content_type: contentType, ...found })
    return 'ok'
  })
}

interface PutOptions {
  readonly file?: string
  readonly contentType?: string
  readonly meta?: Readonly<Record<string, string>>
  readonly ifMatch?: string
  readonly ifNoneMatch?: boolean
}

const addPut = (program: Command, runner: Runner): void => {
  const put = named(program, 'put', 'Store a value, from a file or from standard input.')
    .option('-f, --file <file>', 'the value; without it, standard input to its end')
    .option('--content-type <type>', 'kept with the value')
    .option('--meta <key=value>', 'custom metadata; may be given several times', collectMeta)
    .option('--if-match <etag>', 'only if the secret still has this ETag, as get showed it, or * for any')
    .option('--if-none-match', 'only if there is no such secret yet')
  runner.bind<PutOptions>(put, async ({ io, report, secrets }, args, options) => {
    const value = await readValue(options.file, io, report.note)
    const { contentType = null, meta = {}, ifMatch, ifNoneMatch } = options
    const written = await secrets().put(
      address(args),
      value,
      {
        contentType,
        metadata: meta,
        ...(ifMatch === undefined ? {} : { ifMatch: quoted(ifMatch) }),
        ...(ifNoneMatch ? { ifNoneMatch: '*' } : {}),
      },
      io.signal,
    )
    report.note(`stored ${value.length} bytes, ETag ${written.etag}; ${served(written)}`)
    report.object({ ...address(args), bytes: value.length, ...written })
    return 'ok'
  })
}

const addDelete = (program: Command, runner: Runner): void => {
  const remove = named(program, 'delete', 'Delete a secret.').option(
    '--if-match <etag>',
    'only if it still has this ETag',
  )
  runner.bind<{ ifMatch?: string }>(remove, async ({ io, report, secrets }, args, { ifMatch }) => {
    const options = ifMatch === undefined ? {} : { ifMatch: quoted(ifMatch) }
    const removed = await secrets().remove(address(args), options, io.signal)
    report.note(`deleted; ${served(removed)}`)
    report.object({ ...address(args), deleted: true, ...removed })
    return 'ok'
  })
}

const addList = (program: Command, runner: Runner): void => {
  const list = addressed(program, 'list', 'List the names of the secrets of a customer, one a line; never a value.')
    .option('--limit <n>', 'at most so many', wholeNumber, 1000)
    .option('--after <key>', 'go on after this page: the next of the answer before')
  runner.bind<{ limit: number; after?: string }>(list, async ({ io, report, secrets }, args, { limit, after }) => {
    const { integration = '', customer = '' } = args
    const page = await secrets().list(integration, customer, { limit, ...(after ? { after } : {}) }, io.signal)
    for (const { name } of page.entries) report.data(`${printable(name)}\n`)
    if (page.next !== null) report.note(`there are more: --after ${JSON.stringify(page.next)}`)
    report.object({ integration, customer, entries: page.entries, next: page.next })
    return 'ok'
  })
}

/** People copy tags with and without their quotes. */
const quoted = (tag: string): string => (tag === '*' || /^(W\/)?"/.test(tag) ? tag : `"${tag}"`)
