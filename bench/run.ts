/**
 * `npm run bench`: Portcullis, HAProxy, nginx and what people write in Node, all in front of the same MCP
 * server with the same tokens, interleaved, with one CPU for the gate and the rest for load and server. The
 * main figure is CPU per request; ratios within one run are comparable, absolute figures are not.
 * Options: --quick, --rounds N, --seconds N, --retries N, --streams N, --only WORKLOAD,…, --stacks STACK,…,
 * --json FILE, --from FILE, --docs
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { orExplain } from '../test/support/command-line.ts'
import { install } from './harness/install.ts'
import { measure } from './harness/measure.ts'
import { readOptions } from './harness/options.ts'
import type { Results } from './harness/results.ts'
import { writeDocument } from './report/document.ts'
import { renderReport } from './report/report.ts'

const options = orExplain(() => readOptions(process.argv.slice(2)))
const results =
  options.from === undefined ? await run() : (JSON.parse(readFileSync(options.from, 'utf8')) as Results)
console.log(renderReport(results))
if (options.docs) writeDocument(results)

async function run(): Promise<Results> {
  install()
  const measured = await measure(options)
  writeFileSync(options.json, `${JSON.stringify(measured)}\n`)
  return measured
}
