/** A page as seen by the form browser. */
export interface SeenPage {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

interface BrowserOptions {
  /** What the user types and presses; by default, the first button of a form. */
  readonly fill?: Readonly<Record<string, string>>
  /** `deny` presses the second button of a consent page. */
  readonly decision?: 'approve' | 'deny'
  /** Called before each form is submitted: what happens while the user thinks. */
  readonly beforeSubmit?: () => Promise<void>
  /**
   * What the user does at another origin, such as that of an identity provider; returns where they are sent
   * from there.
   */
  readonly elsewhere?: (url: URL) => Promise<URL | undefined>
  /** Sends requests; `fetch` by default. */
  readonly send?: typeof fetch
}

interface Cookie {
  /** Name and value, as they are sent. */
  readonly pair: string
  readonly path: string
}

interface Form {
  readonly action: string
  readonly fields: URLSearchParams
}

const maxSteps = 20

/**
 * A browser without scripts: keeps cookies, follows redirects, fills in and submits the first form of each
 * page, or else follows its button, and stops when it would finally leave the origin where it started.
 */
export class FormBrowser {
  readonly #cookies = new Map<string, Cookie>()
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
        const back = next.origin === home ? next : await this.#options.elsewhere?.(next)
        if (back?.origin !== home) return back ?? next
        request = { url: back.href }
        continue
      }
      const html = await response.text()
      this.pages.push({ url: request.url, status: response.status, headers: response.headers, html })
      const form = this.#fill(html)
      const link = /<a class="button" href="([^"]*)"/.exec(html)?.[1]
      if (form === undefined) return link === undefined ? undefined : new URL(unescape(link))
      await this.#options.beforeSubmit?.()
      request = { url: new URL(form.action, request.url).href, body: form.fields }
    }
    throw new Error('the form browser went round in circles')
  }

  /** Opens a page without using its forms, or submits one of them; follows no redirect. */
  async open(
    url: string,
    form?: Readonly<Record<string, string>> | string[][],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<SeenPage> {
    const response = await this.#send(
      url,
      form === undefined ? undefined : new URLSearchParams(form),
      headers,
    )
    return { url, status: response.status, headers: response.headers, html: await response.text() }
  }

  /** The value of a cookie of the whole site. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(`/ ${name}`)?.pair.slice(name.length + 1)
  }

  /** Adds a cookie from elsewhere. */
  keep(name: string, value: string): void {
    this.#cookies.set(`/ ${name}`, { path: '/', pair: `${name}=${value}` })
  }

  /** The cookies of the whole site, by name. */
  get cookies(): ReadonlyMap<string, string> {
    const pairs = [...this.#cookies.values()].filter(({ path }) => path === '/').map(({ pair }) => pair)
    return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  }

  get lastPage(): SeenPage {
    const page = this.pages.at(-1)
    if (page === undefined) throw new Error('no page was seen')
    return page
  }

  async #send(
    url: string,
    body: URLSearchParams | undefined,
    others: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { accept: 'text/html' }
    const cookies = this.#cookiesFor(new URL(url).pathname)
    if (cookies !== '') headers['cookie'] = cookies
    if (body !== undefined) headers['origin'] = new URL(url).origin
    const response = await (this.#options.send ?? fetch)(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { ...headers, ...others },
      ...(body === undefined ? {} : { body }),
    })
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
    return response
  }

  #cookiesFor(path: string): string {
    return [...this.#cookies.values()]
      .filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
      .map(({ pair }) => pair)
      .join('; ')
  }

  #keep(header: string): void {
    const [pair = '', ...attributes] = header.split('; ')
    const path = attributes.find((one) => /^path=/i.test(one))?.slice('path='.length) ?? '/'
    const key = `${path} ${pair.slice(0, pair.indexOf('='))}`
    if (attributes.some((one) => /^expires=thu, 01 jan 1970/i.test(one))) this.#cookies.delete(key)
    else this.#cookies.set(key, { pair, path })
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
