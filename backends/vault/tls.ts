import { readFileSync } from 'node:fs'
import { buildConnector } from 'undici'
import { backendFault } from '../faults.ts'

export interface TlsFiles {
  readonly ca_file?: string | undefined
  readonly client_cert_file?: string | undefined
  readonly client_key_file?: string | undefined
  readonly server_name?: string | undefined
}

/** A dead address must not hold a connection's place for longer than callers are patient. */
const CONNECT_MS = 5_000

/**
 * Opens connections. The files are read for each new one, so certificates that are renewed need no restart; while they
 * stay the same, so does the connector, which remembers TLS sessions.
 */
export function makeConnector(files: TlsFiles): buildConnector.connector {
  let current = connectorOf(files, readAll(files))
  return (options, callback) => {
    try {
      const now = readAll(files)
      if (now.join() !== current.read.join()) current = connectorOf(files, now)
    } catch {
      // Renewed this instant, perhaps: the ones that were read before are as good as any.
    }
    current.connect(options, callback)
  }
}

function connectorOf(files: TlsFiles, read: readonly (string | undefined)[]) {
  const [ca, cert, key] = read
  const connect = buildConnector({
    timeout: CONNECT_MS,
    allowH2: false,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(files.server_name !== undefined && { servername: files.server_name }),
  })
  return { connect, read }
}

const readAll = ({ ca_file, client_cert_file, client_key_file }: TlsFiles): readonly (string | undefined)[] =>
  [ca_file, client_cert_file, client_key_file].map((path) => (path === undefined ? undefined : readPem(path)))

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw backendFault('store-file-unreadable', `${path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`)
  }
}
