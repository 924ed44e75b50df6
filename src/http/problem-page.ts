import { html } from 'hono/html'
import { displayText } from '../core/display-text.ts'
import type { Site } from '../core/site.ts'
import { type Markup, renderPage } from './page.ts'

interface Problem {
  readonly title: string
  /** What happened, in words. */
  readonly what: string
  /** What the user can do now. */
  readonly advice: string
  readonly requestId: string
}

/** Turns a message of the library into a sentence. The name of a parameter keeps its spelling, also in front. */
export function sentence(text: string): string {
  const clean = displayText(text, 200)
  const first = /^[a-z]+_/.test(clean) ? clean.charAt(0) : clean.charAt(0).toUpperCase()
  return `${first}${clean.slice(1)}${/(?:^|[.!?…])$/.test(clean) ? '' : '.'}`
}

/** Tells a user what happened and what to do. */
export function problemPage(site: Site, { title, what, advice, requestId }: Problem): Markup {
  return renderPage(
    site,
    title,
    html`<p>${what}</p>
      <p>${advice}</p>
      <p class="quiet">Request ${requestId}</p>`,
  )
}
