import { holdPost } from './held-post.ts'

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly html: string
  readonly location: string | null
}

interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** False omits the cookies. */
  readonly cookies?: boolean
}

/** A browser controlled by a test: keeps cookies and does nothing by itself. */
export class Visitor {
  readonly #origin: string
  readonly cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  get(path: string): Promise<Answer> {
    return this.#send(path, { headers: {} }, true)
  }

  /** Posts a form as our own pages do. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    { headers = {}, cookies = true }: PostOptions = {},
  ): Promise<Answer> {
    const body = new URLSearchParams(fields)
    return this.#send(path, { method: 'POST', body, headers: { origin: this.#origin, ...headers } }, cookies)
  }

  /** Begins to post a form as our own pages do; the returned function sends the rest of it. */
  hold(path: string, fields: Readonly<Record<string, string>>): ReturnType<typeof holdPost> {
    return holdPost(new URL(path, this.#origin).href, {
      headers: {
        origin: this.#origin,
        cookie: this.#cookie(),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(fields).toString(),
    })
  }

  /** Opens a page and posts its first form, with these fields filled in. */
  async submit(path: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
    const { html } = await this.get(path)
    return this.post(actionOf(html), { csrf: csrfOf(html), ...fields })
  }

  #cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async #send(
    path: string,
    { headers, ...init }: { headers: Record<string, string>; method?: string; body?: URLSearchParams },
    withCookies: boolean,
  ): Promise<Answer> {
    const cookie = this.#cookie()
    const response = await fetch(new URL(path, this.#origin), {
      redirect: 'manual',
      ...init,
      headers: { accept: 'text/html', ...(withCookies ? { cookie } : {}), ...headers },
    })
    for (const one of response.headers.getSetCookie()) {
      const [pair = ''] = one.split(';')
      const equals = pair.indexOf('=')
      const value = pair.slice(equals + 1)
      if (value === '') this.cookies.delete(pair.slice(0, equals))
      else this.cookies.set(pair.slice(0, equals), value)
    }
    const { status } = response
    return {
      status,
      headers: response.headers,
      html: await response.text(),
      location: response.headers.get('location'),
    }
  }
}

/** The token of the first form of a page. */
export function csrfOf(html: string): string {
  return /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? ''
}

/** Where the first form of a page goes. */
export function actionOf(html: string): string {
  return (/<form[^>]* action="([^"]*)"/.exec(html)?.[1] ?? '').replaceAll('&amp;', '&')
}
