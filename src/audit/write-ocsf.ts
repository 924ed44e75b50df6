import type { Outcome, RecordedEvent } from './event.ts'

/** The version of the Open Cybersecurity Schema Framework in which events are written. */
const ocsfVersion = '1.6.0'

/** The classes, by their `class_uid`. Its thousands are the category: 3, identity and access; 6, application. */
const authentication = 3002
const authorizeSession = 3003
const entityManagement = 3004
const apiActivity = 6003

/** The activities of API Activity, and the first ones of Entity Management. */
const create = 1
const read = 2
const update = 3
const remove = 4
const other = 99
/** Further ones of Entity Management. */
const enable = 8
const disable = 9
/** Those of Authentication. */
const logon = 1
const logoff = 2
/** That of Authorize Session. */
const assignPrivileges = 1

/** Severities. `high` is for lost events; a decision is not a finding by itself. */
const informational = 1
const low = 2
const medium = 3
const high = 4

const severities: ReadonlyMap<string, number> = new Map(
  Object.entries({
    allowed: informational,
    challenged: informational,
    limited: low,
    denied: low,
    failed: medium,
  } satisfies Record<Outcome, number>),
)

/** A class of OCSF with the activity that corresponds to an event. */
interface OcsfClass {
  readonly uid: number
  readonly activity: number
}

/** What calls of MCP do, by their methods. */
const callActivities: readonly (readonly [RegExp, number])[] = [
  [/\/(?:list|read|get|complete)$|^(?:ping|initialize|server\/discover)$/, read],
  [/^tools\/call$/, update],
  [/cancel|unsubscribe/, remove],
  [/subscribe|listen|create/, create],
]

/**
 * Writes an event as an OCSF object. `productVersion` is ours. The event may be of a newer version that shares
 * the folder: one with a name that is unknown here is API activity, and an unknown outcome is informational.
 */
export function writeOcsf(event: RecordedEvent, productVersion: string): object {
  const { uid, activity } = (classes.get(event.event) ?? callOfApi)(event)
  const isDone = event.outcome === undefined ? event.event !== 'audit.gap' : event.outcome === 'allowed'
  return {
    class_uid: uid,
    category_uid: Math.floor(uid / 1000),
    activity_id: activity,
    type_uid: uid * 100 + activity,
    time: Date.parse(event.time),
    severity_id:
      event.event === 'audit.gap' ? high : (severities.get(event.outcome ?? 'allowed') ?? informational),
    status_id: isDone ? 1 : 2,
    status: isDone ? 'Success' : 'Failure',
    status_code: event.code ?? (event.status === undefined ? undefined : String(event.status)),
    status_detail: event.reason,
    metadata: {
      version: ocsfVersion,
      product: { name: 'Portcullis', vendor_name: 'Portcullis', version: productVersion },
      uid: `${event.chain}.${event.seq}`,
      correlation_uid: event.requestId,
      tenant_uid: event.tenant,
      event_code: event.event,
      log_name: 'audit',
      original_time: event.time,
    },
    actor: actorOf(event),
    src_endpoint: event.address === undefined ? { name: event.operator ?? 'unknown' } : { ip: event.address },
    ...httpOf(event),
    ...partsOf(uid, event),
    unmapped: unmappedOf(event),
  }
}

type Classify = (event: RecordedEvent) => OcsfClass

const always =
  (uid: number, activity: number): Classify =>
  () => ({ uid, activity })
const callOfApi: Classify = ({ method = '' }) => {
  const activity = callActivities.find(([pattern]) => pattern.test(method))?.[1] ?? other
  return { uid: apiActivity, activity }
}
/** Only what was granted can be reported as assigned. */
const issuing: Classify = ({ scopes }) =>
  scopes === undefined
    ? { uid: authentication, activity: other }
    : { uid: authorizeSession, activity: assignPrivileges }
const command: Classify = ({ action = '' }) => ({ uid: entityManagement, activity: activityOfAction(action) })

const classes: ReadonlyMap<string, Classify> = new Map(
  Object.entries({
    'mcp.call': callOfApi,
    'mcp.failure': callOfApi,
    'http.refusal': callOfApi,
    'oauth.registration': always(entityManagement, create),
    'oauth.authorization': callOfApi,
    'oauth.pushed_request': callOfApi,
    'oauth.device': callOfApi,
    'oauth.login': always(authentication, logon),
    'oauth.logout': always(authentication, logoff),
    'oauth.consent': always(entityManagement, update),
    'oauth.grant': issuing,
    'oauth.token': issuing,
    'oauth.revocation': always(entityManagement, remove),
    'oauth.introspection': callOfApi,
    'oauth.request': callOfApi,
    'account.change': always(entityManagement, update),
    'admin.user': command,
    'admin.client': command,
    'admin.key': command,
    'admin.token': command,
    'admin.access': command,
    'admin.backup': command,
    'admin.audit': command,
    'admin.configuration': command,
    'audit.begin': callOfApi,
    'audit.checkpoint': callOfApi,
    'audit.gap': callOfApi,
    'audit.end': callOfApi,
  } satisfies Record<RecordedEvent['event'], Classify>),
)

function activityOfAction(action: string): number {
  if (/add|invite|^token|backup/.test(action)) return create
  if (/remove|retire|revoke| end$/.test(action)) return remove
  if (action.endsWith('enable')) return enable
  return action.endsWith('disable') ? disable : update
}

function actorOf({ subject, clientId, operator, issuer, grant }: RecordedEvent): object {
  const name = operator ?? subject
  return {
    app_uid: clientId,
    app_name: clientId ?? (operator === undefined ? 'unknown' : 'portcullis'),
    user: name === undefined ? undefined : { uid: name, name },
    session: grant === undefined ? undefined : { uid: grant, issuer },
  }
}

/** The methods that OCSF knows. Others stay in `unmapped`: clients can send any method. */
const httpMethods: ReadonlySet<string | undefined> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
])

function httpOf({ httpMethod, path, status }: RecordedEvent): object {
  const method = httpMethods.has(httpMethod) ? httpMethod : undefined
  const url = path === undefined ? undefined : { path }
  return {
    http_request: method === undefined && url === undefined ? undefined : { http_method: method, url },
    http_response: status === undefined ? undefined : { code: status },
  }
}

/** What each class requires in addition. */
function partsOf(uid: number, event: RecordedEvent): object {
  const { subject, clientId, target, upstream, object, scopes = [] } = event
  const user = { uid: subject ?? 'unknown', name: subject ?? 'unknown' }
  if (uid === authentication) return { user, service: { name: 'Portcullis' }, is_remote: true }
  if (uid === authorizeSession)
    return { user, privileges: scopes, session: event.grant && { uid: event.grant } }
  if (uid === entityManagement) {
    const name = target ?? clientId ?? subject ?? 'unknown'
    return { entity: { uid: name, name, type: event.event } }
  }
  return {
    api: {
      operation: event.method ?? event.event,
      service: { name: upstream ?? 'portcullis' },
      request: event.requestId === undefined ? undefined : { uid: event.requestId },
    },
    resources: object === undefined ? undefined : [{ name: object, type: event.method }],
  }
}

const unmappedNames = [
  'chain',
  'seq',
  'prev',
  'era',
  'batch',
  'grantType',
  'resourceAsked',
  'actor',
  'scopes',
  'missing',
  'arguments',
  'action',
] as const satisfies readonly (keyof RecordedEvent)[]

/** What OCSF has no attribute for. */
function unmappedOf(event: RecordedEvent): object {
  const { issuer, grant, httpMethod } = event
  return {
    ...Object.fromEntries(unmappedNames.map((name) => [name, event[name]])),
    issuer: grant === undefined ? issuer : undefined,
    httpMethod: httpMethods.has(httpMethod) ? undefined : httpMethod,
  }
}
