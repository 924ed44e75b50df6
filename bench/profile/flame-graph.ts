import { escape } from '../report/chart.ts'
import type { Call, Owner } from './call-tree.ts'

const width = 1600
const rowHeight = 18
const top = 56
const characterWidth = 6.6
/** Narrower ones are left out. */
const leastWidth = 0.6

const colours: Readonly<Record<Owner, string>> = {
  portcullis: '#79b8ff',
  packages: '#f0c36d',
  node: '#9bd8a5',
  engine: '#d0a9e8',
}

interface Frame {
  readonly call: Call
  readonly x: number
  readonly width: number
  readonly depth: number
}

/** Draws the call tree from above: a call is as wide as the time that it took, with its callees below it. */
export function drawFlameGraph(tree: Call, title: string): string {
  const frames = layOut(tree)
  const height = top + (Math.max(...frames.map(({ depth }) => depth)) + 1) * rowHeight + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
  <style>text { font: 11px ui-monospace, monospace; fill: #1f2328 } .title { font: 600 15px system-ui, sans-serif }</style>
  <rect width="${width}" height="${height}" fill="#ffffff"/>
  <text class="title" x="8" y="22">${escape(title)}: ${(tree.total / 1e6).toFixed(2)} s of work</text>
${drawLegend()}
${frames.map((frame) => drawFrame(frame, tree.total)).join('\n')}
</svg>
`
}

function layOut(tree: Call): Frame[] {
  const scale = width / tree.total
  const frames: Frame[] = []
  const place = (call: Call, x: number, depth: number): void => {
    if (call.total * scale < leastWidth) return
    frames.push({ call, x, width: call.total * scale, depth })
    let at = x
    for (const inner of call.calls) {
      place(inner, at, depth + 1)
      at += inner.total * scale
    }
  }
  place(tree, 0, 0)
  return frames
}

function drawFrame({ call, x, width: long, depth }: Frame, total: number): string {
  const { name, place, owner, self } = call
  const y = top + depth * rowHeight
  const share = (time: number): string => `${((100 * time) / total).toFixed(1)} %`
  const tip = `${name} ${place}: ${share(call.total)}, ${share(self)} of its own`
  const room = Math.floor((long - 6) / characterWidth)
  const text =
    room < 3 ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escape(name.slice(0, room))}</text>`
  return `  <g><title>${escape(tip)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.3, long - 0.4).toFixed(1)}" height="${rowHeight - 1}" fill="${colours[owner]}"/>${text}</g>`
}

function drawLegend(): string {
  return Object.entries(colours)
    .map(([owner, colour], index) => {
      const x = 8 + index * 130
      return `  <rect x="${x}" y="34" width="12" height="12" fill="${colour}"/><text x="${x + 18}" y="44">${owner}</text>`
    })
    .join('\n')
}
