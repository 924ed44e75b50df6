/** What a server can ask of its client, by the name of the capability in which a client offers to answer. */
export type QuestionKind = 'sampling' | 'elicitation' | 'roots'

/** The kinds of questions by the method that asks: in a request of a server, or within a result since MCP 2026-07-28. */
export const questionOf: ReadonlyMap<unknown, QuestionKind> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
])
