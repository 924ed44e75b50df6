/** Included in each part of an answer, so that one that was delivered to somebody else is noticed. */
export interface Mark {
  readonly user: string
  /** The number of the request or of the stream. */
  readonly number: number
  /** Result, progress, error, nonsense, or a notification of a stream. */
  readonly part: 'r' | 'p' | 'e' | 'x' | 'n'
  /** The number of the notification in its stream. */
  readonly place: number
}

const pattern = /soak\|(\w+)\|(\d+)\|([rpexn])(\d*)/g

/** The text of a mark, which needs no escaping in JSON. */
export function writeMark(user: string, number: number, part: Mark['part'], place = 0): string {
  return `soak|${user}|${number}|${part}${place}`
}

/** Every mark in a text, in order. */
export function readMarks(text: string): Mark[] {
  return [...text.matchAll(pattern)].map(([, user = '', number, part, place]) => ({
    user,
    number: Number(number),
    part: part as Mark['part'],
    place: Number(place),
  }))
}
