import type { Provider } from 'oidc-provider'
import { type Markup, pageHeaders } from '../../http/page.ts'

type StepContext = Parameters<Parameters<Provider['use']>[0]>[0]

/** Makes a page of ours the library's answer. Its status is up to the caller. */
export async function answerWithPage(context: StepContext, page: Markup | Promise<string>): Promise<void> {
  context.set({ ...pageHeaders })
  context.body = String(await page)
}
