import type { RecordedEvent } from './event.ts'

type IsValid = (value: unknown) => boolean

const isText: IsValid = (value) => typeof value === 'string'
const isWhole: IsValid = (value) => Number.isSafeInteger(value)
const areTexts: IsValid = (value) => Array.isArray(value) && value.every(isText)
const isObject: IsValid = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Times are compared as texts, and stored as times: each has one form, and is a time that exists. */
const isTime: IsValid = (value) => {
  if (typeof value !== 'string' || !fourDigitYear.test(value)) return false
  const at = Date.parse(value)
  return at >= 0 && new Date(at).toISOString() === value
}
const fourDigitYear = /^\d{4}-/

/** What each member is. Members of newer versions are not known here. */
const members: ReadonlyMap<string, IsValid> = new Map(
  Object.entries({
    v: (value) => value === 1,
    chain: isText,
    seq: isWhole,
    prev: isText,
    time: isTime,
    tenant: isText,
    event: isText,
    outcome: isText,
    requestId: isText,
    address: isText,
    issuer: isText,
    subject: isText,
    clientId: isText,
    grant: isText,
    actor: isText,
    upstream: isText,
    resourceAsked: isText,
    era: isText,
    method: isText,
    object: isText,
    arguments: isObject,
    batch: isWhole,
    scopes: areTexts,
    missing: areTexts,
    httpMethod: isText,
    path: isText,
    status: isWhole,
    grantType: isText,
    code: isText,
    reason: isText,
    operator: isText,
    action: isText,
    target: isText,
  } satisfies Record<keyof RecordedEvent, IsValid>),
)

const required = ['v', 'chain', 'seq', 'prev', 'time', 'event'] as const satisfies (keyof RecordedEvent)[]

/** Parses a line as an event. Undefined if it is not one. The line is untrusted. */
export function readEvent(line: string): RecordedEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // not an event: nothing more to say
  }
  if (!isObject(value)) return undefined
  const event = value as Readonly<Record<string, unknown>>
  if (required.some((name) => event[name] === undefined)) return undefined
  for (const name in event) if (members.get(name)?.(event[name]) === false) return undefined
  return value as RecordedEvent
}
