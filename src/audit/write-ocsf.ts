import type { Outcome, RecordedEvent } from './event.ts'

/** The version of the Open Cybersecurity Schema Framework in which events are written. */
const ocsfVersion = '1.6.0'

/** A class of OCSF with the activity that corresponds to an event. */
interface OcsfClass {
  readonly category: number
  readonly uid: number
  readonly activity: number
}

const applicationActivity = 6
const identityAndAccess = 3
const create = 1
const read = 2
const update = 3
const remove = 4
const other = 99

/** API Activity: calls of MCP, by what they do. */
const activities: readonly (readonly [RegExp, number])[] = [
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
  const { category, uid, activity } = (classes.get(event.event) ?? callOfApi)(event)
  const isDone = event.outcome === undefined ? event.event !== 'audit.gap' : event.outcome === 'allowed'
  return {
    class_uid: uid,
    category_uid: category,
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

/** The severity of lost events. */
const high = 4

const informational = 1

/** Informational, low, medium: none of these is a finding by itself. */
const severities: ReadonlyMap<string, number> = new Map(
  Object.entries({
    allowed: informational,
    challenged: informational,
    limited: 2,
    denied: 2,
    failed: 3,
  } satisfies Record<Outcome, number>),
)

type Classify = (event: RecordedEvent) => OcsfClass

const iam =
  (uid: number, activity: number): Classify =>
  () => ({ category: identityAndAccess, uid, activity })
const callOfApi: Classify = ({ method = '' }) => {
  const activity = activities.find(([pattern]) => pattern.test(method))?.[1] ?? other
  return { category: applicationActivity, uid: 6003, activity }
}
/** Only what was granted can be reported as assigned. */
const issuing: Classify = (event) => (event.scopes === undefined ? iam(3002, other) : iam(3003, 1))(event)
const command: Classify = (event) => iam(3004, activityOfAction(event.action ?? ''))(event)

/** API Activity 6003, Authentication 3002, Authorize Session 3003, Entity Management 3004. */
const classes: ReadonlyMap<string, Classify> = new Map(
  Object.entries({
    'mcp.call': callOfApi,
    'mcp.failure': callOfApi,
    'http.refusal': callOfApi,
    'oauth.registration': iam(3004, create),
    'oauth.authorization': callOfApi,
    'oauth.pushed_request': callOfApi,
    'oauth.device': callOfApi,
    'oauth.login': iam(3002, 1),
    'oauth.logout': iam(3002, 2),
    'oauth.consent': iam(3004, update),
    'oauth.grant': issuing,
    'oauth.token': issuing,
    'oauth.revocation': iam(3004, remove),
    'oauth.introspection': callOfApi,
    'oauth.request': callOfApi,
    'account.change': iam(3004, update),
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
  if (action.endsWith('enable')) return 8
  return action.endsWith('disable') ? 9 : update
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
  if (uid === 3002) return { user, service: { name: 'Portcullis' }, is_remote: true }
  if (uid === 3003) return { user, privileges: scopes, session: event.grant && { uid: event.grant } }
  if (uid === 3004) {
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
