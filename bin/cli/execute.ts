import { httpFault } from '../../proxy/http/faults.ts'

/** Of a verb that is a dry run until it is told otherwise. */
export interface ExecuteOptions {
  readonly execute?: boolean
  readonly reason?: string
}

export const REASON_OPTION = ['--reason <why>', 'kept in the audit record; needed with --execute'] as const

/** What a request says of it. Throws `reason-required` where the verb `verb` is executed without one. */
export function intentOf(
  verb: string,
  { execute = false, reason }: ExecuteOptions,
): { readonly execute: boolean; readonly reason?: string } {
  if (execute && reason === undefined) throw httpFault('reason-required', `${verb} --execute`)
  return { execute, ...(reason === undefined ? {} : { reason }) }
}
