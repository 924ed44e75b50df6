/** Of every user that tests create there. */
export const password = 'four words of no meaning'

/** One user's browser at Glewlwyd, which keeps the session there. */
export interface GlewlwydVisitor {
  /** Does what the browser would: signs in and agrees if that is asked, and is sent to the callback. */
  visit(target: URL): Promise<URL>
  /** How often the user had to sign in. */
  readonly signIns: () => number
}

/** Gives a user of a running Glewlwyd a browser. */
export function glewlwydVisitor(issuer: string, user: string): GlewlwydVisitor {
  const browser = session(new URL(issuer).origin)
  let signIns = 0
  const goOn = async (target: URL): Promise<URL> => {
    const { headers } = await browser('GET', `${target.pathname}${target.search}&g_continue`)
    return new URL(headers.get('location') ?? '', target)
  }
  return {
    signIns: () => signIns,
    async visit(target) {
      const back = await goOn(target)
      if (back.origin !== target.origin) return back
      signIns++
      await browser('POST', '/api/auth/', { username: user, password })
      await browser('PUT', `/api/auth/grant/${target.searchParams.get('client_id')}`, { scope: 'openid' })
      return goOn(target)
    },
  }
}

type Session = (method: string, path: string, body?: object) => Promise<Response>

/** One browser's cookie, and requests with it. Throws if the answer is an error. */
export function session(url: string): Session {
  let cookie = ''
  return async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { cookie, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const [set] = answer.headers.getSetCookie()
    if (set !== undefined) cookie = set.split(';')[0] ?? ''
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
}
