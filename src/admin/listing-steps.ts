import type { Context } from 'hono'
import {
  ActionRefused,
  type Listing,
  type ListingAction,
  type ListingQuery,
  longestQueryText,
} from './contract.ts'
import { textOf } from './form.ts'
import { answerPage } from './pages/layout.ts'
import { type ActionResult, listingPage } from './pages/listing-page.ts'
import type { FormHandler, Visit } from './visit.ts'

/** Shows a page of a listing, with what came of an action. */
export function showListing(
  listing: Listing,
): (context: Context, visit: Visit, result?: ActionResult) => Promise<Response> {
  return async (context, visit, result) => {
    const asked = queryOf(context)
    const shown = { asked, ...(await listing.rows(asked)), result }
    const page = listingPage(visit.frame(listing.path), listing, shown)
    return answerPage(context, page, result?.failed === true ? 409 : 200)
  }
}

/** Does something to the row that a form names, and shows the listing anew. */
export function actOnRow(listing: Listing, act: ListingAction['act']): FormHandler {
  const show = showListing(listing)
  return async (context, visit, form) => {
    try {
      const text = await act(textOf(form['id']), visit.operator)
      return await show(context, visit, { text, failed: false })
    } catch (error) {
      if (!(error instanceof ActionRefused)) throw error
      return show(context, visit, { text: error.message, failed: true })
    }
  }
}

/** Which rows somebody wants to see. Untrusted. */
function queryOf({ req }: Context): ListingQuery {
  const page = Number(req.query('page'))
  return {
    text: (req.query('q') ?? '').trim().slice(0, longestQueryText),
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  }
}
