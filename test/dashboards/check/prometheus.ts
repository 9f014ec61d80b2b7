import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePort } from '../../../bin/embedded/free-port.ts'
import { systemClock } from '../../../core/clock.ts'
import { readProjectFile } from '../../support/project.ts'
import { RULE_FILES, RULES_FOLDER } from '../rules.ts'

/** One series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** Evaluates now. Rejects with Prometheus' own words if it is no query. */
  query(expr: string): Promise<readonly Sample[]>
  /** What went wrong in evaluating the rules, by name. */
  ruleErrors(): Promise<readonly string[]>
}

interface RuleAnswer {
  readonly name: string
  readonly health: string
  readonly lastError?: string
}

/** A real one that scrapes these every second, with the rules as they are shipped, evaluated as often. */
export async function withPrometheus<T>(
  program: string,
  targets: readonly string[],
  signal: AbortSignal,
  use: (prometheus: Prometheus) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-prometheus-'))
  const address = `127.0.0.1:${await freePort()}`
  writeConfig(folder, targets)
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`]
  const child = spawn(program, [...args, `--web.listen-address=${address}`], { stdio: 'ignore' })
  try {
    await untilReady(child, `http://${address}`, signal)
    return await use(makeClient(`http://${address}`))
  } finally {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeConfig(folder: string, targets: readonly string[]): void {
  for (const file of RULE_FILES) {
    const shipped = readProjectFile(`${RULES_FOLDER}/${file}`)
    writeFileSync(join(folder, file), shipped.replace(/interval: \w+/g, 'interval: 1s'))
  }
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: RULE_FILES,
    scrape_configs: [{ job_name: 'crossfade', static_configs: [{ targets: targets.map((url) => new URL(url).host) }] }],
  }
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config))
}

async function untilReady(child: ChildProcess, url: string, signal: AbortSignal): Promise<void> {
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/-/ready`).catch(() => null))?.status === 200
  while (!(await isReady())) {
    signal.throwIfAborted()
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`)
    await systemClock.sleep(100)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

function makeClient(url: string): Prometheus {
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(error ?? `prometheus answered ${answer.status}`)
    return data
  }
  return {
    query: async (expr) => {
      const { result } = await ask<{ result: readonly { metric: Record<string, string>; value: [number, string] }[] }>(
        `query?${new URLSearchParams({ query: expr })}`,
      )
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    ruleErrors: async () => {
      const { groups } = await ask<{ groups: readonly { rules: readonly RuleAnswer[] }[] }>('rules')
      const rules = groups.flatMap((group) => group.rules)
      return rules.flatMap(({ name, health, lastError }) =>
        health === 'ok' ? [] : [`${name}: ${lastError ?? health}`],
      )
    },
  }
}
