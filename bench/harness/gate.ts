import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../test/support/installation.ts'
import type { Stack } from '../stacks/contract.ts'
import { checkAnswers } from './check-answers.ts'
import type { Bench, Kind } from './open-bench.ts'
import { type Process, pinning, startProcess } from './processes.ts'

/** A running stack. */
export interface Gate {
  readonly stack: Stack
  readonly kind: Kind
  readonly url: string
  readonly process: Process
}

/** Starts a stack, pinned by default, and resolves after it gave right answers to good and bad requests. */
export async function startGate(
  bench: Bench,
  stack: Stack,
  kind: Kind,
  cpus: string = pinning.gate,
): Promise<Gate> {
  const setting = await bench.setting(kind)
  const port = await freePort()
  const log = join(setting.folder, 'gate.log')
  const gate: Gate = {
    stack,
    kind,
    url: `${kind.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    process: startProcess(stack.prepare(setting, port), cpus, log),
  }
  try {
    const [token = ''] = await bench.tokens(kind.algorithm, 1)
    await checkAnswers(gate, token)
    return gate
  } catch (error) {
    await gate.process.end()
    throw new Error(`${stack.name}: ${(error as Error).message}\n${readFileSync(log, 'utf8').slice(-2000)}`, {
      cause: error,
    })
  }
}
