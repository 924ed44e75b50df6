/**
 * A program for the BROWSER variable. It returns at once and does its work in a separate process, because
 * some clients only listen for the callback after their browser has started.
 */
import { spawn } from 'node:child_process'
import { FormBrowser } from './form-browser.ts'
import { glewlwydVisitor } from './glewlwyd-visitor.ts'

const url = process.argv.at(-1) as string
if (process.argv.includes('--in-background')) {
  const { GLEWLWYD_ISSUER: issuer = '', GLEWLWYD_USER: user = '' } = process.env
  const elsewhere = async (target: URL): Promise<URL | undefined> =>
    issuer !== '' && target.href.startsWith(issuer) ? glewlwydVisitor(issuer, user).visit(target) : undefined
  const callback = await new FormBrowser({ elsewhere }).visit(url)
  if (callback !== undefined) await fetch(callback)
} else {
  const args = [...process.execArgv, import.meta.filename, '--in-background', url]
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref()
}
