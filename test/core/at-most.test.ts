import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../src/core/at-most.ts'
import { systemClock } from '../../src/core/clock.ts'
import { cachedTokens } from '../../src/upstream/credential/cached-tokens.ts'

it('a bounded cache drops what was used least recently', () => {
  const cache = new LRUCache<string, number>(atMost(3))
  for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index)
  cache.get('a')
  cache.set('d', 3)
  assert.deepEqual([...cache.keys()].toSorted(), ['a', 'c', 'd'])
})

it('the caches of five hundred servers hold no memory before they hold anything', () => {
  const before = process.memoryUsage()
  const caches = Array.from({ length: 500 }, () => cachedTokens(systemClock))
  const after = process.memoryUsage()
  const held = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  assert.equal(caches.length, 500)
  assert.ok(held < 20_000_000, `${held} bytes`)
})
