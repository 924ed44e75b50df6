import { isIP } from 'node:net'

/**
 * What OCSF 1.6.0 (schema.ocsf.io) requires of the four classes in which events are written, as far as they
 * are used: which attributes exist, their types, which of them are required, and their values.
 */
type Type =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'timestamp'
  | 'ip'
  | 'any'
  | readonly (string | number)[]
  | Shape

interface Shape {
  readonly attributes: Readonly<Record<string, Type>>
  /** Those whose values are lists. */
  readonly lists?: readonly string[]
  readonly required?: readonly string[]
  readonly atLeastOne?: readonly string[]
  readonly justOne?: readonly string[]
}

const named: Shape = { attributes: { name: 'string', uid: 'string' }, atLeastOne: ['name', 'uid'] }
const user: Shape = named
const service: Shape = named
const session: Shape = { attributes: { uid: 'string', issuer: 'string' } }
const entity: Shape = {
  attributes: { name: 'string', uid: 'string', type: 'string' },
  atLeastOne: ['name', 'uid'],
}
const endpoint: Shape = { attributes: { ip: 'ip', name: 'string' }, atLeastOne: ['ip', 'name'] }
const actor: Shape = {
  attributes: { app_name: 'string', app_uid: 'string', user, session },
  atLeastOne: ['app_name', 'app_uid', 'user', 'session'],
}
const metadata: Shape = {
  attributes: {
    version: ['1.6.0'],
    product: {
      attributes: { name: 'string', vendor_name: 'string', version: 'string' },
      atLeastOne: ['name'],
    },
    uid: 'string',
    correlation_uid: 'string',
    tenant_uid: 'string',
    event_code: 'string',
    log_name: 'string',
    original_time: 'string',
  },
  required: ['product', 'version'],
}
const methods = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']
const httpRequest: Shape = {
  attributes: {
    http_method: methods,
    url: { attributes: { path: 'string', url_string: 'string' }, atLeastOne: ['path', 'url_string'] },
  },
}
const httpResponse: Shape = { attributes: { code: 'integer' }, required: ['code'] }
const api: Shape = {
  attributes: {
    operation: 'string',
    service,
    request: { attributes: { uid: 'string' }, required: ['uid'] },
  },
  required: ['operation'],
}

const base: Shape = {
  attributes: {
    severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
    status_id: [0, 1, 2, 99],
    status: ['Unknown', 'Success', 'Failure', 'Other'],
    status_code: 'string',
    status_detail: 'string',
    time: 'timestamp',
    metadata,
    unmapped: 'any',
    actor,
    src_endpoint: endpoint,
    http_request: httpRequest,
    http_response: httpResponse,
  },
  required: ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'],
}

/** A class with its category, and its activities besides 0 (unknown) and 99 (other). */
function classOf(uid: number, activities: number, own: Shape): Shape {
  const ids = [0, 99, ...Array.from({ length: activities }, (_, index) => index + 1)]
  return {
    ...own,
    attributes: {
      ...base.attributes,
      class_uid: [uid],
      category_uid: [Math.floor(uid / 1000)],
      activity_id: ids,
      type_uid: ids.map((id) => uid * 100 + id),
      ...own.attributes,
    },
    required: [...(base.required ?? []), ...(own.required ?? [])],
  }
}

const classes: Readonly<Record<number, Shape>> = {
  // Authentication
  3002: classOf(3002, 7, {
    attributes: { user, service, is_remote: 'boolean', session },
    required: ['user'],
    atLeastOne: ['service', 'dst_endpoint'],
  }),
  // Authorize Session
  3003: classOf(3003, 2, {
    attributes: { user, privileges: 'string', session },
    lists: ['privileges'],
    required: ['user'],
    justOne: ['privileges', 'group'],
  }),
  // Entity Management
  3004: classOf(3004, 13, { attributes: { entity }, required: ['entity'] }),
  // API Activity
  6003: classOf(6003, 4, {
    attributes: { api, resources: { attributes: { name: 'string', type: 'string' } } },
    lists: ['resources'],
    required: ['actor', 'api', 'src_endpoint'],
  }),
}

/** What is wrong with an OCSF event in its serialized form: where, and why. */
export function faultsOf(event: Readonly<Record<string, unknown>>): string[] {
  const shape = classes[Number(event['class_uid'])]
  if (shape === undefined) return [`class_uid ${String(event['class_uid'])} is none of those that are used`]
  const faults = check(event, shape, '')
  const { class_uid: uid, activity_id: activity, type_uid: type, status, status_id: id } = event
  if (type !== Number(uid) * 100 + Number(activity)) faults.push('type_uid is not that of class and activity')
  if (status !== { 0: 'Unknown', 1: 'Success', 2: 'Failure', 99: 'Other' }[Number(id)])
    faults.push('status is not the caption of status_id')
  return faults
}

function check(value: unknown, type: Type, at: string): string[] {
  if (typeof type === 'string') return isOf(type, value) ? [] : [`${at} is no ${type}: ${String(value)}`]
  if (isValues(type))
    return type.includes(value as string) ? [] : [`${at} is none of its values: ${String(value)}`]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} is no object`]
  const { attributes, lists = [], required = [], atLeastOne, justOne } = type
  const has = (name: string): boolean => Object.hasOwn(value, name)
  return [
    ...required.filter((name) => !has(name)).map((name) => `${at}.${name} is missing`),
    ...(atLeastOne?.some(has) === false ? [`${at} has none of ${atLeastOne.join(', ')}`] : []),
    ...(justOne !== undefined && justOne.filter(has).length !== 1
      ? [`${at} has not one of ${justOne.join(', ')}`]
      : []),
    ...Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
      const of = attributes[name]
      if (of === undefined) return [`${at}.${name} is no attribute`]
      if (!lists.includes(name)) return check(member, of, `${at}.${name}`)
      return Array.isArray(member)
        ? member.flatMap((item, index) => check(item, of, `${at}.${name}[${index}]`))
        : [`${at}.${name} is no list`]
    }),
  ]
}

function isValues(type: Type): type is readonly (string | number)[] {
  return Array.isArray(type)
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'any') return true
  if (type === 'integer' || type === 'timestamp') return Number.isSafeInteger(value)
  if (type === 'boolean') return typeof value === 'boolean'
  return typeof value === 'string' && value !== '' && (type !== 'ip' || isIP(value) !== 0)
}
