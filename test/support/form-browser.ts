/** A page as the form browser saw it. */
export interface SeenPage {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

interface BrowserOptions {
  /** What the person types and presses; by default the first button of a form. */
  readonly fill?: Readonly<Record<string, string>>
  /** `deny` presses the second button of a consent page. */
  readonly decision?: 'approve' | 'deny'
  /** Called before each form is submitted: what happens while the person thinks. */
  readonly beforeSubmit?: () => Promise<void>
}

interface Form {
  readonly action: string
  readonly fields: URLSearchParams
}

const maxSteps = 20

/**
 * A browser without scripts: keeps cookies, follows redirects, fills and submits the first form of each page, and
 * stops where it would leave the origin that it was sent to.
 */
export class FormBrowser {
  readonly #cookies = new Map<string, string>()
  readonly #options: BrowserOptions
  /** Every page that was seen, in order. */
  readonly pages: SeenPage[] = []
  /** The status of every redirect that followed a form. */
  readonly redirectsAfterForms: number[] = []

  constructor(options: BrowserOptions = {}) {
    this.#options = options
  }

  /** Follows a URL to the end. Returns the address at another origin to which it was sent, or undefined. */
  async visit(start: string): Promise<URL | undefined> {
    const home = new URL(start).origin
    let request: { url: string; body?: URLSearchParams } = { url: start }
    for (let step = 0; step < maxSteps; step++) {
      const response = await this.#send(request.url, request.body)
      const location = response.headers.get('location')
      if (location !== null) {
        if (request.body !== undefined) this.redirectsAfterForms.push(response.status)
        const next = new URL(location, request.url)
        if (next.origin !== home) return next
        request = { url: next.href }
        continue
      }
      const html = await response.text()
      this.pages.push({ url: request.url, status: response.status, headers: response.headers, html })
      const form = this.#fill(html)
      if (form === undefined) return undefined
      await this.#options.beforeSubmit?.()
      request = { url: new URL(form.action, request.url).href, body: form.fields }
    }
    throw new Error('the form browser went round in circles')
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies
  }

  get lastPage(): SeenPage {
    const page = this.pages.at(-1)
    if (page === undefined) throw new Error('no page was seen')
    return page
  }

  async #send(url: string, body: URLSearchParams | undefined): Promise<Response> {
    const headers: Record<string, string> = { accept: 'text/html' }
    if (this.#cookies.size > 0)
      headers['cookie'] = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (body !== undefined) headers['origin'] = new URL(url).origin
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers,
      ...(body === undefined ? {} : { body }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const equals = pair.indexOf('=')
      this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
    return response
  }

  #fill(html: string): Form | undefined {
    const markup = /<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(html)
    if (markup === null) return undefined
    const fields = new URLSearchParams()
    const content = markup[2] as string
    for (const [input] of content.matchAll(/<input[^>]*>/gs)) {
      const name = attribute(input, 'name')
      if (name !== undefined) fields.set(name, this.#options.fill?.[name] ?? attribute(input, 'value') ?? '')
    }
    const buttons = [...content.matchAll(/<button[^>]*>/gs)].map(([button]) => button)
    const wanted =
      buttons.find((button) => attribute(button, 'value') === this.#options.decision) ?? buttons[0]
    const name = wanted === undefined ? undefined : attribute(wanted, 'name')
    if (name !== undefined) fields.set(name, attribute(wanted as string, 'value') ?? '')
    return { action: unescape(markup[1] as string), fields }
  }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : unescape(value)
}

function unescape(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
