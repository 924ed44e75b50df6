/**
 * Bounds a cache of `lru-cache` by its entries, without making room for all of them from the start, which is
 * 300 KB for ten thousand. There is one such cache for each server or tenant.
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 }
}
