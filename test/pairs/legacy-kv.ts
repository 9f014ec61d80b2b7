import type { Address } from '../../backends/secret.ts'
import { makePathTemplate } from '../../backends/vault-kv/path-template.ts'
import type { Legacy, LegacyRow } from './legacy.ts'
import type { RunningPairBao } from './pair-bao.ts'

/*
 * Version 1 of the secrets engine as an application would use it that keeps a value in one field, in base64 where it is no
 * text, and what belongs to it in another one: plain requests, none of the store's own code but the names of paths.
 */
interface Fields {
  readonly value: string
  readonly crossfade?: {
    readonly encoding?: 'base64'
    readonly content_type?: string
    readonly metadata?: Readonly<Record<string, string>>
  }
}

const AT_ONCE = 16
const PATHS = makePathTemplate('{integration}/{customer}/{name}')

export function openLegacyKv({ bao, mounts: { kv1: mount } }: RunningPairBao): Legacy {
  const at = (segments: readonly string[]): string => [mount, ...segments].map(encodeURIComponent).join('/')
  const pathOf = (address: Address): string => at(PATHS.place(address) ?? [])
  const get = async (path: string): Promise<Fields> => (await bao.ask('GET', path)) as unknown as Fields

  /** Every secret below a folder, by its segments. */
  const list = async (folder: readonly string[]): Promise<readonly (readonly string[])[]> => {
    const { keys = [] } = (await bao.ask('LIST', at(folder))) as { keys?: readonly string[] }
    const below = await each(
      keys,
      async (key): Promise<readonly (readonly string[])[]> =>
        key.endsWith('/') ? list([...folder, key.slice(0, -1)]) : [[...folder, key]],
    )
    return below.flat()
  }
  return {
    seed: async (rows) => {
      await each(rows, (row) => bao.ask('POST', pathOf(row), fieldsOf(row)))
    },
    read: async () =>
      each(await list([]), async (segments) => {
        const address = PATHS.address(segments)
        if (address === null) throw new Error(`no secret of ours: ${segments.join('/')}`)
        return { ...address, ...contentOf(await get(at(segments))) }
      }),
    damage: async (address) => {
      const { value, ...content } = contentOf(await get(pathOf(address)))
      const damaged = { ...address, ...content, value: Buffer.concat([value, Buffer.from('!')]) }
      await bao.ask('POST', pathOf(address), fieldsOf(damaged))
    },
    close: async () => undefined,
  }
}

function fieldsOf({ value, contentType, metadata }: LegacyRow): Fields {
  const text = Buffer.from(value).toString('utf8')
  const isText = Buffer.from(text).equals(value) && !text.includes('\0')
  const crossfade = {
    ...(!isText && { encoding: 'base64' as const }),
    ...(contentType !== null && { content_type: contentType }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  }
  return {
    value: isText ? text : Buffer.from(value).toString('base64'),
    ...(Object.keys(crossfade).length > 0 && { crossfade }),
  }
}

function contentOf({ value, crossfade = {} }: Fields): Pick<LegacyRow, 'value' | 'contentType' | 'metadata'> {
  return {
    value: Buffer.from(value, crossfade.encoding ?? 'utf8'),
    contentType: crossfade.content_type ?? null,
    metadata: crossfade.metadata ?? {},
  }
}

/** So many at once, in the order of the list. */
async function each<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results = new Array<R>(list.length)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < list.length; at = next++) results[at] = await work(list[at] as T)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, worker))
  return results
}
