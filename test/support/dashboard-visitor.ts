/** A visitor of the dashboard, without a browser. */
export interface DashboardVisitor {
  /** The value of the Cookie header. */
  readonly cookie: string
  get(path: string): Promise<Response>
  /** Sends the form of a page, with its token unless another one is given. */
  post(
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>
}

/** Uses a link like a user. Throws if it does not open the dashboard. */
export async function openDashboard(link: string): Promise<DashboardVisitor> {
  const { origin } = new URL(link)
  const entered = await fetch(link, { method: 'POST', redirect: 'manual', headers: { origin } })
  const [cookie = ''] = entered.headers.get('set-cookie')?.split(';') ?? []
  if (entered.status !== 303 || cookie === '') throw new Error(`the link answered ${entered.status}`)
  const get = (path: string): Promise<Response> => fetch(origin + path, { headers: { cookie } })
  return {
    cookie,
    get,
    async post(path, form, headers = {}) {
      const csrf = /name="csrf" value="([^"]+)"/.exec(await (await get('/')).text())?.[1] ?? ''
      return fetch(origin + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, origin, ...headers },
        body: new URLSearchParams({ csrf, ...form }),
      })
    },
  }
}
