import { streamSSE } from 'hono/streaming'
import type { DashboardAccess } from './access-contract.ts'
import type { Overview } from './contract.ts'
import { answerPage } from './pages/layout.ts'
import { drawTable, overviewPage } from './pages/overview-page.ts'
import type { VisitHandler } from './visit.ts'

interface StreamPorts {
  readonly access: Pick<DashboardAccess, 'operatorOf'>
  readonly overview: () => Promise<Overview>
  readonly isEnding: () => boolean
  readonly onFault: (error: unknown) => void
}

const tickMilliseconds = 1000

/** Shows the overview. */
export function showOverview({ overview }: Pick<StreamPorts, 'overview'>): VisitHandler {
  return async (context, { frame }) => answerPage(context, overviewPage(frame('/'), await overview()))
}

/** Streams the overview, once a second for as long as the session lasts. */
export function streamOverview({ access, overview, isEnding, onFault }: StreamPorts): VisitHandler {
  return async (context, { session }) =>
    streamSSE(context, async (stream) => {
      try {
        while (!stream.aborted && !isEnding() && (await access.operatorOf(session)) !== undefined) {
          const data = JSON.stringify(await draw(await overview()))
          await stream.writeSSE({ event: 'overview', retry: tickMilliseconds, data })
          await stream.sleep(tickMilliseconds)
        }
      } catch (error) {
        // The stream ends without an explanation, and the browser reconnects.
        onFault(error)
      }
    })
}

/** The figures, with the tables as the page has them. */
async function draw({ points, tables }: Overview): Promise<object> {
  const drawn = await Promise.all(
    Object.entries(tables).map(async ([name, table]) => [name, String(await drawTable(table))]),
  )
  return { points, tables: Object.fromEntries(drawn) }
}
