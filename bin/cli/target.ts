import { dataDirectory, dataPaths } from '../embedded/paths.ts'
import { type RunFile, readRunFile } from '../embedded/run-file.ts'
import { cliFault } from './faults.ts'
import type { Io } from './io.ts'
import { readToken } from './token.ts'

/** Which of the two listeners, and with whose token. */
export type Api = 'clients' | 'operators'

/** Where a verb sends its requests. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string
  readonly token: string
}

/** What every verb that speaks to a server may be told. */
export interface TargetOptions {
  readonly url?: string
  readonly tokenFile?: string
  readonly data?: string
}

/** The server that `--url` names, else the embedded system of this clone. */
export const findEndpoint = (api: Api, options: TargetOptions, io: Io): Endpoint => {
  if (options.url !== undefined) return namedEndpoint(options.url, options.tokenFile)
  const run = requireRun(options, io)
  const tokenFile = options.tokenFile ?? run.token_files[api === 'clients' ? 'client' : 'operator']
  return { url: withoutSlash(run[api]), token: readToken(tokenFile) }
}

/** The embedded system that runs now, or `nothing-running`. */
export const requireRun = (options: TargetOptions, io: Io): RunFile => {
  const { root, runFile } = dataPaths(dataDirectory(options.data, io.env))
  const run = readRunFile(runFile)
  if (run === null) throw cliFault('nothing-running', `none in ${root}`)
  return run
}

const namedEndpoint = (url: string, tokenFile: string | undefined): Endpoint => {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw cliFault('usage', '--url expects http://host:port or https://host:port')
  }
  if (new URL(url).password !== '') throw cliFault('usage', '--url may not hold a password; use --token-file')
  if (tokenFile === undefined) throw cliFault('usage', '--url needs --token-file FILE')
  return { url: withoutSlash(url), token: readToken(tokenFile) }
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')
