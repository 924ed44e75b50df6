import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import { pageHeaders } from '../http/page.ts'
import { problemPage } from './pages/problem-page.ts'
import { requestIdOf } from './request-id.ts'

const advice: Readonly<Record<string, { title: string; what: string; advice: string }>> = {
  unknown_client: {
    title: 'This program is not known here',
    what: 'The program that sent you has a registration that this server does not have, or no longer has.',
    advice:
      'Make the program forget this server and connect again, so that it registers anew. In MCP Inspector: clear the OAuth state of the server. In an editor: remove the server’s saved authentication.',
  },
  invalid_document: {
    title: 'This program does not say who it is',
    what: 'The program names a web address that should describe it. The description cannot be fetched, or is not as it should be.',
    advice:
      'Try again in a moment. If it stays, tell the administrator the request number below: the log has the reason. If you write the program, check that its client_id is the https address of a metadata document of 5 KB at most that answers 200 itself and repeats that address.',
  },
  invalid_redirect_uri: {
    title: 'This link leads somewhere unexpected',
    what: 'The address to which you would be sent back is not one that the program registered.',
    advice:
      'Close this page. If you write the program, register the exact redirect URI; only the port of a loopback address may differ.',
  },
  invalid_target: {
    title: 'No such server here',
    what: 'The program asked for access to a server that is not protected here.',
    advice: 'Check the address of the MCP server in the program, then connect again.',
  },
  session_not_found: {
    title: 'This page has expired',
    what: 'The sign-in that this page belonged to is over, or your browser does not send its cookie.',
    advice: 'Go back to your program and connect again. If that does not help, allow cookies for this site.',
  },
  temporarily_unavailable: {
    title: 'Too many requests',
    what: 'There are too many requests from your network, or altogether, at the moment.',
    advice: 'Wait a minute, then go back to your program and connect again.',
  },
  server_error: {
    title: 'Something went wrong',
    what: 'The server met a fault of its own.',
    advice: 'Try again in a moment. If it stays, tell the administrator the request number below.',
  },
}

const general = {
  title: 'The request cannot be served',
  what: 'The program that sent you made a request that this server does not accept.',
  advice: 'Close this page and connect again from the program. If it stays, tell its makers the error below.',
}

/** In the state of a context: that its answer is a page of ours. */
export const ownPage = 'ownPage'

/** Renders the errors that must not, or cannot, be sent back to a client: as a page where a browser is asking. */
export function renderLibraryError(): (
  context: KoaContextWithOIDC,
  out: ErrorOut,
  error: Error,
) => Promise<void> {
  return async (context, out) => {
    context.state[ownPage] = true
    context.set({ ...pageHeaders })
    context.body = await errorPage(out, requestIdOf(context.req))
  }
}

/** The page for an OAuth error. */
export async function errorPage(out: ErrorOut, requestId: string): Promise<string> {
  const known = advice[classify(out)]
  return String(
    await problemPage({
      ...(known ?? { ...general, what: `${general.what} (${out.error}: ${out.error_description ?? ''})` }),
      requestId,
    }),
  )
}

function classify({ error, error_description: description = '' }: ErrorOut): string {
  if (description.startsWith('client_id metadata document')) return 'invalid_document'
  if (
    error === 'invalid_client' ||
    (error === 'invalid_request' && description.includes('client is invalid'))
  ) {
    return 'unknown_client'
  }
  if (description.includes('redirect_uri')) return 'invalid_redirect_uri'
  return error
}

/** The page for an address at which there is nothing. */
export async function missingPage(requestId: string): Promise<string> {
  return String(
    await problemPage({
      title: 'Nothing here',
      what: 'At this address there is no page.',
      advice: 'MCP clients want the address of an MCP server, which the front page shows.',
      requestId,
    }),
  )
}

/** The page for a fault of ours. */
export async function faultPage(requestId: string): Promise<string> {
  return String(await problemPage({ ...(advice['server_error'] ?? general), requestId }))
}

/** The page for a sign-in that is over, or that belongs to another browser. */
export async function expiredPage(requestId: string): Promise<string> {
  return String(await problemPage({ ...(advice['session_not_found'] ?? general), requestId }))
}

/** The page for a form that is larger than any of ours. */
export async function tooLargePage(requestId: string): Promise<string> {
  return String(
    await problemPage({
      title: 'This form is too large',
      what: 'What was sent is longer than what is accepted here.',
      advice: 'Go back and send less.',
      requestId,
    }),
  )
}
