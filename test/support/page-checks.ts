import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { type Listening, listen } from './listen.ts'
import { chromiumFlags, chromiumPath } from './tools.ts'

/** A way to reach a page, for a fresh browser. */
type Reach = (page: Page) => Promise<unknown>

/** Provides browsers for a test file. */
export interface PageChecks {
  /** Opens a page, 360 px wide, in a separate browser, which closes when `use` is done. */
  readonly withPage: (options: BrowserContextOptions, use: (page: Page) => Promise<void>) => Promise<void>
  /** Checks what must be true for every page. */
  readonly check: (name: string, reach: Reach) => void
}

const narrow = { width: 360, height: 740 }
const targetSize = JSON.stringify({ rules: { 'target-size': { enabled: true } } })
const controls =
  'a:visible, summary:visible, button:visible, input:not([type=hidden]):visible, [tabindex="0"]:visible'

/** Starts a Chromium for the tests of a file, and closes it after them. */
export function pageChecks(): PageChecks {
  let browser: Browser
  before(async () => {
    browser = await chromium.launch({ executablePath: await chromiumPath(), args: chromiumFlags })
  })
  after(() => browser.close())

  const withPage: PageChecks['withPage'] = async (options, use) => {
    const context = await browser.newContext({ viewport: narrow, ...options })
    try {
      await use(await context.newPage())
    } finally {
      await context.close()
    }
  }

  const check = (name: string, reach: Reach): void => {
    describe(name, { timeout: 60_000 }, () => {
      it('works without scripts, and shows where the focus is', () =>
        withPage({ javaScriptEnabled: false }, async (page) => {
          await visit(page, reach)
          await assertFocusShows(page)
        }))

      it('has no faults that axe can find, light and dark', () =>
        withPage({}, async (page) => {
          await visit(page, reach)
          await page.evaluate(axe.source)
          for (const colorScheme of ['light', 'dark'] as const) await assertAccessible(page, colorScheme)
        }))
    })
  }
  return { withPage, check }
}

/** Goes to a page, which must fit in 360 px and violate no rule of its own policy on the way. */
async function visit(page: Page, reach: Reach): Promise<void> {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  await reach(page)
  await assertFits(page)
  assert.deepEqual(
    // Refused pages, and an icon that is requested after its server was closed, say nothing about the policy.
    complaints.filter(
      (text) => !/^Failed to load resource: (?:the server responded|net::ERR_CONNECTION_REFUSED)/.test(text),
    ),
    [],
  )
}

async function assertAccessible(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  const { violations, passes } = await page.evaluate<AxeResults>(`axe.run(${targetSize})`)
  assert.deepEqual(
    violations.map(({ id, nodes }) => [colorScheme, id, nodes.map(({ html }) => html)]),
    [],
  )
  assert.ok(passes.some(({ id }) => id === 'color-contrast'))
}

async function assertFits(page: Page): Promise<void> {
  const [width, room] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )
  assert.ok(width <= room, `${width} px wide`)
  assert.notEqual(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgba(0, 0, 0, 0)')
}

async function assertFocusShows(page: Page): Promise<void> {
  for (const control of await page.locator(controls).all()) {
    await page.keyboard.press('Tab')
    assert.ok(await control.evaluate((element) => element.matches(':focus-visible')))
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid')
  }
}

/** Presses Tab until the target has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor()
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    if (await target.evaluate((element) => element.matches(':focus'))) return
  }
  assert.fail('the Tab key does not lead there')
}

/** Types into a field, or presses a button, only with the keyboard. */
export async function byKeyboard(page: Page, target: Locator, text?: string): Promise<void> {
  await tabTo(page, target)
  if (text === undefined) return page.keyboard.press('Enter')
  await page.keyboard.press('Control+A')
  await page.keyboard.type(text)
}

/**
 * Starts a loopback listener for the answers to clients, for the tests of a file. Returns its redirect URI.
 */
export function awaitAnswers(): () => string {
  let listening: Listening
  before(async () => {
    listening = await listen(createServer((_req, res) => void res.end('You can close this page.')))
  })
  after(() => listening.close())
  return () => `${listening.url}/callback`
}
