/**
 * The script of the overview: draws the charts, and updates them and the tables from the event stream. The
 * markup of the tables comes from the server, which escapes it. Without the script, the page shows the state
 * at the time of the request.
 */
export const dashboardScript = `'use strict'
const resolved = (name, adjust = 'auto') => {
  const probe = document.createElement('span')
  probe.style.color = 'var(' + name + ')'
  probe.style.forcedColorAdjust = adjust
  document.body.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}
const series = {
  // The last one covers the others where all are zero, which must not look like a failure.
  traffic: [['failed', '--danger'], ['refused', '--warn-line'], ['allowed', '--accent']],
  latency: [['median', '--accent'], ['slow', '--warn-line']],
}
// Where nothing was measured there is a gap, and a moment between gaps is a dot.
const dots = { traffic: { show: false }, latency: { show: true, size: 5 } }
const titles = { allowed: 'allowed', refused: 'refused', failed: 'failed', median: 'median', slow: '95th percentile' }
const dataOf = (name, points) => [points.map(({ at }) => at), ...series[name].map(([key]) => points.map((point) => point[key] ?? null))]
const charts = new Map()
const draw = (name, points) => {
  const holder = document.querySelector('[data-chart=' + name + ']')
  const options = {
    width: holder.clientWidth,
    height: 200,
    cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    // The clock of the server and of its log, whatever that of the browser is.
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'UTC'),
    axes: [{ values: '{HH}:{mm}', incrs: [60, 120, 300], space: 40 }, { size: 56 }].map((axis) => ({ ...axis, stroke: resolved('--soft'), grid: { stroke: resolved('--line'), width: 1 }, ticks: { stroke: resolved('--line'), width: 1 } })),
    series: [{ label: 'UTC', value: '{HH}:{mm}:{ss}' }, ...series[name].map(([key, colour]) => {
      // Where colours are forced (high contrast), all lines would have that of text.
      const stroke = resolved(colour, 'none')
      return { label: titles[key], stroke, width: 2, points: { ...dots[name], fill: stroke } }
    })],
  }
  charts.get(name)?.destroy()
  holder.replaceChildren()
  charts.set(name, new uPlot(options, dataOf(name, points), holder))
}
const initial = document.querySelector('[data-points]')
let latest = JSON.parse(initial.textContent)
const drawAll = () => { for (const name of Object.keys(series)) draw(name, latest) }
drawAll()
addEventListener('resize', drawAll)
for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(query).addEventListener('change', drawAll)
// Compared with what was sent: the browser writes quotation marks in another way.
const shown = new Map()
let stream
const button = document.querySelector('[data-pause]')
const state = document.querySelector('[data-state]')
const listen = () => {
  stream = new EventSource(initial.dataset.events)
  stream.addEventListener('overview', ({ data }) => {
    const { points, tables } = JSON.parse(data)
    latest = points
    for (const [name, chart] of charts) chart.setData(dataOf(name, points))
    for (const [name, markup] of Object.entries(tables)) {
      if (shown.get(name) !== markup) document.querySelector('[data-table=' + name + ']').innerHTML = markup
      shown.set(name, markup)
    }
    state.textContent = 'live'
  })
  stream.onerror = () => { state.textContent = stream.readyState === EventSource.CLOSED ? 'signed out: reload the page' : 'connecting…' }
}
button.hidden = false
button.addEventListener('click', () => {
  const pausing = button.getAttribute('aria-pressed') !== 'true'
  button.setAttribute('aria-pressed', String(pausing))
  if (!pausing) return listen()
  stream.close()
  state.textContent = 'paused'
})
listen()
`
