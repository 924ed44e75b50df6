import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import type { Site } from '../core/site.ts'
import { pageHeaders } from '../http/page.ts'
import { problemPage, sentence } from '../http/problem-page.ts'
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
  document_out_of_reach: {
    title: 'This program cannot be looked up',
    what: 'The description of the program that sent you cannot be fetched at the moment.',
    advice:
      'Reload this page in a moment to try again. If it stays, tell the administrator the request number below: the log has the reason.',
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
  form_expired: {
    title: 'This form has expired',
    what: 'The form that you sent is not from a page that is open in this browser, or your browser does not send the cookie that came with the page.',
    advice: 'Allow cookies for this site, open the page again and fill it in once more.',
  },
  link_over: {
    title: 'This link no longer works',
    what: 'It was used or has expired: such a link works once, and for an hour.',
    advice:
      'Ask the person who runs this server for a new one. If that is you: the command portcullis user invite makes one for a user, and as long as there is no user at all, each start of the server prints one.',
  },
  no_local_users: {
    title: 'There is nothing to keep here',
    what: 'This server keeps no passwords and no passkeys of its users: in development mode any name signs in.',
    advice: 'With the setting login.users: local, users have passwords and passkeys.',
  },
  not_kept_here: {
    title: 'There is nothing to keep here',
    what: 'You sign in at an identity provider, which keeps your password and your passkeys.',
    advice: 'Change them there.',
  },
  temporarily_unavailable: {
    title: 'Too many requests',
    what: 'There are too many requests from your network, or altogether, at the moment.',
    advice: 'Wait a minute, then go back to your program and connect again.',
  },
  too_many_logins: {
    title: 'Too many requests',
    what: 'Too many sign-ins were begun from your network, or altogether, at the moment.',
    advice: 'Wait a minute, then go back and sign in again.',
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
export function renderLibraryError(
  site: Site,
): (context: KoaContextWithOIDC, out: ErrorOut, error: Error) => Promise<void> {
  return async (context, out) => {
    context.state[ownPage] = true
    context.set({ ...pageHeaders })
    context.body = await errorPage(site, out, requestIdOf(context.req))
  }
}

/** The page for an OAuth error. */
export async function errorPage(site: Site, out: ErrorOut, requestId: string): Promise<string> {
  const known = advice[classify(out)]
  return String(await problemPage(site, { ...(known ?? { ...general, what: generalWhat(out) }), requestId }))
}

function generalWhat({ error, error_description: description = '' }: ErrorOut): string {
  return `${general.what} ${sentence(description)} (${error})`
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
export async function missingPage(site: Site, requestId: string): Promise<string> {
  return String(
    await problemPage(site, {
      title: 'Nothing here',
      what: 'At this address there is no page.',
      advice: 'MCP clients want the address of an MCP server, which the front page shows.',
      requestId,
    }),
  )
}

/** The page for a fault of ours. */
export function faultPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'server_error', requestId)
}

/** The page for a client whose description cannot be fetched while its user is signing in. */
export function outOfReachPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'document_out_of_reach', requestId)
}

/** The page for a sign-in that is over, or that belongs to another browser. */
export function expiredPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'session_not_found', requestId)
}

/** The page for a form of a person's pages that is too old, or comes from elsewhere. */
export function expiredFormPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'form_expired', requestId)
}

/** The page for a set-up link that is used, expired or wrong. */
export function linkOverPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'link_over', requestId)
}

/** The page for one sign-in too many that begins at an identity provider. */
export function tooManyLoginsPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'too_many_logins', requestId)
}

/** The page of people who are kept here, for somebody who is known to an identity provider. */
export function notKeptHerePage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'not_kept_here', requestId)
}

/** The page of people who are kept here, where nobody is. */
export function noLocalUsersPage(site: Site, requestId: string): Promise<string> {
  return advicePage(site, 'no_local_users', requestId)
}

async function advicePage(site: Site, kind: string, requestId: string): Promise<string> {
  return String(await problemPage(site, { ...(advice[kind] ?? general), requestId }))
}

/** The page for a form that is larger than any of ours. */
export async function tooLargePage(site: Site, requestId: string): Promise<string> {
  return String(
    await problemPage(site, {
      title: 'This form is too large',
      what: 'What was sent is longer than what is accepted here.',
      advice: 'Go back and send less.',
      requestId,
    }),
  )
}
