import type { Rewrite } from '../../upstream/contract.ts'

/** Combines several rewrites into one, in their order; undefined if there are none. */
export function combineRewrites(rewrites: readonly (Rewrite | undefined)[]): Rewrite | undefined {
  const [first, ...rest] = rewrites.filter((rewrite) => rewrite !== undefined)
  if (first === undefined || rest.length === 0) return first
  const all = [first, ...rest]
  return {
    documents: all.some(({ documents }) => documents),
    concerns: (text) => all.some(({ concerns }) => concerns(text)),
    change: (message) =>
      all.reduce<unknown>((left, { change }) => (left === undefined ? undefined : change(left)), message),
    sealPlace: all.find(({ sealPlace }) => sealPlace !== undefined)?.sealPlace,
  }
}
