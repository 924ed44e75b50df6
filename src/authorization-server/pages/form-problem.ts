import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'

/** What is wrong with a form that was sent; nothing if it has not been. */
export function formProblem(problem: string | undefined): Markup | string {
  return problem === undefined ? '' : html`<p class="note" id="problem" role="alert">${problem}</p>`
}

/** The attributes of a field that `formProblem` is about. */
export function describedByProblem(problem: string | undefined): Markup | string {
  return problem === undefined ? '' : html`aria-describedby="problem" aria-invalid="true"`
}
