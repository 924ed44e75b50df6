/**
 * `npm run fuzz:histories`: lets users, clients and operators do random things in random order, as the tests do, but
 * for longer, and compares each credential with what a model says that it is worth. Exits with 1 at the first that is
 * worth something else, with a history that is as short as could be found. Options: --runs N (100), --length N (300),
 * --store sqlite|postgres (sqlite), and --seed N, --path P to repeat a run: its seed and the first number of its path
 */
import { runHistories } from '../model/histories.ts'
import { OptionsWrong, orExplain, readFlags, readWhole } from '../support/command-line.ts'
import { startPostgres } from '../support/postgres.ts'

const { store, ...histories } = orExplain(() => {
  const flags = readFlags({
    runs: { type: 'string', default: '100' },
    length: { type: 'string', default: '300' },
    store: { type: 'string', default: 'sqlite' },
    seed: { type: 'string' },
    path: { type: 'string' },
  })
  if (flags.store !== 'sqlite' && flags.store !== 'postgres')
    throw new OptionsWrong('--store must be sqlite or postgres')
  return {
    runs: readWhole('runs', flags.runs),
    length: readWhole('length', flags.length),
    store: flags.store,
    seed: flags.seed === undefined ? undefined : readWhole('seed', flags.seed, 0),
    path: flags.path,
  }
})
const server = store === 'postgres' ? await startPostgres() : undefined
const began = performance.now()

try {
  await runHistories({
    ...histories,
    shrinks: true,
    ...(server === undefined ? {} : { database: () => server.createDatabase() }),
  })
  const seconds = Math.round((performance.now() - began) / 1000)
  process.stdout.write(`${histories.runs} histories went as they should, in ${seconds} s\n`)
} catch (error) {
  const { message, cause } = error as Error
  process.stdout.write(`${message}\n${cause instanceof Error ? cause.stack : ''}\n`)
  process.exitCode = 1
} finally {
  await server?.stop()
}
