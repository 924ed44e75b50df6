/**
 * What a server can ask of its client, by the name of the capability with which a client offers to answer.
 */
export type QuestionKind = 'sampling' | 'elicitation' | 'roots'

/**
 * The kinds of questions by the method that asks: in a server's request or, since MCP 2026-07-28, within a
 * result.
 */
export const questionOf: ReadonlyMap<unknown, QuestionKind> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
])
