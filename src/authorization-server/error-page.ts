import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import type { Site } from '../core/site.ts'
import { problemPage, sentence } from '../http/problem-page.ts'
import { answerWithPage } from './library/library-page.ts'
import { requestIdOf } from './request-id.ts'

interface Advice {
  readonly title: string
  readonly what: string
  readonly advice: string
}

/** What can stop users on their way, mostly by the codes in log and audit. */
const kinds = {
  unknown_client: {
    title: 'This program is not known here',
    what: 'The program that sent you uses a registration that this server does not have, or no longer has.',
    advice:
      'Make the program forget this server, then connect again so that it registers anew. In MCP Inspector, clear the server’s OAuth state; in an editor, remove the server’s saved authentication; on a command line, sign out of the server, or remove it and add it again.',
  },
  invalid_document: {
    title: 'This program does not say who it is',
    what: 'The program gives a web address that should describe it, but the description cannot be fetched or is not valid.',
    advice:
      'Try again in a moment. If this keeps happening, give the administrator the request number below: the log has the reason. If the program is yours, check that its client_id is the https URL of a metadata document of at most 5 KB, that the URL answers 200 without a redirect, and that the document repeats it.',
  },
  document_out_of_reach: {
    title: 'This program cannot be looked up',
    what: 'The description of the program that sent you cannot be fetched at the moment.',
    advice:
      'Reload this page in a moment to try again. If this keeps happening, give the administrator the request number below: the log has the reason.',
  },
  invalid_redirect_uri: {
    title: 'This link leads somewhere unexpected',
    what: 'The address you would be sent back to is not one that the program registered.',
    advice:
      'Close this page. If the program is yours, register the exact redirect URI; only the port of a loopback address may differ.',
  },
  invalid_target: {
    title: 'No such server here',
    what: 'The program asked for access to a server that is not protected here.',
    advice: 'Check the address of the MCP server in the program, then connect again.',
  },
  session_not_found: {
    title: 'This page has expired',
    what: 'The sign-in that this page belonged to is over, or your browser did not send its cookie.',
    advice: 'Go back to your program and connect again. If that does not help, allow cookies for this site.',
  },
  form_expired: {
    title: 'This form has expired',
    what: 'The form that you sent is not from a page that is open in this browser, or your browser did not send the cookie that came with the page.',
    advice: 'Allow cookies for this site, then open the page again and fill in the form once more.',
  },
  link_over: {
    title: 'This link no longer works',
    what: 'It has been used or has expired: such a link works only once, within an hour.',
    advice:
      'Ask the person who runs this server for a new one. If that is you, portcullis user invite makes one for a user; while there are no users at all, the server prints one each time it starts.',
  },
  no_local_users: {
    title: 'There is nothing to keep here',
    what: 'This server keeps no passwords or passkeys: in development mode, any name can sign in.',
    advice: 'To give users passwords and passkeys, set login.users: local in the configuration.',
  },
  not_kept_here: {
    title: 'There is nothing to keep here',
    what: 'You sign in with an identity provider, which keeps your password and your passkeys.',
    advice: 'Change them there.',
  },
  temporarily_unavailable: {
    title: 'Too many requests',
    what: 'There are too many requests at the moment, from your network or overall.',
    advice: 'Wait a minute, then go back to your program and connect again.',
  },
  too_many_logins: {
    title: 'Too many requests',
    what: 'Too many sign-ins are being started at the moment, from your network or overall.',
    advice: 'Wait a minute, then go back and sign in again.',
  },
  server_error: {
    title: 'Something went wrong',
    what: 'The server ran into a problem of its own.',
    advice:
      'Try again in a moment. If this keeps happening, give the administrator the request number below.',
  },
  nothing_here: {
    title: 'Nothing here',
    what: 'There is no page at this address.',
    advice:
      'If you are setting up an MCP client, give it the address of an MCP server: the front page lists them.',
  },
  form_too_large: {
    title: 'This form is too large',
    what: 'What you sent is longer than this server accepts.',
    advice: 'Go back and send less.',
  },
} as const satisfies Readonly<Record<string, Advice>>

/** What a page can tell a user about. */
export type AdviceKind = keyof typeof kinds

const general: Advice = {
  title: 'The request cannot be served',
  what: 'The program that sent you made a request that this server does not accept.',
  advice:
    'Close this page and connect again from the program. If this keeps happening, report the error above to its makers.',
}

/** Marks, in the state of a context, that its answer is one of our pages. */
export const ownPage = 'ownPage'

/**
 * Renders the errors that must not, or cannot, be sent back to a client; as a page if a browser is asking.
 */
export function renderLibraryError(
  site: Site,
): (context: KoaContextWithOIDC, out: ErrorOut) => Promise<void> {
  return async (context, out) => {
    context.state[ownPage] = true
    await answerWithPage(context, errorPage(site, out, requestIdOf(context.req)))
  }
}

/** The page that tells a user what the problem is, and what to do. */
export async function advicePage(site: Site, kind: AdviceKind, requestId: string): Promise<string> {
  return String(await problemPage(site, { ...kinds[kind], requestId }))
}

/** The page for an OAuth error. */
export async function errorPage(site: Site, out: ErrorOut, requestId: string): Promise<string> {
  const kind = classify(out)
  if (kind !== undefined) return advicePage(site, kind, requestId)
  return String(await problemPage(site, { ...general, what: generalWhat(out), requestId }))
}

function generalWhat({ error, error_description: description = '' }: ErrorOut): string {
  return `${general.what} ${sentence(description)} (${error})`
}

function classify({ error, error_description: description = '' }: ErrorOut): AdviceKind | undefined {
  if (description.startsWith('client_id metadata document')) return 'invalid_document'
  if (
    error === 'invalid_client' ||
    (error === 'invalid_request' && description.includes('client is invalid'))
  ) {
    return 'unknown_client'
  }
  // The same code as for the address in a request, but about those that the client names for itself.
  if (description.startsWith('redirect_uris ')) return undefined
  return isKind(error) ? error : undefined
}

function isKind(error: string): error is AdviceKind {
  return Object.hasOwn(kinds, error)
}
