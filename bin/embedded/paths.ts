import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where an embedded system keeps everything that it keeps. */
export interface DataPaths {
  readonly root: string
  /** Only PostgreSQL's: handed to `startPostgres`, which places the cluster elsewhere if its user cannot enter. */
  readonly postgres: string
  /** Which process serves, where, and with which token files; made when it is ready, removed when it ends. */
  readonly runFile: string
  /** The configuration that `serve --embedded` writes, for people to read and `config print`. */
  readonly config: string
  readonly flags: string
  readonly audit: string
  /** Caps that the ledger could not take. */
  readonly caps: string
  /** Token hashes, as `identity.tokens_file` reads them. */
  readonly tokens: string
  /** The tokens themselves, a file each, that only their owner may read. */
  readonly tokenFiles: { readonly client: string; readonly viewer: string; readonly operator: string }
  readonly fingerprintKey: string
  readonly rootKey: string
  readonly etagKey: string
}

export const dataPaths = (root: string): DataPaths => ({
  root,
  postgres: join(root, 'postgres'),
  runFile: join(root, 'run.json'),
  config: join(root, 'crossfade.yaml'),
  flags: join(root, 'flags.json'),
  audit: join(root, 'audit.jsonl'),
  caps: join(root, 'caps.json'),
  tokens: join(root, 'tokens.yaml'),
  tokenFiles: {
    client: join(root, 'tokens', 'client'),
    viewer: join(root, 'tokens', 'viewer'),
    operator: join(root, 'tokens', 'operator'),
  },
  fingerprintKey: join(root, 'keys', 'fingerprint'),
  rootKey: join(root, 'keys', 'root'),
  etagKey: join(root, 'keys', 'etag'),
})

const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/**
 * The folder of the embedded system, the same for `serve` and for every verb that looks for it: what `--data` says, else
 * CROSSFADE_DATA, else `.crossfade` of the clone, else (an installed package, whose folder is npm's) the state folder
 * of the user as the XDG base directory specification places it.
 */
export const dataDirectory = (given: string | undefined, env: Readonly<NodeJS.ProcessEnv>): string => {
  if (given !== undefined) return resolve(given)
  const named = env['CROSSFADE_DATA']
  if (named) return resolve(named)
  if (isClone(PROJECT)) return join(PROJECT, '.crossfade')
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'crossfade')
}

/** A clone has the sources of this file; a package only what tsc made of them, below `dist`. */
const isClone = (project: string): boolean => existsSync(join(project, 'bin', 'embedded', 'paths.ts'))
