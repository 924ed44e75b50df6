import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { html } from 'hono/html'
import { answerPage, smallPage } from './pages/layout.ts'

const maxFormBytes = 4096

/** Refuses bodies that no form of the dashboard has. */
export const formLimit = bodyLimit({
  maxSize: maxFormBytes,
  onError: (context) =>
    answerPage(context, smallPage('Too large', html`<p>No form of the dashboard is so long.</p>`), 413),
})

/** Browsers send the origin of a form; a form of another page is not ours. */
export function isOwnForm({ req }: Context): boolean {
  const origin = req.header('origin')
  return origin === undefined || URL.parse(origin)?.host === req.header('host')
}

/** A field of a form, if it is a text. Untrusted. */
export function textOf(field: unknown): string {
  return typeof field === 'string' ? field : ''
}

/** Where a request comes from; undefined if it has no connection. */
export function addressOf({ env }: Context): string | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress
}
