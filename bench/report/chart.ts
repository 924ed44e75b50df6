/** One bar of a chart. */
export interface Bar {
  readonly label: string
  readonly value: number
  /** The text after the bar. */
  readonly text: string
  /** Whether to use the colour for the subject of the chart. */
  readonly own: boolean
}

/** A chart of horizontal bars. */
export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly bars: readonly Bar[]
}

const width = 760
const labelWidth = 290
const textWidth = 110
const barHeight = 22
const rowHeight = 32
const top = 66

/**
 * The colours of both schemes have a contrast of at least 4.5 to their background, for text and bars alike.
 */
const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .subtitle { fill: #59636e }
  .own { fill: #0969da }
  .other { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .subtitle { fill: #9198a1 }
    .own { fill: #4493f8 }
    .other { fill: #848d97 }
  }`

/** Draws a chart as SVG with a transparent background, which is readable on light and on dark pages. */
export function drawChart({ title, subtitle, bars }: Chart): string {
  const height = top + bars.length * rowHeight + 8
  const most = Math.max(...bars.map(({ value }) => value), Number.EPSILON)
  const scale = (width - labelWidth - textWidth) / most
  const rows = bars.map(({ label, value, text, own }, index) => {
    const y = top + index * rowHeight
    const length = Math.max(1, Math.max(0, value) * scale)
    const middle = y + barHeight / 2 + 5
    return `  <text x="${labelWidth - 12}" y="${middle}" text-anchor="end">${escape(label)}</text>
  <rect class="${own ? 'own' : 'other'}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
  <text x="${(labelWidth + length + 8).toFixed(1)}" y="${middle}">${escape(text)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">${escape(`${title}. ${bars.map(({ label, text }) => `${label}: ${text}`).join('; ')}`)}</title>
  <style>${style}
  </style>
  <text class="title" x="12" y="24">${escape(title)}</text>
  <text class="subtitle" x="12" y="46">${escape(subtitle)}</text>
${rows.join('\n')}
</svg>
`
}

/** A text, escaped for XML. */
export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
