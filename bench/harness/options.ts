import { OptionsWrong, readFlags, readWhole } from '../../test/support/command-line.ts'
import { workloads } from '../workloads/registry.ts'

/** What `npm run bench` was asked to measure. */
export interface Options {
  readonly rounds: number
  /** The duration of one sample. */
  readonly seconds: number
  /** Requests to each stack before its first sample, and the seconds that they may take. */
  readonly warmUp: { readonly requests: number; readonly seconds: number }
  /** Seconds of load before each sample: an idle stack is no longer in the caches. 0: none. */
  readonly leadIn: number
  /** How often a sample is repeated that other processes disturbed. */
  readonly retries: number
  readonly idleStreams: number
  /** Ids of workloads, or their beginnings. Empty: all. */
  readonly only: readonly string[]
  /** Ids of stacks. Empty: all. */
  readonly stacks: readonly string[]
  readonly json: string
  /** Renders these results instead of measuring. */
  readonly from: string | undefined
  /** Whether to rewrite docs/performance.md and its charts. */
  readonly docs: boolean
}

/** Reads the flags. Throws OptionsWrong. */
export function readOptions(args: readonly string[]): Options {
  const values = readFlags(
    {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      retries: { type: 'string' },
      streams: { type: 'string' },
      only: { type: 'string', default: '' },
      stacks: { type: 'string', default: '' },
      json: { type: 'string', default: 'bench-results.json' },
      from: { type: 'string' },
      docs: { type: 'boolean', default: false },
    },
    args,
  )
  const { quick } = values
  const ids = workloads().map(({ id }) => id)
  const stacks = workloads().flatMap((workload) => workload.stacks.map(({ id }) => id))
  return {
    rounds: readWhole('rounds', values.rounds ?? (quick ? '1' : '5')),
    seconds: readWhole('seconds', values.seconds ?? (quick ? '1' : '2')),
    warmUp: {
      requests: readWhole('warm-up', values['warm-up'] ?? (quick ? '10000' : '50000')),
      seconds: quick ? 1 : 20,
    },
    leadIn: quick ? 0 : 1,
    retries: readWhole('retries', values.retries ?? (quick ? '0' : '2'), 0),
    idleStreams: readWhole('streams', values.streams ?? (quick ? '1000' : '5000')),
    only: list('only', values.only, ids, (word, id) => id.startsWith(word)),
    stacks: list('stacks', values.stacks, stacks, (word, id) => id === word),
    json: values.json,
    from: values.from,
    docs: values.docs,
  }
}

/** Ids in a list. Throws OptionsWrong if one matches nothing. */
function list(
  name: string,
  text: string,
  known: readonly string[],
  means: (word: string, id: string) => boolean,
): string[] {
  const words = text === '' ? [] : text.split(',')
  for (const word of words) {
    if (word === '' || !known.some((id) => means(word, id)))
      throw new OptionsWrong(`--${name}: nothing is called "${word}": ${[...new Set(known)].join(', ')}`)
  }
  return words
}
